use clap::ValueEnum;
use schedbench_contract::Topology;

use crate::environment::broker::{Entry, Source};
use crate::environment::compose::Docker;
use crate::environment::{Missing, Result};

/// How brokers are had: `--env`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Started here as child processes, or the one a scenario's url_env names.
    #[default]
    Local,
    /// Started here in containers, by `docker compose`.
    Compose,
    /// They run already: the URL of each is in an environment variable.
    External,
}

impl Mode {
    /// As it is written behind `--env`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Compose => "compose",
            Self::External => "external",
        }
    }

    /// How a broker, or a cluster of it, would be had for `who`, whose
    /// scenario may name the variable of its URL. Asks no broker.
    ///
    /// # Errors
    /// It cannot be had so here; the error has the one command that helps.
    pub fn source(
        self,
        entry: &Entry,
        who: &str,
        url_env: Option<&str>,
        topology: Topology,
    ) -> Result<Source, Missing> {
        match self {
            Self::Compose if topology.is_of_several() => {
                Err(Missing::no_cluster_in_containers(who, entry))
            }
            Self::Local => entry.source(who, url_env),
            // What is typed goes before what the scenario says, as everywhere.
            Self::Compose => Docker::find(who).map(Source::Compose),
            Self::External => {
                let name = url_env.unwrap_or(entry.url_env);
                let is_set = std::env::var_os(name).is_some_and(|value| !value.is_empty());
                if is_set {
                    Ok(Source::Url(name.into()))
                } else {
                    Err(Missing::no_external(who, entry, name))
                }
            }
        }
    }
}
