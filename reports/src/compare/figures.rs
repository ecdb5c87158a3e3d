//! The figures that are compared, and what each repeat says about them.

use std::collections::BTreeMap;

use crate::analysis::{Bound, Figure, Measure, Merged, Point, Sample};
use crate::metrics::Unit;
use crate::outcome::{Cell, Outcome, Value};

/// A figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The highest rate held.
    Capacity,
    /// Tasks done per second, where that is not simply what was offered.
    Throughput,
    /// Median of the headline latency.
    P50,
    /// P99 of the headline latency.
    P99,
    /// Share of tasks without a success within T.
    Failed,
    /// CPU-seconds per million tasks.
    Cpu,
    /// PSS of the system.
    Pss,
    /// Of a backlog, tasks confirmed per second while it built up.
    BuildUp,
    /// Of a backlog, from the workers' start to the first success.
    Resume,
    /// Of a backlog, tasks drained per second.
    DrainRate,
    /// Of a trial, until its impact showed.
    Detection,
    /// Of a trial, until it had recovered.
    Recovery,
    /// Of a trial, share of the tasks due in the fault that were done in time.
    Served,
}

/// All of them, in the order of tables.
pub type Figures = [Kind; 13];

impl Kind {
    /// All of them, in the order of tables.
    pub const ALL: Figures = [
        Self::Capacity,
        Self::Throughput,
        Self::P50,
        Self::P99,
        Self::Failed,
        Self::Cpu,
        Self::Pss,
        Self::BuildUp,
        Self::Resume,
        Self::DrainRate,
        Self::Detection,
        Self::Recovery,
        Self::Served,
    ];

    /// What an option calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Throughput => "throughput",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Failed => "failed",
            Self::Cpu => "cpu",
            Self::Pss => "pss",
            Self::BuildUp => "build-up",
            Self::Resume => "resume",
            Self::DrainRate => "drain-rate",
            Self::Detection => "detection",
            Self::Recovery => "recovery",
            Self::Served => "served",
        }
    }

    /// What a table calls it; `latency` is the headline histogram.
    #[must_use]
    pub fn title(self, latency: &str) -> String {
        let latency = if latency == "firing_error" { "firing error" } else { "start latency" };
        match self {
            Self::Capacity => "capacity".to_owned(),
            Self::Throughput => "throughput".to_owned(),
            Self::P50 => format!("P50 {latency}"),
            Self::P99 => format!("P99 {latency}"),
            Self::Failed => "failed".to_owned(),
            Self::Cpu => "CPU-s/M".to_owned(),
            Self::Pss => "PSS".to_owned(),
            Self::BuildUp => "built up".to_owned(),
            Self::Resume => "resumed after".to_owned(),
            Self::DrainRate => "drained".to_owned(),
            Self::Detection => "impact after".to_owned(),
            Self::Recovery => "recovered after".to_owned(),
            Self::Served => "done in time".to_owned(),
        }
    }

    /// Its unit.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Capacity | Self::Throughput | Self::BuildUp | Self::DrainRate => Unit::PerSecond,
            Self::P50 | Self::P99 | Self::Resume | Self::Detection | Self::Recovery => {
                Unit::Seconds
            }
            Self::Failed | Self::Served => Unit::Fraction,
            Self::Cpu => Unit::CpuSecondsPerMillion,
            Self::Pss => Unit::Bytes,
        }
    }

    /// Whether more of it is better.
    #[must_use]
    pub const fn more_is_better(self) -> bool {
        matches!(
            self,
            Self::Capacity | Self::Throughput | Self::BuildUp | Self::DrainRate | Self::Served
        )
    }

    /// How its change is measured.
    #[must_use]
    pub const fn measure(self) -> Measure {
        match self {
            Self::Failed | Self::Served => Measure::Points,
            _ => Measure::Ratio,
        }
    }

    /// The smallest change that matters where nobody says otherwise: 2 %, of
    /// the failure rate 0.1 percentage points, up to which a load is held. Of
    /// times to something that happens once in a cell 10 %, of the share of a
    /// fault's tasks 1 percentage point.
    #[must_use]
    pub const fn matters(self) -> f64 {
        match self {
            Self::Failed => 0.001,
            Self::Served => 0.01,
            Self::Resume | Self::Detection | Self::Recovery => 0.1,
            _ => 0.02,
        }
    }

    /// Whether it is of a trial of a fault.
    #[must_use]
    pub const fn is_of_a_trial(self) -> bool {
        self.reading().is_some()
    }

    /// What a trial calls it among its readings.
    pub(crate) const fn reading(self) -> Option<&'static str> {
        match self {
            Self::Detection => Some("detection.impact"),
            Self::Recovery => Some("recovery.from_fault"),
            Self::Served => Some("served.in_fault"),
            _ => None,
        }
    }

    /// Whether it is of a backlog.
    #[must_use]
    pub const fn is_of_a_backlog(self) -> bool {
        self.of_a_backlog().is_some()
    }

    /// What a backlog calls it among its figures.
    pub(crate) const fn of_a_backlog(self) -> Option<&'static str> {
        match self {
            Self::BuildUp => Some("build_up"),
            Self::Resume => Some("resume"),
            Self::DrainRate => Some("drain_rate"),
            _ => None,
        }
    }

    /// The figure of a point; a capacity is no point's, nor is what trials and
    /// backlogs have.
    pub(crate) fn of(self, point: &Point) -> Option<&Figure> {
        match self {
            Self::Throughput => Some(&point.throughput),
            Self::P50 => Some(&point.p50),
            Self::P99 => Some(&point.p99),
            Self::Failed => Some(&point.failure),
            Self::Cpu => Some(&point.cpu),
            Self::Pss => Some(&point.pss),
            _ => None,
        }
    }

    /// What each repeat says, NaN where that is nothing. Cells of one repeat at
    /// one load, as a search may have, are not independent of each other and
    /// count as one.
    pub(super) fn sample(self, outcome: &Outcome, point: &Point, latency: &str) -> Option<Sample> {
        let figure = self.of(point)?;
        let bound = match figure.value {
            Value::Is(_) => Bound::Exact,
            Value::AtLeast(_) => Bound::AtLeast,
            Value::AtMost(_) => Bound::AtMost,
            Value::NotMeasured(_) | Value::Unsupported(_) => return None,
        };
        let mut repeats: BTreeMap<u32, Vec<&Cell>> = BTreeMap::new();
        for cell in point.counted.iter().filter_map(|index| outcome.cells.get(*index)) {
            repeats.entry(cell.key.repeat).or_default().push(cell);
        }
        // A repeat without a number must not go unnoticed: those that have one
        // may have it because they were slower. So nothing is tested then.
        let each = repeats.values().map(|cells| self.of_repeat(cells, latency).unwrap_or(f64::NAN));
        Some(Sample { point: figure.number()?, repeats: each.collect(), bound })
    }

    fn of_repeat(self, cells: &[&Cell], latency: &str) -> Option<f64> {
        match self {
            Self::Throughput => mean(cells, "throughput"),
            Self::P50 => percentile(cells, latency, 0.50, "p50"),
            Self::P99 => percentile(cells, latency, 0.99, "p99"),
            Self::Failed => failed(cells),
            Self::Cpu => mean(cells, "cpu.total"),
            Self::Pss => mean(cells, "pss.system"),
            _ => None,
        }
    }
}

fn mean(cells: &[&Cell], name: &str) -> Option<f64> {
    let numbers: Option<Vec<f64>> = cells
        .iter()
        .map(|cell| match cell.metrics.get(name) {
            Some(Value::Is(number)) if number.is_finite() => Some(*number),
            _ => None,
        })
        .collect();
    numbers.filter(|all| !all.is_empty()).map(|all| all.iter().sum::<f64>() / all.len() as f64)
}

/// A percentile beyond the horizon counts as the horizon: its point says that
/// it is only known to be at least that.
fn percentile(cells: &[&Cell], latency: &str, q: f64, suffix: &str) -> Option<f64> {
    let horizon = cells.iter().map(|cell| cell.window.horizon_s).fold(0.0, f64::max);
    let histograms = cells.iter().filter_map(|cell| cell.histograms.get(latency));
    let value = match (Merged::of(histograms), cells) {
        (Some(merged), _) => merged.percentile(q, horizon),
        (None, [one]) => one.metrics.get(&format!("{latency}.{suffix}"))?.clone(),
        (None, _) => return None,
    };
    value.number().filter(|seconds| *seconds > 0.0)
}

/// The failures of a repeat, as the outcome's own cells have them.
fn failed(cells: &[&Cell]) -> Option<f64> {
    let (mut failed, mut all) = (0.0, 0.0);
    for cell in cells {
        let w = &cell.counts.window;
        failed +=
            [w.refused, w.unsent, w.unknown, w.late, w.lost].iter().map(|n| *n as f64).sum::<f64>();
        all += w.intended as f64 - w.planned_dead as f64 - w.cancelled as f64;
    }
    if all > 0.0 { Some(failed / all) } else { mean(cells, "failure_rate") }
}
