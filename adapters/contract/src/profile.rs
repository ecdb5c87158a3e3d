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
}

impl Topology {
    /// Servers.
    #[must_use]
    pub const fn nodes(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Cluster => 3,
        }
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
