//! The ledger's sums.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ledger's sums. `grid` covers every task handed over, probes and warm-up
/// included; `window` only the tasks intended in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Tasks the plan held: probes sent, warm-up, window.
    pub attempted: u64,
    /// What became of them.
    pub grid: Grid,
    /// Of the plan, never handed over.
    pub unsent: u64,
    /// Whether grid and unsent add up to `attempted`.
    pub balances: bool,
    /// Confirmed, not completed, and proved absent from the system.
    pub lost: u64,
    /// Confirmed, not completed, and no proof of loss: still held, or not asked.
    pub residual: u64,
    /// Confirmed and set aside after the last attempt.
    pub dead: u64,
    /// Taken back before they started.
    pub cancelled: u64,
    /// Said to be cancelled, and ran.
    pub cancelled_but_ran: u64,
    /// Completions after the first.
    pub repeated: u64,
    /// Of the tasks that completed more than once, who did it.
    #[serde(default)]
    pub again: Again,
    /// Completions of tasks of an earlier cell.
    pub leftovers: u64,
    /// Completions of ids that were never given out.
    pub unexpected: u64,
    /// Tasks whose body was not the one sent.
    pub corrupt: u64,
    /// Starts before the due time, among tasks of the window.
    pub early: u64,
    /// First starts out of order within a key (or queue), where there are keys.
    pub inversions: u64,
    /// First starts of which the order was looked at: none where tasks have no
    /// keys and the system claims no order of its queue, and none in the
    /// outcome of an earlier version.
    #[serde(default)]
    pub ordered: u64,
    /// Attempts that failed, seen.
    pub failed_attempts: u64,
    /// Attempts that the plan had fail, of the tasks that ran.
    pub planned_failures: u64,
    /// Tasks intended in the window.
    pub window: WindowCounts,
}

/// Tasks that completed more than once, by who did it; their sum is the grid's
/// last column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Again {
    /// Sent once: the system delivered them again, or to several workers.
    pub redelivered: u64,
    /// Sent more than once by their producer. The system may have delivered
    /// them again besides.
    pub sent_again: u64,
    /// Not told apart: the client library repeats unseen, an attempt of theirs
    /// had failed, after which a worker sends them again itself, or they were
    /// never sent.
    pub not_told: u64,
}

/// The 3 × 3 grid: what the enqueue came to × how often the handler completed
/// (0, 1, 2 or more).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grid {
    /// Confirmed: residual, dead or lost · once · duplicated.
    pub ok: [u64; 3],
    /// Unknown: vanished · recovered · recovered and duplicated.
    pub unknown: [u64; 3],
    /// Refused or never handed over: rejected · phantom · phantom and duplicated.
    pub fail: [u64; 3],
}

impl Grid {
    /// All nine cells together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        [self.ok, self.unknown, self.fail].iter().flatten().sum()
    }
}

/// What became of the tasks intended in the window. `intended` is the sum of
/// the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowCounts {
    /// Intended in the window.
    pub intended: u64,
    /// First success within T of due.
    pub done: u64,
    /// Refused.
    pub refused: u64,
    /// Never handed over.
    pub unsent: u64,
    /// Unknown, and no success within T.
    pub unknown: u64,
    /// Confirmed; succeeded after T, or still held.
    pub late: u64,
    /// Confirmed, never succeeded, proved absent.
    pub lost: u64,
    /// Dead by plan: left out of the failure rate.
    pub planned_dead: u64,
    /// Cancelled: left out of the failure rate.
    pub cancelled: u64,
}
