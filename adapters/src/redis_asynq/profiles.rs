//! The profiles: what Redis keeps, and how due times are rounded.

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

/// How often a worker moves due tasks. Asynq's own default is 5 s; this is
/// what the tables compare, for at 5 s every delayed task is seconds late.
pub(super) const FORWARD_EVERY_MS: u64 = 100;
/// The first wait of a worker that found the queue empty. Asynq has no
/// blocking pop; its own default is 0.5 to 1.5 s.
pub(super) const IDLE_FIRST_MS: u64 = 1;
/// The longest such wait. An idle worker process costs Redis 200 script calls
/// a second, about 1 % of a core.
pub(super) const IDLE_LONGEST_MS: u64 = 5;

/// The name of the profile that cuts due times off as Asynq does.
const CUTS_OFF: &str = "asynq-exact";

/// Redis takes 512 MB, in one piece and in memory several times over.
pub(crate) const LARGEST_BODY: usize = 64 << 20;

const CLAIMS: Claims = Claims {
    // With `everysec`, up to 2 s of confirmed writes wait in Redis's own memory
    // while an fsync is running, and a kill just then loses them: seen once in
    // 12 kills beside a busy disk, never with `always`
    // (`docs/decisions/0009-redis-everysec-is-class-w.md`).
    durability: DurabilityClass::BoundedWindow,
    ack: AckMode::Late,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Native { early_by_at_most_ns: 0 },
    order: Order::None,
    cancel: true,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: LARGEST_BODY,
};

/// A primary with replicas, and sentinels with their own defaults, spelled out.
pub(crate) const SENTINEL: &[(&str, &str)] = &[
    ("appendonly", "yes"),
    ("appendfsync", "everysec"),
    ("sentinel down-after-milliseconds", "30000"),
    ("sentinel failover-timeout", "180000"),
];
/// The same, with sentinels that act soon.
pub(crate) const SENTINEL_TUNED: &[(&str, &str)] = &[
    ("appendonly", "yes"),
    ("appendfsync", "everysec"),
    ("sentinel down-after-milliseconds", "1000"),
    ("sentinel failover-timeout", "10000"),
];
/// Masters that go on when one of them is gone: by default all stop as soon as
/// they call it failed, after `cluster-node-timeout` (15 s).
#[cfg(feature = "asynq")]
pub(crate) const SHARDS: &[(&str, &str)] =
    &[("appendonly", "yes"), ("appendfsync", "everysec"), ("cluster-require-full-coverage", "no")];

/// All of them, the default first.
pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "everysec",
        summary: "AOF, fsync each second; polls every 1-5 ms when idle (200 calls/s; no blocking \
                  pop), forwards every 100 ms, due seconds rounded up: never early, up to 1.1 s \
                  late",
        broker: Some(Broker::Redis),
        broker_settings: &[("appendonly", "yes"), ("appendfsync", "everysec")],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "memory",
        summary: "as everysec, but Redis keeps nothing on disk",
        broker: Some(Broker::Redis),
        broker_settings: &[("appendonly", "no"), ("save", "")],
        topology: Topology::Single,
        claims: Claims { durability: DurabilityClass::BrokerMemory, ..CLAIMS },
    },
    Profile {
        name: "always",
        summary: "as everysec, but fsync before each reply",
        broker: Some(Broker::Redis),
        broker_settings: &[("appendonly", "yes"), ("appendfsync", "always")],
        topology: Topology::Single,
        claims: Claims { durability: DurabilityClass::PowerLoss, ..CLAIMS },
    },
    Profile {
        name: CUTS_OFF,
        summary: "as everysec, but due times cut off to whole seconds as Asynq does: early by up \
                  to 1 s",
        broker: Some(Broker::Redis),
        broker_settings: &[("appendonly", "yes"), ("appendfsync", "everysec")],
        topology: Topology::Single,
        claims: Claims { delay: Delay::Native { early_by_at_most_ns: 1_000_000_000 }, ..CLAIMS },
    },
    Profile {
        name: "sentinel",
        summary: "as everysec, with two replicas and three sentinels as they come: a primary that \
                  is gone for 30 s is replaced; replication is asynchronous, so that what no \
                  replica had is lost with it",
        broker: Some(Broker::Redis),
        broker_settings: SENTINEL,
        topology: Topology::Cluster,
        claims: CLAIMS,
    },
    Profile {
        name: "sentinel-tuned",
        summary: "as sentinel, but a primary is replaced when it is gone for 1 s \
                  (down-after-milliseconds, default 30 s), and a failover has 10 s \
                  (failover-timeout, default 180 s)",
        broker: Some(Broker::Redis),
        broker_settings: SENTINEL_TUNED,
        topology: Topology::Cluster,
        claims: CLAIMS,
    },
    Profile {
        name: "sentinel-wait",
        summary: "as sentinel-tuned, and a task is confirmed once one of the two replicas has it \
                  too (WAIT 1); unknown if that takes more than 1 s",
        broker: Some(Broker::Redis),
        broker_settings: SENTINEL_TUNED,
        topology: Topology::Cluster,
        claims: Claims { durability: DurabilityClass::Replicated, ..CLAIMS },
    },
];

/// Replicas that must have a task before it is confirmed: with the primary most
/// of the nodes, the way that Kafka's `min.insync.replicas` counts them.
pub(super) fn copies(profile: &Profile) -> u32 {
    u32::from(profile.claims.durability == DurabilityClass::Replicated)
}

/// How wall-clock times become the whole seconds of Asynq's sorted sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seconds {
    /// A task is never early.
    RoundedUp,
    /// As Go's `Time.Unix` does: a task may be up to 1 s early.
    CutOff,
}

impl Seconds {
    /// What the profile of that name does.
    pub(super) fn of(profile: &str) -> Self {
        if profile == CUTS_OFF { Self::CutOff } else { Self::RoundedUp }
    }

    /// The score of an instant in Unix ns.
    pub(super) const fn score(self, unix_ns: u64) -> u64 {
        match self {
            Self::RoundedUp => unix_ns.div_ceil(1_000_000_000),
            Self::CutOff => unix_ns / 1_000_000_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_except_where_the_profile_cuts_them_off() {
        let (up, cut) = (Seconds::of("everysec"), Seconds::of("asynq-exact"));
        for (unix_ns, rounded, cut_off) in
            [(5_000_000_000, 5, 5), (5_000_000_001, 6, 5), (5_999_999_999, 6, 5)]
        {
            assert_eq!((up.score(unix_ns), cut.score(unix_ns)), (rounded, cut_off));
        }
    }
}
