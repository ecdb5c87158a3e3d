//! What became of a fault.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Series;

/// How the words of a trial begin in which nothing was done.
const NO_FAULT: &str = "no fault";

/// A fault, or several that overlapped, and how long it took until it was over
/// (`docs/measurement.md` §9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// What was done, in words.
    pub fault: String,
    /// t_f: when it had taken effect, seconds from the window's start.
    pub took_effect_s: f64,
    /// t_c: when it was undone; `null` where it was not, while it was watched.
    pub cleared_s: Option<f64>,
    /// When the watching ended.
    pub ended_s: f64,
    /// Δ: the length of an interval, seconds.
    pub interval_s: f64,
    /// ± of impact, recovery and drain, seconds.
    pub resolution_s: f64,
    /// `detection.impact`, `detection.client`, `detection.alarm`,
    /// `recovery.from_fault`, `recovery.from_heal`, `drain`, `loss.window`
    /// (seconds), `relapses`, `lost_goodput` (tasks), `served.in_fault`,
    /// `served.overall` (shares of 1). Where the run has searched the capacity
    /// also `load.of_capacity` (ρ) and `drain.multiple` (the drain over
    /// D ρ / (1 − ρ), with D the fault's length), plain numbers. Where a cell
    /// has several queues also `queues.stalled` (a share of 1) and
    /// `queues.resumed` (seconds).
    pub readings: BTreeMap<String, Reading>,
    /// Acknowledged tasks that were proved lost.
    pub lost: u64,
    /// Tasks acknowledged in the last second before it, or before the first kill
    /// in it; of a backlog, all.
    pub exposed: u64,
    /// Each fault that was done in it; none in a control.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Done>,
    /// Backlog up to which it counts as drained, tasks; `null` without a
    /// baseline.
    #[serde(default)]
    pub drained_at: Option<f64>,
    /// From its baseline to the end of the watching, on the intervals that it
    /// was judged by, several to a bin where there are more than 240. Columns:
    /// `throughput` (first completions, 1/s); `backlog` (the b of drain: tasks
    /// due and not gone, handed over or not, when an interval begins; of
    /// several the largest); by due time, seconds, `p99` (start latency, where
    /// at least 10 tasks lie beyond it) and `largest` (where fewer do), T
    /// standing for what had no success within T; `at_infinity` (their number).
    #[serde(default, skip_serializing_if = "Series::is_empty")]
    pub series: Series,
}

impl Trial {
    /// Whether nothing was done in it: it is judged as though something had
    /// been. That it has no list of faults does not say so alone, for those of
    /// earlier versions had none.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.done.is_empty() && self.fault.starts_with(NO_FAULT)
    }

    /// Three intervals, seconds: what is bad for a shorter time is no impact
    /// (`docs/measurement.md` §9), so that "no impact" says no more than that.
    #[must_use]
    pub fn shortest_impact_s(&self) -> f64 {
        3.0 * self.interval_s
    }
}

/// One fault of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// What was done, in words.
    pub fault: String,
    /// When it took effect, seconds from the window's start.
    pub took_effect_s: f64,
    /// When it was undone; `null` where it was not.
    pub cleared_s: Option<f64>,
}

/// A figure of a fault, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Measured.
    Is(f64),
    /// It had not happened when the watching ended; the true figure is at
    /// least this.
    MoreThan(f64),
    /// The fault did not show, so there is nothing to recover from.
    NoImpact,
    /// There was no steady time before it, and why that is said.
    NotSteady(String),
    /// Not measured, and why.
    NotMeasured(String),
}

impl Reading {
    /// No figure, because of `why`.
    #[must_use]
    pub fn not_measured(why: &str) -> Self {
        Self::NotMeasured(why.into())
    }

    /// The number, if there is one, exact or as a lower bound.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Is(number) | Self::MoreThan(number) => Some(*number),
            Self::NoImpact | Self::NotSteady(_) | Self::NotMeasured(_) => None,
        }
    }

    /// The same figure in another unit or from another origin. `change` must
    /// not turn larger into smaller: a lower bound stays one.
    #[must_use]
    pub fn map(self, change: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Self::Is(number) => Self::Is(change(number)),
            Self::MoreThan(number) => Self::MoreThan(change(number)),
            other => other,
        }
    }
}
