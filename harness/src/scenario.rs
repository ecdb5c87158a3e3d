//! The file a user writes: TOML exactly as written, with positions for errors.
//!
//! Pure but for [`load`], which reads one file. What a scenario resolves to is
//! [`crate::plan`]'s matter, and so is whether its parts fit together.

mod at;
mod built_in;
pub mod demand;
mod error;
mod explain;
mod kinds;
pub(crate) mod name;
mod overrides;
mod parts;
mod read;
mod reference;
mod schema;
mod secrets;
mod settings;
pub mod suggest;
mod text;
mod trials;
mod units;
mod wrap;

pub use at::At;
pub use built_in::{BUILT_IN, BuiltIn};
pub use demand::Demanded;
pub use error::ScenarioError;
pub use kinds::{DelayKind, Variants, WorkKind};
pub use overrides::Override;
pub use parts::Part;
pub use read::{load, read};
use schedbench_contract::Broker;
pub use settings::{
    Brokers, ExternalBroker, Fault, Load, Mode, Objective, PacingKind, Retry, Settings, Stage,
    Task, Workers,
};
pub use text::Text;
pub use trials::{Matrix, Trial};
pub use units::{Bytes, Count, Fraction, Nanos, Rate, RateOrShare};
pub(crate) use wrap::wrapped;

use crate::fault::Links;

/// A scenario, read: its fields, and the text that they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it says.
    pub settings: Settings,
    /// Its text and the arguments that changed it.
    pub text: Text,
    /// What the command line changed, as `field=value`.
    pub overrides: Vec<String>,
    /// Its parts by their names, each as a scenario of its own. One without any
    /// system of the run has none.
    pub parts: Vec<(At<String>, Scenario)>,
    /// The name of the part that it is of another one.
    pub part: Option<String>,
    /// How its faults on links are done, which only the command line says.
    pub links: Links,
}

impl Scenario {
    /// The same, and its parts, with faults on links done so.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self.parts.iter_mut().for_each(|(_, part)| part.links = links);
        self
    }

    /// The environment variable that holds the URL of a broker which already
    /// runs; `None` where the harness starts its own.
    #[must_use]
    pub fn url_env(&self, broker: Broker) -> Option<&str> {
        let external = self.settings.brokers.named(broker.name());
        external.map(|external| external.url_env.as_str())
    }

    /// Whether the command line changed this field.
    #[must_use]
    pub fn is_changed(&self, field: &str) -> bool {
        self.overrides
            .iter()
            .any(|change| change.split_once('=').is_some_and(|(path, _)| path == field))
    }

    /// The JSON schema of scenario files.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schema::schema()
    }

    /// The reference of scenario files, in Markdown: `docs/scenarios.md`.
    #[must_use]
    pub fn reference() -> String {
        reference::reference()
    }
}
