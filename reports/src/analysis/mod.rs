//! What an outcome says: rows grouped by class, capacities, percentiles over
//! merged repeats, ranks and the sentences of the verdict. Page and terminal
//! show this one model, so that they cannot disagree.

mod backlog;
mod capacity;
mod comparison;
mod counts;
mod faults;
mod groups;
mod objectives;
mod percentile;
mod points;
mod preceding;
mod rank;
mod rows;
mod statistics;
mod verdict;

pub use backlog::{Backlog, FIGURES};
pub use capacity::Capacity;
pub use counts::{Counts, Tally};
pub use faults::{
    Claim, Claimed, Deed, Faults, Guarantee, Hurt, Kept, Kills, Median, OnLoss, Place, Promise,
    READINGS, Recovery, Seen, Tried, ack_in_words, confirms_in_words, deeds, find, in_words,
    median, upper_bound,
};
pub use groups::{ClassKey, Group, Mode};
pub use objectives::{Met, Objective};
pub use percentile::{BEYOND, Merged};
pub use points::{Figure, Point, Quality};
pub use preceding::Preceding;
pub use rank::Rank;
pub use rows::Row;
pub use statistics::{ENOUGH, Spread, difference, differs, holm, spread};
pub use verdict::{Sentence, Subject};

use crate::outcome::{CellKey, Outcome};

/// The system that does nothing: the harness's own ceiling and cost.
pub const NOOP: &str = "noop";

/// What an outcome says.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// How many cells were valid, and how many held.
    pub counts: Counts,
    /// What every system had to hold, and whether it did; empty when nothing
    /// was demanded.
    pub objectives: Vec<Objective>,
    /// Rows that may be compared with each other, class by class. The first
    /// group is in process, where `noop` stands.
    pub groups: Vec<Group>,
    /// What the trials of faults say.
    pub faults: Faults,
    /// What became of backlogs, class by class.
    pub backlogs: Vec<Backlog>,
    /// The verdict in plain text: of faults first, then one sentence per class
    /// that has one, then what bounds it all.
    pub verdict: Vec<Sentence>,
    /// Whether cells hang on the cell before them, where repeats can tell.
    pub preceding: Vec<Preceding>,
    /// D of the windows, seconds, where all cells share it.
    pub window_s: Option<f64>,
    /// T, the horizon, seconds, where all cells share it.
    pub horizon_s: Option<f64>,
}

impl Analysis {
    /// How failure rates are to be read: `no success within 2 s of due, of
    /// tasks due in 10 s`; empty when cells differ in D or T.
    #[must_use]
    pub fn failure_terms(&self, medium: crate::numbers::Medium) -> String {
        match (self.horizon_s, self.window_s) {
            (Some(t), Some(d)) => format!(
                "no success within {} of due, of tasks due in {}",
                crate::numbers::seconds(t, medium),
                crate::numbers::seconds(d, medium)
            ),
            _ => String::new(),
        }
    }
}

/// Analyses an outcome. Nothing in a file makes it panic.
#[must_use]
pub fn analyse(outcome: &Outcome) -> Analysis {
    let counts = counts::count(outcome);
    let groups = groups::groups(outcome);
    let faults = faults::faults(outcome);
    let verdict = verdict::sentences(outcome, &groups, &counts, &faults);
    let shared = |field: fn(&crate::outcome::Window) -> f64| {
        let mut all = outcome.cells.iter().map(|cell| field(&cell.window));
        let first = all.next()?;
        (first > 0.0 && all.all(|other| other == first)).then_some(first)
    };
    Analysis {
        counts,
        objectives: objectives::objectives(outcome, &groups),
        groups,
        faults,
        backlogs: backlog::backlogs(outcome),
        verdict,
        preceding: preceding::effects(outcome),
        window_s: shared(|window| window.duration_s),
        horizon_s: shared(|window| window.horizon_s),
    }
}

/// A cell's system, with the profile where the run has several of it.
pub(crate) fn label(outcome: &Outcome, key: &CellKey) -> String {
    let profiles = outcome.systems.iter().filter(|system| system.system == key.system).count();
    if profiles > 1 { format!("{}/{}", key.system, key.profile) } else { key.system.clone() }
}
