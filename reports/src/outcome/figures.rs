//! Figures of a cell: one, a distribution, a course over time.

use std::collections::BTreeMap;

use schedbench_contract::MomentKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A figure, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Measured.
    Is(f64),
    /// At least this: a percentile beyond the horizon, the top of a grid.
    AtLeast(f64),
    /// At most this: below what the generator's pacing resolves, or within what
    /// a memory scatters by.
    AtMost(f64),
    /// Not measured, and why.
    NotMeasured(String),
    /// The system does not do it, and why.
    Unsupported(String),
}

impl Value {
    /// The number, if there is one, whatever its bound.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Is(number) | Self::AtLeast(number) | Self::AtMost(number) => Some(*number),
            Self::NotMeasured(_) | Self::Unsupported(_) => None,
        }
    }
}

/// A histogram of completed values and how many have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// V2, deflated, base64; values in ns.
    pub data: String,
    /// Values in it.
    pub count: u64,
    /// Values at +∞: unfinished within T, or refused.
    pub at_infinity: u64,
    /// Values below zero, started before they were due: in no histogram of
    /// their own here (`earliness` has those of all tasks), and below all
    /// others in a percentile.
    pub early: u64,
}

/// Figures over time, one value per bin; `null` where nothing can be said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Width of a bin, seconds.
    pub bin_s: f64,
    /// Start of the first bin, seconds from the window's start.
    pub start_s: f64,
    /// Columns: `offered`, `throughput` (1/s), `p50`, `p99` (start latency by
    /// due time, s; where `at_infinity` reaches the percentile, T stands for
    /// it), `backlog` (tasks), `at_infinity` (tasks due in the bin without a
    /// success within T).
    pub columns: BTreeMap<String, Vec<Option<f64>>>,
}

impl Series {
    /// Whether it has no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Something that happened, on the time axis of its cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// Seconds from the window's start.
    pub at_s: f64,
    /// What kind.
    #[schemars(with = "String")]
    pub kind: MomentKind,
    /// One short sentence.
    pub text: String,
}
