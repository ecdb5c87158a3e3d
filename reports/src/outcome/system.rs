//! Who took part, with what promises, and who was left out.

use std::collections::BTreeMap;

use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass, Server};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A system and profile that took part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// The profile's one line.
    pub summary: String,
    /// What the profile promises.
    pub claims: Claims,
    /// The worker's runtime, as in `Rust`, `Go 1.26`, `Python 3.11`.
    pub worker_runtime: String,
    /// Its server as it described itself.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub server: Option<Server>,
}

/// What a profile promises, in the words of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// What survives what.
    #[schemars(with = "String")]
    pub durability: DurabilityClass,
    /// Acknowledged before or after the handler.
    #[schemars(with = "String")]
    pub ack: AckMode,
    /// Whether each task is vouched for.
    #[schemars(with = "String")]
    pub confirms: ConfirmMode,
    /// How tasks are held back.
    pub delay: String,
    /// Order of handlers.
    pub order: String,
    /// Whether a task can be taken back.
    pub cancel: bool,
    /// What follows a failure.
    pub retries: String,
    /// Why cells with immediate tasks are shown and not ranked, where they are
    /// not comparable; `null` where they are.
    pub not_comparable: Option<String>,
}

/// A system that was asked for and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// `system/profile`.
    pub target: String,
    /// Why.
    pub why: String,
    /// The command that would make it run, if there is one.
    pub remedy: Option<String>,
}
