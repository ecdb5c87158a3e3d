//! Outcomes as the command line names them: a `result.json`, the directory of
//! a run, or `latest` and `latest~1`.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use schedbench_reports::compare::{Difference, Weight};
use schedbench_reports::load;
use schedbench_reports::outcome::Outcome;

use crate::run::shown;

/// What was named is not what is needed: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// `latest`, and there is no run.
    #[error("{name}: no run of {what} in {results}; --results names another directory")]
    NoRun {
        /// What was typed.
        name: String,
        /// `any scenario`, or the scenario.
        what: String,
        /// Where runs were looked for.
        results: String,
    },
    /// `latest~N`, and there are not so many.
    #[error("{name}: there are only {count} runs of {scenario} in {results}")]
    TooFew {
        /// What was typed.
        name: String,
        /// How many there are.
        count: usize,
        /// Of which scenario.
        scenario: String,
        /// Where.
        results: String,
    },
    /// A directory of several runs, where one is needed.
    #[error("{0} holds {1} runs, name one of them: {0}/latest, or {2}")]
    Several(String, usize, String),
    /// A directory without any.
    #[error("{0} holds no result.json")]
    Empty(String),
    /// An outcome of nothing.
    #[error("{0}: no cell was measured, so there is nothing to {1}")]
    NoCells(String, &'static str),
    /// They measured different things.
    #[error("{0}")]
    Apart(String),
    /// Nothing could be told.
    #[error("{0}")]
    Untold(String),
}

/// An outcome and what it goes by.
#[derive(Debug)]
pub struct Named {
    /// Where it lies.
    pub file: PathBuf,
    /// The outcome, with a cell at least.
    pub outcome: Outcome,
}

/// Reads one; `results` is where `latest` is looked for, `purpose` what it is
/// for, as in `compare`.
///
/// # Errors
/// There is no such outcome, or none that can be read.
pub fn read(name: &Path, results: &Path, purpose: &'static str) -> Result<Named> {
    let file = find(name, results)?;
    let outcome = load::read(&file)?;
    if outcome.cells.is_empty() {
        return Err(Wrong::NoCells(shown(&file), purpose).into());
    }
    Ok(Named { file, outcome })
}

fn find(name: &Path, results: &Path) -> Result<PathBuf, Wrong> {
    if name.is_dir() {
        return of_directory(name);
    }
    let text = name.to_str().filter(|_| !name.exists());
    match text.and_then(latest) {
        Some((scenario, back)) => {
            let name = text.unwrap_or_default();
            run_before(name, scenario, back, results)
        }
        None => Ok(name.to_owned()),
    }
}

/// `latest`, `latest~2`, `ramp/latest~1`: the scenario, and how many runs back.
fn latest(text: &str) -> Option<(Option<&str>, usize)> {
    let (scenario, last) = match text.rsplit_once('/') {
        Some((scenario, last)) => (Some(scenario), last),
        None => (None, text),
    };
    let rest = last.strip_prefix("latest")?;
    let back = if rest.is_empty() { 0 } else { rest.strip_prefix('~')?.parse().ok()? };
    Some((scenario, back))
}

fn of_directory(directory: &Path) -> Result<PathBuf, Wrong> {
    let file = directory.join("result.json");
    if file.exists() {
        return Ok(file);
    }
    let runs = runs(directory);
    match runs.last() {
        Some(last) => Err(Wrong::Several(shown(directory), runs.len(), shown(last))),
        None => Err(Wrong::Empty(shown(directory))),
    }
}

fn run_before(
    name: &str,
    scenario: Option<&str>,
    back: usize,
    results: &Path,
) -> Result<PathBuf, Wrong> {
    let no_run = |what: &str| Wrong::NoRun {
        name: name.to_owned(),
        what: what.to_owned(),
        results: shown(results),
    };
    let directory = match scenario {
        Some(scenario) => results.join(scenario),
        None => newest_scenario(results).ok_or_else(|| no_run("any scenario"))?,
    };
    let scenario = directory.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let mut runs = runs(&directory);
    let count = runs.len();
    if count == 0 {
        return Err(no_run(&scenario));
    }
    if back >= count {
        return Err(Wrong::TooFew {
            name: name.to_owned(),
            count,
            scenario: scenario.into_owned(),
            results: shown(results),
        });
    }
    Ok(runs.swap_remove(count - 1 - back).join("result.json"))
}

/// The directories of runs in one of a scenario, the oldest first: each is
/// named after its time. One of another name, such as a merged result, has no
/// place among them.
fn runs(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut runs: Vec<PathBuf> = entries
        // `latest` is one of the others again.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit)
        })
        .map(|entry| entry.path())
        .filter(|path| path.join("result.json").exists())
        .collect();
    runs.sort();
    runs
}

/// The scenario that ran last.
fn newest_scenario(results: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(results).ok()?.flatten();
    let last =
        |path: &PathBuf| runs(path).pop().and_then(|run| run.file_name().map(OsStr::to_owned));
    entries
        .map(|entry| entry.path())
        .filter_map(|path| last(&path).map(|last| (last, path)))
        .max()
        .map(|(_, path)| path)
}

/// Field by field, what keeps outcomes apart; what forbids it first.
#[must_use]
pub fn apart(what: &str, names: [&str; 2], fields: &[Difference]) -> Wrong {
    let mut text = what.to_owned();
    let (forbids, others): (Vec<&Difference>, Vec<&Difference>) =
        fields.iter().partition(|field| field.weight == Weight::Refuses);
    for (field, besides) in
        forbids.iter().map(|one| (one, "")).chain(others.iter().map(|one| (one, "besides, ")))
    {
        let value = |text: &str| if text.is_empty() { "nothing".to_owned() } else { excerpt(text) };
        let (before, after) = (value(&field.before), value(&field.after));
        let name = excerpt(&field.field);
        // A string never refuses.
        let _ = write!(text, "\n  {besides}{name}: {before} | {after}");
    }
    let _ = write!(text, "\n  ({} | {})", names[0], names[1]);
    Wrong::Apart(text)
}

/// Text out of a file on one line, and not too much of it.
fn excerpt(text: &str) -> String {
    const MOST: usize = 100;
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let more = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    clean.take(MOST).collect::<String>() + more
}

#[cfg(test)]
mod tests {
    use super::latest;

    #[test]
    fn latest_is_read() {
        assert_eq!(latest("latest"), Some((None, 0)));
        assert_eq!(latest("latest~12"), Some((None, 12)));
        assert_eq!(latest("ramp/latest~1"), Some((Some("ramp"), 1)));
        for other in ["latest~", "latest~x", "latest.json", "newest", "latest~-1", ""] {
            assert_eq!(latest(other), None, "{other}");
        }
    }
}
