//! What is known of a value, and what follows from it for a demand.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use crate::metrics::Unit;
use crate::outcome::{Comparison, Reading, Value};

/// From where to where a value may lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) low: Bound<f64>,
    pub(super) high: Bound<f64>,
}

impl Known {
    pub(super) const fn exactly(value: f64) -> Self {
        Self { low: Included(value), high: Included(value) }
    }

    /// A figure of a cell; `None` where there is none. A latency beyond T is
    /// above T: at T the task had not succeeded.
    pub(super) fn of(value: &Value, unit: Unit) -> Option<Self> {
        match value {
            Value::Is(number) => Some(Self::exactly(*number)),
            Value::AtLeast(number) if unit == Unit::Seconds => {
                Some(Self { low: Excluded(*number), high: Unbounded })
            }
            Value::AtLeast(number) => Some(Self { low: Included(*number), high: Unbounded }),
            Value::AtMost(number) => Some(Self { low: Unbounded, high: Included(*number) }),
            Value::NotMeasured(_) | Value::Unsupported(_) => None,
        }
    }

    /// A reading of a trial likewise. Where a fault did not show, there was
    /// nothing to notice, to recover from or to make up for: 0 of it.
    pub(super) const fn read(reading: &Reading) -> Option<Self> {
        match reading {
            Reading::Is(number) => Some(Self::exactly(*number)),
            Reading::MoreThan(number) => Some(Self { low: Excluded(*number), high: Unbounded }),
            Reading::NoImpact => Some(Self::exactly(0.0)),
            Reading::NotSteady(_) | Reading::NotMeasured(_) => None,
        }
    }

    /// Whether every value that it may be compares so with the bound; `None`
    /// where some do and some do not.
    pub(super) fn answers(&self, comparison: Comparison, bound: f64) -> Option<bool> {
        let (yes, no) = match comparison {
            Comparison::Below => (self.is_below(bound), self.is_from(bound)),
            Comparison::AtMost => (self.is_up_to(bound), self.is_above(bound)),
            Comparison::Above => (self.is_above(bound), self.is_up_to(bound)),
            Comparison::AtLeast => (self.is_from(bound), self.is_below(bound)),
            Comparison::Is => (
                self.is_from(bound) && self.is_up_to(bound),
                self.is_below(bound) || self.is_above(bound),
            ),
        };
        match (yes, no) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    fn is_below(&self, bound: f64) -> bool {
        match self.high {
            Included(high) => high < bound,
            Excluded(high) => high <= bound,
            Unbounded => false,
        }
    }

    fn is_up_to(&self, bound: f64) -> bool {
        matches!(self.high, Included(high) | Excluded(high) if high <= bound)
    }

    fn is_above(&self, bound: f64) -> bool {
        match self.low {
            Included(low) => low > bound,
            Excluded(low) => low >= bound,
            Unbounded => false,
        }
    }

    fn is_from(&self, bound: f64) -> bool {
        matches!(self.low, Included(low) | Excluded(low) if low >= bound)
    }

    /// The end that decides how bad it is for a demand: the higher the worse
    /// for one from above.
    pub(super) fn worst(&self, comparison: Comparison) -> f64 {
        let end = |bound: Bound<f64>, otherwise: f64| match bound {
            Included(end) | Excluded(end) => end,
            Unbounded => otherwise,
        };
        match comparison {
            Comparison::Above | Comparison::AtLeast => end(self.low, f64::NEG_INFINITY),
            Comparison::Below | Comparison::AtMost | Comparison::Is => {
                end(self.high, end(self.low, f64::INFINITY))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Comparison::{Above, AtLeast, AtMost, Below, Is};
    use proptest::prelude::*;

    fn seen(value: Value) -> Known {
        Known::of(&value, Unit::Seconds).expect("a number")
    }

    /// T = 2 s: a percentile beyond it fails every bound up to 2 s, and says
    /// nothing of one of 5 s.
    #[test]
    fn what_lies_beyond_t_fails_what_lies_before_it() {
        let beyond = seen(Value::AtLeast(2.0));
        assert_eq!(beyond.answers(Below, 0.05), Some(false));
        assert_eq!(beyond.answers(Below, 2.0), Some(false));
        assert_eq!(beyond.answers(AtMost, 2.0), Some(false));
        assert_eq!(beyond.answers(AtMost, 5.0), None);
        assert_eq!(beyond.answers(Above, 2.0), Some(true));
        assert_eq!(beyond.answers(Is, 1.0), Some(false));
    }

    #[test]
    fn what_pacing_does_not_resolve_passes_what_lies_above_it() {
        let below = seen(Value::AtMost(0.000_2));
        assert_eq!(below.answers(Below, 0.05), Some(true));
        assert_eq!(below.answers(AtMost, 0.000_2), Some(true));
        assert_eq!(below.answers(Below, 0.000_2), None);
        assert_eq!(below.answers(Above, 0.000_1), None);
        assert_eq!(below.answers(AtLeast, 0.001), Some(false));
    }

    #[test]
    fn a_lower_bound_of_a_count_may_be_it() {
        let lost = Known::of(&Value::AtLeast(0.0), Unit::Tasks).expect("a number");
        assert_eq!(lost.answers(Is, 0.0), None);
        let lost = Known::of(&Value::AtLeast(3.0), Unit::Tasks).expect("a number");
        assert_eq!(lost.answers(Is, 0.0), Some(false));
        assert_eq!(lost.answers(Below, 3.0), Some(false));
    }

    #[test]
    fn a_fault_that_did_not_show_cost_nothing() {
        let none = Known::read(&Reading::NoImpact).expect("known");
        assert_eq!(none.answers(Below, 5.0), Some(true));
        assert_eq!(none.answers(Is, 0.0), Some(true));
        assert_eq!(Known::read(&Reading::NotSteady("noise".into())), None);
        let cut_off = Known::read(&Reading::MoreThan(20.0)).expect("known");
        assert_eq!(cut_off.answers(Below, 5.0), Some(false));
        assert_eq!(cut_off.answers(Below, 30.0), None);
    }

    #[test]
    fn no_number_decides_nothing() {
        for comparison in Comparison::ALL {
            assert_eq!(Known::exactly(f64::NAN).answers(comparison, 1.0), None);
            assert_eq!(Known::exactly(1.0).answers(comparison, f64::NAN), None);
        }
    }

    proptest! {
        /// An answer is that of every value that it may be, and a known value
        /// always has one.
        #[test]
        fn an_answer_holds_wherever_the_value_lies(
            low in -5_i32..5, high in -5_i32..5, open in (0..3_u8, 0..3_u8), bound in -6_i32..6,
        ) {
            let end = |at: i32, kind: u8| match kind {
                0 => Included(f64::from(at)),
                1 => Excluded(f64::from(at)),
                _ => Unbounded,
            };
            let known = Known { low: end(low, open.0), high: end(high, open.1) };
            let range = (known.low, known.high);
            for comparison in Comparison::ALL {
                let answer = known.answers(comparison, f64::from(bound));
                for value in (-28..28).map(|quarter| f64::from(quarter) / 4.0) {
                    let is_in = std::ops::RangeBounds::contains(&range, &value);
                    if let (Some(answer), true) = (answer, is_in) {
                        prop_assert_eq!(comparison.holds(value, f64::from(bound)), answer);
                    }
                }
                let exact = Known::exactly(f64::from(low));
                let answer = exact.answers(comparison, f64::from(bound));
                prop_assert_eq!(answer, Some(comparison.holds(f64::from(low), f64::from(bound))));
            }
        }
    }
}
