//! Failed tasks go on: to the retry topic, or to that of the dead.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use schedbench_contract::{Address, Error, Result};

use super::super::connect;
use super::super::record::Label;
use super::desk::{Desk, Origin};

/// To hear of everything that was sent.
const FLUSH_WITHIN: Duration = Duration::from_secs(10);
/// Before trying again when the client's queue is full.
const BREATH: Duration = Duration::from_millis(1);

struct Ear {
    desk: Arc<Desk>,
}

impl ClientContext for Ear {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, fac: &str, text: &str) {
        eprintln!("kafka's producer: {fac} {text}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("kafka's producer: {error}: {reason}");
    }
}

impl ProducerContext for Ear {
    type DeliveryOpaque = Box<Origin>;

    /// Only now is the record that failed needed no more.
    fn delivery(&self, result: &DeliveryResult<'_>, origin: Box<Origin>) {
        match result {
            Ok(_) => self.desk.finish(*origin),
            // It is not committed, and comes again when its partition is
            // assigned again.
            Err((error, _)) => {
                eprintln!("kafka's producer: a failed task could not go on: {error}")
            }
        }
    }
}

/// Sends failed tasks on.
pub(super) struct Forwarder(ThreadedProducer<Ear>);

impl Forwarder {
    /// # Errors
    /// The client cannot be made.
    pub(super) fn open(at: &Address, desk: &Arc<Desk>) -> Result<Self> {
        let mut config = connect::client(at)?;
        config
            // What is sent again is stored once, and nothing is given up: the
            // failed record stays uncommitted for as long.
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "0")
            .set("linger.ms", "1")
            .set("message.max.bytes", super::super::LARGEST_RECORD);
        let ear = Ear { desk: Arc::clone(desk) };
        let client = ThreadedProducer::from_config_and_context(&config, ear)
            .map_err(|error| Error::Broken(format!("kafka's client: {error}")))?;
        Ok(Self(client))
    }

    /// Sends a record on under another label.
    pub(super) fn send(
        &self,
        topic: &str,
        message: &BorrowedMessage<'_>,
        label: &Label,
        origin: Origin,
    ) {
        let mut text = String::with_capacity(24);
        let mut record: BaseRecord<'_, [u8], [u8], Box<Origin>> =
            BaseRecord::with_opaque_to(topic, Box::new(origin));
        record.headers = Some(label.headers(&mut text));
        record.payload = Some(message.payload().unwrap_or_default());
        record.key = message.key();
        while let Err((error, unsent)) = self.0.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                eprintln!("kafka's producer: a failed task could not go on: {error}");
                return;
            }
            record = unsent;
            std::thread::sleep(BREATH);
        }
    }

    /// Waits until everything has arrived.
    pub(super) fn flush(&self) {
        if let Err(error) = self.0.flush(FLUSH_WITHIN) {
            eprintln!("kafka's producer: not all failed tasks went on: {error}");
        }
    }
}
