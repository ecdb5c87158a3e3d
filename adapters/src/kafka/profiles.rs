//! The profiles: what the producer waits for, what the broker keeps, and when
//! the workers commit.

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

const CLAIMS: Claims = Claims {
    // The leader answers once the record is in its page cache, whatever `acks`
    // says, for it is the only copy: a killed process loses nothing, a power
    // loss may.
    durability: DurabilityClass::ProcessCrash,
    ack: AckMode::Late,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Unsupported("Kafka holds nothing back; consumer-hold is the customary way"),
    order: Order::Key,
    cancel: false,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: super::LARGEST_BODY,
};

const fn profile(name: &'static str, summary: &'static str, claims: Claims) -> Profile {
    Profile {
        name,
        summary,
        broker: Some(Broker::Kafka),
        broker_settings: &[],
        topology: Topology::Single,
        claims,
    }
}

/// Kafka 4.1's defaults, which a Kafka of ours has only where a profile says so.
const SESSION_BY_DEFAULT: &[(&str, &str)] =
    &[("broker.session.timeout.ms", "9000"), ("broker.heartbeat.interval.ms", "2000")];

/// All of them, the default first.
pub(super) const PROFILES: &[Profile] = &[
    profile(
        "acks-all",
        "acks=all at one copy, linger 5 ms; a partition per handler, offsets committed after the \
         handlers, at half of the prefetch or after 100 ms; retries by a retry topic",
        CLAIMS,
    ),
    profile("acks1", "as acks-all, but acks=1; at one copy it is the same promise", CLAIMS),
    profile(
        "acks0",
        "as acks-all, but acks=0: the broker answers nothing",
        Claims { confirms: ConfirmMode::Unconfirmed, ..CLAIMS },
    ),
    profile(
        "idempotent",
        "as acks-all, but the client sends again after a lost connection and the broker drops \
         what it has already; these repeats are the client's and not counted",
        Claims {
            resends: Resends::Unseen(
                "librdkafka sends a batch again by itself and counts no record",
            ),
            ..CLAIMS
        },
    ),
    Profile {
        broker_settings: &[("log.flush.interval.messages", "1")],
        topology: Topology::Single,
        ..profile(
            "flush",
            "as acks-all, but an fsync for each batch of records, commits of offsets included",
            Claims { durability: DurabilityClass::PowerLoss, ..CLAIMS },
        )
    },
    profile(
        "article",
        "as acks-all, but batch.size 16384 and 500 records handed over per round of a consumer",
        CLAIMS,
    ),
    profile("article-linger-20", "as article, but linger 20 ms", CLAIMS),
    profile(
        "commit-before",
        "as acks-all, but offsets are committed before the handlers run",
        Claims { ack: AckMode::Early, ..CLAIMS },
    ),
    profile(
        "consumer-hold",
        "as acks-all, but a worker holds tasks back that are not due: up to 65,536 in its \
         memory, with what follows them uncommitted",
        Claims { delay: Delay::InTheWorker, ..CLAIMS },
    ),
    profile(
        "session-default",
        "as acks-all, but with the client's own patience for a worker in a group: \
         session.timeout.ms 45 s and a heartbeat every 3 s (every other profile: 10 s and 0.5 s)",
        CLAIMS,
    ),
    Profile {
        topology: Topology::Cluster,
        ..profile(
            "rf3",
            "as acks-all, but three nodes with a copy each, and a record is confirmed once every \
             copy in sync has it, two at least (min.insync.replicas=2)",
            Claims { durability: DurabilityClass::Replicated, ..CLAIMS },
        )
    },
    Profile {
        topology: Topology::Cluster,
        broker_settings: SESSION_BY_DEFAULT,
        ..profile(
            "rf3-default",
            "as rf3, but with Kafka's own wait for a silent node: broker.session.timeout.ms 9 s \
             and a heartbeat every 2 s (rf3, as every other profile here: 5 s and 0.5 s)",
            Claims { durability: DurabilityClass::Replicated, ..CLAIMS },
        )
    },
    Profile {
        topology: Topology::Cluster,
        ..profile(
            "acks1-rf3",
            "as rf3, but acks=1: a record is confirmed once its leader has it, and is lost with \
             that node if no other copy has it",
            // Whoever is elected has what it fetched: it was in sync, so not
            // more than `replica.lag.time.max.ms` = 30 s behind.
            Claims { durability: DurabilityClass::BoundedWindow, ..CLAIMS },
        )
    },
];

/// What a profile changes about the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuning {
    /// `acks` of the producer.
    pub(super) acks: &'static str,
    /// `linger.ms` of the producer.
    pub(super) linger_ms: &'static str,
    /// `batch.size` of the producer; the client's own default for none.
    pub(super) batch_size: Option<&'static str>,
    /// Whether the client repeats and the broker drops repeats.
    pub(super) idempotent: bool,
    /// Most records handed over in one round of a consumer.
    pub(super) round: usize,
    /// Whether offsets are committed before the handlers run.
    pub(super) commits_before: bool,
    /// Whether a worker holds back what is not due.
    pub(super) holds: bool,
    /// The copies of each record.
    pub(super) copies: Copies,
    /// A worker's membership of its group.
    pub(super) session: Session,
}

/// How long a worker that is not heard stays in its group, in milliseconds as
/// the client takes them. Both sides obey it: the coordinator gives the dead
/// one's partitions to others, and a worker that cannot reach its coordinator
/// gives them up itself, to join again as somebody new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// `session.timeout.ms`.
    pub(super) timeout_ms: &'static str,
    /// `heartbeat.interval.ms`; a rebalance is noticed with a heartbeat.
    pub(super) heartbeat_ms: &'static str,
}

/// A killed worker's partitions are given to others soon, within the 20 s that
/// a fault is watched.
const SHORT_SESSION: Session = Session { timeout_ms: "10000", heartbeat_ms: "500" };
/// librdkafka's own defaults (its `CONFIGURATION.md`), and the Java client's.
const CLIENTS_SESSION: Session = Session { timeout_ms: "45000", heartbeat_ms: "3000" };

/// How many copies of a record there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copies {
    /// One on each of so many nodes: the replication factor of the topics.
    pub(super) wanted: usize,
    /// With fewer in sync nothing is confirmed: `min.insync.replicas`.
    pub(super) at_least: &'static str,
}

impl Tuning {
    /// What the profile of that name changes.
    pub(super) fn of(profile: &str) -> Self {
        let usual = Self {
            acks: "all",
            linger_ms: "5",
            batch_size: None,
            idempotent: false,
            round: 256,
            commits_before: false,
            holds: false,
            copies: Copies { wanted: 1, at_least: "1" },
            session: SHORT_SESSION,
        };
        let article = Self { batch_size: Some("16384"), round: 500, ..usual };
        let three = Self { copies: Copies { wanted: 3, at_least: "2" }, ..usual };
        match profile {
            "acks1" => Self { acks: "1", ..usual },
            "acks0" => Self { acks: "0", ..usual },
            "idempotent" => Self { idempotent: true, ..usual },
            "article" => article,
            "article-linger-20" => Self { linger_ms: "20", ..article },
            "commit-before" => Self { commits_before: true, ..usual },
            "consumer-hold" => Self { holds: true, ..usual },
            "session-default" => Self { session: CLIENTS_SESSION, ..usual },
            "rf3" | "rf3-default" => three,
            "acks1-rf3" => Self { acks: "1", ..three },
            _ => usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_but_the_broker_s_own_changes_something() {
        let usual = Tuning::of("acks-all");
        for profile in &PROFILES[1..] {
            let changed = Tuning::of(profile.name) != usual || !profile.broker_settings.is_empty();
            assert!(changed, "{}", profile.name);
        }
    }

    #[test]
    fn claims_say_what_the_clients_do() {
        for profile in PROFILES {
            let (claims, tuning) = (&profile.claims, Tuning::of(profile.name));
            assert_eq!(claims.ack == AckMode::Early, tuning.commits_before, "{}", profile.name);
            assert_eq!(claims.delay.is_supported(), tuning.holds, "{}", profile.name);
            let unconfirmed = claims.confirms == ConfirmMode::Unconfirmed;
            assert_eq!(unconfirmed, tuning.acks == "0", "{}", profile.name);
            let replicated = claims.durability == DurabilityClass::Replicated;
            let copied = tuning.copies.wanted == 3;
            assert_eq!(replicated, copied && tuning.acks == "all", "{}", profile.name);
            let window = claims.durability == DurabilityClass::BoundedWindow;
            assert_eq!(window, copied && tuning.acks == "1", "{}", profile.name);
            assert_eq!(profile.topology.nodes(), tuning.copies.wanted, "{}", profile.name);
        }
    }
}
