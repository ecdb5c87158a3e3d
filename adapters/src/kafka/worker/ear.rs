//! What the client calls, on whichever thread polls: errors, its log, partitions
//! that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, TopicPartitionList};

use super::super::connect::{self, Complaint};
use super::desk::Desk;

/// For running handlers to end before their partitions go to another worker.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Hears what the client has to say.
pub(super) struct Ear {
    pub(super) desk: Arc<Desk>,
    pub(super) complaint: Complaint,
    /// Whether its partitions are paused, so that a poll brings nothing.
    pub(super) is_paused: AtomicBool,
    /// Until an error says otherwise, and again from the next answer on.
    pub(super) is_connected: AtomicBool,
}

impl Ear {
    pub(super) fn pause(&self, consumer: &BaseConsumer<Self>) {
        match consumer.assignment().and_then(|all| consumer.pause(&all)) {
            Ok(()) => self.is_paused.store(true, Ordering::Relaxed),
            Err(error) => eprintln!("kafka's consumer: pausing: {error}"),
        }
    }

    /// Where they are paused. Others may not be resumed: librdkafka would begin
    /// again where it began before.
    pub(super) fn resume(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        if self.is_paused.swap(false, Ordering::Relaxed)
            && let Err(error) = consumer.resume(partitions)
        {
            eprintln!("kafka's consumer: going on: {error}");
        }
    }
}

impl ClientContext for Ear {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, fac: &str, text: &str) {
        eprintln!("kafka's consumer: {fac} {text}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("kafka's consumer: {error}: {reason}");
        self.complaint.note(&error, reason);
        if connect::is_loss(&error) {
            self.is_connected.store(false, Ordering::Relaxed);
        }
    }
}

impl ConsumerContext for Ear {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            eprintln!("kafka's consumer: {} partitions revoked", partitions.count());
            // Who has them again would have them paused.
            self.resume(consumer, partitions);
            // Of a session that ran out nobody takes the offsets, and the answer
            // would be waited for as long as the broker is silent.
            if let Some(list) = self.desk.revoke(END_WITHIN)
                && !consumer.assignment_lost()
                && let Err(error) = consumer.commit(&list, CommitMode::Sync)
            {
                eprintln!("kafka's consumer: committing before a rebalance: {error}");
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            eprintln!("kafka's consumer: {} partitions assigned", partitions.count());
            self.desk.assigned();
        }
    }
}
