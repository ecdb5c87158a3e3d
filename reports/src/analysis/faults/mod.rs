//! What the trials of a fault run say: what was promised and seen, and how
//! long it took (`docs/measurement.md` §9).

mod control;
mod deed;
mod guarantee;
mod kills;
mod median;
mod promise;
mod recovery;
mod seen;
mod sentences;
mod tried;

pub use deed::{Deed, Hurt, deeds};
pub use guarantee::{Guarantee, Kept};
pub use kills::{Kills, upper_bound};
pub use median::{Interval, Median, median};
pub use promise::{OnLoss, Promise, ack_in_words, confirms_in_words};
pub use recovery::{Place, Recovery, find, in_words};
pub use seen::Seen;
pub use tried::Tried;

pub(crate) use guarantee::unhurt;
pub(super) use sentences::sentences;

use std::collections::BTreeMap;

use crate::outcome::Outcome;

/// What the trials of all faults say; empty in a run without one.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// A row per system, profile, fault and load: what was promised and seen.
    pub guarantees: Vec<Guarantee>,
    /// A row per system, profile, fault and load: how long it took.
    pub recoveries: Vec<Recovery>,
    /// By a fault's words, what the scenario calls the trial that it is of.
    called: BTreeMap<String, String>,
}

impl Faults {
    /// Whether a fault was done, or was to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.guarantees.is_empty() && self.recoveries.is_empty()
    }

    /// A fault as a heading: its words, after the name of its trial.
    #[must_use]
    pub fn title(&self, fault: &str) -> String {
        match self.called.get(fault) {
            Some(name) => format!("{name}: {fault}"),
            None => fault.to_owned(),
        }
    }

    /// A fault as a sentence names it: by its trial, with its words where that
    /// trial has several with times of their own; without a trial by its words.
    #[must_use]
    pub fn named(&self, fault: &str) -> String {
        let Some(name) = self.called.get(fault) else { return fault.to_owned() };
        let of_it = self.names().into_iter().filter(|other| self.called.get(*other) == Some(name));
        let of_it: Vec<&str> = of_it.collect();
        if of_it.len() > 1 && of_it.contains(&fault) {
            format!("{name} ({fault})")
        } else {
            name.clone()
        }
    }

    /// The faults as they were planned, each once, in the order of the outcome.
    #[must_use]
    pub fn planned(&self) -> Vec<&str> {
        once(self.guarantees.iter().map(|one| one.tried.fault.as_str()))
    }

    /// The faults of the recoveries likewise: of several faults in a cell that
    /// are apart from each other, each has times of its own.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        once(self.recoveries.iter().map(|one| one.tried.fault.as_str()))
    }
}

fn once<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub(super) fn faults(outcome: &Outcome) -> Faults {
    Faults {
        guarantees: guarantee::guarantees(outcome),
        recoveries: recovery::recoveries(outcome),
        called: called(outcome),
    }
}

/// The first name counts, where trials of two names do the same.
fn called(outcome: &Outcome) -> BTreeMap<String, String> {
    let mut called = BTreeMap::new();
    for cell in &outcome.cells {
        let Some(name) = &cell.key.trial else { continue };
        let of_trials = cell.trials.iter().map(|trial| &trial.fault);
        for fault in of_trials.chain(&cell.key.fault) {
            called.entry(fault.clone()).or_insert_with(|| name.clone());
        }
    }
    called
}
