//! The queues of a cell: their names, and how each is declared.
//!
//! ```text
//! <prefix>                the tasks that are due
//! <prefix>.delay.<ms>     tasks of one delay; expire into <prefix>
//! <prefix>.delay          all delayed tasks of `delay-one-queue`
//! <prefix>.retry          tasks between attempts; expire into <prefix>
//! <prefix>.dead           tasks whose last attempt failed
//! ```

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel};
use schedbench_contract::{Error, Result, TaskId};

use super::profiles::{Delays, Kind, MOST_CLASSES, Manner};

/// Which attempt a message is, in its headers; the first has none.
pub(super) const ATTEMPT: &str = "attempt";

/// Names of a cell's queues.
#[derive(Debug)]
pub(super) struct Queues {
    pub(super) main: ShortString,
    pub(super) retry: ShortString,
    pub(super) dead: ShortString,
    manner: Manner,
    /// Queues of delayed tasks that were declared, or begun to be.
    delayed: Mutex<BTreeSet<String>>,
}

impl Queues {
    pub(super) fn of(prefix: &str, manner: Manner) -> Self {
        Self {
            main: prefix.into(),
            retry: format!("{prefix}.retry").into(),
            dead: format!("{prefix}.dead").into(),
            manner,
            delayed: Mutex::default(),
        }
    }

    /// The queue in which tasks of that delay wait.
    pub(super) fn of_delay(&self, delay_ms: u64) -> ShortString {
        match self.manner.delays {
            Delays::ByClass => format!("{}.delay.{delay_ms}", self.main).into(),
            Delays::OneQueue => format!("{}.delay", self.main).into(),
        }
    }

    /// Notes a queue of delayed tasks before it is declared, so that whatever
    /// happens it is removed.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn will_declare(&self, queue: &ShortString) -> Result<()> {
        let mut delayed = self.delayed.lock().unwrap_or_else(PoisonError::into_inner);
        delayed.insert(queue.as_str().to_owned());
        if delayed.len() > MOST_CLASSES as usize {
            return Err(Error::Unsupported {
                system: super::NAME,
                what: "so many different delays",
                why: format!("each is a queue of its own, at most {MOST_CLASSES}"),
            });
        }
        Ok(())
    }

    /// Queues of delayed tasks.
    pub(super) fn delayed(&self) -> Vec<ShortString> {
        let delayed = self.delayed.lock().unwrap_or_else(PoisonError::into_inner);
        delayed.iter().map(|name| name.as_str().into()).collect()
    }

    /// Declares the queues that every cell has.
    pub(super) async fn declare_all(&self, channel: &Channel) -> lapin::Result<()> {
        let mut arguments = self.kind();
        if self.manner.kind.is_quorum() {
            // RabbitMQ 4 gives a message up after 20 deliveries; where it goes
            // is counted.
            self.expire_into(&mut arguments, &self.dead);
        }
        declare(channel, &self.dead, self.kind()).await?;
        declare(channel, &self.main, arguments).await?;
        self.declare_waiting(channel, &self.retry).await
    }

    /// Declares a queue whose messages expire into the main one.
    pub(super) async fn declare_waiting(
        &self,
        channel: &Channel,
        queue: &ShortString,
    ) -> lapin::Result<()> {
        let mut arguments = self.kind();
        self.expire_into(&mut arguments, &self.main);
        declare(channel, queue, arguments).await
    }

    fn kind(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text(self.manner.kind.name()));
        if let Kind::Quorum { members } = self.manner.kind {
            arguments.insert("x-quorum-initial-group-size".into(), AMQPValue::LongUInt(members));
        }
        arguments
    }

    fn expire_into(&self, arguments: &mut FieldTable, queue: &ShortString) {
        arguments.insert("x-dead-letter-exchange".into(), text(""));
        arguments.insert("x-dead-letter-routing-key".into(), text(queue.as_str()));
        if self.manner.kind.moves_with_a_confirm() {
            // Otherwise a message leaves its queue before the other has it, and
            // a leader that dies between the two takes it along. This is only
            // taken together with the second one, which no limit makes apply.
            arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
            arguments.insert("x-overflow".into(), text("reject-publish"));
        }
    }

    /// The properties of a task's message. `wait_ms` is how long it waits in
    /// its queue before it expires into the main one.
    pub(super) fn properties(&self, id: TaskId, wait_ms: Option<u64>) -> BasicProperties {
        let properties = BasicProperties::default()
            .with_delivery_mode(if self.manner.persistent { 2 } else { 1 })
            .with_message_id(id.to_string().into());
        match wait_ms {
            Some(wait_ms) => {
                // A quorum queue counts from a clock of whole ms, cut off, so
                // that a message expires up to 1 ms early (0.14 ms was seen).
                let wait_ms = wait_ms + u64::from(self.manner.kind.is_quorum());
                properties.with_expiration(wait_ms.to_string().into())
            }
            None => properties,
        }
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Queues are durable in every profile: what a restart of the broker loses is
/// the messages that are not persistent, not the place to send others to.
async fn declare(
    channel: &Channel,
    queue: &ShortString,
    arguments: FieldTable,
) -> lapin::Result<()> {
    channel.queue_declare(queue.clone(), QueueDeclareOptions::durable(), arguments).await.map(drop)
}

/// Whole milliseconds, rounded up: never early.
pub(super) const fn ms_up(ns: u64) -> u64 {
    ns.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_too_many_is_refused() {
        let queues = Queues::of("p", Manner::of("durable"));
        for delay in 1..=u64::from(MOST_CLASSES) {
            queues.will_declare(&queues.of_delay(delay)).expect("one of the classes");
            queues.will_declare(&queues.of_delay(delay)).expect("the same again");
        }
        let refused = queues.will_declare(&queues.of_delay(99)).expect_err("one too many");
        assert!(refused.to_string().contains("at most 32"), "{refused}");
    }

    #[test]
    fn one_queue_takes_every_delay() {
        let queues = Queues::of("p", Manner::of("delay-one-queue"));
        assert_eq!(queues.of_delay(1), queues.of_delay(500));
        let queues = Queues::of("p", Manner::of("durable"));
        assert_ne!(queues.of_delay(1), queues.of_delay(500));
    }

    #[test]
    fn milliseconds_are_rounded_up() {
        for (ns, ms) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2)] {
            assert_eq!(ms_up(ns), ms);
        }
    }
}
