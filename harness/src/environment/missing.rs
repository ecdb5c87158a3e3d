use std::fmt;

use schedbench_contract::Topology;

use crate::environment::broker::{Entry, UrlForm};

/// What a system needs and is not here, and the one command that brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Who needs it: `redis-asynq`, or `redis-asynq/everysec`.
    pub who: String,
    /// What kind of thing that is: `broker`, `worker`.
    pub what: &'static str,
    /// What is missing, one sentence.
    pub why: String,
    /// The one command.
    pub remedy: String,
    /// Another way.
    pub instead: Option<String>,
}

impl Missing {
    pub(crate) fn no_program(who: &str, entry: &Entry) -> Self {
        let why = match std::env::var(entry.program_env).ok().filter(|path| !path.is_empty()) {
            Some(path) => format!("{} = {path} is no program.", entry.program_env),
            None => format!("{} is not installed.", entry.program),
        };
        Self {
            who: who.into(),
            what: "broker",
            why,
            remedy: entry.remedy.into(),
            instead: Some(format!("--env compose, or {}", entry.url_env)),
        }
    }

    pub(crate) fn no_cluster_in_containers(who: &str, entry: &Entry) -> Self {
        let nodes = Topology::Cluster.nodes();
        let name = entry.broker.name();
        Self {
            who: who.into(),
            what: "broker",
            why: format!(
                "It needs {nodes} nodes, and docker-compose.yml has one {name}: three containers \
                 would be another measurement."
            ),
            remedy: format!("--env local, which starts {nodes}"),
            instead: Some(format!("--env external with {} of such a cluster", entry.url_env)),
        }
    }

    pub(crate) fn no_url(who: &str, entry: &Entry, name: &str) -> Self {
        Self {
            who: who.into(),
            what: "broker",
            why: format!("The scenario says url_env = \"{name}\", and {name} is not set."),
            remedy: format!("export {name}={}://…", entry.url.scheme),
            instead: None,
        }
    }

    pub(crate) fn no_external(who: &str, entry: &Entry, name: &str) -> Self {
        let UrlForm { scheme, port, .. } = entry.url;
        Self {
            who: who.into(),
            what: "broker",
            why: format!("--env external starts nothing, and {name} is not set."),
            remedy: format!("export {name}={scheme}://user:password@host:{port}"),
            instead: Some("--env local".into()),
        }
    }
}

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: no {} here", self.who, self.what)?;
        write!(f, "  {}   {}", self.why, self.remedy)?;
        if let Some(instead) = &self.instead {
            write!(f, "   (or: {instead})")?;
        }
        f.write_str("\n  To run the rest: --skip-missing")
    }
}
