//! Whether an interval is bad, and runs of bad ones.

use super::baseline::Baseline;
use super::series::Interval;

/// Bad intervals in a row that are an impact, or a relapse.
pub(super) const RUN: usize = 3;

/// How much slower than the baseline is never bad, ns. L begins when a task
/// was due, so that the generator's lateness is in it, and 1 ms of that is held
/// against nobody (`Limits::lateness_ns`). A system in a process of its own is
/// done after 0.1 ms: twice that is what a pacer scatters by on two cores.
const RESOLVED_NS: f64 = 1e6;

/// What an interval is, measured against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Bad,
    /// Worse than healthy, and not by so much that it is called bad.
    Between,
    Ok,
}

/// The thresholds that follow from a baseline (`docs/measurement.md` §9).
#[derive(Clone, Copy, Debug)]
pub(super) struct Detector {
    bad_below: f64,
    ok_from: f64,
    slow_above: Option<f64>,
    bad_errors: f64,
    ok_errors: f64,
}

impl Detector {
    /// Shares of G0 and of tasks, or standard deviations where those are more.
    /// Errors are rare and their counts skewed, so that they need five where
    /// goodput needs three (`decisions/0024`).
    pub(super) fn of(baseline: &Baseline) -> Self {
        let &Baseline { goodput, scatter, errors, errors_scatter, .. } = baseline;
        Self {
            bad_below: goodput - (0.10 * goodput).max(4.0 * scatter),
            ok_from: goodput - (0.05 * goodput).max(3.0 * scatter),
            slow_above: baseline.p99_ns.map(|p99| p99 + p99.max(RESOLVED_NS)),
            bad_errors: errors + 0.01_f64.max(6.0 * errors_scatter),
            ok_errors: errors + 0.001_f64.max(5.0 * errors_scatter),
        }
    }

    /// Whether the baseline scatters by so much that half the goodput, or half
    /// the tasks failing, would pass. Then its own deviations pass as well: a
    /// stall of 6 s in 60 s makes 4 s larger than G0.
    pub(super) fn is_blind(&self, baseline: &Baseline) -> bool {
        self.bad_below < 0.5 * baseline.goodput || self.bad_errors > 0.5 + baseline.errors
    }

    pub(super) fn health(&self, interval: &Interval) -> Health {
        let completed = interval.completed as f64;
        let slow = interval.p99_ns.zip(self.slow_above).is_some_and(|(p99, limit)| p99 > limit);
        let errors = interval.errors.unwrap_or(self.ok_errors);
        if completed < self.bad_below || slow || errors > self.bad_errors {
            Health::Bad
        } else if completed >= self.ok_from && errors <= self.ok_errors {
            Health::Ok
        } else {
            Health::Between
        }
    }

    pub(super) fn healths(&self, intervals: &[Interval]) -> Vec<Health> {
        intervals.iter().map(|interval| self.health(interval)).collect()
    }
}

/// The runs of bad intervals from `from` on that are long enough to count.
pub(super) fn bad_runs(
    health: &[Health],
    from: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut next = from;
    std::iter::from_fn(move || {
        while next < health.len() {
            let bad = health[next..].iter().take_while(|&&health| health == Health::Bad).count();
            let run = next..next + bad;
            next = run.end + 1;
            if bad >= RUN {
                return Some(run);
            }
        }
        None
    })
}

/// Where the first of them begins.
pub(super) fn first_bad_run(health: &[Health], from: usize) -> Option<usize> {
    bad_runs(health, from).next().map(|run| run.start)
}

#[cfg(test)]
mod tests {
    use super::Health::{Bad, Between, Ok};
    use super::*;

    fn baseline() -> Baseline {
        Baseline {
            intervals: 60,
            goodput: 2_000.0,
            scatter: 40.0,
            p99_ns: Some(5e6),
            errors: 0.0,
            errors_scatter: 0.0,
            drained: 100.0,
        }
    }

    fn health(completed: u64, p99_ns: f64, errors: f64) -> Health {
        let interval = Interval {
            completed,
            p99_ns: Some(p99_ns),
            window: 1,
            errors: Some(errors),
            backlog: 0,
        };
        Detector::of(&baseline()).health(&interval)
    }

    /// 10 % of 2,000 is more than 4 × 40; 5 % is less than 3 × 40.
    #[test]
    fn the_thresholds_are_those_of_the_formulas() {
        assert_eq!(health(1_799, 5e6, 0.0), Bad);
        assert_eq!(health(1_800, 5e6, 0.0), Between);
        assert_eq!(health(1_879, 5e6, 0.0), Between);
        assert_eq!(health(1_880, 5e6, 0.0), Ok);
        assert_eq!(health(9_000, 10e6, 0.0), Ok, "more than usual is no harm");
        assert_eq!(health(2_000, 10.1e6, 0.0), Bad);
        assert_eq!(health(2_000, 5e6, 0.001), Ok);
        assert_eq!(health(2_000, 5e6, 0.002), Between);
        assert_eq!(health(2_000, 5e6, 0.011), Bad);
    }

    /// Where P0 is 0.1 ms, 1 ms more is the generator's to scatter by.
    #[test]
    fn a_latency_below_what_the_pacing_resolves_is_not_bad() {
        let detector = Detector::of(&Baseline { p99_ns: Some(1e5), ..baseline() });
        let at = |p99_ns| {
            let p99_ns = Some(p99_ns);
            detector.health(&Interval { completed: 2_000, p99_ns, ..Interval::default() })
        };
        assert_eq!(at(0.9e6), Ok);
        assert_eq!(at(1.11e6), Bad);
    }

    #[test]
    fn what_has_no_value_is_not_judged_by_it() {
        let detector = Detector::of(&baseline());
        let silent = Interval { completed: 2_000, ..Interval::default() };
        assert_eq!(detector.health(&silent), Ok);
    }

    #[test]
    fn scatter_widens_the_thresholds_until_they_see_nothing() {
        let noisy = |scatter| Baseline { scatter, ..baseline() };
        assert!(!Detector::of(&noisy(240.0)).is_blind(&noisy(240.0)));
        assert!(Detector::of(&noisy(260.0)).is_blind(&noisy(260.0)));
        let failing = Baseline { errors_scatter: 0.1, ..baseline() };
        assert!(Detector::of(&failing).is_blind(&failing));
    }

    #[test]
    fn runs_are_of_three_and_more() {
        let health = [Bad, Bad, Ok, Bad, Bad, Bad, Bad, Between, Bad, Bad, Bad];
        let runs: Vec<_> = bad_runs(&health, 0).collect();
        assert_eq!(runs, [3..7, 8..11]);
        assert_eq!(first_bad_run(&health, 5), Some(8), "two are left of the first");
        assert_eq!(first_bad_run(&health, 0), Some(3));
        assert_eq!(first_bad_run(&health[..5], 0), None);
        assert_eq!(first_bad_run(&[], 0), None);
    }
}
