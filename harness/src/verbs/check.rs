//! `schedbench check`: the plan, without running it.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::CheckArgs;
use crate::plan::{Missing, resolve};

mod amounts;
mod as_json;
mod as_text;
mod headline;
mod told;
mod trials;

pub use headline::headline;

/// Prints the plan of a scenario.
///
/// # Errors
/// The scenario is wrong ([`crate::scenario::ScenarioError`]), or `out` cannot
/// be written.
pub fn run(args: &CheckArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let scenario = args.scenario.load()?;
    let missing = if args.skip_missing { Missing::IsSkipped } else { Missing::IsAnError };
    let resolved = resolve(&scenario, missing)?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &as_json::plan(&resolved))?;
        writeln!(out)?;
    } else {
        as_text::write(&resolved, out)?;
    }
    Ok(ExitCode::SUCCESS)
}
