//! `schedbench schema`: the JSON schemas, for editors and other tools.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::{SchemaArgs, SchemaOf};
use crate::scenario::Scenario;

/// Prints the schema asked for.
///
/// # Errors
/// `out` cannot be written.
pub fn run(args: SchemaArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let schema = match args.what {
        SchemaOf::Scenario => Scenario::schema(),
        SchemaOf::Result => schedbench_reports::schema::result_schema(),
    };
    serde_json::to_writer_pretty(&mut *out, &schema)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
