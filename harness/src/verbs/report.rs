//! `schedbench report`: the page, or another form, from a lone `result.json`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use schedbench_reports::claims::Published;
use schedbench_reports::outcome::Outcome;
use schedbench_reports::{analysis, export, html, load, save, terminal};

use crate::cli::{ReportArgs, ReportFormat, Voice};
use crate::run::{exit, shown};
use crate::voice;

/// Renders a result again.
///
/// # Errors
/// The result cannot be read or is none of ours ([`load::LoadError`]: exit
/// code 2), a file of claims is wrong (likewise), or the output cannot be
/// written.
pub fn run(args: &ReportArgs, voice: Voice, out: &mut impl Write) -> Result<ExitCode> {
    let claims = args.claims.read()?;
    let outcome = load::read(&args.result)?;
    let text = render(args.format, &outcome, &claims, voice);
    match place(args) {
        None => out.write_all(text.as_bytes())?,
        Some(path) => {
            write_whole(&path, text.as_bytes())?;
            writeln!(out, "Report: {}", shown(&path))?;
        }
    }
    if args.exit_code {
        return Ok(exit(&outcome, &analysis::analyse_beside(&outcome, &claims)).into());
    }
    Ok(ExitCode::SUCCESS)
}

fn render(format: ReportFormat, outcome: &Outcome, claims: &[Published], voice: Voice) -> String {
    let analysis = || analysis::analyse_beside(outcome, claims);
    match format {
        ReportFormat::Html => html::render_beside(outcome, claims),
        ReportFormat::Text => {
            terminal::render(outcome, &analysis(), voice::colours_stdout(voice), voice::width())
        }
        ReportFormat::Json => export::json(outcome, &analysis()),
        ReportFormat::Md => export::markdown(outcome, &analysis()),
        ReportFormat::Csv => export::csv(outcome),
    }
}

/// Where it goes: a page beside its result, all else to standard output,
/// unless told otherwise.
fn place(args: &ReportArgs) -> Option<PathBuf> {
    match (&args.out, args.format) {
        (Some(path), _) if path.as_os_str() == "-" => None,
        (Some(path), _) => Some(path.clone()),
        (None, ReportFormat::Html) => Some(args.result.with_file_name("report.html")),
        (None, _) => None,
    }
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().with_context(|| format!("{} is no file name", path.display()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let written = match name.to_str() {
        Some(name) => save::write_atomically(directory, name, bytes).map(drop),
        None => fs::write(path, bytes),
    };
    written.with_context(|| format!("cannot write {}", path.display()))
}
