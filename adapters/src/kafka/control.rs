//! The road of proof: what Kafka holds of a queue, and how it is removed.

use std::io;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataPartition};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use schedbench_contract::{Address, Backlog, Error, Result, Server};

use super::connect::{self, ANSWER_WITHIN, Complaint};
use super::profiles::Copies;
use super::{LARGEST_RECORD, Queue, server};
use crate::kafka_wire::{Leaders, Span, is_passing};

/// Until a new topic has leaders, an old one is gone, or the members of a
/// group that were killed have timed out.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Remembers what the client complains of.
#[derive(Debug, Default)]
struct Ear(Complaint);

impl ClientContext for Ear {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(&error, reason);
    }
}

impl ConsumerContext for Ear {}

/// Asks about one queue. Its calls block: they belong on a blocking thread.
pub(super) struct Control {
    at: Address,
    place: String,
    queue: Queue,
    copies: Copies,
    admin: AdminClient<Ear>,
    /// Never a member of the group, only asks for its offsets.
    asker: BaseConsumer<Ear>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Control {
    /// # Errors
    /// The client cannot be made.
    pub(super) fn to(at: &Address, queue: &Queue, copies: Copies) -> Result<Self> {
        let config = connect::client(at)?;
        let made = |error: KafkaError| Error::Broken(format!("kafka's client: {error}"));
        let admin = AdminClient::from_config_and_context(&config, Ear::default()).map_err(made)?;
        let mut config = config;
        config.set("group.id", &queue.group).set("enable.auto.commit", "false");
        let asker = BaseConsumer::from_config_and_context(&config, Ear::default()).map_err(made)?;
        let (at, place, queue) = (at.clone(), connect::place(at), queue.clone());
        Ok(Self { at, place, queue, copies, admin, asker })
    }

    fn explain(&self, doing: &str, error: &KafkaError) -> Error {
        self.asker.context().0.explain(&self.place, doing, error)
    }

    fn metadata(&self) -> Result<Metadata> {
        self.asker
            .fetch_metadata(None, ANSWER_WITHIN)
            .map_err(|error| self.explain("asking for its topics", &error))
    }

    /// # Errors
    /// A topic or group of this name exists.
    pub(super) fn must_be_unused(&self) -> Result<()> {
        let metadata = self.metadata()?;
        for name in self.queue.topics() {
            if metadata.topics().iter().any(|topic| topic.name() == name) {
                return Err(Error::NotOurs(format!("the topic {name}")));
            }
        }
        match self.members()? {
            Some(_) => Err(Error::NotOurs(format!("the consumer group {}", self.queue.group))),
            None => Ok(()),
        }
    }

    /// Creates the topics.
    pub(super) async fn create(&self) -> Result<()> {
        let Copies { wanted, at_least } = self.copies;
        let new = |name, partitions| {
            NewTopic::new(name, partitions, TopicReplication::Fixed(wanted as i32))
                .set("max.message.bytes", LARGEST_RECORD)
                .set("min.insync.replicas", at_least)
        };
        let Queue { topic, retry, dead, partitions, .. } = &self.queue;
        let topics = [new(topic, *partitions), new(retry, *partitions), new(dead, 1)];
        let deadline = Instant::now() + PATIENCE;
        let mut made: Vec<String> = Vec::new();
        loop {
            let missing = topics.iter().filter(|topic| !made.iter().any(|name| name == topic.name));
            let created = self.admin.create_topics(missing, &options()).await;
            let created = created.map_err(|error| self.explain("creating topics", &error))?;
            let mut is_between = false;
            for result in created {
                match result {
                    Ok(name) => made.push(name),
                    Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => {
                        return Err(Error::NotOurs(format!("the topic {name}")));
                    }
                    // Too many copies only for the brokers that serve just now.
                    Err((_, RDKafkaErrorCode::InvalidReplicationFactor))
                        if Instant::now() < deadline =>
                    {
                        is_between = true;
                    }
                    Err((name, code)) => {
                        let place = &self.place;
                        return Err(Error::Broken(format!(
                            "kafka at {place}: creating the topic {name} with a copy on each of \
                             {wanted} brokers: {code}"
                        )));
                    }
                }
            }
            if !is_between {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until each partition of the topics has a leader, and every copy
    /// of it is in sync.
    pub(super) fn wait_for_copies(&self) -> Result<()> {
        let wanted = self.copies.wanted;
        let is_whole = |partition: &MetadataPartition| {
            partition.error().is_none()
                && partition.leader() >= 0
                && partition.replicas().len() == wanted
                && partition.isr().len() == wanted
        };
        let what = format!("waiting for leaders of the new topics and {wanted} copies in sync");
        self.until(&what, || {
            let metadata = self.metadata()?;
            Ok(self.queue.topics().iter().all(|name| {
                let topic = metadata.topics().iter().find(|topic| topic.name() == *name);
                topic.is_some_and(|topic| {
                    topic.error().is_none()
                        && !topic.partitions().is_empty()
                        && topic.partitions().iter().all(is_whole)
                })
            }))
        })
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !holds()? {
            if Instant::now() > deadline {
                let seconds = PATIENCE.as_secs();
                let place = &self.place;
                return Err(Error::Broken(format!(
                    "kafka at {place}: {what}: {seconds} s in vain"
                )));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Members of the group; `None` where there is no such group.
    pub(super) fn members(&self) -> Result<Option<u32>> {
        let list = self.patiently("asking for the group", || {
            self.asker.fetch_group_list(Some(&self.queue.group), ANSWER_WITHIN)
        })?;
        let group = list.groups().iter().find(|group| group.name() == self.queue.group);
        Ok(group
            .filter(|group| group.state() != "Dead")
            .map(|group| u32::try_from(group.members().len()).unwrap_or(u32::MAX)))
    }

    /// What all partitions hold, asked again while one is between two leaders.
    pub(super) fn spans(&self) -> Result<Vec<Span>> {
        let doing = "asking for the ends of its logs";
        self.of_leaders(doing, &self.queue.topics(), ANSWER_WITHIN, Leaders::spans)
    }

    /// Asks all leaders of those topics, who may just change.
    fn of_leaders<T>(
        &self,
        doing: &str,
        topics: &[&str],
        within: Duration,
        mut ask: impl FnMut(&mut Leaders) -> io::Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = Leaders::connect(&self.at, topics, Instant::now() + within);
            match asked.and_then(|mut leaders| ask(&mut leaders)) {
                Err(error) if is_passing(&error) && Instant::now() < deadline => {
                    std::thread::sleep(LOOK_EVERY);
                }
                asked => {
                    let place = &self.place;
                    return asked.map_err(|error| {
                        Error::Broken(format!("kafka at {place}: {doing}: {error}"))
                    });
                }
            }
        }
    }

    /// Asks again while the cluster is between two states.
    fn patiently<T>(
        &self,
        doing: &str,
        mut ask: impl FnMut() -> std::result::Result<T, KafkaError>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match ask() {
                Err(error) if is_between(&error) && Instant::now() < deadline => {
                    std::thread::sleep(LOOK_EVERY);
                }
                asked => return asked.map_err(|error| self.explain(doing, &error)),
            }
        }
    }

    /// Records of a topic that the group has not committed.
    fn lag(&self, topic: &str, spans: &[Span]) -> Result<u64> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, self.queue.partitions - 1);
        let committed = self.patiently("asking for the group's offsets", || {
            self.asker.committed_offsets(asked.clone(), ANSWER_WITHIN)
        })?;
        let lag = |span: &Span| {
            let committed = committed.find_partition(topic, span.partition);
            let from = match committed.map(|found| found.offset()) {
                Some(Offset::Offset(committed)) => committed.max(span.first),
                _ => span.first,
            };
            u64::try_from(span.next - from).unwrap_or(0)
        };
        Ok(spans.iter().filter(|span| span.topic == topic).map(lag).sum())
    }

    /// What the queue holds. Kafka keeps one offset per partition: it cannot
    /// tell what is held by a worker from what waits.
    pub(super) fn backlog(&self) -> Result<Backlog> {
        let spans = self.spans()?;
        let dead = spans.iter().filter(|span| span.topic == self.queue.dead);
        Ok(Backlog {
            ready: Some(self.lag(&self.queue.topic, &spans)?),
            held: None,
            scheduled: None,
            retry: Some(self.lag(&self.queue.retry, &spans)?),
            dead: u64::try_from(dead.map(|span| span.next - span.first).sum::<i64>()).ok(),
        })
    }

    /// Deletes every record that waits. A leader answers once every copy has
    /// done so too.
    pub(super) fn purge(&self) -> Result<()> {
        let waiting = [self.queue.topic.as_str(), &self.queue.retry];
        self.of_leaders("deleting records", &waiting, PATIENCE * 2, |leaders| {
            let spans = leaders.spans()?;
            leaders.delete(&spans)
        })
    }

    /// Deletes the topics; whether there was something to delete.
    pub(super) async fn delete_topics(&self) -> Result<()> {
        let deleted = self.admin.delete_topics(&self.queue.topics(), &options()).await;
        for result in deleted.map_err(|error| self.explain("deleting topics", &error))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((name, code)) => {
                    let place = &self.place;
                    let why = format!("kafka at {place}: deleting the topic {name}: {code}");
                    return Err(Error::Broken(why));
                }
            }
        }
        Ok(())
    }

    /// Waits until nobody is in the group any more.
    pub(super) fn wait_for_no_member(&self) -> Result<()> {
        self.until("waiting for the group's last members to time out", || {
            Ok(self.members()?.unwrap_or(0) == 0)
        })
    }

    /// Deletes the group.
    pub(super) async fn delete_group(&self) -> Result<()> {
        let deleted = self.admin.delete_groups(&[&self.queue.group], &options()).await;
        for result in deleted.map_err(|error| self.explain("deleting the group", &error))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::GroupIdNotFound)) => {}
                Err((name, code)) => {
                    let place = &self.place;
                    let why = format!("kafka at {place}: deleting the group {name}: {code}");
                    return Err(Error::Broken(why));
                }
            }
        }
        Ok(())
    }

    /// Waits until the topics are no longer listed.
    pub(super) fn wait_for_no_topic(&self) -> Result<()> {
        self.until("waiting for the topics to go", || {
            let metadata = self.metadata()?;
            let names = self.queue.topics();
            Ok(!metadata.topics().iter().any(|topic| names.contains(&topic.name())))
        })
    }

    /// Which Kafka it is, and its settings.
    pub(super) fn server(&self) -> Result<Server> {
        server::describe(&self.at, &self.queue.topic).map_err(|error| {
            Error::Broken(format!("kafka at {}: asking who it is: {error}", self.place))
        })
    }
}

/// Errors of a cluster that is electing, loading, or has just come back.
fn is_between(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::BrokerNotAvailable
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::NotCoordinator
                | Code::UnknownTopicOrPartition
        )
    )
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_WITHIN)).operation_timeout(Some(ANSWER_WITHIN))
}
