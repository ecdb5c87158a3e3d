//! The median over trials of which some never recovered.

use super::reading::Reading;

/// A median, and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Median {
    /// The median over all trials that were judged. Exact when the trials that
    /// were cut off cannot change it, else a lower bound.
    pub value: Reading,
    /// Trials with a number.
    pub measured: usize,
    /// Trials that were cut off.
    pub censored: usize,
    /// Trials without an impact: below every number.
    pub no_impact: usize,
    /// Trials that were not steady or not measured: in no median.
    pub left_out: usize,
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
    let (mut censored, mut no_impact) = (0, 0);
    for trial in trials {
        let (low, high) = match trial {
            Reading::Is(value) => (*value, *value),
            Reading::MoreThan(bound) => {
                censored += 1;
                (*bound, f64::INFINITY)
            }
            Reading::NoImpact => {
                no_impact += 1;
                (f64::NEG_INFINITY, f64::NEG_INFINITY)
            }
            Reading::NotSteady(_) | Reading::NotMeasured(_) => continue,
        };
        least.push(low);
        most.push(high);
    }
    let judged = least.len();
    let value = match (middle(least), middle(most)) {
        (Some(f64::NEG_INFINITY), _) => Reading::NoImpact,
        (Some(least), Some(most)) if least == most => Reading::Is(least),
        (Some(least), _) => Reading::MoreThan(least),
        (None, _) => Reading::not_measured("no trial was judged"),
    };
    Median {
        value,
        measured: judged - censored - no_impact,
        censored,
        no_impact,
        left_out: trials.len() - judged,
    }
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
    }

    #[test]
    fn no_impact_is_below_every_number_and_never_a_zero() {
        assert_eq!(of(&[NoImpact, NoImpact, Is(-3.0)]), NoImpact);
        assert_eq!(of(&[NoImpact, Is(-3.0), Is(2.0)]), Is(-3.0));
        assert_eq!(of(&[NoImpact, Is(5.0)]), Is(5.0));
        assert_eq!(of(&[NoImpact, MoreThan(5.0)]), MoreThan(5.0));
    }

    #[test]
    fn what_was_not_judged_is_counted_and_left_out() {
        let told = median(&[Reading::NotSteady("noise".into()), Is(7.0)]);
        assert_eq!((told.value, told.left_out), (Is(7.0), 1));
        assert!(matches!(of(&[]), Reading::NotMeasured(_)));
    }
}
