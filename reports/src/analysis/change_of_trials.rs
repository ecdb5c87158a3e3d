//! What may be said of a figure of trials that was measured twice, where some
//! of them may never have recovered, and some may have felt nothing
//! (`docs/decisions/0051`).

use super::change::{Bound, Call, Change, Measure, Pair, Sample, Test, judge, too_few};
use super::faults::{Median, median};
use super::rank_test::RankTest;
use super::statistics::{LEVEL, differs, holm};
use crate::outcome::Reading;

/// A difference of just the resolution is noise, and adding up seconds must not
/// make it more.
const ROUNDING: f64 = 1.0 + 1e-9;

/// A change of trials to be judged.
#[derive(Clone, Debug)]
pub struct TrialPair {
    /// The trials of the side that is compared with.
    pub before: Vec<Reading>,
    /// Those of the side that is compared.
    pub after: Vec<Reading>,
    /// How the change of their medians is measured.
    pub measure: Measure,
    /// Whether more is better.
    pub more_is_better: bool,
    /// The smallest change that matters, as `measure` has it.
    pub matters: f64,
    /// What the trials of either side resolve, in the figure's unit; a change
    /// that is no larger is never called.
    pub resolution: f64,
}

/// What can be asked of a pair.
enum Asked {
    /// All trials have a number that Welch's test can take.
    Numbers(Pair),
    /// All have a place in an order.
    Ranks(RankTest),
    /// Nothing, and why.
    Nothing(String),
}

/// Judges changes of trials that are stated together.
///
/// Where each trial of both sides is a number, Welch's test as for any other
/// figure; else that of [ranks](RankTest). Each kind of test is a family with a
/// correction of its own: five trials on a side rank nothing surer than
/// p = 0.8 %, so that among many t-tests no rank could ever be called.
#[must_use]
pub fn judge_trials(pairs: &[TrialPair]) -> Vec<Change> {
    let asked: Vec<Asked> = pairs.iter().map(TrialPair::asked).collect();
    let numbers = asked.iter().filter_map(|asked| match asked {
        Asked::Numbers(pair) => Some(pair.clone()),
        _ => None,
    });
    let ranks = pairs.iter().zip(&asked).filter_map(|(pair, asked)| match asked {
        Asked::Ranks(test) => Some((pair, *test)),
        _ => None,
    });
    let mut by_numbers = judge(&numbers.collect::<Vec<_>>()).into_iter();
    let mut by_ranks = judge_ranks(&ranks.collect::<Vec<_>>()).into_iter();
    let judged = |asked| match asked {
        Asked::Numbers(_) => by_numbers.next(),
        Asked::Ranks(_) => by_ranks.next(),
        Asked::Nothing(why) => Some(Change::untested(f64::NAN, why)),
    };
    asked.into_iter().filter_map(judged).collect()
}

impl TrialPair {
    fn asked(&self) -> Asked {
        if let Some(why) = too_few(self.before.len(), self.after.len()) {
            return Asked::Nothing(why);
        }
        let silent = [("before", &self.before), ("after", &self.after)];
        if let Some(why) = silent.into_iter().find_map(|(when, side)| silence(side, when)) {
            return Asked::Nothing(why);
        }
        if let (Some(before), Some(after)) = (self.sample(&self.before), self.sample(&self.after)) {
            let (measure, more_is_better) = (self.measure, self.more_is_better);
            let matters = self.matters.max(self.resolved(before.point));
            return Asked::Numbers(Pair { before, after, measure, more_is_better, matters });
        }
        let test = RankTest::of(&self.before, &self.after);
        test.map_or_else(|| Asked::Nothing("a trial has no usable number".to_owned()), Asked::Ranks)
    }

    /// The trials as Welch's test takes them, where all are numbers on its scale.
    fn sample(&self, side: &[Reading]) -> Option<Sample> {
        let number = |reading: &Reading| match reading {
            Reading::Is(x) if self.measure == Measure::Points || *x > 0.0 => Some(*x),
            _ => None,
        };
        let repeats: Option<Vec<f64>> = side.iter().map(number).collect();
        let point = median(side).value.number()?;
        Some(Sample { point, repeats: repeats?, bound: Bound::Exact })
    }

    /// The resolution as a change of that figure.
    fn resolved(&self, before: f64) -> f64 {
        match self.measure {
            Measure::Ratio => ROUNDING * self.resolution / before,
            Measure::Points => ROUNDING * self.resolution,
        }
    }

    fn medians(&self) -> (Reading, Reading) {
        let of = |side: &[Reading]| -> Reading { median(side).value };
        (of(&self.before), of(&self.after))
    }

    /// The change of the medians; of a bound the change that is certain.
    fn by(&self) -> f64 {
        let (before, after) = self.medians();
        match (before.number(), after.number(), self.measure) {
            (Some(before), Some(after), Measure::Ratio) => after / before - 1.0,
            (Some(before), Some(after), Measure::Points) => after - before,
            _ => f64::NAN,
        }
    }
}

/// Why a side says nothing: a trial of it was not judged. Those that were may
/// have been because they were quicker.
fn silence(side: &[Reading], when: &str) -> Option<String> {
    let Median { not_steady, not_measured, .. } = median(side);
    let words = [(not_steady, "not steady"), (not_measured, "not measured")];
    let (n, what) = words.into_iter().find(|(n, _)| *n > 0)?;
    Some(format!("{what} in {n} of {} {when}", side.len()))
}

fn judge_ranks(asked: &[(&TrialPair, RankTest)]) -> Vec<Change> {
    let least: Vec<f64> = asked.iter().map(|(_, test)| test.least).collect();
    let reachable = reachable(&least);
    let p: Vec<f64> =
        asked.iter().zip(&reachable).filter(|(_, can)| **can).map(|((_, it), _)| it.p).collect();
    let mut adjusted = holm(&p).into_iter();
    let all = asked.iter().filter(|(_, test)| test.least <= LEVEL).count();
    let judged = |((pair, test), can): (&(&TrialPair, RankTest), bool)| {
        if can {
            return ranked(pair, test, adjusted.next().unwrap_or(1.0));
        }
        match out_of_reach(pair, test, all) {
            Some(why) => Change::untested(pair.by(), why),
            // All are alike, so that there is no order to test.
            None => Change { test: None, ..ranked(pair, test, 1.0) },
        }
    };
    asked.iter().zip(reachable).map(judged).collect()
}

/// Which tests could be called at all among so many. Those that could not,
/// since their trials are too few or too much alike, need no correction and
/// cost the others none.
///
/// Tarone, R. E. (1990), "A modified Bonferroni method for discrete data",
/// Biometrics 46, 515–522: K is the smallest k of which no more than k tests
/// have a least p of α/k.
fn reachable(least: &[f64]) -> Vec<bool> {
    let within = |k: usize, p: f64| p <= LEVEL / k as f64;
    let fits = |k: &usize| least.iter().filter(|p| within(*k, **p)).count() <= *k;
    let k = (1..=least.len().max(1)).find(fits).unwrap_or(1);
    least.iter().map(|p| within(k, *p)).collect()
}

/// Why these trials could not be called in any order; `None` where they are
/// simply the same.
fn out_of_reach(pair: &TrialPair, test: &RankTest, all: usize) -> Option<String> {
    if test.least <= LEVEL {
        let trials = pair.before.len().min(pair.after.len());
        let p = 100.0 * test.least;
        return Some(format!(
            "{trials} trials on a side rank nothing surer than p = {p:.1} %, too little among {all} \
             figures"
        ));
    }
    match (test.alike, test.beyond) {
        (true, 0) => None,
        (true, _) => Some("no trial was over in the time that all were watched for".to_owned()),
        (false, _) => Some("too many trials are alike for their order to tell".to_owned()),
    }
}

fn ranked(pair: &TrialPair, test: &RankTest, adjusted: f64) -> Change {
    let by = pair.by();
    let rose = test.shift > 0.0;
    let call = if !differs(adjusted) {
        Call::Noise
    } else {
        match (rise(pair), rose == pair.more_is_better) {
            (None, _) => {
                return Change::untested(by, "both medians lie beyond what was watched".to_owned());
            }
            // Where medians and ranks disagree on the sign, neither is believed.
            (Some(rise), _) if !matters(pair, rise, by) || (rise > 0.0) != rose => Call::Small,
            (Some(_), true) => Call::Better,
            (Some(_), false) => Call::Worse,
        }
    };
    let (adjusted, test) = (Some(adjusted), Some(Test::Ranks));
    Change { by, interval: None, adjusted, smallest: None, test, call }
}

/// By how much the median rose, no more than is certain; "no impact" is
/// nothing. `None` where both are only known to be at least so much.
fn rise(pair: &TrialPair) -> Option<f64> {
    use Reading::{Is, MoreThan, NoImpact};
    match pair.medians() {
        (MoreThan(_), MoreThan(_)) => None,
        (Is(before), MoreThan(after)) => Some((after - before).max(0.0)),
        (MoreThan(before), Is(after)) => Some((after - before).min(0.0)),
        (Is(before), Is(after)) => Some(after - before),
        (NoImpact, Is(after) | MoreThan(after)) => Some(after),
        (Is(before) | MoreThan(before), NoImpact) => Some(-before),
        _ => Some(0.0),
    }
}

/// Whether a change of the medians is more than is resolved, and large enough.
/// From nothing, or to nothing, there is no ratio.
fn matters(pair: &TrialPair, rise: f64, by: f64) -> bool {
    rise.abs() > ROUNDING * pair.resolution && (!by.is_finite() || by.abs() >= pair.matters)
}

#[cfg(test)]
mod tests {
    use super::Reading::{Is, MoreThan, NoImpact};
    use super::*;

    fn times(of: [f64; 5]) -> Vec<Reading> {
        of.map(Is).to_vec()
    }

    /// Of a recovery in seconds that is read to 0.1 s.
    fn pair(before: Vec<Reading>, after: Vec<Reading>) -> TrialPair {
        TrialPair {
            before,
            after,
            measure: Measure::Ratio,
            more_is_better: false,
            matters: 0.1,
            resolution: 0.1,
        }
    }

    fn one(before: Vec<Reading>, after: Vec<Reading>) -> Change {
        judge_trials(&[pair(before, after)]).remove(0)
    }

    const QUICK: [f64; 5] = [5.1, 5.3, 5.2, 5.4, 5.2];

    #[test]
    fn numbers_are_judged_by_their_noise_and_by_what_matters() {
        let later = |by: f64| times(QUICK.map(|s| s * by));
        let slower = one(times(QUICK), later(1.5));
        assert_eq!((&slower.call, slower.test), (&Call::Worse, Some(Test::Welch)));
        assert!((slower.by - 0.5).abs() < 1e-9 && slower.smallest > Some(0.1), "{slower:?}");
        assert_eq!(one(later(1.5), times(QUICK)).call, Call::Better);
        assert_eq!(one(times(QUICK), times(QUICK)).call, Call::Noise);
        let steady = || times([5.2, 5.2, 5.2, 5.2, 5.3]);
        let tenth = times([5.6, 5.6, 5.6, 5.6, 5.7]);
        assert_eq!(one(steady(), tenth).call, Call::Small, "7.7 % of what matters from 10 % on");
    }

    /// A third more, and one step of what can be read.
    #[test]
    fn what_is_below_the_resolution_is_noise() {
        let (before, after) = ([0.3, 0.3, 0.3, 0.3, 0.3], [0.4, 0.4, 0.4, 0.4, 0.4]);
        assert_eq!(one(times(before), times(after)).call, Call::Small);
        assert_eq!(one(times(after), times(before)).call, Call::Small);
        assert_eq!(one(times(before), times([0.5; 5])).call, Call::Worse);
        // By ranks likewise: at once has no logarithm.
        assert_eq!(one(times([0.0; 5]), times([0.1; 5])).call, Call::Small);
        let late = one(times([0.0; 5]), times([0.4; 5]));
        assert_eq!((late.call, late.test), (Call::Worse, Some(Test::Ranks)));
    }

    #[test]
    fn what_never_recovered_is_slower_than_what_did() {
        let never = one(times(QUICK), vec![MoreThan(30.0); 5]);
        assert_eq!((&never.call, never.test), (&Call::Worse, Some(Test::Ranks)));
        assert!((never.by - (30.0 / 5.2 - 1.0)).abs() < 1e-9, "at least so much: {never:?}");
        assert_eq!(one(vec![MoreThan(30.0); 5], times(QUICK)).call, Call::Better);
        let both = one(vec![MoreThan(30.0); 5], vec![MoreThan(29.0); 5]);
        assert_eq!(
            both.call,
            Call::NotTested("no trial was over in the time that all were watched for".into())
        );
        // One of five was not back: it may be chance.
        let mut once = times(QUICK);
        once[2] = MoreThan(30.0);
        assert_eq!(one(times(QUICK), once).call, Call::Noise);
        // Cut off before the others were back: nothing is known beyond that.
        let cut = one(times(QUICK), vec![MoreThan(2.0); 5]);
        assert_eq!(
            cut.call,
            Call::NotTested("no trial was over in the time that all were watched for".into())
        );
    }

    #[test]
    fn no_impact_is_below_every_number() {
        let hurt = one(vec![NoImpact; 5], times(QUICK));
        assert_eq!(hurt.call, Call::Worse);
        assert!(hurt.by.is_nan(), "from nothing there is no ratio");
        assert_eq!(one(times(QUICK), vec![NoImpact; 5]).call, Call::Better);
        let same = one(vec![NoImpact; 5], vec![NoImpact; 5]);
        assert_eq!((same.call, same.adjusted, same.test), (Call::Noise, Some(1.0), None));
        let mut two = vec![NoImpact; 5];
        two[0] = Is(3.0);
        let alike = "too many trials are alike for their order to tell".to_owned();
        assert_eq!(one(vec![NoImpact; 5], two).call, Call::NotTested(alike));
    }

    #[test]
    fn what_was_not_judged_leaves_its_figure_untested() {
        for (odd, why) in [
            (Reading::NotSteady("noise".into()), "not steady in 1 of 5 after"),
            (Reading::not_measured("cut short"), "not measured in 1 of 5 after"),
            (Is(f64::NAN), "not measured in 1 of 5 after"),
        ] {
            let mut after = times(QUICK);
            after[4] = odd;
            assert_eq!(one(times(QUICK), after).call, Call::NotTested(why.to_owned()));
        }
        let few = one(times(QUICK), times(QUICK)[..4].to_vec());
        assert_eq!(few.call, Call::NotTested("4 repeats, 5 are needed".to_owned()));
    }

    /// 6 × 2/252 < 5 % < 7 × 2/252.
    #[test]
    fn among_many_figures_five_trials_rank_nothing() {
        let never = || pair(times(QUICK), vec![MoreThan(30.0); 5]);
        let calls = |n: usize, more: &[TrialPair]| -> Vec<Call> {
            let pairs: Vec<TrialPair> =
                (0..n).map(|_| never()).chain(more.iter().cloned()).collect();
            judge_trials(&pairs).into_iter().map(|change| change.call).collect()
        };
        assert_eq!(calls(6, &[]), vec![Call::Worse; 6]);
        let why =
            "5 trials on a side rank nothing surer than p = 0.8 %, too little among 7 figures";
        assert_eq!(calls(7, &[]), vec![Call::NotTested(why.to_owned()); 7]);
        // What could not be called in any order costs the others nothing, nor
        // do the figures that are all numbers.
        let same = vec![pair(vec![NoImpact; 5], vec![NoImpact; 5]); 20];
        assert_eq!(calls(6, &same)[..6], vec![Call::Worse; 6]);
        let numbers = vec![pair(times(QUICK), times(QUICK)); 20];
        assert_eq!(calls(6, &numbers)[..6], vec![Call::Worse; 6]);
        // Seven on a side: 2 of 3,432 deals.
        let seven = [times(QUICK), times(QUICK)[..2].to_vec()].concat();
        let pairs = vec![pair(seven, vec![MoreThan(30.0); 7]); 40];
        assert!(judge_trials(&pairs).iter().all(|change| change.call == Call::Worse));
    }

    #[test]
    fn shares_change_by_points() {
        let share = |of: [f64; 5]| of.map(Is).to_vec();
        let pair = TrialPair {
            measure: Measure::Points,
            more_is_better: true,
            matters: 0.01,
            resolution: 0.0,
            ..pair(share([0.0; 5]), share([0.4, 0.41, 0.42, 0.4, 0.4]))
        };
        let change = judge_trials(&[pair]).remove(0);
        assert_eq!((change.call, change.test), (Call::Better, Some(Test::Welch)));
        assert!((change.by - 0.4).abs() < 1e-9, "{}", change.by);
    }
}
