//! A metric of the table over the cells of one place.

use super::points::{Figure, failure, mean, percentile};
use super::statistics::spread;
use crate::metrics::Metric;
use crate::outcome::{Cell, Outcome, Value};

/// The quantiles that a latency's name may end with.
const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)];

/// The figure of these cells: percentiles from merged histograms, failures and
/// tasks counted over all, else the mean.
pub(super) fn of(outcome: &Outcome, cells: &[usize], metric: &Metric) -> Figure {
    let cells: Vec<&Cell> = cells.iter().filter_map(|index| outcome.cells.get(*index)).collect();
    if let Some(counted) = counted(&cells, metric.name) {
        return counted;
    }
    match metric.name.rsplit_once('.') {
        Some((latency, "max")) if latency != "backlog" => largest(&cells, metric.name),
        Some((latency, suffix)) => match QUANTILES.iter().find(|(name, _)| *name == suffix) {
            Some((_, q)) => percentile(&cells, latency, *q, suffix),
            None => mean(&cells, metric.name),
        },
        None if metric.name == "failure_rate" => failure(&cells),
        None => mean(&cells, metric.name),
    }
}

/// What the ledger counts, summed over the cells.
fn counted(cells: &[&Cell], name: &str) -> Option<Figure> {
    let pick: fn(&Cell) -> u64 = match name {
        "lost" => |cell| cell.counts.lost,
        "repeated" => |cell| cell.counts.repeated,
        "inversions" => |cell| cell.counts.inversions,
        "early" => |cell| cell.counts.early,
        "cancelled_but_ran" => |cell| cell.counts.cancelled_but_ran,
        _ => return None,
    };
    if cells.is_empty() {
        return Some(Figure::missing(""));
    }
    let repeats: Vec<f64> = cells.iter().map(|cell| pick(cell) as f64).collect();
    let sum = repeats.iter().sum();
    Some(Figure { value: Value::Is(sum), spread: None, repeats })
}

/// The largest of all; one beyond the horizon makes it that.
fn largest(cells: &[&Cell], name: &str) -> Figure {
    let values = || cells.iter().filter_map(|cell| cell.metrics.get(name));
    let repeats: Vec<f64> = values().filter_map(Value::number).filter(|x| x.is_finite()).collect();
    let value = match repeats.iter().copied().reduce(f64::max) {
        None => values()
            .next()
            .filter(|value| value.number().is_none())
            .cloned()
            .unwrap_or_else(|| Value::NotMeasured(String::new())),
        Some(most) if values().any(|value| matches!(value, Value::AtLeast(_))) => {
            Value::AtLeast(most)
        }
        Some(most) => Value::Is(most),
    };
    Figure { value, spread: spread(&repeats).filter(|_| repeats.len() == cells.len()), repeats }
}
