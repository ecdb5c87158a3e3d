//! The road of proof: what Kafka holds of a queue, and how it is removed.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use schedbench_contract::{Address, Backlog, Error, Result, Server};

use super::connect::{self, ANSWER_WITHIN, Complaint};
use super::{LARGEST_RECORD, Queue};
use crate::kafka_wire::Wire;

/// Until a new topic has leaders, an old one is gone, or the members of a
/// group that were killed have timed out.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The settings that decide a result.
const SETTINGS: &[&str] = &[
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "min.insync.replicas",
    "compression.type",
    "num.io.threads",
    "num.network.threads",
    "log.segment.bytes",
    "group.initial.rebalance.delay.ms",
];

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
    pub(super) fn to(at: &Address, queue: &Queue) -> Result<Self> {
        let config = connect::client(at)?;
        let made = |error: KafkaError| Error::Broken(format!("kafka's client: {error}"));
        let admin = AdminClient::from_config_and_context(&config, Ear::default()).map_err(made)?;
        let mut config = config;
        config.set("group.id", &queue.group).set("enable.auto.commit", "false");
        let asker = BaseConsumer::from_config_and_context(&config, Ear::default()).map_err(made)?;
        Ok(Self { at: at.clone(), place: connect::place(at), queue: queue.clone(), admin, asker })
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

    /// Creates the topics; they have leaders when this returns.
    pub(super) async fn create(&self) -> Result<()> {
        let new = |name, partitions| {
            NewTopic::new(name, partitions, TopicReplication::Fixed(1))
                .set("max.message.bytes", LARGEST_RECORD)
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
                    // One copy is too many only where no broker serves just now.
                    Err((_, RDKafkaErrorCode::InvalidReplicationFactor))
                        if Instant::now() < deadline =>
                    {
                        is_between = true;
                    }
                    Err((name, code)) => {
                        let place = &self.place;
                        let why = format!("kafka at {place}: creating the topic {name}: {code}");
                        return Err(Error::Broken(why));
                    }
                }
            }
            if !is_between {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until each partition of the topics has a leader.
    pub(super) fn wait_for_leaders(&self) -> Result<()> {
        self.until("waiting for leaders of the new topics", || {
            let metadata = self.metadata()?;
            Ok(self.queue.topics().iter().all(|name| {
                let topic = metadata.topics().iter().find(|topic| topic.name() == *name);
                topic.is_some_and(|topic| {
                    let mut partitions = topic.partitions().iter();
                    topic.error().is_none()
                        && !topic.partitions().is_empty()
                        && partitions.all(|one| one.leader() >= 0 && one.error().is_none())
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

    /// First and next offset of a partition.
    fn span(&self, topic: &str, partition: i32) -> Result<(i64, i64)> {
        self.patiently("asking for the ends of its log", || {
            self.asker.fetch_watermarks(topic, partition, ANSWER_WITHIN)
        })
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
                Err(error) if is_passing(&error) && Instant::now() < deadline => {
                    std::thread::sleep(LOOK_EVERY);
                }
                asked => return asked.map_err(|error| self.explain(doing, &error)),
            }
        }
    }

    /// Records of a topic that the group has not committed.
    fn lag(&self, topic: &str) -> Result<u64> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, self.queue.partitions - 1);
        let committed = self.patiently("asking for the group's offsets", || {
            self.asker.committed_offsets(asked.clone(), ANSWER_WITHIN)
        })?;
        let mut lag = 0;
        for partition in committed.elements() {
            let (first, next) = self.span(topic, partition.partition())?;
            let from = match partition.offset() {
                Offset::Offset(committed) => committed.max(first),
                _ => first,
            };
            lag += u64::try_from(next - from).unwrap_or(0);
        }
        Ok(lag)
    }

    /// What the queue holds. Kafka keeps one offset per partition: it cannot
    /// tell what is held by a worker from what waits.
    pub(super) fn backlog(&self) -> Result<Backlog> {
        let (first, next) = self.span(&self.queue.dead, 0)?;
        Ok(Backlog {
            ready: Some(self.lag(&self.queue.topic)?),
            held: None,
            scheduled: None,
            retry: Some(self.lag(&self.queue.retry)?),
            dead: u64::try_from(next - first).ok(),
        })
    }

    /// Deletes every record that waits.
    pub(super) async fn purge(&self, ends: &TopicPartitionList) -> Result<()> {
        let deleted = self.admin.delete_records(ends, &options()).await;
        deleted.map(|_| ()).map_err(|error| self.explain("deleting records", &error))
    }

    /// Where the queue's logs end now.
    pub(super) fn ends(&self) -> Result<TopicPartitionList> {
        let mut ends = TopicPartitionList::new();
        for topic in [&self.queue.topic, &self.queue.retry] {
            for partition in 0..self.queue.partitions {
                let (_, next) = self.span(topic, partition)?;
                ends.add_partition_offset(topic, partition, Offset::Offset(next))
                    .map_err(|error| self.explain("naming an offset", &error))?;
            }
        }
        Ok(ends)
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
        let broken = |error: std::io::Error| {
            Error::Broken(format!("kafka at {}: asking who it is: {error}", self.place))
        };
        let mut wire = Wire::connect(&self.at, Instant::now() + ANSWER_WITHIN).map_err(broken)?;
        let release = wire.release().map_err(broken)?;
        let broker = wire.any_broker().map_err(broken)?;
        let mut settings = Vec::new();
        for name in SETTINGS {
            if let Some(value) = wire.setting(broker, name).map_err(broken)? {
                settings.push(((*name).to_owned(), value));
            }
        }
        settings.push(("partitions".into(), self.queue.partitions.to_string()));
        let version = release.unwrap_or_else(|| "unknown".into());
        let year = match version.as_str() {
            "4.0" | "4.1" => Some(2025),
            _ => None,
        };
        Ok(Server { name: "kafka".into(), version, year, settings })
    }
}

/// Errors of a cluster that is electing, loading, or has just come back.
fn is_passing(error: &KafkaError) -> bool {
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
        )
    )
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_WITHIN)).operation_timeout(Some(ANSWER_WITHIN))
}
