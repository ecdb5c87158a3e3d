//! An outcome for other programs: JSON for scripts, Markdown for the summary
//! page of a continuous integration, CSV for spreadsheets.

mod csv;
mod json;
pub(crate) mod markdown;

pub use self::csv::csv;
pub use self::json::{FORMAT_VERSION, json, json_schema};
pub use self::markdown::markdown;
