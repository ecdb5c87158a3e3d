//! What only the leader of a partition answers, asked from all leaders.
//!
//! The client library answers these from what it remembers of leaders: after a
//! failover it was seen to call every partition unknown for half a minute.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, ErrorKind};
use std::time::Instant;

use schedbench_contract::Address;

use super::encoding::{Answer, Body};
use super::{Broker, DELETE_RECORDS, LIST_OFFSETS, Wire, refused};

/// What a partition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The offset of its first record.
    pub first: i64,
    /// The offset of the next one.
    pub next: i64,
}

/// Connections to every broker that leads a partition of some topics.
pub struct Leaders {
    /// By the number of the broker, with the partitions that it leads.
    wires: BTreeMap<i32, (Wire, Led)>,
}

/// Numbers of partitions by topic.
type Led = BTreeMap<String, Vec<i32>>;

/// Whether an answer says that a partition has no leader just now, or another
/// one: who asks again soon is answered.
pub fn is_passing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotConnected
}

fn led_elsewhere(topic: &str, partition: i32) -> io::Error {
    let why = format!("partition {partition} of {topic} has no leader just now");
    io::Error::new(ErrorKind::NotConnected, why)
}

impl Leaders {
    /// Finds the leaders by any broker, and connects to them. Everything must
    /// be answered by the deadline.
    pub fn connect(at: &Address, topics: &[&str], deadline: Instant) -> io::Result<Self> {
        let mut first = Wire::connect(at, deadline)?;
        let brokers = first.brokers()?;
        let known = first.topics()?.1;
        let mut wires: BTreeMap<i32, (Wire, Led)> = BTreeMap::new();
        for name in topics {
            let topic = known.iter().find(|topic| topic.name == *name);
            let leaders = topic.map(|topic| topic.leaders.as_slice()).unwrap_or_default();
            if leaders.is_empty() {
                return Err(led_elsewhere(name, 0));
            }
            for (partition, leader) in leaders {
                let broker = brokers.iter().find(|broker| broker.number == *leader);
                let Some(Broker { host, port, .. }) = broker else {
                    return Err(led_elsewhere(name, *partition));
                };
                let (_, led) = match wires.entry(*leader) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => {
                        let (host, others) = (host.clone(), Vec::new());
                        let its = Address { host, port: *port, others, ..at.clone() };
                        let wire = Wire::connect(&its, deadline).map_err(|error| {
                            let is_gone = error.kind() == ErrorKind::ConnectionRefused;
                            // It has died and another is to lead.
                            if is_gone && brokers.len() > 1 {
                                led_elsewhere(name, *partition)
                            } else {
                                error
                            }
                        })?;
                        place.insert((wire, Led::new()))
                    }
                };
                led.entry((*name).to_owned()).or_default().push(*partition);
            }
        }
        Ok(Self { wires })
    }

    /// What each partition holds.
    pub fn spans(&mut self) -> io::Result<Vec<Span>> {
        /// Times that stand for an end of a log.
        const NEXT: i64 = -1;
        const FIRST: i64 = -2;
        let mut spans = Vec::new();
        for (wire, led) in self.wires.values_mut() {
            let nexts = offsets(wire, led, NEXT)?;
            for (place, first) in offsets(wire, led, FIRST)? {
                let next = nexts.get(&place).copied().unwrap_or(first);
                let (topic, partition) = place;
                spans.push(Span { topic, partition, first, next });
            }
        }
        spans.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(spans)
    }

    /// Deletes all records that were there when that was asked.
    pub fn delete(&mut self, spans: &[Span]) -> io::Result<()> {
        let next = |topic: &str, partition: i32| {
            let mut spans = spans.iter();
            spans.find(|span| span.topic == topic && span.partition == partition)
        };
        for (wire, led) in self.wires.values_mut() {
            let body = by_topic(led, |body, topic, partition| {
                // To delete before the first record is to delete nothing.
                body.int(partition).long(next(topic, partition).map_or(0, |span| span.next))
            });
            let mut answer = wire.ask(DELETE_RECORDS, body.int(30_000))?;
            answer.skip(4)?;
            each_partition(&mut answer, |answer| {
                let _low_watermark = answer.long()?;
                Ok((answer.short()?, ()))
            })?;
        }
        Ok(())
    }
}

/// The offsets at one end of each of these partitions.
fn offsets(wire: &mut Wire, led: &Led, end: i64) -> io::Result<BTreeMap<(String, i32), i64>> {
    const NO_REPLICA: i32 = -1;
    let wanted = by_topic(led, |body, _, partition| body.int(partition).long(end));
    let mut answer = wire.ask(LIST_OFFSETS, Body::new().int(NO_REPLICA).with(&wanted.0))?;
    let found = each_partition(&mut answer, |answer| {
        let error = answer.short()?;
        let _time = answer.long()?;
        Ok((error, answer.long()?))
    })?;
    Ok(found.into_iter().collect())
}

/// Topics with their partitions, each written by `one`.
fn by_topic(led: &Led, one: impl Fn(Body, &str, i32) -> Body) -> Body {
    led.iter().fold(Body::new().int(led.len() as i32), |body, (topic, partitions)| {
        let body = body.text(topic).int(partitions.len() as i32);
        partitions.iter().fold(body, |body, partition| one(body, topic, *partition))
    })
}

/// Topics with their partitions, of which `one` reads what follows the number:
/// an error's number among it.
fn each_partition<T>(
    answer: &mut Answer,
    one: impl Fn(&mut Answer) -> io::Result<(i16, T)>,
) -> io::Result<Vec<((String, i32), T)>> {
    /// Unknown topic, no leader, another leader, no copy here, another or an
    /// unknown epoch of the leader, offset not known yet.
    const PASSING: [i16; 7] = [3, 5, 6, 9, 74, 75, 78];
    let topics = answer.many(|answer| {
        let topic = answer.text()?;
        answer.many(|answer| {
            let partition = answer.int()?;
            match one(answer)? {
                (0, value) => Ok(((topic.clone(), partition), value)),
                (error, _) if PASSING.contains(&error) => Err(led_elsewhere(&topic, partition)),
                (error, _) => Err(refused(format!(
                    "partition {partition} of {topic}: Kafka answers with its error {error}"
                ))),
            }
        })
    })?;
    Ok(topics.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_is_elsewhere_passes_and_another_error_does_not() {
        let one = |error: i16| {
            let body = Body::new().int(1).text("t").int(1).int(7).short(error).long(-1).long(42);
            each_partition(&mut Answer(body.0, 0), |answer| {
                let error = answer.short()?;
                answer.long()?;
                Ok((error, answer.long()?))
            })
        };
        assert_eq!(one(0).expect("an offset"), [(("t".to_owned(), 7), 42)]);
        let passing = one(6).expect_err("led elsewhere");
        assert!(is_passing(&passing) && passing.to_string().contains("partition 7 of t"));
        assert!(!is_passing(&one(29).expect_err("not allowed")));
    }
}
