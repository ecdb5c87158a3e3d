//! Attempts of a worker: begun, ended, judged by the plan, reported.

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use schedbench_contract::{Record, Report, RunEnd, Status, TaskId};
use tokio::task::JoinError;

use super::super::queues::{ATTEMPT, ms_up};
use super::hands::Finished;
use super::{Came, Taken, Worker};
use crate::{clock, handler};

const MANDATORY: BasicPublishOptions = BasicPublishOptions { mandatory: true, immediate: false };

impl<R: Report> Worker<'_, R> {
    /// Lets tasks run: here and now where handlers do nothing.
    pub(super) fn begin(&mut self, inbox: &mut Vec<Taken>) {
        if let Some(threads) = &self.threads {
            self.running += inbox.len();
            inbox.drain(..).for_each(|taken| threads.give(taken));
            return;
        }
        let mut start = clock::now();
        for taken in inbox.drain(..) {
            start = self.close(taken, start, None);
        }
    }

    /// Looks at the handlers that ended on threads.
    pub(super) fn take_in(&mut self) {
        let mut finished = std::mem::take(&mut self.ended);
        for Finished { taken, start, end } in finished.drain(..) {
            self.running -= 1;
            self.close(taken, start, Some(end));
        }
        self.ended = finished;
    }

    /// Reports an attempt and sees to what follows. Where the handler's end is
    /// not known, it is now. Returns the end.
    fn close(&mut self, taken: Taken, start: u64, end: Option<u64>) -> u64 {
        let Taken { delivery, came } = taken;
        let attempt = attempt_of(&delivery.properties);
        let id = id_of(&delivery.properties);
        let planned = id.map(|id| handler::planned_end(self.work, id, attempt));
        let status = match (id, planned) {
            (_, Some(RunEnd::FailedFinally)) => Status::FailedFinally,
            (_, Some(RunEnd::Failed)) => Status::Failed,
            (Some(id), _) if !self.pool.is_intact(id, &delivery.data) => Status::Corrupt,
            _ => Status::Done,
        };
        let end = end.unwrap_or_else(clock::now);
        // A task of another program is run too, and counted as foreign.
        let bits = id.map_or(u64::MAX, TaskId::bits);
        self.report.record(Record { id: bits, attempt, status, start, end });
        match (status, id) {
            (Status::Failed, Some(id)) => self.set_aside(came, id, attempt + 1, delivery.data),
            (Status::FailedFinally, Some(id)) => self.bury(came, id, attempt, delivery.data),
            _ => self.done(came),
        }
        end
    }

    /// Tells the server, soon, that a delivery is done with.
    fn done(&mut self, came: Came) {
        // On a connection that was lost the server knows better: the delivery
        // is the queue's again.
        if let Some(line) = self.line_of(came) {
            line.done(came.tag);
        }
    }

    fn line_of(&mut self, came: Came) -> Option<&mut super::Line> {
        let line = self.lines.get_mut(came.place)?.as_mut();
        line.filter(|line| line.generation == came.generation)
    }

    /// Publishes a failed task for another attempt.
    fn set_aside(&mut self, came: Came, id: TaskId, attempt: u32, body: Vec<u8>) {
        let wait_ms = ms_up(self.work.retry.backoff_ns);
        let (queue, wait_ms) = if wait_ms == 0 {
            (self.queues.main.clone(), None)
        } else {
            (self.queues.retry.clone(), Some(wait_ms))
        };
        self.publish(came, queue, self.queues.properties(id, wait_ms), attempt, body);
    }

    /// Publishes a task whose last attempt failed, for people to look at.
    fn bury(&mut self, came: Came, id: TaskId, attempt: u32, body: Vec<u8>) {
        let queue = self.queues.dead.clone();
        self.publish(came, queue, self.queues.properties(id, None), attempt, body);
    }

    fn publish(
        &mut self,
        came: Came,
        queue: ShortString,
        properties: BasicProperties,
        attempt: u32,
        body: Vec<u8>,
    ) {
        let no_ack = self.manner.no_ack;
        let channel = match self.line_of(came) {
            Some(line) => line.channel.clone(),
            // Its delivery is the queue's again, and so is this attempt. One
            // that was acknowledged by being sent needs another way there.
            None if no_ack => match self.lines.iter().flatten().next() {
                Some(line) => line.channel.clone(),
                None => return,
            },
            None => return,
        };
        let mut headers = FieldTable::default();
        headers.insert(ATTEMPT.into(), AMQPValue::LongUInt(attempt));
        let properties = properties.with_headers(headers);
        self.setting_aside.spawn(async move {
            let stored = publish(&channel, queue, properties, &body).await;
            stored.unwrap_or(false).then_some(came)
        });
    }

    /// A failed task is stored elsewhere: now its delivery is done with. One
    /// that could not be stored stays unacknowledged, and comes again when
    /// the connection ends.
    pub(super) fn is_set_aside(&mut self, stored: Result<Option<Came>, JoinError>) {
        if let Ok(Some(came)) = stored {
            self.done(came);
        }
    }
}

/// Publishes a message; whether the server has it.
async fn publish(
    channel: &Channel,
    queue: ShortString,
    properties: BasicProperties,
    body: &[u8],
) -> lapin::Result<bool> {
    let exchange = ShortString::default();
    let confirm =
        channel.basic_publish(exchange, queue, MANDATORY, body, properties).await?.await?;
    Ok(matches!(confirm, Confirmation::Ack(None) | Confirmation::NotRequested))
}

fn id_of(properties: &BasicProperties) -> Option<TaskId> {
    let id = properties.message_id().as_ref()?.as_str();
    if id.len() == 16 { id.parse().ok() } else { None }
}

fn attempt_of(properties: &BasicProperties) -> u32 {
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    match headers.and_then(|headers| headers.get(ATTEMPT)) {
        Some(AMQPValue::LongUInt(attempt)) => *attempt,
        Some(AMQPValue::LongInt(attempt)) => u32::try_from(*attempt).unwrap_or(0),
        Some(AMQPValue::LongLongInt(attempt)) => u32::try_from(*attempt).unwrap_or(0),
        _ => 0,
    }
}
