//! What a measurement and the system in it are said to be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a measurement may be ranked (`docs/measurement.md` §4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// It may.
    Valid,
    /// The generator did not offer what was planned, or too late.
    GeneratorLimited(String),
    /// A client thread of ours was the bottleneck.
    ClientLimited(String),
    /// Something outside the process tree took CPU.
    Disturbed(String),
    /// The clocks disagreed.
    ClockSuspect(String),
    /// The cell was not measured to its end.
    Incomplete(String),
    /// The ledger or Little's law does not close.
    Unbalanced(String),
    /// It was measured well, and something else than for others of its class.
    NotComparable(String),
}

impl Validity {
    /// Whether the cell may be ranked.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        matches!(self, Self::Valid)
    }

    /// The verdict's word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::GeneratorLimited(_) => "generator-limited",
            Self::ClientLimited(_) => "client-limited",
            Self::Disturbed(_) => "disturbed",
            Self::ClockSuspect(_) => "clock-suspect",
            Self::Incomplete(_) => "incomplete",
            Self::Unbalanced(_) => "unbalanced",
            Self::NotComparable(_) => "not-comparable",
        }
    }

    /// Why, for all but `valid`.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Valid => None,
            Self::GeneratorLimited(why)
            | Self::ClientLimited(why)
            | Self::Disturbed(why)
            | Self::ClockSuspect(why)
            | Self::Incomplete(why)
            | Self::Unbalanced(why)
            | Self::NotComparable(why) => Some(why),
        }
    }
}

/// The state of the system: a finding, not a fault of the measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Latency and backlog did not trend.
    Steady,
    /// They did, and why that is said.
    NotSteady(String),
    /// It could not take the load.
    Overloaded(String),
}

/// Whether the system kept up with the load (`docs/measurement.md` §3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// It did.
    Yes,
    /// It did not, and which condition failed.
    No(String),
    /// The question has no answer here (in flight, or not measured).
    NotJudged(String),
}

/// Who limited the rate of a cell (`docs/measurement.md` §4). Each says why,
/// with the CPU of each role and how long the producer's window was full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Nobody: the system kept up with the load.
    NotSaturated(String),
    /// The generator.
    Generator(String),
    /// The client of the system in the harness.
    Client(String),
    /// The broker.
    Broker(String),
    /// The workers.
    Workers(String),
    /// All cores were busy, and no role had half of what was used.
    Machine(String),
    /// What lies between broker and workers, with CPU to spare: prefetch,
    /// acknowledgements, a lock.
    Delivery(String),
    /// No CPU and no full window: round trips, the disk or a lock.
    Waiting(String),
    /// It cannot be told.
    Unknown(String),
}

impl Limit {
    /// The one word of a table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotSaturated(_) => "not saturated",
            Self::Generator(_) => "generator",
            Self::Client(_) => "client",
            Self::Broker(_) => "broker",
            Self::Workers(_) => "workers",
            Self::Machine(_) => "machine",
            Self::Delivery(_) => "delivery",
            Self::Waiting(_) => "waiting",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why, in figures.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::NotSaturated(why)
            | Self::Generator(why)
            | Self::Client(why)
            | Self::Broker(why)
            | Self::Workers(why)
            | Self::Machine(why)
            | Self::Delivery(why)
            | Self::Waiting(why)
            | Self::Unknown(why) => why,
        }
    }

    /// Whether somebody is named.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        !matches!(self, Self::NotSaturated(_) | Self::Unknown(_))
    }
}
