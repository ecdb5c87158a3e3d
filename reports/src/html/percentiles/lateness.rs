//! How late the generator itself was, at its worst: the least of any system
//! would leave unmarked what another one's pacing does not resolve.

use crate::analysis::{Group, Merged};
use crate::charts::{Dot, Join, Mark};
use crate::numbers::{Medium, seconds};
use crate::outcome::{Load, Outcome, Value};

use super::curve::steps;

/// The pacing lateness of each system with valid cells at one load.
pub(super) struct Lateness(Vec<Merged>);

impl Lateness {
    /// `None` where no valid cell has kept it.
    pub(super) fn of(outcome: &Outcome, group: &Group, at: Load) -> Option<Self> {
        let points = group.rows.iter().filter_map(|row| row.at(at));
        let each: Vec<Merged> = points
            .filter(|point| point.is_valid())
            .filter_map(|point| {
                let cells = point.counted.iter().filter_map(|index| outcome.cells.get(*index));
                Merged::of(cells.filter_map(|cell| cell.histograms.get("pacing_lateness")))
            })
            .filter(|merged| merged.total() > 0)
            .collect();
        (!each.is_empty()).then_some(Self(each))
    }

    /// The largest that any system has there.
    pub(super) fn percentile(&self, q: f64) -> Value {
        self.worst(|merged| merged.percentile(q, f64::INFINITY))
    }

    pub(super) fn largest(&self) -> Value {
        self.worst(|merged| merged.largest(f64::INFINITY))
    }

    pub(super) fn at_infinity(&self) -> u64 {
        self.0.iter().fold(0, |sum, merged| sum.saturating_add(merged.at_infinity()))
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, merged| sum.saturating_add(merged.total()))
    }

    fn worst(&self, of: impl Fn(&Merged) -> Value) -> Value {
        let known = self.0.iter().map(of).filter(|value| value.number().is_some());
        let number = |value: &Value| value.number().unwrap_or(f64::NEG_INFINITY);
        known
            .max_by(|a, b| number(a).total_cmp(&number(b)))
            .unwrap_or_else(|| Value::NotMeasured(String::new()))
    }

    /// It never falls: where the worst system has too few tasks, it was no less
    /// late than before.
    pub(super) fn dots(&self) -> Vec<Dot> {
        let mut worst = 0.0_f64;
        let mut dots = Vec::new();
        for (q, name) in steps() {
            let Value::Is(late) = self.percentile(q) else { continue };
            worst = worst.max(late);
            // No lateness at all has no place on a logarithmic axis.
            if worst <= 0.0 {
                continue;
            }
            let (mark, tip) = match name {
                "" => (Mark::None, String::new()),
                _ => (
                    Mark::Full,
                    format!("pacing lateness\n{name} {}", seconds(worst, Medium::Page)),
                ),
            };
            dots.push(Dot { x: q, y: worst, spread: None, mark, join: Join::Solid, tip });
        }
        dots
    }
}
