//! The producing side: librdkafka's own batching and threads, its delivery
//! reports as confirms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Address, Error, MomentKind, Producer, Recorder, Result, Task, TaskId};
use tokio::sync::Notify;

use super::connect::{self, ANSWER_WITHIN, Complaint};
use super::profiles::Tuning;
use super::record::Label;
use crate::clock::{self, ClockPair};

/// How old the pair of clocks for due times may be, ns.
const CLOCKS_FOR_NS: u64 = 1_000_000_000;
/// Tasks handed to the client per call.
const TASKS_PER_BATCH: usize = 256;

/// How many tasks are on their way, and a bell for when that changes.
#[derive(Debug, Default)]
struct Flow {
    outstanding: AtomicUsize,
    changed: Notify,
}

/// Where delivery reports go, on the client's own thread.
struct Ear {
    log: Recorder,
    flow: Arc<Flow>,
    place: String,
    /// With acks=0 a report says that the bytes left, not that they arrived.
    confirms: bool,
    is_connected: AtomicBool,
    complaint: Complaint,
}

impl ClientContext for Ear {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.complaint.note(&error, reason);
        if connect::is_loss(&error) && self.is_connected.swap(false, Ordering::AcqRel) {
            let text = format!("producer to {}: {reason}", self.place);
            self.log.moment(clock::now(), MomentKind::Disconnected, text);
        }
    }
}

impl ProducerContext for Ear {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let (id, now) = (TaskId::from_bits(opaque as u64), clock::now());
        match result {
            Ok(_) => {
                if !self.is_connected.load(Ordering::Relaxed)
                    && !self.is_connected.swap(true, Ordering::AcqRel)
                {
                    let text = format!("producer to {}", self.place);
                    self.log.moment(now, MomentKind::Reconnected, text);
                }
                if self.confirms {
                    self.log.confirmed(id, now);
                } else {
                    self.log.unknown(id, Reason::None, now);
                }
            }
            Err((error, message)) => {
                let reason = reason_of(error.rdkafka_error_code());
                // SAFETY: the message is borrowed from a delivery report that
                // lives until this call returns.
                let status = unsafe { rdkafka::bindings::rd_kafka_message_status(message.ptr()) };
                let never_left = status
                    == rdkafka::bindings::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
                if never_left {
                    self.log.refused(id, reason, now);
                } else {
                    self.log.unknown(id, reason, now);
                }
            }
        }
        self.flow.outstanding.fetch_sub(1, Ordering::AcqRel);
        self.flow.changed.notify_one();
    }
}

fn reason_of(code: Option<RDKafkaErrorCode>) -> Reason {
    use RDKafkaErrorCode as Code;
    match code {
        Some(Code::MessageTimedOut | Code::OperationTimedOut | Code::RequestTimedOut) => {
            Reason::Timeout
        }
        Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::NetworkException) => {
            Reason::ConnectionLost
        }
        Some(Code::MessageSizeTooLarge) => Reason::TooLarge,
        Some(Code::PurgeQueue) => Reason::NeverLeft,
        Some(Code::PurgeInflight) => Reason::ConnectionLost,
        _ => Reason::ServerError,
    }
}

/// Produces the tasks of one topic.
pub(crate) struct KafkaProducer {
    log: Recorder,
    topic: String,
    clients: Vec<ThreadedProducer<Ear>>,
    next: usize,
    flow: Arc<Flow>,
    window: usize,
    clocks: ClockPair,
    text: String,
}

impl std::fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaProducer").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl KafkaProducer {
    /// Connects `connections` clients.
    ///
    /// # Errors
    /// The brokers are not there or refuse us.
    pub(super) fn open(
        log: &Recorder,
        at: &Address,
        topic: &str,
        tuning: Tuning,
        connections: u32,
        window: u32,
    ) -> Result<Self> {
        let mut config = connect::client(at)?;
        config
            .set("acks", tuning.acks)
            .set("linger.ms", tuning.linger_ms)
            .set("enable.idempotence", if tuning.idempotent { "true" } else { "false" })
            // What is queued and cannot be sent is refused after this long.
            .set("message.timeout.ms", "60000")
            .set("request.timeout.ms", "10000")
            .set("message.max.bytes", super::LARGEST_RECORD)
            // At most `window` tasks are on their way; two of its kinds of
            // limits would be one too many.
            .set("queue.buffering.max.messages", (window as usize + 1).to_string())
            .set("queue.buffering.max.kbytes", "2097151");
        if let Some(bytes) = tuning.batch_size {
            config.set("batch.size", bytes);
        }
        if !tuning.idempotent {
            // A repeat by the client would be a duplicate that nobody counts.
            config.set("message.send.max.retries", "0");
        }
        let flow = Arc::new(Flow::default());
        let place = connect::place(at);
        let mut clients = Vec::new();
        for _ in 0..connections.max(1) {
            let ear = Ear {
                log: log.clone(),
                flow: Arc::clone(&flow),
                place: place.clone(),
                confirms: tuning.acks != "0",
                is_connected: AtomicBool::new(true),
                complaint: Complaint::default(),
            };
            let client = ThreadedProducer::from_config_and_context(&config, ear)
                .map_err(|error| Error::Broken(format!("kafka's client: {error}")))?;
            // Connects, and learns the partitions before the first task.
            client.client().fetch_metadata(Some(topic), ANSWER_WITHIN).map_err(|error| {
                client.context().complaint.explain(&place, "connecting the producer", &error)
            })?;
            clients.push(client);
        }
        Ok(Self {
            log: log.clone(),
            topic: topic.to_owned(),
            clients,
            next: 0,
            flow,
            window: window as usize,
            clocks: ClockPair::read(),
            text: String::with_capacity(24),
        })
    }

    /// Hands a task to its client, which copies it into its queue. All tasks
    /// of a key go by one client: two would race.
    async fn send(&mut self, task: &Task<'_>) -> Result<()> {
        let turn = task.key.map_or(self.next, |key| key as usize);
        let due_wall = task.is_delayed().then(|| self.clocks.to_wall(task.due));
        let label = Label { id: task.id, attempt: 0, due_wall };
        let key = task.key.map(u32::to_be_bytes);
        let opaque = task.id.bits() as usize;
        let mut record: BaseRecord<'_, [u8], [u8], usize> =
            BaseRecord::with_opaque_to(&self.topic, opaque);
        record.headers = Some(label.headers(&mut self.text));
        record.payload = Some(task.body);
        record.key = key.as_ref().map(<[u8; 4]>::as_slice);
        self.flow.outstanding.fetch_add(1, Ordering::AcqRel);
        loop {
            match self.clients[turn % self.clients.len()].send(record) {
                Ok(()) => return Ok(()),
                // Bodies so large that their bytes fill the client's queue.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                    record = unsent;
                    self.flow.changed.notified().await;
                }
                Err((error, _)) => {
                    self.flow.outstanding.fetch_sub(1, Ordering::AcqRel);
                    let reason = reason_of(error.rdkafka_error_code());
                    self.log.refused(task.id, reason, clock::now());
                    return match error.rdkafka_error_code() {
                        // Nothing will ever be sent by this client again.
                        Some(RDKafkaErrorCode::Fatal) => {
                            Err(Error::Broken(format!("kafka's client gave up: {error}")))
                        }
                        _ => Ok(()),
                    };
                }
            }
        }
    }
}

impl Producer for KafkaProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        let some = loop {
            let room = self.window.saturating_sub(self.flow.outstanding.load(Ordering::Acquire));
            let some = room.min(batch.len()).min(TASKS_PER_BATCH);
            if some > 0 || batch.is_empty() {
                break some;
            }
            self.flow.changed.notified().await;
        };
        let now = clock::now();
        if now > self.clocks.monotonic + CLOCKS_FOR_NS {
            self.clocks = ClockPair::read();
        }
        self.next = self.next.wrapping_add(1);
        for task in &batch[..some] {
            self.log.taken(task, now);
            if task.body.len() > super::LARGEST_BODY {
                self.log.refused(task.id, Reason::TooLarge, now);
                continue;
            }
            self.send(task).await?;
        }
        Ok(some)
    }

    async fn cancel(&mut self, _id: TaskId) -> Result<bool> {
        Err(Error::Unsupported {
            system: super::NAME,
            what: "cancelling",
            why: "a record cannot be taken out of Kafka's log".into(),
        })
    }

    async fn settle(&mut self) -> Result<()> {
        while self.flow.outstanding.load(Ordering::Acquire) > 0 {
            self.flow.changed.notified().await;
        }
        Ok(())
    }
}
