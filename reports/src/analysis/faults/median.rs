//! The median over trials of which some never recovered.

use statrs::distribution::{Binomial, DiscreteCDF as _};

use crate::analysis::{ENOUGH, LEVEL};
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
    /// Where the median of all trials that there could be lies, from five
    /// judged ones on.
    pub interval: Option<Interval>,
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

/// A confidence interval of a median, each end exact or a lower bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: Reading,
    /// Its upper end.
    pub high: Reading,
    /// How often such an interval holds the median: at least 0.95, and 0.9375
    /// with five trials, of which no wider one can be made.
    pub confidence: f64,
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
        interval: None,
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
    least.sort_unstable_by(f64::total_cmp);
    most.sort_unstable_by(f64::total_cmp);
    told.interval = interval(&least, &most);
    told.value = match (middle(&least), middle(&most)) {
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

/// The interval of the median between two order statistics, which asks nothing
/// of how the times are distributed: of `n` trials each is below the median
/// with probability 1/2, so that the median lies between the `k`th smallest and
/// the `k`th largest unless fewer than `k` are on one side of it. H. A. David and
/// H. N. Nagaraja, Order Statistics, 3rd ed., § 7.1.
///
/// A t-interval on logarithms, as repeats of other figures have it, has no
/// place for a trial that never recovered or in which nothing showed. Here they
/// have one: below every number, or at least at their bound.
///
/// Both lists hold the same trials, sorted: the least and the most that each
/// can be.
fn interval(least: &[f64], most: &[f64]) -> Option<Interval> {
    let n = least.len();
    if n < ENOUGH {
        return None;
    }
    let (k, confidence) = rank(n)?;
    let end = |place: usize| match (least.get(place)?, most.get(place)?) {
        (&f64::NEG_INFINITY, _) => Some(Reading::NoImpact),
        (least, most) if least == most => Some(Reading::Is(*least)),
        (least, _) => Some(Reading::MoreThan(*least)),
    };
    Some(Interval { low: end(k - 1)?, high: end(n - k)?, confidence })
}

/// The largest `k` with which the interval misses seldom enough, or 1; and how
/// often it holds the median.
fn rank(n: usize) -> Option<(usize, f64)> {
    let below = Binomial::new(0.5, n as u64).ok()?;
    let misses = |k: usize| 2.0 * below.cdf(k as u64 - 1);
    let k = (1..=n / 2).take_while(|k| *k == 1 || misses(*k) <= LEVEL).last()?;
    Some((k, 1.0 - misses(k)))
}

/// `statrs` has a median, but its mean of −∞ or +∞ and a number is no number
/// of ours.
fn middle(values: &[f64]) -> Option<f64> {
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

    /// Ranks and confidences as tables have them.
    #[test]
    fn an_interval_lies_between_known_ranks() {
        let known = [
            (5, 1, 0.9375),
            (6, 1, 0.96875),
            (8, 1, 0.9921875),
            (9, 2, 0.9609375),
            (10, 2, 0.978_515_625),
            (20, 6, 0.958_610_534_667_968_8),
        ];
        for (n, k, confidence) in known {
            let (rank, holds) = rank(n).expect("a rank");
            assert_eq!(rank, k, "of {n}");
            assert!((holds - confidence).abs() < 1e-9, "{holds} of {n}");
        }
    }

    #[test]
    fn an_interval_keeps_what_was_cut_off_and_where_nothing_showed() {
        let of = |trials: &[Reading]| median(trials).interval.map(|it| (it.low, it.high));
        let four = [Is(1.0), Is(2.0), Is(3.0), Is(4.0)];
        assert_eq!(of(&four), None);
        let and = |more: &[Reading]| of(&[&four, more].concat());
        assert_eq!(and(&[Is(9.0)]), Some((Is(1.0), Is(9.0))));
        assert_eq!(and(&[MoreThan(9.0)]), Some((Is(1.0), MoreThan(9.0))));
        // It may have been the slowest of all.
        assert_eq!(and(&[MoreThan(2.5)]), Some((Is(1.0), MoreThan(4.0))));
        assert_eq!(and(&[NoImpact]), Some((NoImpact, Is(4.0))));
        assert_eq!(and(&[Reading::NotSteady("noise".into())]), None);
        let many: Vec<Reading> = (1..=9).map(|n| Is(f64::from(n))).collect();
        assert_eq!(of(&many), Some((Is(2.0), Is(8.0))));
    }

    /// Of skewed times, whose median is known; cutting trials off only widens it.
    #[test]
    fn an_interval_holds_the_median_as_often_as_it_says() {
        const ROUNDS: u32 = 4_000;
        let mut state = 7_u64;
        let mut uniform = || {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let truth = 0.5_f64.powi(4);
        let cut_off = |trial: &Reading| match trial {
            Is(value) if *value > 0.3 => MoreThan(0.3),
            other => other.clone(),
        };
        let number = |end: &Reading| end.number().expect("a number");
        for n in [5, 6, 8, 9, 20] {
            let mut holds = 0_u32;
            for _ in 0..ROUNDS {
                let trials: Vec<Reading> = (0..n).map(|_| Is(uniform().powi(4))).collect();
                let some: Vec<Reading> = trials.iter().map(cut_off).collect();
                let all = median(&trials).interval.expect("enough");
                let some = median(&some).interval.expect("enough");
                assert!(number(&some.low) <= number(&all.low));
                match &some.high {
                    Is(high) => assert_eq!(*high, number(&all.high)),
                    other => assert!(number(other) <= number(&all.high)),
                }
                holds += u32::from((number(&all.low)..=number(&all.high)).contains(&truth));
            }
            let (_, says) = rank(n).expect("a rank");
            let seen = f64::from(holds) / f64::from(ROUNDS);
            let noise = 4.0 * (says * (1.0 - says) / f64::from(ROUNDS)).sqrt();
            assert!((seen - says).abs() < noise, "{seen} of {says} with {n} trials");
        }
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
