//! The verbs, one file each. Each writes its result to `out` and gives the
//! exit code.

pub mod check;
pub mod clean;
pub mod compare;
pub mod completions;
pub mod doctor;
pub mod history;
pub mod list;
pub mod man;
pub mod merge;
pub mod outcomes;
pub mod prepare;
pub mod report;
pub mod run;
pub mod schema;
pub mod worker;
