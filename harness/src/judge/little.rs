//! Little's law as a check of the cell's own bookkeeping
//! (`docs/measurement.md` §2).
//!
//! J. D. C. Little, "A proof for the queuing formula L = λW", Operations
//! Research 9 (1961), needs a stationary process. J. D. C. Little and
//! S. C. Graves, "Little's law" (in *Building Intuition*, 2008), give the form
//! that needs none, over a finite window: with every stay cut to the window,
//!
//! ```text
//! (1/D) ∫ N(t) dt  =  (n/D) · (1/n) Σ residence inside the window
//!    mean in flight = throughput  ×  mean residence
//! ```
//!
//! which is an identity for any history, also an overloaded one. The textbook
//! form, with the whole residence of the tasks that completed, is off by as
//! much as the backlog grew, and would call every overloaded cell unbalanced.
//!
//! The left side is integrated from counts of arrivals and departures on a
//! grid, the right side summed task by task. They disagree when an instant is
//! wrong, a task is counted twice or one side misses it; and by the grid's
//! coarseness, at most half a step for each event.

use schedbench_reports::outcome::Value;

use super::flow::{Flow, STEPS};
use super::words::{number, percent};

/// Both sides of the law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Little {
    /// Mean in flight, integrated over time.
    pub(super) mean_in_flight: f64,
    /// Throughput × mean residence.
    pub(super) from_residence: f64,
    /// The largest difference that the grid alone can make, tasks.
    pub(super) coarseness: f64,
}

impl Little {
    pub(super) fn of(flow: &Flow) -> Self {
        let means = flow.in_flight.means(1);
        Self {
            mean_in_flight: means.iter().sum(),
            from_residence: flow.residence_ns as f64 / 1e9 / flow.grid.seconds(),
            coarseness: flow.in_flight.events as f64 / 2.0 / STEPS as f64,
        }
    }

    fn difference(&self) -> f64 {
        (self.mean_in_flight - self.from_residence).abs()
    }

    /// The relative disagreement.
    pub(super) fn error(&self) -> f64 {
        let size = self.from_residence.abs();
        if size > 0.0 { self.difference() / size } else { self.difference().min(1.0) }
    }

    /// The disagreement as a figure. Where less is in flight than the grid
    /// resolves (a system that does nothing), a large one says nothing.
    pub(super) fn value(&self, limit: f64) -> Value {
        if self.error() > limit && self.difference() <= self.coarseness {
            return Value::NotMeasured(format!(
                "{} in flight, and the grid resolves {}",
                number(self.from_residence),
                number(self.coarseness)
            ));
        }
        Value::Is(self.error())
    }

    /// Why the law does not hold, if it does not.
    pub(super) fn broken(&self, limit: f64) -> Option<String> {
        let allowed = (limit * self.from_residence.abs()).max(self.coarseness);
        (self.difference() > allowed).then(|| {
            format!(
                "Little's law: {} in flight, but throughput × residence is {} ({} apart)",
                number(self.mean_in_flight),
                number(self.from_residence),
                percent(self.error()),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_difference_beyond_both_bounds_breaks_the_law() {
        let told = |mean_in_flight, coarseness| Little {
            mean_in_flight,
            from_residence: 100.0,
            coarseness,
        };
        assert_eq!(told(102.0, 0.0).broken(0.02), None);
        assert_eq!(told(104.0, 5.0).broken(0.02), None, "the grid alone can make it");
        assert_eq!(
            told(104.0, 1.0).broken(0.02).as_deref(),
            Some("Little's law: 104 in flight, but throughput × residence is 100 (4 % apart)")
        );
        assert_eq!(told(104.0, 1.0).value(0.02), Value::Is(0.04));
        assert_eq!(told(101.0, 5.0).value(0.02), Value::Is(0.01));
        let expected = "100 in flight, and the grid resolves 5".into();
        assert_eq!(told(104.0, 5.0).value(0.02), Value::NotMeasured(expected));
    }

    /// A departure that one side missed: 500 tasks, half of them for good.
    #[test]
    fn a_missed_departure_is_seen() {
        let mut flow = Flow::over(&(0..1_000_000_000));
        for task in 0..500u64 {
            let (from, to) = (task * 1_000_000, task * 1_000_000 + 400_000_000);
            flow.in_flight.change(flow.grid.place(from), 1);
            if task % 2 == 0 {
                flow.in_flight.change(flow.grid.place(to), -1);
            }
            flow.residence_ns += i128::from(to - from);
        }
        assert!(Little::of(&flow).broken(0.02).is_some());
    }
}
