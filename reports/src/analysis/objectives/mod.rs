//! Objectives: what was demanded of the systems, and whether it was met
//! (`docs/decisions/0043`).

mod holds;
mod judged;
mod known;
mod places;

use super::Found;

/// What was demanded of one system, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// `system/profile`, with its variant where there is one.
    pub target: String,
    /// `p99 < 50 ms at 10k`, `holds 20k/s with a P99 of at most 100 ms`.
    pub demand: String,
    /// Whether it was met.
    pub met: Met,
    /// What was seen where it was met: `6.2 (5.9–6.4) ms`.
    pub seen: String,
    /// Where a page shows the figure.
    pub about: About,
}

/// Whether an objective was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// It was, wherever it was demanded.
    Yes,
    /// It was not, and what was seen.
    No(String),
    /// No valid cell says, and why. A demand that is not proven is not met.
    Unknown(String),
}

/// What part of the results a figure is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The group of that index.
    Group(usize),
    /// The trials of faults.
    Faults,
    /// The backlogs.
    Backlogs,
    /// The ledger.
    Ledger,
    /// CPU and memory.
    Cost,
    /// Nothing but the list of cells.
    Cells,
}

impl Objective {
    /// `passed`, `failed` or `not judged`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.met {
            Met::Yes => "passed",
            Met::No(_) => "failed",
            Met::Unknown(_) => "not judged",
        }
    }

    /// What was seen, or why nothing can be said.
    #[must_use]
    pub fn told(&self) -> &str {
        match &self.met {
            Met::Yes => &self.seen,
            Met::No(why) | Met::Unknown(why) => why,
        }
    }
}

/// `2 passed, 1 failed, 1 not judged`: only what there is.
#[must_use]
pub fn counted(objectives: &[Objective]) -> String {
    let count = |word: &str| objectives.iter().filter(|one| one.word() == word).count();
    let parts = ["passed", "failed", "not judged"].map(|word| (count(word), word));
    let told = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    told.collect::<Vec<_>>().join(", ")
}

/// The objectives in the order in which they were demanded, each system by
/// system; empty when nothing was.
pub(super) fn objectives(found: Found<'_>) -> Vec<Objective> {
    let mut all = holds::objectives(found.outcome, found.groups);
    for demand in &found.outcome.plan.objectives {
        all.extend(judged::of(found, demand));
    }
    all
}
