//! Beside the tables: how to read them, how the run ended, what counted.

use super::{NONE, NOT_RANKED, Table, plain};
use crate::analysis::{Analysis, label};
use crate::numbers::{self, Medium};
use crate::outcome::{Cell, Ended, Held, Outcome};

/// Cells named one by one; more are counted by their verdict.
const NAMED: usize = 3;

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Note,
    /// Something is not in the tables.
    Warning,
    /// Something went wrong.
    Alarm,
}

/// One remark, one line.
pub(crate) struct Remark {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// How the tables' figures are to be read, only what stands in them; and how
/// many published claims are what.
pub(crate) fn terms(analysis: &Analysis, tables: &[Table]) -> Vec<String> {
    let lines = || tables.iter().flat_map(|table| &table.lines);
    let stands = |is: fn(&str) -> bool| lines().flat_map(|l| &l.cells).any(|cell| is(cell));
    let mut terms = Vec::new();
    let heads = tables.iter().flat_map(|table| &table.heads);
    if heads.into_iter().any(|head| head.title.starts_with("failed")) {
        let failed = analysis.failure_terms(Medium::Terminal);
        terms.push(if failed.is_empty() {
            "failed: no success within T of due, of tasks due in D; cells differ in both, \
             the report has each"
                .to_owned()
        } else {
            format!("failed: {failed}")
        });
    }
    if stands(|cell| cell == NONE) {
        terms.push(format!("{NONE}: not measured"));
    }
    if stands(|cell| cell.ends_with(NOT_RANKED)) {
        terms.push("*: no valid cell, shown and not ranked".to_owned());
    }
    terms.extend(analysis.claims.iter().map(|file| plain(&file.summary())));
    terms
}

/// What was left out, how the run ended if not whole, what went wrong.
pub(crate) fn remarks(outcome: &Outcome, analysis: &Analysis) -> Vec<Remark> {
    let counts = &analysis.counts;
    let mut remarks = Vec::new();
    let mut add = |tone, text: &str| remarks.push(Remark { tone, text: plain(text) });
    for skipped in &outcome.skipped {
        let remedy = skipped.remedy.as_ref().map_or_else(String::new, |how| format!(" ({how})"));
        add(Tone::Warning, &format!("left out: {}: {}{remedy}", skipped.target, skipped.why));
    }
    if let Some(ended) = how_it_ended(outcome) {
        let (measured, planned) = (counts.measured, counts.planned);
        add(Tone::Alarm, &format!("{ended}: {measured} of {planned} cells were run"));
    }
    let errors = outcome.cells.iter().filter_map(|cell| Some((cell, cell.error.as_ref()?)));
    for (cell, error) in errors.clone().take(NAMED) {
        add(Tone::Alarm, &format!("{}: {}", name(outcome, cell), error.message));
    }
    if let Some(more) = errors.count().checked_sub(NAMED).filter(|more| *more > 0) {
        let cells = if more == 1 { "cell" } else { "cells" };
        add(Tone::Alarm, &format!("and {more} more {cells} ended in an error"));
    }
    let unbalanced: Vec<String> = counts
        .unbalanced
        .iter()
        .filter_map(|index| outcome.cells.get(*index))
        .map(|cell| name(outcome, cell))
        .collect();
    if !unbalanced.is_empty() {
        add(Tone::Alarm, &format!("the ledger does not balance: {}", few(&unbalanced)));
    }
    remarks
}

/// How many cells count.
pub(crate) struct Standing {
    /// `53 of 54 cells valid`.
    pub(crate) valid: String,
    /// Why the others are not, one by one or counted by their verdict.
    pub(crate) not_valid: Vec<String>,
    /// `15 held`; empty where no cell was judged.
    pub(crate) held: String,
}

/// How many cells count, and why the others do not.
pub(crate) fn standing(outcome: &Outcome, analysis: &Analysis) -> Standing {
    let counts = &analysis.counts;
    if counts.measured == 0 {
        let valid = "no cell was measured".to_owned();
        return Standing { valid, not_valid: Vec::new(), held: String::new() };
    }
    let cells = if counts.measured == 1 { "cell" } else { "cells" };
    let invalid = || counts.invalid.iter().flat_map(|tally| &tally.cells);
    let not_valid: Vec<String> = if invalid().count() <= NAMED {
        invalid()
            .filter_map(|index| outcome.cells.get(*index))
            .map(|cell| plain(&verdict(outcome, cell)))
            .collect()
    } else {
        counts.invalid.iter().map(|tally| format!("{} {}", tally.cells.len(), tally.word)).collect()
    };
    // In flight, no load is held or not: the question has no answer.
    let judged = outcome.cells.iter().any(|cell| !matches!(cell.held, Held::NotJudged(_)));
    Standing {
        valid: format!("{} of {} {cells} valid", counts.valid, counts.measured),
        not_valid,
        held: if judged { format!("{} held", counts.held) } else { String::new() },
    }
}

fn how_it_ended(outcome: &Outcome) -> Option<String> {
    match &outcome.ended {
        Ended::Complete => None,
        Ended::Running => Some("killed while it ran".to_owned()),
        Ended::Interrupted(why) => Some(format!("interrupted ({why})")),
        Ended::Failed(why) => Some(format!("could not go on ({why})")),
    }
}

/// `redis-asynq 100k/s repeat 3`.
fn name(outcome: &Outcome, cell: &Cell) -> String {
    let key = &cell.key;
    let mut words = vec![label(outcome, key), numbers::load(key.load)];
    words.extend(key.variant.clone());
    words.extend(key.trial_or_fault().map(str::to_owned));
    words.push(format!("repeat {}", key.repeat));
    words.join(" ")
}

fn verdict(outcome: &Outcome, cell: &Cell) -> String {
    let why = cell.validity.why().unwrap_or_default();
    let comma = if why.is_empty() { "" } else { ", " };
    format!("{}: {}{comma}{why}", name(outcome, cell), cell.validity.word())
}

fn few(names: &[String]) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if names.len() > NAMED {
        text.push_str(&format!("; and {} more", names.len() - NAMED));
    }
    text
}
