//! The counts of the title line: of the measurement, and apart from it of the
//! systems.

use crate::outcome::{Ended, Held, Outcome, State, Validity};

/// How many cells have one word, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// `generator-limited`, `disturbed` …
    pub word: &'static str,
    /// Indices into the outcome's cells.
    pub cells: Vec<usize>,
}

/// Counts over all cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Cells that the plan held.
    pub planned: u32,
    /// Cells in the outcome.
    pub measured: usize,
    /// Valid ones.
    pub valid: usize,
    /// The others by their word, in the order of the outcome.
    pub invalid: Vec<Tally>,
    /// Valid cells whose load was held.
    pub held: usize,
    /// Valid cells whose load was not held, by why: `overloaded`, `not steady`,
    /// `not held`.
    pub not_held: Vec<Tally>,
    /// Cells that ended in an error.
    pub errors: Vec<usize>,
    /// Cells whose ledger does not balance.
    pub unbalanced: Vec<usize>,
    /// `interrupted: SIGINT` and the like; `None` for a complete run.
    pub ended: Option<String>,
}

impl Counts {
    /// Cells that were not measured to their end.
    #[must_use]
    pub fn cut_short(&self) -> usize {
        let word = Validity::Incomplete(String::new()).word();
        self.invalid.iter().find(|tally| tally.word == word).map_or(0, |tally| tally.cells.len())
    }
}

pub(super) fn count(outcome: &Outcome) -> Counts {
    let mut counts = Counts {
        planned: outcome.plan.planned,
        measured: outcome.cells.len(),
        valid: 0,
        invalid: Vec::new(),
        held: 0,
        not_held: Vec::new(),
        errors: Vec::new(),
        unbalanced: Vec::new(),
        ended: match &outcome.ended {
            Ended::Complete => None,
            Ended::Running => Some("killed while it ran".to_owned()),
            Ended::Interrupted(why) => Some(format!("interrupted: {why}")),
            Ended::Failed(why) => Some(format!("failed: {why}")),
        },
    };
    for (index, cell) in outcome.cells.iter().enumerate() {
        if cell.error.is_some() {
            counts.errors.push(index);
        }
        if !cell.counts.balances {
            counts.unbalanced.push(index);
        }
        if !cell.validity.is_valid() {
            add(&mut counts.invalid, cell.validity.word(), index);
            continue;
        }
        counts.valid += 1;
        match (&cell.held, &cell.state) {
            (Held::Yes, _) => counts.held += 1,
            (Held::No(_), State::Overloaded(_)) => add(&mut counts.not_held, "overloaded", index),
            (Held::No(_), State::NotSteady(_)) => add(&mut counts.not_held, "not steady", index),
            (Held::No(_), State::Steady) => add(&mut counts.not_held, "not held", index),
            (Held::NotJudged(_), _) => {}
        }
    }
    counts
}

fn add(tallies: &mut Vec<Tally>, word: &'static str, index: usize) {
    match tallies.iter_mut().find(|tally| tally.word == word) {
        Some(tally) => tally.cells.push(index),
        None => tallies.push(Tally { word, cells: vec![index] }),
    }
}
