//! Goodput that the fault cost.

use super::Reading;
use super::baseline::Baseline;
use super::detector::{self, Health};
use super::lasting::Onset;
use super::series::{Interval, Series};

/// Lost goodput = Σ max(0, G0 − C_i), tasks, from the impact to the recovery
/// and over each relapse.
///
/// Over all intervals the sum would grow with the watching alone: the lower
/// half of a healthy series' noise adds 0.4 s for each interval, which at 500/s
/// is a whole second's goodput every 29 intervals (`decisions/0024`).
pub(super) fn lost(
    series: &Series,
    baseline: &Baseline,
    health: &[Health],
    impact: usize,
    recovered: Onset,
) -> Reading {
    let missing = |intervals: &[Interval]| -> f64 {
        intervals.iter().map(|i| (baseline.goodput - i.completed as f64).max(0.0)).sum()
    };
    match recovered {
        Onset::At(r) => {
            let relapses = detector::bad_runs(health, r);
            let again: f64 = relapses.map(|run| missing(&series.intervals[run])).sum();
            Reading::Is(missing(&series.intervals[impact..r]) + again)
        }
        Onset::NotBefore(r) => Reading::MoreThan(missing(&series.intervals[impact..r])),
    }
}
