//! Which Kafka it is and how it is configured, asked from it.

use std::io;
use std::time::Instant;

use schedbench_contract::{Address, Server};

use super::connect::ANSWER_WITHIN;
use crate::kafka_wire::Wire;

/// The broker's settings that decide a result.
const OF_BROKER: &[&str] = &[
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "compression.type",
    "num.io.threads",
    "num.network.threads",
    "log.segment.bytes",
    "group.initial.rebalance.delay.ms",
];
/// The topic's, whatever the broker's own default is.
const OF_TOPIC: &[&str] = &["min.insync.replicas"];

/// The Kafka at that address, and how that topic is kept in it.
///
/// # Errors
/// It cannot be asked.
pub(super) fn describe(at: &Address, topic: &str) -> io::Result<Server> {
    let mut wire = Wire::connect(at, Instant::now() + ANSWER_WITHIN)?;
    let version = wire.release()?.unwrap_or_else(|| "unknown".into());
    let (nodes, topics) = wire.topics()?;
    let mut settings = vec![("nodes".to_owned(), nodes.to_string())];
    if let Some(kept) = topics.iter().find(|kept| kept.name == topic) {
        settings.push(("partitions".into(), kept.partitions.to_string()));
        settings.push(("replication.factor".into(), kept.copies.to_string()));
    }
    for name in OF_TOPIC {
        let value = wire.topic_setting(topic, name)?;
        settings.extend(value.map(|value| ((*name).to_owned(), value)));
    }
    let broker = wire.this_broker()?;
    for name in OF_BROKER {
        let value = wire.setting(broker, name)?;
        settings.extend(value.map(|value| ((*name).to_owned(), value)));
    }
    let year = match version.as_str() {
        "4.0" | "4.1" => Some(2025),
        _ => None,
    };
    Ok(Server { name: "kafka".into(), version, year, settings })
}
