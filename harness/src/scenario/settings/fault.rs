//! A fault as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Side;
use crate::plan::{FaultKind, Victim};
use crate::scenario::At;
use crate::scenario::units::{Bytes, Nanos};

/// A fault: what is done to which process or link, when and for how long. Only
/// to processes that schedbench started itself, and to links to them; to a
/// broker that it did not start, by a pair of commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table [[fault]]")]
pub struct Fault {
    /// What is done.
    pub kind: At<FaultKind>,
    /// To whom. A process: `broker`, `workers` for all worker processes, or
    /// `worker:1`. Of a cluster: `leader` for the node that leads the queue when
    /// the fault is due, `replica` for one that follows it, `replicas` for all
    /// that do; `broker` is every node. `node` is one server of any system: the
    /// leader of a cluster, else the broker. A link: `producer-broker`,
    /// `worker-broker`, or `links` for both; `between-brokers` for all links
    /// between the nodes of a cluster of Kafka, or of Redis with sentinels, or,
    /// with `--network namespaces`, of RabbitMQ. The road on which loss is proved
    /// is never hurt.
    pub on: At<Victim>,
    /// When, from the window's start on: what lies before it in the window is
    /// the baseline that it is measured against. Of a backlog, from the last
    /// hand-over on.
    pub at: At<Nanos>,
    /// For how long. A `reset` is over at once and has none.
    #[serde(rename = "for")]
    pub lasts: Option<At<Nanos>>,
    /// Kinds `stall`, `black-hole`, `delay`, `bandwidth`, `slice` and `cut`:
    /// `to-broker` or `from-broker` for one way only; both if left out. Between
    /// brokers the one that is followed is the broker.
    pub side: Option<At<Side>>,
    /// Kind `delay`: by how much at least.
    pub delay: Option<At<Nanos>>,
    /// Kind `delay`: by how much more at most; 0 if left out.
    pub jitter: Option<At<Nanos>>,
    /// Kind `bandwidth`: per second, of each connection. Kind `slice`: of a
    /// piece. Kind `cut`: until each connection is reset.
    pub bytes: Option<At<Bytes>>,
    /// Kind `command`: a program and its arguments, run without a shell, such
    /// as `["systemctl", "stop", "redis"]`. It is in every result, so it holds
    /// no password; it has the environment of schedbench.
    pub hurt: Option<At<Vec<At<String>>>>,
    /// Kind `command`: the same for when the fault is over. It is run on every
    /// way out, also after a `hurt` that failed.
    pub heal: Option<At<Vec<At<String>>>>,
}
