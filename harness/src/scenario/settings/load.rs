//! The load: how it is made, how much, for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Spacing;
use crate::scenario::At;
use crate::scenario::units::{Count, Fraction, Nanos, Rate, RateOrShare};

/// The load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the table [load]")]
pub struct Load {
    /// How the load is made.
    #[serde(default = "open")]
    pub mode: At<Mode>,
    /// Mode `open`: rates in tasks per second, a cell each. Where something is
    /// hurt also shares of each system's own capacity, such as `"50 %"`: it is
    /// searched for once in the run, before the system's other cells.
    pub rates: Option<At<Vec<At<RateOrShare>>>>,
    /// Further rates of every trial with `matrix = "full"`.
    pub full_rates: Option<At<Vec<At<RateOrShare>>>>,
    /// Mode `open`, instead of `rates`: one cell whose window is these rates
    /// one after another.
    pub stages: Option<At<Vec<Stage>>>,
    /// Mode `in-flight`: numbers of tasks submitted and not completed, a cell
    /// each.
    pub in_flight: Option<At<Vec<At<Count>>>>,
    /// Mode `in-flight`: the window ends early after this many tasks, because
    /// the ledger has 16 bytes for each. 10M if left out.
    pub most_tasks: Option<At<Count>>,
    /// Mode `backlog`: numbers of tasks that build up, a cell each.
    pub pending: Option<At<Vec<At<Count>>>>,
    /// How arrivals are spaced; `poisson` if left out.
    pub arrivals: Option<At<Spacing>>,
    /// Load before the window, measured but not counted.
    #[serde(default = "two_seconds")]
    pub warmup: At<Nanos>,
    /// D: the window. 10 s if left out; stages have durations of their own.
    pub duration: Option<At<Nanos>>,
    /// T: every task is watched this long after it is due; what is not done by
    /// then has failed. Mode `backlog`: the longest that it may build up, and
    /// that its drain may take; the rest is counted and thrown away.
    #[serde(default = "two_seconds")]
    pub horizon: At<Nanos>,
    /// Modes `capacity` and `soak`, and for shares of a capacity: the first
    /// rate tried; 1k if left out.
    pub from: Option<At<Rate>>,
    /// The same: no rate above this is tried. If left out 1M, and 100k for
    /// shares.
    pub to: Option<At<Rate>>,
    /// The same: the search ends when it knows the capacity to within this
    /// share; 5 % if left out.
    pub precision: Option<At<Fraction>>,
    /// Mode `soak`, and for shares of a capacity: the window of each step of
    /// the search; 10 s if left out.
    pub search: Option<At<Nanos>>,
    /// Mode `soak`: the share of the capacity found that is then held for
    /// `duration`; 0.5 if left out.
    pub share: Option<At<Fraction>>,
}

fn open() -> At<Mode> {
    At::nowhere(Mode::Open)
}

fn two_seconds() -> At<Nanos> {
    At::nowhere(Nanos(2_000_000_000))
}

/// How the load is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Tasks arrive when the plan says, whether or not the system keeps up.
    Open,
    /// A fixed number of tasks is submitted and not completed.
    InFlight,
    /// A search for the highest rate that is held.
    Capacity,
    /// That search, then a long cell at a share of what it found.
    Soak,
    /// A number of tasks builds up while no worker runs, as fast as the system
    /// takes them; faults are done to the broker while they rest, their `at`
    /// counted from the last hand-over; then workers are started and drain it.
    Backlog,
}

impl Mode {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InFlight => "in-flight",
            Self::Capacity => "capacity",
            Self::Soak => "soak",
            Self::Backlog => "backlog",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        use Mode::{Backlog, Capacity, InFlight, Open, Soak};
        [Open, InFlight, Capacity, Soak, Backlog].into_iter().find(|mode| mode.name() == name)
    }

    /// In which modes a field of `[load]` means something, where no share of a
    /// capacity is offered; all where it is of no mode's own.
    #[must_use]
    pub fn with(field: &str) -> &'static [Self] {
        use Mode::{Backlog, Capacity, InFlight, Open, Soak};
        match field {
            "rates" | "full_rates" | "stages" => &[Open],
            "in_flight" | "most_tasks" => &[InFlight],
            "pending" => &[Backlog],
            "warmup" | "duration" => &[Open, InFlight, Capacity, Soak],
            "arrivals" => &[Open, Capacity, Soak],
            "from" | "to" | "precision" => &[Capacity, Soak],
            "search" | "share" => &[Soak],
            _ => &[Open, InFlight, Capacity, Soak, Backlog],
        }
    }

    /// Whether that field means something in it.
    #[must_use]
    pub fn has(self, field: &str) -> bool {
        Self::with(field).contains(&self)
    }
}

/// A rate held for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a stage such as { rate = \"1k\", duration = \"10 s\" }")]
pub struct Stage {
    /// Tasks per second.
    pub rate: At<Rate>,
    /// For how long.
    pub duration: At<Nanos>,
}
