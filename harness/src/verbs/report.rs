//! `schedbench report`: the page, or another form, from a lone `result.json`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use schedbench_reports::outcome::Outcome;
use schedbench_reports::{analysis, export, html, load, save, terminal};

use crate::cli::{ReportArgs, ReportFormat, Voice};
use crate::run::shown;
use crate::voice;

/// Renders a result again.
///
/// # Errors
/// The result cannot be read or is none of ours ([`load::LoadError`]: exit
/// code 2), or the output cannot be written.
pub fn run(args: &ReportArgs, voice: Voice, out: &mut impl Write) -> Result<ExitCode> {
    let outcome = load::read(&args.result)?;
    let text = render(args.format, &outcome, voice);
    match place(args) {
        None => out.write_all(text.as_bytes())?,
        Some(path) => {
            write_whole(&path, text.as_bytes())?;
            writeln!(out, "Report: {}", shown(&path))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn render(format: ReportFormat, outcome: &Outcome, voice: Voice) -> String {
    match format {
        ReportFormat::Html => html::render(outcome),
        ReportFormat::Text => {
            let analysis = analysis::analyse(outcome);
            terminal::render(outcome, &analysis, voice::colours_stdout(voice), voice::width())
        }
        ReportFormat::Json => export::json(outcome, &analysis::analyse(outcome)),
        ReportFormat::Md => export::markdown(outcome, &analysis::analyse(outcome)),
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

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().with_context(|| format!("{} is no file name", path.display()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let written = match name.to_str() {
        Some(name) => save::write_atomically(directory, name, bytes).map(drop),
        None => fs::write(path, bytes),
    };
    written.with_context(|| format!("cannot write {}", path.display()))
}
