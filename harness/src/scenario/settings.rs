//! The fields of a scenario, exactly as written.
//!
//! The doc comments here are the text of the JSON schema and of
//! `docs/scenarios.md`.

mod brokers;
mod fault;
mod load;
mod task;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use brokers::{Brokers, ExternalBroker};
pub use fault::Fault;
pub use load::{Load, Mode, Stage};
pub use task::{Retry, Task, Workers};

use super::At;
use super::demand::Demanded;
use super::parts::Part;
use super::trials::{Matrix, Trial};
use super::units::{Count, Nanos, Rate};

/// What to measure: which systems, under which load, with which tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the tables of a scenario")]
pub struct Settings {
    /// Name of the scenario: letters and digits of any script, `-` and `_`.
    /// Results go to a directory of this name.
    pub name: At<String>,
    /// One line that says what the scenario shows.
    pub summary: At<String>,
    /// Systems to measure, each `system` (its default profile) or
    /// `system/profile`; `schedbench list` shows them. `noop`, the harness's
    /// own ceiling, runs first but with backlogs, of which it holds nothing, and
    /// need not be named.
    pub systems: At<Vec<At<String>>>,
    /// Profiles for the systems that are named without one: each runs in all
    /// of these that it has, or in its default if it has none of them. `all`
    /// for every profile.
    #[serde(default)]
    pub profiles: Vec<At<String>>,
    /// Whether profiles that need a cluster may run: three servers of a broker,
    /// all on this machine. `profiles = ["all"]` leaves them out without it.
    #[serde(default)]
    pub clusters: bool,
    /// How often each cell is measured. From 5 on, intervals are computed.
    #[serde(default = "one")]
    pub repeats: At<Count>,
    /// How often at most a cell that other processes disturbed is measured again
    /// at the end: 0 to 2. On a machine that is never quiet that is time for
    /// nothing.
    #[serde(default = "two")]
    pub reruns: At<Count>,
    /// The seed of arrivals, order, bodies, keys and failures.
    #[serde(default = "seven")]
    pub seed: u64,
    /// How the generator keeps time. Without it, brokers get the grid and
    /// in-process systems the spin.
    #[serde(default)]
    pub pacing: Option<PacingKind>,
    /// The load.
    pub load: At<Load>,
    /// The tasks.
    #[serde(default)]
    pub task: Task,
    /// What follows a failed attempt.
    #[serde(default)]
    pub retry: Retry,
    /// Workers and connections, equal for all systems.
    #[serde(default)]
    pub workers: Workers,
    /// What is done to processes meanwhile, in every cell of every system but
    /// `noop`.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// Instead of `fault`: trials, each with faults of its own and a cell of its
    /// own, behind a fresh broker.
    #[serde(default)]
    pub trial: Vec<Trial>,
    /// Which systems each trial runs on: those that it names, or all. `listed`
    /// if left out.
    #[serde(default)]
    pub matrix: Option<At<Matrix>>,
    /// Parts that are measured one after another, each with a load and tasks of
    /// its own, and come to one result. What is written outside of them is
    /// theirs too, as far as they do not say otherwise.
    #[serde(default)]
    pub part: Vec<Part>,
    /// What `--quick` changes, each as `field=value`; without it `--quick` is
    /// one repeat.
    #[serde(default)]
    pub quick: Vec<At<String>>,
    /// What counts as keeping up.
    #[serde(default)]
    pub objective: Objective,
    /// What is demanded of the systems, such as `"p99 < 50 ms at 10k"` or
    /// `"lost == 0"`; if one does not meet it, or that cannot be told, the exit
    /// code is 3. How they are written stands at the end of docs/scenarios.md.
    #[serde(default)]
    pub objectives: Vec<At<Demanded>>,
    /// Brokers that already run elsewhere.
    #[serde(default)]
    pub brokers: Brokers,
}

impl Settings {
    /// Whatever is done to processes and links in it, in all of its trials and
    /// parts.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        let own = self.fault.iter().chain(self.trial.iter().flat_map(|trial| &trial.fault));
        let parts = self.part.iter().flat_map(|part| {
            part.fault.iter().chain(part.trial.iter().flat_map(|trial| &trial.fault))
        });
        own.chain(parts)
    }

    /// Whether anything in it, or in one of its parts, is a trial.
    #[must_use]
    pub fn has_trials(&self) -> bool {
        !self.trial.is_empty() || self.part.iter().any(|part| !part.trial.is_empty())
    }
}

fn one() -> At<Count> {
    At::nowhere(Count(1))
}

fn two() -> At<Count> {
    At::nowhere(Count(2))
}

fn seven() -> u64 {
    7
}

/// How the generator keeps time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PacingKind {
    /// Sleeps on a grid of 100 µs.
    Grid,
    /// Spins, but sleeps at least 50 µs in each ms.
    Spin,
}

/// What counts as keeping up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [objective]")]
pub struct Objective {
    /// P99 start latency up to which a load counts as held.
    pub p99: At<Nanos>,
    /// Tasks per second that every system must hold; if one does not, or it
    /// cannot be told, the exit code is 3. Without it nothing is demanded.
    pub holds: Option<At<Rate>>,
}

impl Default for Objective {
    fn default() -> Self {
        Self { p99: At::nowhere(Nanos(1_000_000_000)), holds: None }
    }
}
