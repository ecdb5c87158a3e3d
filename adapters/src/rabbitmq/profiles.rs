//! The profiles: what RabbitMQ keeps, who confirms, where delayed tasks wait.

use schedbench_contract::{
    AckMode, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

/// Different delays that the profiles with a queue for each take; each queue
/// is a process and an index of the broker's.
pub(super) const MOST_CLASSES: u32 = 32;
/// RabbitMQ 4 takes 16 MiB by default, RabbitMQ 3 takes 128 MiB: the same here
/// whichever it is.
pub(super) const LARGEST_BODY: usize = 16 << 20;

const QUORUM: &str = "quorum";
const QUORUM_3: &str = "quorum-3";
const QUORUM_3_TUNED: &str = "quorum-3-tuned";
const MIRRORED_3: &str = "mirrored-3";
const NO_CONFIRM: &str = "transient-no-confirm";
const AUTO_ACK: &str = "auto-ack";
const ONE_QUEUE: &str = "delay-one-queue";

/// Messages of a queue that expired and are on their way to the next one,
/// unconfirmed. RabbitMQ's own default of 32 bounds delayed tasks to what 32 in
/// flight make; this is what a worker holds at most by default.
const MOVED_AT_ONCE: (&str, &str) = ("dead_letter_worker_consumer_prefetch", "256");

/// Each classic queue has a mirror on every other node, and a node that joins
/// later is sent what the queue holds, without being told to.
const MIRRORS: &[(&str, &str)] = &[("policy.ha-mode", "all"), ("policy.ha-sync-mode", "automatic")];

const CLAIMS: Claims = Claims {
    // A classic queue writes before it confirms, but does not fsync.
    durability: DurabilityClass::ProcessCrash,
    ack: AckMode::Late,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Classes(MOST_CLASSES),
    order: Order::None,
    // AMQP cannot take back one message of a queue.
    cancel: false,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: LARGEST_BODY,
};

/// All of them, the default first.
pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "durable",
        summary: "classic queue, persistent, publisher confirms; acks after the handler, several \
                  in one frame where they follow each other; a TTL queue for each delay, whole \
                  ms, rounded up",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: QUORUM,
        summary: "as durable, but quorum queues on one node, which fsync before they confirm",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims { durability: DurabilityClass::PowerLoss, ..CLAIMS },
    },
    Profile {
        name: QUORUM_3,
        summary: "as quorum, but on a cluster of three nodes of this machine, a member of each \
                  queue on each: two of them fsync before they confirm; clients on the leader's \
                  node; what expires is moved with a confirm (at-least-once)",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[MOVED_AT_ONCE],
        topology: Topology::Cluster,
        claims: Claims { durability: DurabilityClass::Replicated, ..CLAIMS },
    },
    Profile {
        name: QUORUM_3_TUNED,
        summary: "as quorum-3, but a node that is silent for 8 s is given up by the others \
                  (net_ticktime = 8; RabbitMQ's default is 60 s)",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[MOVED_AT_ONCE, ("net_ticktime", "8")],
        topology: Topology::Cluster,
        claims: Claims { durability: DurabilityClass::Replicated, ..CLAIMS },
    },
    Profile {
        name: MIRRORED_3,
        summary: "as durable, but on a cluster of three nodes of this machine, a mirror of each \
                  queue on the other two (ha-mode all, ha-sync-mode automatic), which have a \
                  message before it is confirmed; RabbitMQ 3 only, 4.0 removed it",
        broker: Some(Broker::RabbitMq),
        broker_settings: MIRRORS,
        topology: Topology::Cluster,
        claims: Claims { durability: DurabilityClass::Replicated, ..CLAIMS },
    },
    Profile {
        name: "transient",
        summary: "as durable, but messages are not persistent: a restart of the broker loses them",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims { durability: DurabilityClass::BrokerMemory, ..CLAIMS },
    },
    Profile {
        name: NO_CONFIRM,
        summary: "as transient, without publisher confirms: nobody vouches for a task",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims {
            durability: DurabilityClass::BrokerMemory,
            confirms: ConfirmMode::Unconfirmed,
            ..CLAIMS
        },
    },
    Profile {
        name: AUTO_ACK,
        summary: "as durable, but acknowledged by being sent (no-ack): a killed worker loses all \
                  it was sent, and no prefetch bounds that",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims { ack: AckMode::Early, ..CLAIMS },
    },
    Profile {
        name: ONE_QUEUE,
        summary: "as durable, but all delayed tasks wait in one queue with a TTL each: a short \
                  delay behind a long one ends with the long one",
        broker: Some(Broker::RabbitMq),
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims { delay: Delay::Native { early_by_at_most_ns: 0 }, ..CLAIMS },
    },
];

/// Where delayed tasks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delays {
    /// In a queue for each delay.
    ByClass,
    /// All in one queue.
    OneQueue,
}

/// What keeps a queue's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One node.
    Classic,
    /// A master on one node and mirrors on this many less one others.
    Mirrored { nodes: u32 },
    /// A majority of this many members, each on a node of its own.
    Quorum { members: u32 },
}

impl Kind {
    /// As it is declared.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Classic | Self::Mirrored { .. } => "classic",
            Self::Quorum { .. } => "quorum",
        }
    }

    pub(super) const fn is_quorum(self) -> bool {
        matches!(self, Self::Quorum { .. })
    }

    /// Whether a message that expires can be moved with a confirm: only from a
    /// quorum queue. It matters where others have it when its node is gone.
    pub(super) const fn moves_with_a_confirm(self) -> bool {
        matches!(self, Self::Quorum { members: 2.. })
    }
}

/// What a profile means for the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) kind: Kind,
    pub(super) persistent: bool,
    pub(super) confirms: bool,
    pub(super) no_ack: bool,
    pub(super) delays: Delays,
}

impl Manner {
    /// What the profile of that name means.
    pub(super) fn of(profile: &str) -> Self {
        Self {
            kind: match profile {
                QUORUM => Kind::Quorum { members: 1 },
                QUORUM_3 | QUORUM_3_TUNED => {
                    Kind::Quorum { members: Topology::Cluster.nodes() as u32 }
                }
                MIRRORED_3 => Kind::Mirrored { nodes: Topology::Cluster.nodes() as u32 },
                _ => Kind::Classic,
            },
            persistent: !["transient", NO_CONFIRM].contains(&profile),
            confirms: profile != NO_CONFIRM,
            no_ack: profile == AUTO_ACK,
            delays: if profile == ONE_QUEUE { Delays::OneQueue } else { Delays::ByClass },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_does_on_the_wire_what_it_claims() {
        for Profile { name, claims, topology, broker_settings, .. } in PROFILES {
            let is_mirrored = *broker_settings == MIRRORS;
            let manner = Manner::of(name);
            assert_eq!(manner.confirms, claims.confirms == ConfirmMode::Confirmed, "{name}");
            assert_eq!(manner.no_ack, claims.ack == AckMode::Early, "{name}");
            let fsyncs = [DurabilityClass::PowerLoss, DurabilityClass::Replicated];
            let kind = match topology.nodes() as u32 {
                nodes if is_mirrored => Kind::Mirrored { nodes },
                members if fsyncs.contains(&claims.durability) => Kind::Quorum { members },
                _ => Kind::Classic,
            };
            assert_eq!(manner.kind, kind, "{name}");
            let replicated = claims.durability == DurabilityClass::Replicated;
            assert_eq!(*topology == Topology::Cluster, replicated, "{name}");
            let in_memory = claims.durability == DurabilityClass::BrokerMemory;
            assert_eq!(manner.persistent, !in_memory, "{name}");
            let by_class = matches!(claims.delay, Delay::Classes(_));
            assert_eq!(manner.delays == Delays::ByClass, by_class, "{name}");
        }
    }
}
