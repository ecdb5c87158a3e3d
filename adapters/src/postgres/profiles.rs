//! The profiles: what PostgreSQL keeps, and how workers take rows.

use std::time::Duration;

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

/// An idle worker looks this often even if nothing rings: a `NOTIFY` is not
/// kept for who was not connected.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a body at most: PostgreSQL's limit is near 1 GB, but it holds a
/// statement in memory several times over.
pub(super) const LARGEST_BODY: usize = 64 << 20;

/// Between the looks of a worker that polls. The article's looks each 30 s;
/// how late that makes a task needs no measuring.
pub(super) const POLL_EVERY: Duration = Duration::from_millis(100);

const POLL: &str = "poll";
const POLL_REDIS_LOCK: &str = "poll-redis-lock";

/// What [`POLL_REDIS_LOCK`] has its locks in; they are worth nothing after 10 s.
pub(super) static LOCKS: Profile = Profile {
    name: "locks",
    summary: "a Redis in memory",
    broker: Some(Broker::Redis),
    broker_settings: &[("appendonly", "no"), ("save", "")],
    topology: Topology::Single,
    claims: Claims { durability: DurabilityClass::BrokerMemory, ..CLAIMS },
};

const POLLED: Claims = Claims {
    // What is read stays as it was until it is deleted.
    cancel: false,
    retries: Retries::Unsupported("each worker that ran it would count its failure"),
    ..CLAIMS
};

const CLAIMS: Claims = Claims {
    durability: DurabilityClass::PowerLoss,
    ack: AckMode::Late,
    confirms: ConfirmMode::Confirmed,
    // Due times are rounded up to whole microseconds, which is the server's.
    delay: Delay::Native { early_by_at_most_ns: 0 },
    // Taken in the order of due times, but several connections insert.
    order: Order::None,
    cancel: true,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: LARGEST_BODY,
};

/// All of them, the default first.
pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "skip-locked",
        summary: "FOR UPDATE SKIP LOCKED, 10 rows a fetch, leased for 15 s by a column; woken by \
                  NOTIFY or the next due time; fsync before each reply",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "skip-locked-1",
        summary: "as skip-locked, 1 row a fetch",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "skip-locked-100",
        summary: "as skip-locked, 100 rows a fetch",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "async-commit",
        summary: "as skip-locked, but replies come before the journal is flushed (200 ms later)",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "off")],
        topology: Topology::Single,
        claims: Claims { durability: DurabilityClass::BoundedWindow, ..CLAIMS },
    },
    Profile {
        name: POLL,
        summary: "reads 100 rows each 100 ms without any lock, so at most 1k/s for each worker \
                  process; several run the same task at once",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        topology: Topology::Single,
        claims: Claims { ack: AckMode::Unlocked, ..POLLED },
    },
    Profile {
        name: POLL_REDIS_LOCK,
        summary: "as poll, with SET NX in a Redis for each row: nobody else runs it for 10 s",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        topology: Topology::Single,
        claims: POLLED,
    },
];

/// How workers come by rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// By leasing so many at a time.
    Leasing(usize),
    /// By reading so many each tick, and running them as if nobody else did.
    Polling(usize),
    /// By reading so many each tick, and locking each in a Redis beside.
    Locking(usize),
}

impl Taking {
    /// In the profile of that name.
    pub(super) fn of(profile: &str) -> Self {
        match profile {
            POLL => Self::Polling(100),
            POLL_REDIS_LOCK => Self::Locking(100),
            "skip-locked-1" => Self::Leasing(1),
            "skip-locked-100" => Self::Leasing(100),
            _ => Self::Leasing(10),
        }
    }

    /// Rows at a time.
    pub(super) const fn rows(self) -> usize {
        match self {
            Self::Leasing(rows) | Self::Polling(rows) | Self::Locking(rows) => rows,
        }
    }

    /// Whether rows stay as they were while they are run.
    pub(super) const fn polls(self) -> bool {
        matches!(self, Self::Polling(_) | Self::Locking(_))
    }
}
