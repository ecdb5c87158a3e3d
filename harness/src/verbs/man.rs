//! `schedbench man`: manual pages.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Command, CommandFactory};

use crate::cli::{Cli, ManArgs};

/// Prints the main page, or writes a page of each verb to a directory.
///
/// # Errors
/// `out` or the directory cannot be written.
pub fn run(args: &ManArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    // Built, so that each verb knows its full name and its global options.
    let mut program = Cli::command();
    program.build();
    let Some(dir) = &args.dir else {
        clap_mangen::Man::new(program).render(out)?;
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    write_page(dir, "schedbench", &program, out)?;
    for verb in program.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        if verb.get_name() != "help" {
            write_page(dir, &format!("schedbench-{}", verb.get_name()), verb, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_page(
    dir: &Path,
    name: &str,
    command: &Command,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let path = dir.join(format!("{name}.1"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
    fs::write(&path, page).with_context(|| format!("{}: cannot be written", path.display()))?;
    writeln!(out, "{}", path.display())?;
    Ok(())
}
