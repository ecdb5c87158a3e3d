//! Figures over the window's time: at most 60 points per cell.

use std::collections::BTreeMap;

use schedbench_reports::outcome;

use super::flow::{Flow, Place, STEPS};
use super::latency::{Distribution, Point, start_latency};
use super::tasks::Task;

/// Bins in which start latencies are kept; series are of 60, 30 or 20.
pub(super) const BINS: usize = 60;

/// Start latencies by due time. Tasks of the warm-up that are due in the
/// window are in it, tasks due after the window are not.
#[derive(Debug)]
pub(super) struct OverTime {
    bins: Vec<Distribution>,
}

impl OverTime {
    pub(super) fn new() -> Self {
        Self { bins: (0..BINS).map(|_| Distribution::new()).collect() }
    }

    pub(super) fn see(&mut self, task: &Task, flow: &Flow, horizon_ns: u64, unit_ns: u64) {
        if !task.counts() {
            return;
        }
        if let Place::Step(step) = flow.grid.place(task.due) {
            self.bins[step / (STEPS / BINS)].see(start_latency(task, horizon_ns, unit_ns));
        }
    }

    /// The distributions of `parts` equal parts of the window.
    pub(super) fn parts(&self, parts: usize) -> Vec<Distribution> {
        self.bins.chunks(BINS / parts).map(merged).collect()
    }

    /// The columns of the outcome. Sixty bins where a bin has the 20 tasks
    /// that a median needs, else thirty, else twenty.
    pub(super) fn series(&self, flow: &Flow, beyond: u64, horizon_ns: u64) -> outcome::Series {
        let tasks: u64 = self.bins.iter().map(Distribution::len).sum();
        let enough = |bins: u64| tasks >= bins * (2 * beyond + 3);
        let bins = if enough(60) {
            60
        } else if enough(30) {
            30
        } else {
            20
        };
        let bin_s = flow.grid.seconds() / bins as f64;
        let per_s = |counts: &[u32]| -> Vec<Option<f64>> {
            let rate = |bin: &[u32]| bin.iter().map(|&n| f64::from(n)).sum::<f64>() / bin_s;
            counts.chunks(STEPS / bins).map(|bin| Some(rate(bin))).collect()
        };
        let latencies = self.parts(bins);
        let percentile = |q| widened(&latencies, q, beyond, horizon_ns);
        let at_infinity = |bin: &Distribution| Some(bin.at_infinity() as f64);
        let columns = BTreeMap::from([
            ("offered".into(), per_s(&flow.offered)),
            ("throughput".into(), per_s(&flow.done)),
            ("p50".into(), percentile(0.5)),
            ("p99".into(), percentile(0.99)),
            ("backlog".into(), flow.backlog.means(bins).into_iter().map(Some).collect()),
            ("at_infinity".into(), latencies.iter().map(at_infinity).collect()),
        ]);
        outcome::Series { bin_s, start_s: 0.0, columns }
    }
}

fn merged(bins: &[Distribution]) -> Distribution {
    let mut sum = Distribution::new();
    bins.iter().for_each(|bin| sum.merge(bin));
    sum
}

/// A quantile over time, seconds. A bin with fewer than `beyond` tasks beyond
/// the quantile is widened by its successors until it has them, and all of
/// them show its value; what is left over at the end goes to the last one. A
/// quantile at +∞ stands at T, its lower bound; the column `at_infinity` tells.
fn widened(bins: &[Distribution], q: f64, beyond: u64, horizon_ns: u64) -> Vec<Option<f64>> {
    let enough = |bin: &Distribution| bin.beyond(q) >= beyond;
    let mut groups: Vec<(usize, Distribution)> = Vec::new();
    for bin in bins {
        match groups.last_mut() {
            Some((width, group)) if !enough(group) => {
                *width += 1;
                group.merge(bin);
            }
            _ => groups.push((1, bin.clone())),
        }
    }
    if groups.last().is_some_and(|(_, group)| !enough(group))
        && let Some((width, rest)) = groups.pop()
        && let Some((last_width, last)) = groups.last_mut()
    {
        *last_width += width;
        last.merge(&rest);
    }
    let value = |group: &Distribution| match group.quantile(q)? {
        Point::At(ns) => Some(ns as f64 / 1e9),
        Point::Infinity => Some(horizon_ns as f64 / 1e9),
    };
    let mut column: Vec<Option<f64>> = groups
        .iter()
        .flat_map(|(width, group)| {
            std::iter::repeat_n(value(group).filter(|_| enough(group)), *width)
        })
        .collect();
    column.resize(bins.len(), None);
    column
}
