//! One measurement: which it is, and all that is known of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, Held, Histogram, Limit, Mark, Series, State, Trial, Validity, Value};

/// Which cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellKey {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// The load.
    pub load: Load,
    /// What else differs between cells of one load, as in `delay 10 ms`.
    pub variant: Option<String>,
    /// The fault injected, if any.
    pub fault: Option<String>,
    /// The scenario's trial that it is; one without a fault is a control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
    /// Which repeat, from 1.
    pub repeat: u32,
}

impl CellKey {
    /// Whether it is of a trial, which is not set beside other cells: not even a
    /// control, which may have run through proxies.
    #[must_use]
    pub fn is_of_a_trial(&self) -> bool {
        self.fault.is_some() || self.trial.is_some()
    }

    /// Whether it is a backlog, which has no rate and no latencies.
    #[must_use]
    pub const fn is_of_a_backlog(&self) -> bool {
        matches!(self.load, Load::Backlog(_))
    }

    /// What it is called among trials: the trial's name, or the fault in words.
    #[must_use]
    pub fn trial_or_fault(&self) -> Option<&str> {
        self.trial.as_deref().or(self.fault.as_deref())
    }

    /// Both: `broker-kill: kill broker at 10 s for 5 s`.
    #[must_use]
    pub fn trial_and_fault(&self) -> Option<String> {
        match (&self.trial, &self.fault) {
            (Some(trial), Some(fault)) => Some(format!("{trial}: {fault}")),
            (trial, fault) => trial.clone().or_else(|| fault.clone()),
        }
    }
}

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Open loop at this many tasks per second (the mean over its stages).
    Rate(f64),
    /// This many tasks submitted and not completed.
    InFlight(u64),
    /// This many tasks built up while no worker ran, then drained.
    Backlog(u64),
}

impl Load {
    /// The number on a load axis.
    #[must_use]
    pub fn amount(self) -> f64 {
        match self {
            Self::Rate(rate) => rate,
            Self::InFlight(tasks) | Self::Backlog(tasks) => tasks as f64,
        }
    }
}

/// One system × profile × load × repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Which.
    pub key: CellKey,
    /// Number of the cell in its run, the upper bits of its tasks' ids.
    pub number: u32,
    /// Block it belonged to.
    pub block: u32,
    /// Part of the scenario that it is of, where that has parts. It tells no
    /// cells apart: no two parts have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Seconds from the run's start to the cell's: when its first arrival was
    /// due; where it came to none, when it was begun. The window is `warmup_s`
    /// later.
    pub started_s: f64,
    /// How often it had been measured before because it was disturbed.
    pub reruns: u32,
    /// Whether this measurement may be ranked.
    pub validity: Validity,
    /// The state the system was in.
    pub state: State,
    /// Whether the system kept up.
    pub held: Held,
    /// Who limited the rate, with the figures that say so.
    pub limit: Limit,
    /// The error that ended the cell, with the last lines of a log.
    pub error: Option<CellError>,
    /// Warm-up, window and drain.
    pub window: Window,
    /// How the generator kept time: `grid 100 µs`, `spin`.
    pub pacing: String,
    /// The ledger's sums.
    pub counts: Counts,
    /// Named figures; names are those of the table of metrics.
    pub metrics: BTreeMap<String, Value>,
    /// HdrHistogram V2, deflated, base64; values in ns; completed values only.
    pub histograms: BTreeMap<String, Histogram>,
    /// Figures over time.
    pub series: Series,
    /// What happened when.
    pub moments: Vec<Mark>,
    /// What became of each fault that was done to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<Trial>,
}

impl Cell {
    /// Whether it was measured to its end: what was cut short may have lost
    /// something more than it says.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        !matches!(self.validity, Validity::Incomplete(_))
    }
}

/// An error that ended a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellError {
    /// One sentence.
    pub message: String,
    /// The last lines of the log of who failed.
    pub log: Vec<String>,
}

/// Warm-up, window and drain, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Warm-up before the window.
    pub warmup_s: f64,
    /// The window itself, D.
    pub duration_s: f64,
    /// How long each task is watched after its due time, T.
    pub horizon_s: f64,
    /// How long the drain took.
    pub drain_s: f64,
}
