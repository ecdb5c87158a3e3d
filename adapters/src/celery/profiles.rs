//! The profiles: when the worker acknowledges, its pool, its queue, its results.

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

/// RabbitMQ 4 takes messages of 16 MiB by default, and a body grows by a third
/// in base64.
pub(super) const LARGEST_BODY: usize = 8 << 20;

const EARLY: &str = "early-ack";
const THREADS: &str = "threads";
const ONE_EACH: &str = "prefetch-1";
const QUORUM: &str = "quorum";
const RPC: &str = "result-rpc";
const REDIS: &str = "result-redis";

const CLAIMS: Claims = Claims {
    // That of its queue: a classic one writes before it confirms, but does not
    // fsync. A retry is published with a confirm as well.
    durability: DurabilityClass::ProcessCrash,
    ack: AckMode::Late,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::InTheWorker,
    order: Order::None,
    cancel: false,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: LARGEST_BODY,
};

const fn profile(name: &'static str, summary: &'static str, claims: Claims) -> Profile {
    Profile {
        name,
        summary,
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims,
    }
}

/// All of them, the default first. The worker's side of each is in
/// `workers/celery/schedworker/profiles.py`.
pub(super) const PROFILES: &[Profile] = &[
    profile(
        "late-ack",
        "prefork, acks_late and reject_on_worker_lost, classic queue, no results; delayed tasks \
         wait in the worker; a task that failed finally is dropped, as Celery does",
        CLAIMS,
    ),
    profile(
        EARLY,
        "as late-ack, but acknowledged when the pool takes the task, which is Celery's default",
        Claims { ack: AckMode::Early, ..CLAIMS },
    ),
    profile(THREADS, "as late-ack, but a pool of threads in one process", CLAIMS),
    profile(
        ONE_EACH,
        "as late-ack, but each handler has at most one task: prefetch multiplier 1, whatever the \
         scenario's prefetch",
        CLAIMS,
    ),
    profile(
        QUORUM,
        "as late-ack, but a quorum queue on one node, which fsyncs before it confirms; the \
         prefetch does not grow by delayed tasks, so they hold up others",
        Claims { durability: DurabilityClass::PowerLoss, ..CLAIMS },
    ),
    profile(
        RPC,
        "as late-ack, but each task's result is sent back (rpc) and read by the producing client",
        CLAIMS,
    ),
    profile(
        REDIS,
        "as late-ack, but each task's result is stored for a day in a Redis beside RabbitMQ; the \
         producing client reads it by a subscription, as Celery's does: SUBSCRIBE, one MGET and \
         UNSUBSCRIBE, here for a batch of tasks at a time",
        CLAIMS,
    ),
];

/// Where [`REDIS`] has its results: nothing on disk, as nobody would miss one
/// that is lost with its server; tasks do not depend on them.
pub(super) static BACKEND: Profile = Profile {
    name: "results",
    summary: "a Redis in memory",
    broker: Some(Broker::Redis),
    broker_settings: &[("appendonly", "no"), ("save", "")],
    topology: Topology::Single,
    claims: Claims { durability: DurabilityClass::BrokerMemory, ..CLAIMS },
};

/// What becomes of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Results {
    /// Nothing: they are not made.
    Ignored,
    /// They are sent to the client's queue.
    Rpc,
    /// They are stored and announced in Redis.
    Redis,
}

impl Results {
    /// As the outcome says it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Rpc => "rpc",
            Self::Redis => "redis",
        }
    }
}

/// What a profile means for the publisher and its queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) quorum: bool,
    pub(super) results: Results,
    /// What decides a result on the worker's side, as the outcome says it.
    pub(super) pool: &'static str,
    pub(super) acks: &'static str,
    pub(super) one_each: bool,
}

impl Manner {
    /// What the profile of that name means.
    pub(super) fn of(profile: &str) -> Self {
        Self {
            quorum: profile == QUORUM,
            results: match profile {
                RPC => Results::Rpc,
                REDIS => Results::Redis,
                _ => Results::Ignored,
            },
            pool: if profile == THREADS { "threads" } else { "prefork" },
            acks: if profile == EARLY { "early" } else { "late, reject on worker lost" },
            one_each: profile == ONE_EACH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_does_what_it_claims_and_the_worker_knows_it() {
        let worker = include_str!("../../workers/celery/schedworker/profiles.py");
        for Profile { name, claims, .. } in PROFILES {
            let manner = Manner::of(name);
            assert_eq!(manner.quorum, claims.durability == DurabilityClass::PowerLoss, "{name}");
            assert_eq!(manner.acks == "early", claims.ack == AckMode::Early, "{name}");
            let line = worker.lines().find(|line| line.contains(&format!("\"{name}\": Profile(")));
            let line = line.unwrap_or_else(|| panic!("{name} is unknown to the worker"));
            assert_eq!(line.contains("quorum_queue=True"), manner.quorum, "{name}");
            for results in [Results::Rpc, Results::Redis] {
                let said = line.contains(&format!("results=\"{}\"", results.name()));
                assert_eq!(said, manner.results == results, "{name}");
            }
            assert_eq!(line.contains("pool=\"threads\""), manner.pool == "threads", "{name}");
            assert_eq!(line.contains("acks_late=False"), manner.acks == "early", "{name}");
            assert_eq!(line.contains("prefetch_multiplier=1"), manner.one_each, "{name}");
        }
    }
}
