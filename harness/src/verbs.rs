//! The verbs, one file each. Each writes its result to `out` and gives the
//! exit code.

pub mod check;
pub mod clean;
pub mod completions;
pub mod doctor;
pub mod list;
pub mod man;
pub mod prepare;
pub mod report;
pub mod run;
pub mod schema;
pub mod worker;
