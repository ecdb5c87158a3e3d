//! Topics and groups of earlier runs in a Kafka that is not ours.

use std::io;
use std::time::{Duration, Instant};

use schedbench_contract::Address;

use crate::environment::broker::Leftovers;
use schedbench_adapters::kafka_wire::{Broker, Wire};

/// Every topic and group of ours is named so, and no other.
const QUEUE: &str = "schedbench.";
/// What a queue's other topics have after its name.
const KINDS: [&str; 2] = [".retry", ".dead"];
/// For all questions of one call together.
const PATIENCE: Duration = Duration::from_secs(60);

/// Queues of ours in that Kafka, and how many topics and groups each has.
pub(super) fn queues(address: &Address) -> io::Result<Leftovers> {
    let mut wires = to_each_broker(address)?;
    let mut names: Vec<String> = Vec::new();
    for wire in &mut wires {
        names.extend(wire.groups()?);
    }
    if let Some(wire) = wires.first_mut() {
        names.extend(wire.topics()?.1.into_iter().map(|topic| topic.name));
    }
    let mut queues = Leftovers::new();
    for queue in names.iter().filter_map(|name| queue_of(name)) {
        *queues.entry(queue.to_owned()).or_default() += 1;
    }
    Ok(queues)
}

/// Removes queues that [`queues`] has found.
pub(super) fn remove(address: &Address, found: &Leftovers) -> io::Result<()> {
    let is_found = |name: &String| queue_of(name).is_some_and(|queue| found.contains_key(queue));
    let mut wires = to_each_broker(address)?;
    for wire in &mut wires {
        let groups: Vec<String> = wire.groups()?.into_iter().filter(is_found).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        if !groups.is_empty() {
            wire.delete_groups(&groups)?;
        }
    }
    let Some(wire) = wires.first_mut() else { return Ok(()) };
    let topics = wire.topics()?.1.into_iter().map(|topic| topic.name);
    let topics: Vec<String> = topics.filter(is_found).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    if topics.is_empty() { Ok(()) } else { wire.delete_topics(&topics) }
}

/// Topics are known everywhere, a group only to the broker that coordinates it.
fn to_each_broker(address: &Address) -> io::Result<Vec<Wire>> {
    let deadline = Instant::now() + PATIENCE;
    let brokers = Wire::connect(address, deadline)?.brokers()?;
    let its = |broker: Broker| Address { host: broker.host, port: broker.port, ..address.clone() };
    brokers.into_iter().map(|broker| Wire::connect(&its(broker), deadline)).collect()
}

/// The queue that a topic or group belongs to, if it is one of ours.
fn queue_of(name: &str) -> Option<&str> {
    let queue = KINDS.iter().find_map(|kind| name.strip_suffix(kind)).unwrap_or(name);
    queue.starts_with(QUEUE).then_some(queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_ours() {
        for name in ["schedbench.r.c", "schedbench.r.c.retry", "schedbench.r.c.dead"] {
            assert_eq!(queue_of(name), Some("schedbench.r.c"));
        }
        for name in ["orders", "__consumer_offsets", "my.schedbench.r", "schedbench"] {
            assert_eq!(queue_of(name), None);
        }
    }
}
