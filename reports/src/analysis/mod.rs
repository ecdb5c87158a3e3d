//! What an outcome says: rows grouped by class, capacities, percentiles over
//! merged repeats, ranks and the sentences of the verdict. Page and terminal
//! show this one model, so that they cannot disagree.

mod backlog;
mod capacity;
mod change;
mod change_of_trials;
mod change_points;
mod claims;
mod comparison;
mod counts;
mod faults;
mod groups;
mod guide;
mod measured;
mod objectives;
mod pairs;
mod percentile;
mod points;
mod preceding;
mod rank;
mod rank_test;
mod rows;
mod scorecard;
mod statistics;
mod terms;
mod verdict;
mod welch;

pub use backlog::{Backlog, FIGURES};
pub use capacity::Capacity;
pub use change::{Bound, Call, Change, Measure, Pair, Sample, Test, judge};
pub use change_of_trials::{TrialPair, judge_trials};
pub use change_points::{LONGEST, change_points};
pub use claims::{Agreement, Beside, Judged, Line, Measured, Standing, Told};
pub use counts::{Counts, Tally};
pub(crate) use faults::unhurt;
pub use faults::{
    Deed, Faults, Guarantee, Hurt, Interval, Kept, Kills, Median, OnLoss, Place, Promise, Recovery,
    Seen, Tried, ack_in_words, confirms_in_words, deeds, find, in_words, median, upper_bound,
};
pub use groups::{ClassKey, Group, Mode};
pub use guide::{Able, Choice, Guide, Other, Question};
pub use objectives::{About, Met, Objective, counted};
pub use percentile::{BEYOND, Merged};
pub use points::{Figure, Point, Quality};
pub use preceding::Preceding;
pub use rank::{Apart, Rank};
pub use rank_test::RankTest;
pub use rows::Row;
pub use scorecard::{Score, Scorecard, Scored, What};
pub use statistics::{ENOUGH, LEVEL, Spread, differs, holm, larger, spread};
pub use terms::FailureTerms;
pub use verdict::{Sentence, Subject};
pub use welch::{POWER, Welch};

use crate::claims::{Published, article};
use crate::outcome::{Cell, CellKey, Outcome, System};

/// The system that does nothing: the harness's own ceiling and cost.
pub const NOOP: &str = "noop";

/// What an outcome says.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// How many cells were valid, and how many held.
    pub counts: Counts,
    /// What was demanded of the systems, and whether it was met; empty when
    /// nothing was.
    pub objectives: Vec<Objective>,
    /// Rows that may be compared with each other, class by class. The first
    /// group is in process, where `noop` stands.
    pub groups: Vec<Group>,
    /// What the trials of faults say.
    pub faults: Faults,
    /// What became of backlogs, class by class.
    pub backlogs: Vec<Backlog>,
    /// The scorecard, where the outcome covers any item of it.
    pub scorecard: Option<Scorecard>,
    /// The choice guide, where there is something to choose from.
    pub guide: Option<Guide>,
    /// Published claims beside what was measured, file by file: those that were
    /// given, and the article's where anything was measured of them.
    pub claims: Vec<Beside>,
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

/// What claims are set beside, and objectives are judged by.
#[derive(Clone, Copy)]
struct Found<'a> {
    outcome: &'a Outcome,
    groups: &'a [Group],
    faults: &'a Faults,
    backlogs: &'a [Backlog],
}

/// Analyses an outcome. Nothing in a file makes it panic.
#[must_use]
pub fn analyse(outcome: &Outcome) -> Analysis {
    analyse_beside(outcome, &[])
}

/// Analyses an outcome, and sets these claims beside it too.
#[must_use]
pub fn analyse_beside(outcome: &Outcome, given: &[Published]) -> Analysis {
    let counts = counts::count(outcome);
    let groups = groups::groups(outcome);
    let faults = faults::faults(outcome);
    let backlogs = backlog::backlogs(outcome);
    let verdict = verdict::sentences(outcome, &groups, &counts, &faults);
    let found = Found { outcome, groups: &groups, faults: &faults, backlogs: &backlogs };
    let scorecard = scorecard::scorecard(&found);
    let guide = guide::guide(outcome, &groups, &faults, &backlogs);
    let mut claims = claims::beside(&found, &[article()]);
    claims.retain(Beside::has_lines);
    claims.extend(claims::beside(&found, &given.iter().collect::<Vec<_>>()));
    // Trials and backlogs say their own; without any other cell they are it.
    let is_apart = |cell: &&Cell| cell.key.is_of_a_trial() || cell.key.is_of_a_backlog();
    let only = outcome.cells.iter().all(|cell| is_apart(&cell));
    let shared = |field: fn(&crate::outcome::Window) -> f64| {
        let cells = outcome.cells.iter().filter(|cell| only || !is_apart(cell));
        let mut all = cells.map(|cell| field(&cell.window));
        let first = all.next()?;
        (first > 0.0 && all.all(|other| other == first)).then_some(first)
    };
    Analysis {
        counts,
        objectives: objectives::objectives(found),
        groups,
        faults,
        backlogs,
        scorecard,
        guide,
        claims,
        verdict,
        preceding: preceding::effects(outcome),
        window_s: shared(|window| window.duration_s),
        horizon_s: shared(|window| window.horizon_s),
    }
}

/// A system of an outcome by its place, with the profile where the run has
/// several of it.
pub(crate) fn label_of(outcome: &Outcome, index: usize) -> String {
    outcome.systems.get(index).map_or_else(String::new, |one| label_of_system(outcome, one))
}

/// A system, with the profile where the run has several of it.
pub(crate) fn label_of_system(outcome: &Outcome, one: &System) -> String {
    let profiles = outcome.systems.iter().filter(|system| system.system == one.system).count();
    if profiles > 1 { format!("{}/{}", one.system, one.profile) } else { one.system.clone() }
}

/// A cell's system, with the profile where the run has several of it.
pub(crate) fn label(outcome: &Outcome, key: &CellKey) -> String {
    let profiles = outcome.systems.iter().filter(|system| system.system == key.system).count();
    if profiles > 1 { format!("{}/{}", key.system, key.profile) } else { key.system.clone() }
}
