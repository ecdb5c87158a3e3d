use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Address, Fill};

/// What a handler does with a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handler {
    /// Nothing: the system's own cost.
    #[default]
    None,
    /// Sleeps this many ns.
    SleepNs(u64),
    /// Keeps a core busy this many ns.
    CpuNs(u64),
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Further attempts after the first; then the task is dead.
    pub max: u32,
    /// Fixed wait before each further attempt, ns.
    pub backoff_ns: u64,
}

/// How many workers and connections there are; equal for all systems of a
/// ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkersShape {
    /// Worker processes (in-process systems have none and ignore it).
    pub processes: u32,
    /// Handlers that run at a time in each process; threads of the pool of an
    /// in-process system.
    pub concurrency: u32,
    /// Tasks a worker may hold before it has acknowledged them.
    pub prefetch: u32,
    /// Connections of the producing client, and of each worker process.
    pub connections: u32,
    /// Tasks the producing client may have unconfirmed.
    pub window: u32,
}

/// What a worker is to do, as data, so that Rust, Python and Go obey the same.
///
/// It crosses the child's standard input as one line of JSON, secrets
/// included, and is never in an argument list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The system, as the registry names it.
    pub system: String,
    /// Its profile.
    pub profile: String,
    /// The queue's (topic's, table's) name or prefix.
    pub queue: String,
    /// The cell whose tasks it runs; ids of other cells are leftovers.
    pub cell: u32,
    /// Which of the cell's worker processes this is, from 0.
    pub index: u32,
    /// Where the broker is, for systems that have one.
    pub at: Option<Address>,
    /// Where the server is that the profile needs beside its broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Address>,
    /// Workers and connections.
    pub shape: WorkersShape,
    /// The run's seed: failures and bodies come from it.
    pub seed: u64,
    /// What the handler does.
    pub handler: Handler,
    /// Planned failures per million attempts.
    pub fail_ppm: u32,
    /// What follows a failure.
    pub retry: Retry,
    /// How to make the bodies again to check them.
    pub body: Fill,
    /// One write per record, for runs that kill workers.
    pub write_each: bool,
    /// What a profile sets of the system's own worker, in the adapter's words.
    /// The harness leaves it empty; adapters fill it.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}
