//! Faults as a plan has them: what is done to which process, when and for how
//! long. Nothing here does it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::fault::{LinkFault, Side};
use crate::scenario::{Bytes, Nanos};

/// A fault, by its name in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// On a process: killed with SIGKILL; started again, a broker with its
    /// data, when the fault is over.
    Kill,
    /// On a process: asked to end with SIGTERM; what still runs when the fault
    /// is over is ended, and it is started again.
    Terminate,
    /// On a process: stopped with SIGSTOP, its connections open; it goes on
    /// with SIGCONT.
    Pause,
    /// On the broker, also one that is not ours: the command `hurt`, and `heal`
    /// when it is over.
    Command,
    /// On the broker: no room on its disk, and room again when it is over; who
    /// has ended of it is started again then.
    DiskFull,
    /// On a link: bytes and new connections wait, and go on when it is over.
    Stall,
    /// On a link: bytes are swallowed; connections that lost some are reset
    /// when it is over.
    BlackHole,
    /// On a link: its connections are reset at once; new ones are served.
    Reset,
    /// On a link: new connections are refused; those that exist go on.
    Refuse,
    /// On a link: bytes arrive later, by `delay` and up to `jitter` more.
    Delay,
    /// On a link: each connection carries `bytes` per second at most.
    Bandwidth,
    /// On a link: bytes arrive in pieces of `bytes` at most, 1 ms apart.
    Slice,
    /// On a link: each connection carries `bytes` more, and is reset.
    Cut,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// SIGKILL, then started again.
    Kill,
    /// SIGTERM, then started again.
    Terminate,
    /// SIGSTOP, then SIGCONT.
    Pause,
    /// The command pair of that place among its cell's.
    Command(usize),
    /// No room on its disk, then room again.
    DiskFull,
    /// Laid on a link by the proxy.
    Link(LinkFault),
}

/// To which of our processes, or on which link to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Victim {
    /// The broker of the block; of a cluster every node.
    Broker,
    /// One server, whichever system it is of: the leader of a cluster, else the
    /// broker. No cell has it: each has the one that is meant.
    Node,
    /// The node that leads the cell's queue, found by asking when it is due.
    Leader,
    /// One node that follows the leader: the first in the order of the nodes.
    Replica,
    /// Every node that follows the leader.
    Replicas,
    /// Every worker process.
    Workers,
    /// The worker process of that number, from 1.
    Worker(u32),
    /// A link.
    Link(Road),
}

/// A link. The road on which loss is proved is never hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// Between the producing client and the broker.
    Producer,
    /// Between the workers and the broker.
    Workers,
    /// Both of these.
    Both,
    /// Between the nodes of a cluster: all of them, and no link of a client.
    Between,
}

/// Commands that hurt and heal, each a program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Commands {
    /// What hurts.
    pub hurt: Vec<String>,
    /// What heals; harmless where nothing is hurt any more.
    pub heal: Vec<String>,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is done.
    pub deed: Deed,
    /// To whom.
    pub on: Victim,
    /// When, ns from the window's start.
    pub at_ns: u64,
    /// For how long, ns; 0 for what is over at once.
    pub for_ns: u64,
}

impl FaultKind {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Terminate => "terminate",
            Self::Pause => "pause",
            Self::Command => "command",
            Self::DiskFull => "disk-full",
            Self::Stall => "stall",
            Self::BlackHole => "black-hole",
            Self::Reset => "reset",
            Self::Refuse => "refuse",
            Self::Delay => "delay",
            Self::Bandwidth => "bandwidth",
            Self::Slice => "slice",
            Self::Cut => "cut",
        }
    }

    /// Whether it falls on a process; otherwise on a link.
    #[must_use]
    pub const fn is_of_a_process(self) -> bool {
        matches!(self, Self::Kill | Self::Terminate | Self::Pause | Self::Command | Self::DiskFull)
    }
}

impl Deed {
    /// Its name in a scenario.
    #[must_use]
    pub const fn kind(self) -> FaultKind {
        match self {
            Self::Kill => FaultKind::Kill,
            Self::Terminate => FaultKind::Terminate,
            Self::Pause => FaultKind::Pause,
            Self::Command(_) => FaultKind::Command,
            Self::DiskFull => FaultKind::DiskFull,
            Self::Link(LinkFault::Stall(_)) => FaultKind::Stall,
            Self::Link(LinkFault::BlackHole(_)) => FaultKind::BlackHole,
            Self::Link(LinkFault::Reset) => FaultKind::Reset,
            Self::Link(LinkFault::Refuse) => FaultKind::Refuse,
            Self::Link(LinkFault::Delay { .. }) => FaultKind::Delay,
            Self::Link(LinkFault::Bandwidth { .. }) => FaultKind::Bandwidth,
            Self::Link(LinkFault::Slice { .. }) => FaultKind::Slice,
            Self::Link(LinkFault::CutAfter { .. }) => FaultKind::Cut,
        }
    }
}

impl Victim {
    /// Whether a fault on one is a fault on the other process. Those of links
    /// may lie on one another. A leader is no replica: who is hurt already is
    /// not asked for once more.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Link(_), _) | (_, Self::Link(_)) => false,
            (Self::Broker | Self::Node, other) | (other, Self::Broker | Self::Node) => {
                other.is_of_the_broker()
            }
            (Self::Leader, other) | (other, Self::Leader) => other == Self::Leader,
            (Self::Replica | Self::Replicas, other) => {
                matches!(other, Self::Replica | Self::Replicas)
            }
            (_, Self::Replica | Self::Replicas) => false,
            (Self::Worker(one), Self::Worker(other)) => one == other,
            (Self::Workers, _) | (_, Self::Workers) => true,
        }
    }

    /// Whether it is some nodes of a cluster, found by asking.
    #[must_use]
    pub const fn is_of_nodes(self) -> bool {
        matches!(self, Self::Node | Self::Leader | Self::Replica | Self::Replicas)
    }

    /// Who is meant by it, of a cluster or of a single server.
    #[must_use]
    pub const fn of(self, is_cluster: bool) -> Self {
        match self {
            Self::Node if is_cluster => Self::Leader,
            Self::Node => Self::Broker,
            other => other,
        }
    }

    /// Whether it is the broker, or nodes of it.
    #[must_use]
    pub const fn is_of_the_broker(self) -> bool {
        matches!(self, Self::Broker) || self.is_of_nodes()
    }
}

impl Road {
    /// Whether it has this one in it.
    #[must_use]
    pub fn covers(self, one: Self) -> bool {
        self == one || self == Self::Both && one != Self::Between
    }
}

impl Fault {
    /// When it is over, ns from the window's start.
    #[must_use]
    pub const fn until_ns(&self) -> u64 {
        self.at_ns.saturating_add(self.for_ns)
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str("broker"),
            Self::Node => f.write_str("node"),
            Self::Leader => f.write_str("leader"),
            Self::Replica => f.write_str("replica"),
            Self::Replicas => f.write_str("replicas"),
            Self::Workers => f.write_str("workers"),
            Self::Worker(number) => write!(f, "worker:{number}"),
            Self::Link(Road::Producer) => f.write_str("producer-broker"),
            Self::Link(Road::Workers) => f.write_str("worker-broker"),
            Self::Link(Road::Both) => f.write_str("links"),
            Self::Link(Road::Between) => f.write_str("between-brokers"),
        }
    }
}

/// `kill broker at 10 s for 5 s`, `delay links 20 ms + 0 to 5 ms at 10 s for 5 s`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.deed.kind().name(), self.on)?;
        let side = match self.deed {
            Deed::Link(LinkFault::Stall(side) | LinkFault::BlackHole(side)) => side,
            Deed::Link(LinkFault::Delay { side, base, jitter }) => {
                let ns = |time: Duration| Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
                write!(f, " {}", ns(base))?;
                if !jitter.is_zero() {
                    write!(f, " + 0 to {}", ns(jitter))?;
                }
                side
            }
            Deed::Link(LinkFault::Bandwidth { side, per_second }) => {
                write!(f, " to {}/s", Bytes(per_second.get()))?;
                side
            }
            Deed::Link(LinkFault::Slice { side, bytes }) => {
                write!(f, " into {}", Bytes(bytes.get() as u64))?;
                side
            }
            Deed::Link(LinkFault::CutAfter { side, bytes }) => {
                write!(f, " after {}", Bytes(bytes))?;
                side
            }
            Deed::Kill | Deed::Terminate | Deed::Pause | Deed::Command(_) | Deed::DiskFull => {
                Side::Both
            }
            Deed::Link(LinkFault::Reset | LinkFault::Refuse) => Side::Both,
        };
        match side {
            Side::Both => {}
            Side::ToBroker => f.write_str(" to the broker only")?,
            Side::FromBroker => f.write_str(" from the broker only")?,
        }
        write!(f, " at {}", Nanos(self.at_ns))?;
        if self.for_ns > 0 { write!(f, " for {}", Nanos(self.for_ns)) } else { Ok(()) }
    }
}

impl From<Victim> for String {
    fn from(victim: Victim) -> Self {
        victim.to_string()
    }
}

impl TryFrom<String> for Victim {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Victim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "unknown victim `{text}`: expected \"broker\", \"node\", \"leader\", \
                 \"replica\", \"replicas\", \"workers\", \"worker:1\", \
                 \"producer-broker\", \"worker-broker\", \"links\" or \"between-brokers\""
            )
        };
        match text {
            "broker" => Ok(Self::Broker),
            "node" => Ok(Self::Node),
            "leader" => Ok(Self::Leader),
            "replica" => Ok(Self::Replica),
            "replicas" => Ok(Self::Replicas),
            "workers" => Ok(Self::Workers),
            "producer-broker" => Ok(Self::Link(Road::Producer)),
            "worker-broker" => Ok(Self::Link(Road::Workers)),
            "links" => Ok(Self::Link(Road::Both)),
            "between-brokers" => Ok(Self::Link(Road::Between)),
            other => {
                let number = other.strip_prefix("worker:").ok_or_else(unknown)?;
                let number = number.parse::<u32>().map_err(|_| unknown())?;
                if number == 0 { Err(unknown()) } else { Ok(Self::Worker(number)) }
            }
        }
    }
}

impl JsonSchema for Victim {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Victim".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(broker|node|leader|replicas?|workers|worker:[1-9][0-9]*|producer-broker|worker-broker|links|between-brokers)$" })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    #[test]
    fn a_victim_reads_back_as_it_is_written() {
        let roads = [Road::Producer, Road::Workers, Road::Both, Road::Between];
        let links = roads.map(Victim::Link);
        let nodes =
            [Victim::Broker, Victim::Node, Victim::Leader, Victim::Replica, Victim::Replicas];
        let workers = [Victim::Workers, Victim::Worker(12)];
        for victim in nodes.into_iter().chain(workers).chain(links) {
            assert_eq!(victim.to_string().parse(), Ok(victim));
        }
        for text in ["", "Broker", "worker", "worker:0", "worker:-1", "worker:x", "leader:1"] {
            assert!(text.parse::<Victim>().is_err(), "{text}");
        }
    }

    #[test]
    fn all_workers_are_each_of_them() {
        assert!(Victim::Workers.meets(Victim::Worker(3)));
        assert!(Victim::Worker(3).meets(Victim::Workers));
        assert!(!Victim::Worker(3).meets(Victim::Worker(4)));
        assert!(!Victim::Broker.meets(Victim::Workers));
        assert!(Victim::Broker.meets(Victim::Broker));
    }

    #[test]
    fn a_broker_is_each_of_its_nodes_and_its_leader_is_no_replica() {
        for node in [Victim::Node, Victim::Leader, Victim::Replica, Victim::Replicas] {
            assert!(node.meets(Victim::Node) && Victim::Node.meets(node), "{node}");
            assert!(node.meets(Victim::Broker) && Victim::Broker.meets(node), "{node}");
            assert!(node.meets(node), "{node}");
            for other in [Victim::Workers, Victim::Worker(1), Victim::Link(Road::Both)] {
                assert!(!node.meets(other) && !other.meets(node), "{node} and {other}");
            }
        }
        assert!(Victim::Replica.meets(Victim::Replicas) && Victim::Replicas.meets(Victim::Replica));
        for follower in [Victim::Replica, Victim::Replicas] {
            assert!(!Victim::Leader.meets(follower) && !follower.meets(Victim::Leader));
        }
    }

    #[test]
    fn all_links_are_those_of_clients() {
        assert!(Road::Both.covers(Road::Producer) && Road::Both.covers(Road::Workers));
        assert!(!Road::Both.covers(Road::Between) && Road::Between.covers(Road::Between));
        for one in [Road::Producer, Road::Workers] {
            assert!(one.covers(one) && !one.covers(Road::Between) && !Road::Between.covers(one));
        }
    }

    #[test]
    fn a_node_is_the_leader_of_a_cluster_or_else_the_broker() {
        assert_eq!(Victim::Node.of(true), Victim::Leader);
        assert_eq!(Victim::Node.of(false), Victim::Broker);
        for other in [Victim::Broker, Victim::Replica, Victim::Workers] {
            assert_eq!((other.of(true), other.of(false)), (other, other));
        }
    }

    #[test]
    fn a_fault_reads_aloud() {
        let fault = Fault {
            deed: Deed::Kill,
            on: Victim::Broker,
            at_ns: 10_000_000_000,
            for_ns: 5_000_000_000,
        };
        assert_eq!(fault.to_string(), "kill broker at 10 s for 5 s");
        assert_eq!(fault.until_ns(), 15_000_000_000);
        let (base, jitter) = (Duration::from_millis(20), Duration::from_millis(5));
        let late = LinkFault::Delay { side: Side::ToBroker, base, jitter };
        let late = Fault { deed: Deed::Link(late), on: Victim::Link(Road::Both), ..fault };
        let words = "delay links 20 ms + 0 to 5 ms to the broker only at 10 s for 5 s";
        assert_eq!(late.to_string(), words);
        let per_second = NonZeroU64::new(64_000).expect("not 0");
        let slow = LinkFault::Bandwidth { side: Side::Both, per_second };
        let slow = Fault { deed: Deed::Link(slow), ..late };
        assert_eq!(slow.to_string(), "bandwidth links to 64 kB/s at 10 s for 5 s");
        let cut = LinkFault::CutAfter { side: Side::FromBroker, bytes: 1_000 };
        let cut = Fault { deed: Deed::Link(cut), ..late };
        let words = "cut links after 1 kB from the broker only at 10 s for 5 s";
        assert_eq!(cut.to_string(), words);
        let reset = Fault { deed: Deed::Link(LinkFault::Reset), for_ns: 0, ..late };
        assert_eq!(reset.to_string(), "reset links at 10 s");
    }
}
