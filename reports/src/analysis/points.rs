//! One point of a chart: all repeats of one system, profile, variant and load.

use crate::outcome::{Cell, Held, Histogram, Limit, Load, Outcome, State, Value};

use super::percentile::Merged;
use super::statistics::{Spread, spread};

/// A latency percentile is ranked when it is at least so many times the
/// pacing lateness at the same percentile (`docs/measurement.md` §4).
const ABOVE_PACING: f64 = 5.0;

/// A figure over repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The point: from merged histograms or summed counts, else the mean.
    pub value: Value,
    /// What the repeats say about it.
    pub spread: Option<Spread>,
    /// The figure of each repeat, where it has a number.
    pub repeats: Vec<f64>,
}

impl Figure {
    pub(super) fn missing(why: &str) -> Self {
        Self { value: Value::NotMeasured(why.to_owned()), spread: None, repeats: Vec::new() }
    }

    /// The number, if there is a finite one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.value.number().filter(|number| number.is_finite())
    }

    /// Whether it is a plain measured number.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        matches!(self.value, Value::Is(_))
    }
}

/// What the measurements of a point are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quality {
    /// At least one repeat is valid; only the valid ones count.
    Valid,
    /// None is: the first one's word and reason. Shown, never ranked.
    Invalid {
        /// `generator-limited`, `disturbed` …
        word: &'static str,
        /// Why.
        why: String,
    },
}

/// All repeats of one system, profile, variant and load.
#[derive(Clone, Debug)]
pub struct Point {
    /// The load.
    pub load: Load,
    /// Indices of its cells in the outcome.
    pub cells: Vec<usize>,
    /// Indices of those that count: the valid ones, or all when none is.
    pub counted: Vec<usize>,
    /// What they are worth.
    pub quality: Quality,
    /// Held in every valid repeat; `None` when no valid repeat answers.
    pub held: Option<bool>,
    /// Whether a valid repeat was overloaded.
    pub overloaded: bool,
    /// Why it was not held, in the words of the first repeat that was not.
    pub why_not: Option<String>,
    /// Who limited the rate: what most of the repeats that count say, in the
    /// words of the first of them.
    pub limit: Limit,
    /// Tasks done per second.
    pub throughput: Figure,
    /// Tasks offered per second.
    pub offered: Figure,
    /// Median of the headline latency.
    pub p50: Figure,
    /// P99 of the headline latency.
    pub p99: Figure,
    /// Fraction of the window's tasks without a success within T.
    pub failure: Figure,
    /// CPU-seconds per million tasks.
    pub cpu: Figure,
    /// PSS of the system, bytes.
    pub pss: Figure,
}

impl Point {
    /// Whether it may be ranked.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.quality == Quality::Valid
    }

    /// The verdict's word where no cell is valid.
    #[must_use]
    pub fn not_valid(&self) -> Option<&'static str> {
        match &self.quality {
            Quality::Valid => None,
            Quality::Invalid { word, .. } => Some(word),
        }
    }

    /// Repeats that count.
    #[must_use]
    pub fn n(&self) -> usize {
        self.counted.len()
    }

    /// A percentile of a latency over the repeats that count; `suffix` is how
    /// its name in the table of metrics ends.
    pub(crate) fn quantile(
        &self,
        outcome: &Outcome,
        latency: &str,
        q: f64,
        suffix: &str,
    ) -> Figure {
        let cells: Vec<&Cell> =
            self.counted.iter().filter_map(|index| outcome.cells.get(*index)).collect();
        percentile(&cells, latency, q, suffix)
    }

    /// The same of the histogram that all of them make together, for whoever
    /// needs many: without what the repeats say about it.
    pub(crate) fn quantile_of(
        &self,
        outcome: &Outcome,
        merged: &Merged,
        latency: &str,
        q: f64,
        suffix: &str,
    ) -> Value {
        let cells: Vec<&Cell> =
            self.counted.iter().filter_map(|index| outcome.cells.get(*index)).collect();
        bounded(&cells, merged, &format!("{latency}.{suffix}"), q)
    }
}

/// A point from its cells; `latency` names the headline histogram.
pub(super) fn point(all: &[Cell], cells: Vec<usize>, latency: &str) -> Option<Point> {
    let first = all.get(*cells.first()?)?;
    let valid: Vec<usize> =
        cells.iter().copied().filter(|index| all[*index].validity.is_valid()).collect();
    let quality = if valid.is_empty() {
        Quality::Invalid {
            word: first.validity.word(),
            why: first.validity.why().unwrap_or_default().to_owned(),
        }
    } else {
        Quality::Valid
    };
    let held = if valid.iter().any(|i| matches!(all[*i].held, Held::No(_))) {
        Some(false)
    } else if valid.iter().any(|i| all[*i].held == Held::Yes) {
        Some(true)
    } else {
        None
    };
    let why_not = valid.iter().find_map(|i| match &all[*i].held {
        Held::No(why) => Some(why.clone()),
        _ => None,
    });
    let counted = if valid.is_empty() { cells.clone() } else { valid };
    let of: Vec<&Cell> = counted.iter().map(|index| &all[*index]).collect();
    Some(Point {
        load: first.key.load,
        quality,
        held,
        overloaded: of.iter().any(|cell| matches!(cell.state, State::Overloaded(_))),
        why_not,
        limit: limit(&of),
        throughput: mean(&of, "throughput"),
        offered: mean(&of, "offered_rate"),
        p50: percentile(&of, latency, 0.50, "p50"),
        p99: percentile(&of, latency, 0.99, "p99"),
        failure: failure(&of),
        cpu: mean(&of, "cpu.total"),
        pss: mean(&of, "pss.system"),
        cells,
        counted,
    })
}

/// What most repeats name as the limit.
fn limit(cells: &[&Cell]) -> Limit {
    let votes = |word: &str| cells.iter().filter(|cell| cell.limit.word() == word).count();
    let most = cells.iter().map(|cell| votes(cell.limit.word())).max().unwrap_or(0);
    cells
        .iter()
        .find(|cell| votes(cell.limit.word()) == most)
        .map_or_else(|| Limit::Unknown(String::new()), |cell| cell.limit.clone())
}

/// The mean of a metric over repeats. Bounds do not average: with one among
/// them the first that is no plain number stands.
pub(super) fn mean(cells: &[&Cell], name: &str) -> Figure {
    let values: Vec<&Value> = cells.iter().filter_map(|cell| cell.metrics.get(name)).collect();
    let pick = |bounds: bool| -> Vec<f64> {
        let numbers = values.iter().filter_map(|value| match value {
            Value::Is(number) if number.is_finite() => Some(*number),
            Value::AtMost(number) if bounds && number.is_finite() => Some(*number),
            _ => None,
        });
        numbers.collect()
    };
    let numbers = pick(false);
    if numbers.is_empty() || numbers.len() < values.len() {
        // What is at most something is no more in the mean than that.
        let most = pick(true);
        if !most.is_empty() && most.len() == values.len() {
            let value = Value::AtMost(most.iter().sum::<f64>() / most.len() as f64);
            return Figure { value, spread: None, repeats: numbers };
        }
        // Not all are plain numbers: the first that is not says why.
        let odd = values.into_iter().find(|value| !matches!(value, Value::Is(_)));
        let value = odd.cloned().unwrap_or_else(|| Value::NotMeasured(String::new()));
        return Figure { value, spread: None, repeats: numbers };
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    Figure { value: Value::Is(mean), spread: spread(&numbers), repeats: numbers }
}

/// A latency percentile from the merged histogram; the spread from each
/// repeat's own. Below what pacing resolves it is only an upper bound.
pub(super) fn percentile(cells: &[&Cell], latency: &str, q: f64, suffix: &str) -> Figure {
    let metric = format!("{latency}.{suffix}");
    let Some(merged) = merged(cells, latency) else {
        // Without histograms, one repeat's own figure is still the truth;
        // several cannot be merged from their percentiles.
        return match cells {
            [one] => Figure {
                value: one
                    .metrics
                    .get(&metric)
                    .cloned()
                    .unwrap_or_else(|| Value::NotMeasured(String::new())),
                spread: None,
                repeats: Vec::new(),
            },
            _ => Figure::missing(""),
        };
    };
    let value = bounded(cells, &merged, &metric, q);
    let horizon = horizon(cells);
    let repeats: Vec<f64> = cells
        .iter()
        .filter_map(|cell| Merged::of(cell.histograms.get(latency)))
        .filter_map(|one| match one.percentile(q, horizon) {
            Value::Is(seconds) => Some(seconds),
            _ => None,
        })
        .collect();
    let whole = repeats.len() == cells.len();
    Figure { value, spread: if whole { spread(&repeats) } else { None }, repeats }
}

fn horizon(cells: &[&Cell]) -> f64 {
    cells.iter().map(|cell| cell.window.horizon_s).fold(0.0, f64::max)
}

/// A percentile of these cells' histogram; an upper bound below what their
/// pacing resolves.
fn bounded(cells: &[&Cell], merged: &Merged, metric: &str, q: f64) -> Value {
    let mut value = merged.percentile(q, horizon(cells));
    // The judge has the early values themselves; merged, only their number is
    // known.
    if let (Value::AtMost(_), [one]) = (&value, cells)
        && let Some(own) = one.metrics.get(metric)
    {
        value = own.clone();
    }
    if let Value::Is(seconds) = value
        && below_pacing(cells, metric, q, seconds)
    {
        value = Value::AtMost(seconds);
    }
    value
}

/// Whether a latency lies below what the pacing resolves. The judge knows the
/// plan, in which a delay may hide a late hand-over, so
/// what it said of any repeat stands; only where it said nothing the histograms
/// decide.
fn below_pacing(cells: &[&Cell], metric: &str, q: f64, seconds: f64) -> bool {
    let said: Vec<&Value> = cells
        .iter()
        .filter_map(|cell| cell.metrics.get(metric))
        .filter(|value| matches!(value, Value::Is(_) | Value::AtMost(_)))
        .collect();
    if !said.is_empty() {
        return said.iter().any(|value| matches!(value, Value::AtMost(_)));
    }
    let late = merged(cells, "pacing_lateness").and_then(|merged| merged.seconds_at(q));
    late.is_some_and(|late| seconds < ABOVE_PACING * late)
}

/// The named histograms of these cells together.
pub(super) fn merged(cells: &[&Cell], name: &str) -> Option<Merged> {
    Merged::of(cells.iter().filter_map(|cell| cell.histograms.get(name) as Option<&Histogram>))
}

/// Failures over the tasks that could succeed, summed over repeats; planned
/// failures and cancelled ones are left out of both.
pub(super) fn failure(cells: &[&Cell]) -> Figure {
    let of = |cell: &Cell| {
        let w = &cell.counts.window;
        let failed = [w.refused, w.unsent, w.unknown, w.late, w.lost]
            .iter()
            .fold(0_u64, |sum, x| sum.saturating_add(*x));
        (failed, w.intended.saturating_sub(w.planned_dead).saturating_sub(w.cancelled))
    };
    let (failed, intended) = cells
        .iter()
        .map(|cell| of(cell))
        .fold((0_u64, 0_u64), |sum, x| (sum.0.saturating_add(x.0), sum.1.saturating_add(x.1)));
    if intended == 0 {
        return mean(cells, "failure_rate");
    }
    if failed == 0 && !cells.iter().any(|cell| cell.is_whole()) {
        return Figure::missing("cut short before anything had failed");
    }
    let repeats: Vec<f64> = cells
        .iter()
        .map(|cell| of(cell))
        .filter(|(_, all)| *all > 0)
        .map(|(bad, all)| bad as f64 / all as f64)
        .collect();
    Figure { value: Value::Is(failed as f64 / intended as f64), spread: spread(&repeats), repeats }
}
