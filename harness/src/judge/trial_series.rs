//! A trial over time, on the intervals that it was judged by: what its drawing
//! shows is what its figures were read from.

use std::collections::BTreeMap;

use schedbench_reports::outcome;

use super::latency::{Distribution, Point, start_latency, unit_ns};
use super::limits::Limits;
use super::recovery::Trial;
use super::tasks::{self, Seen};
use super::{recovery, seconds_between};
use crate::record::Evidence;

/// Most bins. More cannot be told apart in a drawing 500 px wide, and a run
/// of some hundred trials would be a file of many MB.
const MOST: usize = 240;

/// Intervals, several to a bin; t_f is where a bin begins.
struct Bins<'a> {
    /// Where the first begins, monotonic ns.
    from: u64,
    width_ns: u64,
    /// Its intervals, bin by bin.
    intervals: Vec<&'a [recovery::Interval]>,
}

impl<'a> Bins<'a> {
    fn of(trial: &'a Trial) -> Self {
        let series = &trial.series;
        let each = series.intervals.len().div_ceil(MOST).max(1);
        // What does not fill a bin before t_f, or at the end, is left out.
        let skipped = series.before % each;
        let before = (series.before / each) as u64;
        let width_ns = ((series.interval_s * 1e9).round() as u64).saturating_mul(each as u64);
        let took_effect = trial.conditions.times.took_effect;
        Self {
            from: took_effect.saturating_sub(before.saturating_mul(width_ns)),
            width_ns,
            intervals: series.intervals[skipped.min(series.intervals.len())..]
                .chunks_exact(each)
                .collect(),
        }
    }

    fn place(&self, instant: u64) -> Option<usize> {
        let place = instant.checked_sub(self.from)? / self.width_ns.max(1);
        usize::try_from(place).ok().filter(|&place| place < self.intervals.len())
    }
}

/// The columns of the outcome.
pub(super) fn of(evidence: &Evidence<'_>, trial: &Trial, limits: &Limits) -> outcome::Series {
    let bins = Bins::of(trial);
    if bins.intervals.is_empty() {
        return outcome::Series::default();
    }
    let horizon_ns = evidence.plan.horizon_ns;
    let waits = waits(evidence, &bins, horizon_ns);
    let bin_s = bins.width_ns as f64 / 1e9;
    let goodput = |bin: &&[recovery::Interval]| {
        let completed: u64 = bin.iter().map(|interval| interval.completed).sum();
        Some(completed as f64 / bin_s)
    };
    let backlog = |bin: &&[recovery::Interval]| {
        bin.iter().map(|interval| interval.backlog as f64).reduce(f64::max)
    };
    let at = |wait: &Distribution, q: f64| match wait.quantile(q)? {
        Point::At(ns) => Some(ns as f64 / 1e9),
        Point::Infinity => Some(horizon_ns as f64 / 1e9),
    };
    let enough = |wait: &&Distribution| wait.beyond(0.99) >= limits.beyond;
    let p99 = |wait| Some(wait).filter(enough).and_then(|wait| at(wait, 0.99));
    let largest = |wait| Some(wait).filter(|wait| !enough(wait)).and_then(|wait| at(wait, 1.0));
    let at_infinity = |wait: &Distribution| Some(wait.at_infinity() as f64);
    let columns = BTreeMap::from([
        ("throughput".into(), bins.intervals.iter().map(goodput).collect()),
        ("backlog".into(), bins.intervals.iter().map(backlog).collect()),
        ("p99".into(), waits.iter().map(p99).collect()),
        ("largest".into(), waits.iter().map(largest).collect()),
        ("at_infinity".into(), waits.iter().map(at_infinity).collect()),
    ]);
    outcome::Series { bin_s, start_s: seconds_between(evidence.window.start, bins.from), columns }
}

/// Start latencies by due time.
fn waits(evidence: &Evidence<'_>, bins: &Bins<'_>, horizon_ns: u64) -> Vec<Distribution> {
    let mut waits = vec![Distribution::rough(); bins.intervals.len()];
    let unit_ns = unit_ns(evidence);
    tasks::each(evidence, |seen| {
        if let Seen::Task(task) = seen
            && task.counts()
            && let Some(place) = bins.place(task.due)
        {
            waits[place].see(start_latency(task, horizon_ns, unit_ns));
        }
    });
    waits
}
