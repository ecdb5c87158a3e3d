//! The median over trials of which some never recovered.

use crate::outcome::Reading;

/// A median, and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Median {
    /// The median over all trials that were judged. Exact when the trials that
    /// were cut off cannot change it, else a lower bound. Where none was
    /// judged, why the first was not.
    pub value: Reading,
    /// The smallest and the largest of those that have a number, each exact or
    /// a lower bound; `None` where none has.
    pub range: Option<(Reading, Reading)>,
    /// Trials with a number.
    pub measured: usize,
    /// Trials that were cut off.
    pub censored: usize,
    /// Trials without an impact: below every number.
    pub no_impact: usize,
    /// Trials that were not steady before the fault: in no median.
    pub not_steady: usize,
    /// Trials that were not measured: in no median.
    pub not_measured: usize,
}

impl Median {
    /// All trials, judged or not.
    #[must_use]
    pub const fn trials(&self) -> usize {
        self.measured + self.censored + self.no_impact + self.not_steady + self.not_measured
    }
}

/// The median over trials.
///
/// A trial that never recovered stays in: leaving it out would make a system
/// that often does not come back look like a fast one. It counts as its lower
/// bound once and as +∞ once; where both give the same median, that is the
/// median, and otherwise the first is a lower bound of it. Nothing is assumed
/// about why or when a trial was cut off, as a Kaplan–Meier estimate would.
///
/// With an even number of trials it is the mean of the middle two, or the
/// larger of them if the smaller is "no impact".
#[must_use]
pub fn median(trials: &[Reading]) -> Median {
    let (mut least, mut most) = (Vec::new(), Vec::new());
    let mut told = Median {
        value: Reading::not_measured("no trial was judged"),
        range: None,
        measured: 0,
        censored: 0,
        no_impact: 0,
        not_steady: 0,
        not_measured: 0,
    };
    for trial in trials {
        let (low, high) = match trial {
            // Only a damaged file holds such a number.
            Reading::Is(value) | Reading::MoreThan(value) if !value.is_finite() => {
                told.not_measured += 1;
                continue;
            }
            Reading::Is(value) => {
                told.measured += 1;
                (*value, *value)
            }
            Reading::MoreThan(bound) => {
                told.censored += 1;
                (*bound, f64::INFINITY)
            }
            Reading::NoImpact => {
                told.no_impact += 1;
                (f64::NEG_INFINITY, f64::NEG_INFINITY)
            }
            Reading::NotSteady(_) => {
                told.not_steady += 1;
                continue;
            }
            Reading::NotMeasured(_) => {
                told.not_measured += 1;
                continue;
            }
        };
        least.push(low);
        most.push(high);
    }
    told.range = range(trials);
    told.value = match (middle(least), middle(most)) {
        (Some(f64::NEG_INFINITY), _) => Reading::NoImpact,
        (Some(least), Some(most)) if least == most => Reading::Is(least),
        (Some(least), _) => Reading::MoreThan(least),
        (None, _) => {
            let steady = |trial: &&Reading| matches!(trial, Reading::NotSteady(_));
            trials.iter().find(steady).or(trials.first()).cloned().unwrap_or(told.value)
        }
    };
    told
}

/// From the smallest to the largest. What was cut off is at least its bound,
/// so that the largest is at least the largest of all numbers told.
fn range(trials: &[Reading]) -> Option<(Reading, Reading)> {
    let numbers = || trials.iter().filter_map(Reading::number).filter(|x| x.is_finite());
    let low = numbers().reduce(f64::min)?;
    let high = numbers().reduce(f64::max)?;
    let any_exact = trials.contains(&Reading::Is(low));
    let any_censored =
        trials.iter().any(|trial| matches!(trial, Reading::MoreThan(x) if x.is_finite()));
    Some((
        if any_exact { Reading::Is(low) } else { Reading::MoreThan(low) },
        if any_censored { Reading::MoreThan(high) } else { Reading::Is(high) },
    ))
}

/// `statrs` has a median, but its mean of −∞ or +∞ and a number is no number
/// of ours.
fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(if lower == f64::NEG_INFINITY { upper } else { lower.midpoint(upper) })
}

#[cfg(test)]
mod tests {
    use super::Reading::{Is, MoreThan, NoImpact};
    use super::*;
    use proptest::prelude::*;

    fn of(trials: &[Reading]) -> Reading {
        median(trials).value
    }

    #[test]
    fn is_exact_where_what_was_cut_off_cannot_change_it() {
        assert_eq!(of(&[Is(9.0), Is(1.0), Is(4.0)]), Is(4.0));
        assert_eq!(of(&[Is(1.0), Is(2.0), Is(4.0), Is(9.0)]), Is(3.0));
        assert_eq!(of(&[Is(1.0), Is(2.0), MoreThan(60.0)]), Is(2.0));
        assert_eq!(of(&[Is(1.0), Is(2.0), Is(3.0), MoreThan(60.0)]), Is(2.5));
    }

    #[test]
    fn is_a_lower_bound_where_it_can() {
        assert_eq!(of(&[Is(1.0), MoreThan(60.0), MoreThan(50.0)]), MoreThan(50.0));
        assert_eq!(of(&[Is(10.0), Is(20.0), MoreThan(15.0)]), MoreThan(15.0));
        assert_eq!(of(&[Is(10.0), MoreThan(60.0)]), MoreThan(35.0));
        assert_eq!(of(&[MoreThan(60.0)]), MoreThan(60.0));
    }

    /// Leaving the two out would make it 2.
    #[test]
    fn a_system_that_does_not_come_back_is_not_a_fast_one() {
        let trials = [Is(1.0), Is(2.0), Is(3.0), MoreThan(60.0), MoreThan(60.0)];
        let told = median(&trials);
        assert_eq!(told.value, Is(3.0));
        assert_eq!((told.measured, told.censored), (3, 2));
        assert_eq!(told.range, Some((Is(1.0), MoreThan(60.0))));
    }

    #[test]
    fn no_impact_is_below_every_number_and_never_a_zero() {
        assert_eq!(of(&[NoImpact, NoImpact, Is(-3.0)]), NoImpact);
        assert_eq!(of(&[NoImpact, Is(-3.0), Is(2.0)]), Is(-3.0));
        assert_eq!(of(&[NoImpact, Is(5.0)]), Is(5.0));
        assert_eq!(of(&[NoImpact, MoreThan(5.0)]), MoreThan(5.0));
        assert_eq!(median(&[NoImpact]).range, None);
    }

    #[test]
    fn the_range_is_open_where_something_was_cut_off() {
        let range = |trials: &[Reading]| median(trials).range;
        assert_eq!(range(&[Is(2.0), Is(-1.0)]), Some((Is(-1.0), Is(2.0))));
        assert_eq!(range(&[Is(9.0), MoreThan(3.0)]), Some((MoreThan(3.0), MoreThan(9.0))));
        assert_eq!(range(&[MoreThan(3.0), Is(3.0)]), Some((Is(3.0), MoreThan(3.0))));
    }

    #[test]
    fn what_was_not_judged_is_counted_and_left_out() {
        let noise = || Reading::NotSteady("noise".into());
        let told = median(&[noise(), Is(7.0), Reading::not_measured("cut short")]);
        assert_eq!((told.value.clone(), told.not_steady, told.not_measured), (Is(7.0), 1, 1));
        assert_eq!(told.trials(), 3);
        assert_eq!(of(&[Reading::not_measured("cut short"), noise()]), noise());
        assert_eq!(of(&[]), Reading::not_measured("no trial was judged"));
        let odd = median(&[Is(f64::NAN), MoreThan(f64::INFINITY), Is(2.0)]);
        assert_eq!(
            (odd.value, odd.not_measured, odd.range),
            (Is(2.0), 2, Some((Is(2.0), Is(2.0))))
        );
    }

    #[test]
    fn a_lower_bound_stays_one() {
        assert_eq!(MoreThan(8.0).map(|x| x - 10.0), MoreThan(-2.0));
        assert_eq!(NoImpact.map(|x| x - 10.0), NoImpact);
        assert_eq!(NoImpact.number(), None);
    }

    proptest! {
        /// Watching the trials that were cut off for longer never makes the
        /// median smaller than was said, nor another one where it was exact.
        #[test]
        fn a_censored_median_is_a_lower_bound(
            trials in prop::collection::vec((0.0..100.0_f64, prop::option::of(0.0..50.0_f64)), 1..12),
        ) {
            let read = |later: bool| {
                let each = trials.iter().map(|&(value, more)| match more {
                    None => Is(value),
                    Some(more) if later => Is(value + more),
                    Some(_) => MoreThan(value),
                });
                of(&each.collect::<Vec<_>>())
            };
            match (read(false), read(true)) {
                (Is(early), Is(late)) => prop_assert_eq!(early, late),
                (MoreThan(bound), Is(late)) => prop_assert!(bound <= late),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
