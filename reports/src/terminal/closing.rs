//! Below the tables: how to read them, how the run ended, what counted.

use super::grid::NONE;
use super::tables::NOT_RANKED;
use super::{Paint, columns, folded, label, plain};
use crate::analysis::Analysis;
use crate::numbers::{self, Medium};
use crate::outcome::{Cell, Ended, Held, Outcome};

/// Cells named one by one; more are counted by their verdict.
const NAMED: usize = 3;

/// How the tables' figures are to be read; only what stands in them.
pub(super) fn terms(analysis: &Analysis, tables: &[String], width: usize) -> String {
    let stands = |what: &str| tables.iter().any(|table| table.contains(what));
    let mut terms = String::new();
    if stands("failed") {
        let failed = analysis.failure_terms(Medium::Terminal);
        let failed = if failed.is_empty() {
            "failed: no success within T of due, of tasks due in D; cells differ in both, \
             the report has each"
                .to_owned()
        } else {
            format!("failed: {failed}")
        };
        terms.push_str(&folded(&failed, width));
    }
    if stands(&format!(" {NONE}")) {
        terms.push_str(&format!("{NONE}: not measured\n"));
    }
    if stands(NOT_RANKED) {
        terms.push_str(&folded("*: no valid cell, shown and not ranked", width));
    }
    terms
}

/// How the run ended and how many cells count.
pub(super) fn counts(outcome: &Outcome, analysis: &Analysis, paint: Paint, width: usize) -> String {
    let counts = &analysis.counts;
    let mut text = String::new();
    for skipped in &outcome.skipped {
        let mut line = format!("left out: {}: {}", skipped.target, skipped.why);
        if let Some(remedy) = &skipped.remedy {
            line.push_str(&format!(" ({remedy})"));
        }
        text.push_str(&paint.warning(folded(&plain(&line), width).trim_end()));
        text.push('\n');
    }
    if let Some(ended) = how_it_ended(outcome) {
        let line = format!("{ended}: {} of {} cells were run", counts.measured, counts.planned);
        text.push_str(&paint.alarm(folded(&plain(&line), width).trim_end()));
        text.push('\n');
    }
    let errors = outcome.cells.iter().filter_map(|cell| Some((cell, cell.error.as_ref()?)));
    for (cell, error) in errors.clone().take(NAMED) {
        let line = format!("{}: {}", name(outcome, cell), error.message);
        text.push_str(&paint.alarm(folded(&plain(&line), width).trim_end()));
        text.push('\n');
    }
    if let Some(more) = errors.count().checked_sub(NAMED).filter(|more| *more > 0) {
        text.push_str(&paint.alarm(&format!("and {more} more cells ended in an error")));
        text.push('\n');
    }
    let unbalanced: Vec<String> = counts
        .unbalanced
        .iter()
        .filter_map(|index| outcome.cells.get(*index))
        .map(|cell| name(outcome, cell))
        .collect();
    if !unbalanced.is_empty() {
        let line = format!("the ledger does not balance: {}", few(&unbalanced, "; "));
        text.push_str(&paint.alarm(folded(&plain(&line), width).trim_end()));
        text.push('\n');
    }
    text + &valid(outcome, analysis, paint, width)
}

/// `53 of 54 cells valid (…) · 15 held`.
fn valid(outcome: &Outcome, analysis: &Analysis, paint: Paint, width: usize) -> String {
    let counts = &analysis.counts;
    if counts.measured == 0 {
        return "no cell was measured\n".to_owned();
    }
    let cells = if counts.measured == 1 { "cell" } else { "cells" };
    let valid = format!("{} of {} {cells} valid", counts.valid, counts.measured);
    // In flight, no load is held or not: the question has no answer.
    let judged = outcome.cells.iter().any(|cell| !matches!(cell.held, Held::NotJudged(_)));
    let held = if judged { format!(" · {} held", counts.held) } else { String::new() };
    let invalid = counts.invalid.iter().map(|tally| tally.cells.len()).sum::<usize>();
    if invalid == 0 {
        return format!("{valid}{held}\n");
    }
    let why: Vec<String> = if invalid <= NAMED {
        let cells = counts.invalid.iter().flat_map(|tally| &tally.cells);
        cells
            .filter_map(|index| outcome.cells.get(*index))
            .map(|cell| verdict(outcome, cell))
            .collect()
    } else {
        counts.invalid.iter().map(|t| format!("{} {}", t.cells.len(), t.word)).collect()
    };
    let why: Vec<String> = why.iter().map(|why| plain(why)).collect();
    let line = format!("{valid} ({}){held}", why.join("; "));
    if columns(&line) <= width {
        return format!("{valid} ({}){held}\n", paint.warning(&why.join("; ")));
    }
    // Too wide for one line: the reasons get lines of their own.
    let mut text = format!("{valid}{held}\n");
    for why in why {
        let line = folded(&format!("not valid: {why}"), width);
        text.push_str(&paint.warning(line.trim_end()));
        text.push('\n');
    }
    text
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
    words.extend(key.fault.clone());
    words.push(format!("repeat {}", key.repeat));
    words.join(" ")
}

fn verdict(outcome: &Outcome, cell: &Cell) -> String {
    let why = cell.validity.why().unwrap_or_default();
    let comma = if why.is_empty() { "" } else { ", " };
    format!("{}: {}{comma}{why}", name(outcome, cell), cell.validity.word())
}

fn few(names: &[String], between: &str) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    if names.len() > NAMED {
        text.push_str(&format!("{between}and {} more", names.len() - NAMED));
    }
    text
}
