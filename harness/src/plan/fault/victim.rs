//! To whom a fault is done: processes of ours, nodes of a cluster, links.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

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
}
