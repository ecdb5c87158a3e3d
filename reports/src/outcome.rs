//! The outcome: the versioned result file, `result.json`.
//!
//! It suffices alone to render, merge and compare. Figures are rows of named
//! [metrics](crate::metrics), never a struct per chart; what was not measured
//! says so in its [`Value`].

mod cell;
mod counts;
mod demand;
mod figures;
mod host;
mod system;
mod trial;
mod validity;

use std::collections::BTreeMap;

use schedbench_contract::WorkersShape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cell::{Cell, CellError, CellKey, Load, Window};
pub use counts::{Again, Counts, Grid, WindowCounts};
pub use demand::{Comparison, Demand, DemandedAt};
pub use figures::{Histogram, Mark, Series, Value};
pub use host::{Host, ProxyCost};
pub use system::{Claims, Skipped, System};
pub use trial::{Done, Reading, Trial};
pub use validity::{Held, Limit, State, Validity};

/// The version of this schema. Readers refuse any other. Version 2 has a
/// cell's `started_s`, its `limit` with who and why, and `not_comparable`.
pub const SCHEMA_VERSION: u32 = 2;

/// Everything one run found, and everything needed to run it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The run.
    pub run: Run,
    /// What was planned.
    pub plan: Plan,
    /// Where it ran.
    pub host: Host,
    /// The systems and profiles that took part, in the order of tables.
    pub systems: Vec<System>,
    /// Systems that were asked for and left out, and why.
    pub skipped: Vec<Skipped>,
    /// One row per cell, in the order in which they ran.
    pub cells: Vec<Cell>,
    /// How the run ended.
    pub ended: Ended,
}

/// The run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Short id, also in the directory's name.
    pub id: String,
    /// Version of schedbench.
    pub tool: String,
    /// Commit it was built from, where known.
    pub commit: Option<String>,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// Seconds from start to end.
    pub elapsed_s: f64,
    /// The exact command.
    pub command: Vec<String>,
}

/// What was planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// Its one line.
    pub summary: String,
    /// Its text as it was read.
    pub text: String,
    /// What the command line changed, as `key=value`.
    pub overrides: Vec<String>,
    /// Hash of what decides the measurement: not seed, repeats or paths.
    pub hash: String,
    /// The seed of arrivals, order, bodies and failures.
    pub seed: u64,
    /// Repeats of each cell.
    pub repeats: u32,
    /// Cells planned (a search's cells count as they come).
    pub planned: u32,
    /// Workers and connections, equal for all systems.
    #[schemars(with = "BTreeMap<String, u32>")]
    pub shape: WorkersShape,
    /// Bytes of each body.
    pub body_bytes: u64,
    /// What a handler does, in words.
    pub handler: String,
    /// Arrivals in words: `poisson`, `constant`, `in flight`.
    pub arrivals: String,
    /// P99 start latency up to which a load counts as held, seconds.
    pub objective_p99_s: f64,
    /// Tasks per second that every system must hold, if that was demanded.
    #[serde(default)]
    pub objective_holds: Option<f64>,
    /// What else was demanded of the systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Demand>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It is still going on: a file with this is the trace of a killed run.
    Running,
    /// Every planned cell was run.
    Complete,
    /// A signal ended it; the cells so far are whole.
    Interrupted(String),
    /// It could not go on.
    Failed(String),
}
