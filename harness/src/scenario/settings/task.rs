//! The tasks, what follows a failed attempt, and who runs them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::At;
use crate::scenario::kinds::{DelayKind, Variants, WorkKind};
use crate::scenario::units::{Bytes, Count, Fraction, Nanos};

/// The tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [task]")]
pub struct Task {
    /// Size of each body.
    pub body: At<Bytes>,
    /// How long after its hand-over a task is due: one of the kinds below, or
    /// a list of them, which makes a cell of each.
    pub delay: At<Variants<DelayKind>>,
    /// What a handler does.
    pub work: At<WorkKind>,
    /// Share of attempts that fail.
    pub fail: At<Fraction>,
    /// Number of distinct keys; 0 for tasks without a key.
    pub keys: At<Count>,
    /// Share of tasks that are cancelled.
    pub cancel: At<Fraction>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            body: At::nowhere(Bytes(100)),
            delay: At::nowhere(Variants::one(DelayKind::None)),
            work: At::nowhere(WorkKind::None),
            fail: At::nowhere(Fraction(0.0)),
            keys: At::nowhere(Count(0)),
            cancel: At::nowhere(Fraction(0.0)),
        }
    }
}

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [retry]")]
pub struct Retry {
    /// Further attempts after the first; then the task is dead.
    pub max: At<Count>,
    /// Wait before each further attempt, always the same.
    pub backoff: At<Nanos>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max: At::nowhere(Count(0)), backoff: At::nowhere(Nanos(1_000_000_000)) }
    }
}

/// Workers and connections, equal for all systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [workers]")]
pub struct Workers {
    /// Worker processes; in-process systems have none.
    pub processes: At<Count>,
    /// Handlers that run at a time in each process; threads of the pool of an
    /// in-process system.
    pub concurrency: At<Count>,
    /// Tasks a worker may hold before it has acknowledged them.
    pub prefetch: At<Count>,
    /// Connections of the producing client, and of each worker process.
    pub connections: At<Count>,
    /// Tasks the producing client may have unconfirmed.
    pub window: At<Count>,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            processes: At::nowhere(Count(1)),
            concurrency: At::nowhere(Count(8)),
            prefetch: At::nowhere(Count(256)),
            connections: At::nowhere(Count(1)),
            window: At::nowhere(Count(4_096)),
        }
    }
}
