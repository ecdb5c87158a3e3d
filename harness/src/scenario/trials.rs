//! Trials as a scenario writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::At;
use super::settings::Fault;
use super::units::{Nanos, RateOrShare};

/// A trial: faults that belong together and are judged by themselves, each in a
/// `[[trial.fault]]` with the fields of `[[fault]]`. Without any it is a
/// control, in which nothing may show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table [[trial]]")]
pub struct Trial {
    /// What reports call it, as in `broker-kill`: letters and digits of any
    /// script, `-` and `_`.
    pub name: At<String>,
    /// Those of the scenario's systems that it makes sense for; all if left
    /// out.
    pub systems: Option<At<Vec<At<String>>>>,
    /// Rates instead of those of `[load]`; `--loads` takes the place of both.
    pub rates: Option<At<Vec<At<RateOrShare>>>>,
    /// Its window, instead of that of `[load]`: at a lower rate it takes longer
    /// until a recovery has lasted. `--duration` takes the place of both.
    pub duration: Option<At<Nanos>>,
    /// What is done meanwhile.
    #[serde(default)]
    pub fault: Vec<Fault>,
}

/// Which systems each trial runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Matrix {
    /// Those that it names.
    Listed,
    /// All systems of the scenario.
    Full,
}

impl Trial {
    /// Whether it names this system, by its name alone or with its profile.
    #[must_use]
    pub fn names(&self, system: &str, profile: &str) -> bool {
        self.systems.as_ref().is_none_or(|systems| {
            systems.iter().any(|written| match written.split_once('/') {
                Some((name, of)) => name == system && of == profile,
                None => written.as_str() == system,
            })
        })
    }
}
