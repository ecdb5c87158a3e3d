//! What was demanded of the systems.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Load;

/// Something that was demanded of the systems: a metric, compared with a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Demand {
    /// As it was written: `p99 < 50 ms at 10k`.
    pub text: String,
    /// Its name in the table of metrics, or `capacity`.
    pub metric: String,
    /// How it must compare with the bound.
    pub comparison: Comparison,
    /// The bound, in the metric's base unit.
    pub bound: f64,
    /// At which loads.
    pub at: DemandedAt,
    /// Of this system alone; of every one but `noop` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Of this profile of it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// In this trial alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
    /// In this part of the scenario alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Those that the part or trial is for, as `system/profile`: of others it
    /// demands nothing. Empty where it names none, or was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

/// How a value must compare with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// Below it.
    #[serde(rename = "<")]
    Below,
    /// It or less.
    #[serde(rename = "<=")]
    AtMost,
    /// Above it.
    #[serde(rename = ">")]
    Above,
    /// It or more.
    #[serde(rename = ">=")]
    AtLeast,
    /// Exactly it.
    #[serde(rename = "==")]
    Is,
}

impl Comparison {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Below, Self::AtMost, Self::Above, Self::AtLeast, Self::Is];

    /// As it is written.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Is => "==",
        }
    }

    /// Whether the value compares so with the bound.
    #[must_use]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Is => value == bound,
        }
    }
}

/// At which loads a demand must be met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DemandedAt {
    /// At each of the scenario's.
    Each,
    /// At this one.
    Load(Load),
    /// At this share of each system's own capacity: `50 %`.
    Share(String),
    /// At the highest rate held, which a search finds.
    HighestHeld,
    /// In the longest window, behind a search in shorter ones.
    LongestWindow,
}
