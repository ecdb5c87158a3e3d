//! A metric of the table over the cells of one place.

use super::points::{Figure, failure, mean, percentile};
use super::statistics::spread;
use crate::metrics::Metric;
use crate::outcome::{Cell, Outcome, Value};

/// The quantiles that a latency's name may end with.
const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)];

/// Why there is no number of inversions.
pub(super) const NO_ORDER: &str = "no order was looked at, for which tasks need keys";

/// Why there is no number of cancelled tasks that ran.
const NOT_CANCELLED: &str = "no task was cancelled";

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
    // No zero, but nothing that could have been seen.
    let sum = |of: fn(&Cell) -> u64| cells.iter().map(|cell| of(cell)).sum::<u64>();
    let why = match name {
        "inversions" if sum(|cell| cell.counts.ordered) == 0 => NO_ORDER,
        "cancelled_but_ran" if sum(|cell| cell.counts.cancelled) == 0 => NOT_CANCELLED,
        _ => "",
    };
    if !why.is_empty() && sum(pick) == 0 {
        return Some(Figure::missing(why));
    }
    let repeats: Vec<f64> = cells.iter().map(|cell| pick(cell) as f64).collect();
    let value = Value::Is(repeats.iter().sum());
    Some(Figure { value, spread: None, repeats })
}

/// The largest over the cells.
fn largest(cells: &[&Cell], name: &str) -> Figure {
    let values: Vec<&Value> = cells.iter().filter_map(|cell| cell.metrics.get(name)).collect();
    let repeats = numbers(&values);
    let value = largest_of(&values);
    Figure { value, spread: spread(&repeats).filter(|_| repeats.len() == cells.len()), repeats }
}

fn numbers(values: &[&Value]) -> Vec<f64> {
    values.iter().filter_map(|value| value.number()).filter(|x| x.is_finite()).collect()
}

/// One beyond the horizon makes it that; where no measured one reaches the
/// largest bound, the largest lies somewhere below that bound.
fn largest_of(values: &[&Value]) -> Value {
    let has_beyond = || values.iter().any(|value| matches!(value, Value::AtLeast(_)));
    match numbers(values).into_iter().reduce(f64::max) {
        None => values
            .first()
            .filter(|value| value.number().is_none())
            .map_or_else(|| Value::NotMeasured(String::new()), |value| (*value).clone()),
        Some(most) if has_beyond() => Value::AtLeast(most),
        Some(most) if !values.contains(&&Value::Is(most)) => Value::AtMost(most),
        Some(most) => Value::Is(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An objective of 18 must not be missed by a bound of 20.
    #[test]
    fn the_largest_of_bounds_is_a_bound() {
        use Value::{AtLeast, AtMost, Is};
        for (values, largest) in [
            (vec![AtMost(20.0)], AtMost(20.0)),
            (vec![Is(15.0), AtMost(20.0)], AtMost(20.0)),
            (vec![AtMost(20.0), Is(25.0)], Is(25.0)),
            (vec![AtMost(20.0), Is(20.0)], Is(20.0)),
            (vec![AtMost(20.0), AtLeast(30.0)], AtLeast(30.0)),
        ] {
            assert_eq!(largest_of(&values.iter().collect::<Vec<_>>()), largest, "{values:?}");
        }
        assert!(matches!(largest_of(&[]), Value::NotMeasured(_)));
    }
}
