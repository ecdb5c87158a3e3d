//! `schedbench completions`: what a shell needs to complete a command line.

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};

/// Prints the completions of a shell.
///
/// # Errors
/// `out` cannot be written.
pub fn run(args: CompletionsArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    // Into memory first: clap_complete panics when its writer fails.
    let mut completions = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "schedbench", &mut completions);
    out.write_all(&completions)?;
    Ok(ExitCode::SUCCESS)
}
