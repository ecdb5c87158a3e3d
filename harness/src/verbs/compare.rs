//! `schedbench compare`: two outcomes of one plan, before and after.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use schedbench_reports::compare::{self, Comparison, Terms};
use schedbench_reports::html;

use super::outcomes::{self, Wrong, apart};
use super::report::write_whole;
use crate::cli::{CompareArgs, CompareFormat, Voice};
use crate::run::{Exit, shown};
use crate::voice;

/// Compares two outcomes; exit code 3 where a figure became worse.
///
/// # Errors
/// An outcome cannot be read, the two measured different things, no figure
/// could be tested, or a system has no valid cell any more ([`Wrong`]: exit
/// code 2); the output cannot be written.
pub fn run(args: &CompareArgs, voice: Voice, out: &mut impl Write) -> Result<ExitCode> {
    let before = outcomes::read(&args.before, &args.results, "compare")?;
    let after = outcomes::read(&args.after, &args.results, "compare")?;
    let names = [shown(&before.file), shown(&after.file)];
    let terms = terms(args);
    let compared = compare::compare(&before.outcome, &after.outcome, &terms).map_err(|fields| {
        let names = [names[0].as_str(), names[1].as_str()];
        apart("these two cannot be compared, they measured different things:", names, &fields)
    })?;
    let text = rendered(args.format, &compared, voice);
    match &args.out {
        Some(path) => write_whole(path, text.as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    if let Some(path) = &args.html {
        let page = html::compare(&compared, &before.outcome, &after.outcome);
        write_whole(path, page.as_bytes())?;
        voice::tell(&format!("Comparison: {}", shown(path)));
    }
    if let Some(why) = compared.undecided() {
        return Err(Wrong::Untold(format!("no verdict: {why}")).into());
    }
    let exit = if compared.has_regressed() { Exit::Objective } else { Exit::Good };
    Ok(exit.into())
}

fn terms(args: &CompareArgs) -> Terms {
    let mut terms = Terms {
        kinds: args.figures.iter().map(|figure| figure.0).collect(),
        systems: args.systems.clone(),
        ..Terms::default()
    };
    for threshold in &args.threshold {
        match threshold.kind {
            Some(kind) => terms.of_kind.push((kind, threshold.size)),
            None => terms.matters = Some(threshold.size),
        }
    }
    terms
}

fn rendered(format: CompareFormat, compared: &Comparison, voice: Voice) -> String {
    match format {
        CompareFormat::Table => {
            compare::render(compared, voice::colours_stdout(voice), voice::width())
        }
        CompareFormat::Md => compare::markdown(compared),
        CompareFormat::Json => compare::json(compared),
        CompareFormat::Junit => compare::junit(compared),
    }
}
