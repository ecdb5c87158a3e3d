//! The profiles: what Redis keeps, and how often the library's servers look.

use std::collections::BTreeMap;

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

use crate::WATCHED_BY_SENTINELS;
use crate::redis_asynq::{LARGEST_BODY, SENTINEL, SENTINEL_TUNED, SHARDS};

type Settings = &'static [(&'static str, &'static str)];

const EVERYSEC: Settings = &[("appendonly", "yes"), ("appendfsync", "everysec")];
const ALWAYS: Settings = &[("appendonly", "yes"), ("appendfsync", "always")];
const MEMORY: Settings = &[("appendonly", "no"), ("save", "")];

const CLAIMS: Claims = Claims {
    // As `redis-asynq` (`docs/decisions/0009-redis-everysec-is-class-w.md`).
    durability: DurabilityClass::BoundedWindow,
    ack: AckMode::Late,
    confirms: ConfirmMode::Confirmed,
    // Due times are stored as whole seconds, cut off, and so is the time that
    // they are compared with.
    delay: Delay::Native { early_by_at_most_ns: 1_000_000_000 },
    order: Order::None,
    cancel: true,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: LARGEST_BODY,
};

const fn profile(name: &'static str, summary: &'static str, broker_settings: Settings) -> Profile {
    Profile {
        name,
        summary,
        broker: Some(Broker::Redis),
        broker_settings,
        topology: Topology::Single,
        claims: CLAIMS,
    }
}

/// All of them, the default first.
pub(super) const PROFILES: &[Profile] = &[
    profile(
        "default",
        "the library as it comes: an idle server sleeps 0.5-1.5 s, due tasks are moved every 5 s; \
         AOF, fsync each second",
        EVERYSEC,
    ),
    profile(
        "article-default",
        "looks every 50-150 ms when idle, moves due tasks every 100 ms; 10 handlers a process \
         whatever the scenario says",
        EVERYSEC,
    ),
    profile(
        "article-tuned",
        "looks every 10-30 ms when idle, moves due tasks every 20 ms; 50 handlers a process \
         whatever the scenario says",
        EVERYSEC,
    ),
    profile(
        "servers-4",
        "as default, but 4 servers share each process's handlers: each takes its tasks by itself",
        EVERYSEC,
    ),
    Profile {
        claims: Claims { durability: DurabilityClass::BrokerMemory, ..CLAIMS },
        ..profile("memory", "as default, but Redis keeps nothing on disk", MEMORY)
    },
    Profile {
        claims: Claims { durability: DurabilityClass::PowerLoss, ..CLAIMS },
        ..profile("always", "as default, but fsync before each reply", ALWAYS)
    },
    Profile {
        topology: Topology::Cluster,
        ..profile(
            "sentinel",
            "as default, with two replicas and three sentinels as they come: a primary that is \
             gone for 30 s is replaced; replication is asynchronous, so that what no replica had \
             is lost with it",
            SENTINEL,
        )
    },
    Profile {
        topology: Topology::Cluster,
        ..profile(
            "sentinel-tuned",
            "as sentinel, but a primary is replaced when it is gone for 1 s \
             (down-after-milliseconds, default 30 s), and a failover has 10 s (failover-timeout, \
             default 180 s)",
            SENTINEL_TUNED,
        )
    },
    Profile {
        topology: Topology::Shards,
        ..profile(
            "cluster-3",
            "as default, with 12 queues on three masters (Redis Cluster), 4 on each: one that is \
             gone stops its queues, and nobody has a copy; tasks for it are kept by the client, \
             up to a third of its window, then refused",
            SHARDS,
        )
    },
];

/// What a profile sets of the library's configuration; what is not here keeps
/// the library's default. The worker reads these names.
pub(super) fn options(profile: &str) -> BTreeMap<String, String> {
    let options: &[(&str, &str)] = match profile {
        "article-default" => &[
            ("task_check_interval_ms", "100"),
            ("delayed_task_check_interval_ms", "100"),
            ("concurrency", "10"),
        ],
        "article-tuned" => &[
            ("task_check_interval_ms", "20"),
            ("delayed_task_check_interval_ms", "20"),
            ("concurrency", "50"),
        ],
        "servers-4" => &[("servers", "4")],
        "sentinel" | "sentinel-tuned" => &[("sentinel_master", WATCHED_BY_SENTINELS)],
        _ => &[],
    };
    options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
