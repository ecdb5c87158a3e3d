//! D and T, without which a failure rate says nothing (`docs/measurement.md` §3).

use crate::metrics::Metric;
use crate::numbers::{Medium, seconds};
use crate::outcome::{Cell, Outcome};

/// The window and the horizon that a failure rate is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureTerms {
    /// D, seconds.
    pub window_s: f64,
    /// T, seconds.
    pub horizon_s: f64,
}

impl FailureTerms {
    /// Those of a figure over these cells; `None` where it is no failure rate, or
    /// its cells differ in them.
    pub(super) fn of(outcome: &Outcome, cells: &[usize], metric: &Metric) -> Option<Self> {
        if metric.name != "failure_rate" {
            return None;
        }
        let terms = |cell: &Cell| Self {
            window_s: cell.window.duration_s,
            horizon_s: cell.window.horizon_s,
        };
        shared(cells.iter().filter_map(|index| outcome.cells.get(*index)).map(terms))
    }

    /// `D 10 s, T 2 s`.
    #[must_use]
    pub fn text(self, medium: Medium) -> String {
        format!("D {}, T {}", seconds(self.window_s, medium), seconds(self.horizon_s, medium))
    }
}

/// What all of them are; `None` where they differ, or there is none.
pub(super) fn shared(mut all: impl Iterator<Item = FailureTerms>) -> Option<FailureTerms> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}
