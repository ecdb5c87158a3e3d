//! The profiles: what PostgreSQL keeps, and how workers take rows.

use std::time::Duration;

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Retries,
};

/// An idle worker looks this often even if nothing rings: a `NOTIFY` is not
/// kept for who was not connected.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a body at most: PostgreSQL's limit is near 1 GB, but it holds a
/// statement in memory several times over.
pub(super) const LARGEST_BODY: usize = 64 << 20;

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
        claims: CLAIMS,
    },
    Profile {
        name: "skip-locked-1",
        summary: "as skip-locked, 1 row a fetch",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        claims: CLAIMS,
    },
    Profile {
        name: "skip-locked-100",
        summary: "as skip-locked, 100 rows a fetch",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "on")],
        claims: CLAIMS,
    },
    Profile {
        name: "async-commit",
        summary: "as skip-locked, but replies come before the journal is flushed (200 ms later)",
        broker: Some(Broker::Postgres),
        broker_settings: &[("synchronous_commit", "off")],
        claims: Claims { durability: DurabilityClass::BoundedWindow, ..CLAIMS },
    },
];

/// Rows that a worker asks for at a time, in the profile of that name.
pub(super) fn rows_per_fetch(profile: &str) -> usize {
    match profile {
        "skip-locked-1" => 1,
        "skip-locked-100" => 100,
        _ => 10,
    }
}
