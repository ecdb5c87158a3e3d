use crate::Claims;

/// The server a profile needs, by the name its package has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Broker {
    /// PostgreSQL 12 or later.
    Postgres,
    /// Redis 6.2 or later.
    Redis,
    /// RabbitMQ 3.8 or later.
    RabbitMq,
    /// Kafka 4.0 or later, in KRaft mode.
    Kafka,
}

impl Broker {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Redis, Self::RabbitMq, Self::Kafka, Self::Postgres];

    /// Its name in messages and directories.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::RabbitMq => "rabbitmq",
            Self::Kafka => "kafka",
        }
    }
}

/// How many servers of it there are, and how they divide the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Topology {
    /// One.
    #[default]
    Single,
    /// Three that replicate, all on this machine: what they cost each other is
    /// in every figure, so that a run has to ask for them (`clusters`).
    Cluster,
    /// Three that divide a cell's [queues](Self::queues) among them, all on
    /// this machine too. Nobody has a copy of what another has.
    Shards,
}

impl Topology {
    /// Servers.
    #[must_use]
    pub const fn nodes(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Cluster | Self::Shards => 3,
        }
    }

    /// Queues of a cell, equally many on each server that has queues of its
    /// own. A task is in the one of its sequence number modulo this.
    #[must_use]
    pub const fn queues(self) -> usize {
        match self {
            Self::Single | Self::Cluster => 1,
            Self::Shards => 12,
        }
    }

    /// Whether there are several servers.
    #[must_use]
    pub const fn is_of_several(self) -> bool {
        self.nodes() > 1
    }
}

/// One named configuration of a system.
#[derive(Debug)]
pub struct Profile {
    /// Its name after the slash; the first profile of a system is its default.
    pub name: &'static str,
    /// One line for `list`.
    pub summary: &'static str,
    /// The server it needs, if any.
    pub broker: Option<Broker>,
    /// Settings of that server which this profile decides, in its own words.
    pub broker_settings: &'static [(&'static str, &'static str)],
    /// How many servers of it.
    pub topology: Topology,
    /// What it promises.
    pub claims: Claims,
}
