//! The verbs.

pub mod worker;
