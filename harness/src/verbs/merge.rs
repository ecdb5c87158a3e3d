//! `schedbench merge`: outcomes of one plan, measured apart, become one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use schedbench_reports::merge::{Apart, merge};
use schedbench_reports::{html, save};

use super::outcomes::{self, Named, Wrong, apart};
use super::report::write_whole;
use crate::cli::MergeArgs;
use crate::run::{Exit, shown};

/// Merges outcomes into one, and makes its page.
///
/// # Errors
/// An outcome cannot be read or they do not belong together ([`Wrong`]: exit
/// code 2); the result cannot be written.
pub fn run(args: &MergeArgs, out: &mut impl Write) -> Result<ExitCode> {
    let all: Vec<Named> = args
        .outcomes
        .iter()
        .map(|name| outcomes::read(name, &args.results, "merge"))
        .collect::<Result<_>>()?;
    let (files, parts): (Vec<PathBuf>, Vec<_>) =
        all.into_iter().map(|named| (named.file, named.outcome)).unzip();
    let whole = merge(&parts).map_err(|error| refusal(&error, &files))?;
    let result = result_in(&args.out);
    if files.iter().any(|file| is_same(file, &result)) {
        let text = format!("{} is one of those to be merged", shown(&result));
        return Err(Wrong::Apart(text).into());
    }
    if let Some(parent) = result.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
    }
    write_whole(&result, save::to_json(&whole).as_bytes())?;
    let page = page_of(&result);
    write_whole(&page, html::render(&whole).as_bytes())?;
    writeln!(
        out,
        "Merged {} outcomes, {} cells: {}",
        parts.len(),
        whole.cells.len(),
        shown(&result)
    )?;
    writeln!(out, "Report: {}", shown(&page))?;
    Ok(Exit::Good.into())
}

/// A name with `.json` is a file, any other a directory.
fn result_in(out: &Path) -> PathBuf {
    let is_file = out.extension().is_some_and(|extension| extension == "json");
    if is_file { out.to_owned() } else { out.join("result.json") }
}

/// Beside a result of another name may lie the result of a run, whose page is
/// `report.html`.
fn page_of(result: &Path) -> PathBuf {
    if result.file_name().is_some_and(|name| name == "result.json") {
        result.with_file_name("report.html")
    } else {
        result.with_extension("html")
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn refusal(error: &Apart, files: &[PathBuf]) -> Wrong {
    let name = |place: usize| files.get(place - 1).map(|file| shown(file)).unwrap_or_default();
    match error {
        Apart::TooFew(_) => Wrong::Apart(error.to_string()),
        Apart::Twice { first, second, run } => Wrong::Apart(format!(
            "{} and {} are of the same run, {run}: its tasks would count twice",
            name(*first),
            name(*second)
        )),
        Apart::Differs { first, second, fields } => {
            let (first, second) = (name(*first), name(*second));
            let what = "these do not belong together, they were not measured alike:";
            apart(what, [&first, &second], fields)
        }
    }
}
