//! One system's curve: its percentiles as the tables have them, and the dots
//! between.

use crate::analysis::{BEYOND, Merged, Point, Quality};
use crate::charts::{Dot, Join, Mark};
use crate::metrics::Unit;
use crate::numbers::{Medium, short};
use crate::outcome::{Cell, Outcome, Value};

/// Percentiles with a dot and a column in the table: quantile, name, and how
/// the metric's name ends.
pub(in super::super) const NAMED: [(f64, &str, &str); 6] = [
    (0.5, "P50", "p50"),
    (0.9, "P90", "p90"),
    (0.99, "P99", "p99"),
    (0.999, "P99.9", "p999"),
    (0.9999, "P99.99", "p9999"),
    (0.999_99, "P99.999", "p99999"),
];

/// All repeats of a point that count, as one distribution.
pub(in super::super) struct Curve<'a> {
    pub(super) point: &'a Point,
    pub(super) merged: Merged,
    /// What each of [`NAMED`] is known to be.
    pub(super) named: [Value; 6],
    /// The largest that finished, or that some did not.
    pub(super) largest: Value,
}

impl<'a> Curve<'a> {
    /// `None` where there is no histogram, or nothing in it.
    pub(in super::super) fn of(outcome: &Outcome, point: &'a Point, latency: &str) -> Option<Self> {
        let cells: Vec<&Cell> =
            point.counted.iter().filter_map(|i| outcome.cells.get(*i)).collect();
        let horizon = cells.iter().map(|cell| cell.window.horizon_s).fold(0.0, f64::max);
        let merged = Merged::of(cells.iter().filter_map(|cell| cell.histograms.get(latency)))
            .filter(|merged| merged.total() > 0)?;
        let named =
            NAMED.map(|(q, _, suffix)| point.quantile_of(outcome, &merged, latency, q, suffix));
        let largest = merged.largest(horizon);
        Some(Self { point, merged, named, largest })
    }

    /// In steps of a twelfth of a nine, with dots at the named ones. What is
    /// not valid has only those.
    pub(in super::super) fn dots(&self, label: &str) -> Vec<Dot> {
        let mut dots = Vec::new();
        for (q, name) in steps() {
            if self.merged.total() as f64 * (1.0 - q) < BEYOND - 1e-6 {
                break;
            }
            let Some(y) = self.merged.seconds_at(q) else { break };
            // Early ones have no place on a logarithmic axis.
            if y <= 0.0 {
                continue;
            }
            let known = NAMED.iter().zip(&self.named).find(|((_, of, _), _)| *of == name);
            let (mark, join) = match (known, self.point.is_valid()) {
                (None, false) => continue,
                (None, true) => (Mark::None, Join::Solid),
                (Some(_), false) => (Mark::Cross, Join::Alone),
                (Some((_, Value::AtMost(_))), true) => (Mark::Hollow, Join::Solid),
                (Some(_), true) => (Mark::Full, Join::Solid),
            };
            let tip = known.map_or_else(String::new, |(_, value)| self.tip(label, name, value));
            dots.push(Dot { x: q, y, spread: None, mark, join, tip });
        }
        dots
    }

    fn tip(&self, label: &str, name: &str, value: &Value) -> String {
        let mut tip = format!("{label}\n{name} {}", short(value, Unit::Seconds, Medium::Page));
        if let Quality::Invalid { word, why } = &self.point.quality {
            tip.push_str(&format!("\n{word}: {why}"));
        }
        tip
    }
}

/// The quantiles of a curve, from the left; the named ones with their names.
pub(super) fn steps() -> Vec<(f64, &'static str)> {
    let mut steps: Vec<(f64, &str)> =
        (0..=84).map(|step| (1.0 - 10f64.powf(-f64::from(step) / 12.0), "")).collect();
    steps.retain(|(q, _)| NAMED.iter().all(|(named, ..)| (q - named).abs() > 1e-9));
    steps.extend(NAMED.iter().map(|(q, name, _)| (*q, *name)));
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    steps
}
