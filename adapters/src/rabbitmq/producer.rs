//! The producing side: a batch of messages written together, confirmed apart.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{ErrorKind, PublisherConfirm};
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Error, Producer, Recorder, Result, Task, TaskId};

use super::link::{Flow, Line, Link};
use super::profiles::LARGEST_BODY;
use super::queues::{Queues, ms_up};
use crate::clock;

/// Tasks per batch.
const TASKS_PER_BATCH: usize = 256;
/// A message that no queue takes comes back; without this RabbitMQ confirms
/// and forgets it.
const MANDATORY: BasicPublishOptions = BasicPublishOptions { mandatory: true, immediate: false };

/// Publishes the tasks of one cell.
pub(crate) struct RabbitProducer {
    log: Recorder,
    queues: Arc<Queues>,
    links: Vec<Arc<Link>>,
    next_link: usize,
    flow: Arc<Flow>,
    window: usize,
    /// Queues that are declared, by delay in ms.
    delays: BTreeMap<u64, ShortString>,
}

impl std::fmt::Debug for RabbitProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitProducer").field("queue", &self.queues.main).finish_non_exhaustive()
    }
}

impl RabbitProducer {
    pub(super) fn new(
        log: Recorder,
        queues: Arc<Queues>,
        links: Vec<Arc<Link>>,
        flow: Arc<Flow>,
        window: u32,
    ) -> Self {
        let window = window as usize;
        Self { log, queues, links, next_link: 0, flow, window, delays: BTreeMap::new() }
    }

    /// The next connection, in turn, that is not lost.
    fn link(&mut self) -> Option<(Arc<Link>, Line)> {
        for _ in 0..self.links.len() {
            self.next_link = (self.next_link + 1) % self.links.len();
            let link = &self.links[self.next_link];
            if let Some(line) = link.line() {
                return Some((Arc::clone(link), line));
            }
        }
        None
    }

    /// Declares the queues of delays that are new in this batch.
    async fn declare(&mut self, tasks: &[Task<'_>], line: &Line) -> Result<lapin::Result<()>> {
        for task in tasks.iter().filter(|task| task.is_delayed()) {
            let delay = delay_ms(task);
            if !self.delays.contains_key(&delay) {
                let queue = self.queues.of_delay(delay);
                self.queues.will_declare(&queue)?;
                if let Err(error) = self.queues.declare_waiting(&line.channel, &queue).await {
                    return Ok(Err(error));
                }
                self.delays.insert(delay, queue);
            }
        }
        Ok(Ok(()))
    }

    /// Where a task goes, and how many ms it waits there.
    fn route(&self, task: &Task<'_>, now: u64) -> (&ShortString, Option<u64>) {
        match self.delays.get(&delay_ms(task)) {
            Some(queue) if task.is_delayed() && task.due > now => {
                (queue, Some(ms_up(task.due - now)))
            }
            _ => (&self.queues.main, None),
        }
    }

    /// Writes a batch: every message is given to the client before the first
    /// is waited for, so that the socket gets them together.
    async fn hand_over(&self, tasks: &[Task<'_>], link: &Arc<Link>, line: Line) {
        let now = clock::now();
        let mut sendings = Vec::with_capacity(tasks.len());
        for task in tasks {
            self.log.taken(task, now);
            if task.body.len() > LARGEST_BODY {
                self.log.refused(task.id, Reason::TooLarge, now);
                continue;
            }
            let (queue, wait_ms) = self.route(task, now);
            let properties = self.queues.properties(task.id, wait_ms);
            let future = line.channel.basic_publish(
                ShortString::default(),
                queue.clone(),
                MANDATORY,
                task.body,
                properties,
            );
            sendings.push(Sending { id: task.id, future: Box::pin(future), at_once: None });
        }
        self.flow.sent(sendings.len());
        begin(&mut sendings).await;
        let mut written = Vec::with_capacity(sendings.len());
        for Sending { id, future, at_once } in sendings {
            let never_left = matches!(&at_once, Some(Err(error)) if is_not_sent(error));
            let sent = match at_once {
                Some(sent) => sent,
                None => future.await,
            };
            match sent {
                Ok(confirm) => written.push((id, confirm)),
                Err(error) => {
                    let now = clock::now();
                    if never_left {
                        self.log.refused(id, Reason::NeverLeft, now);
                    } else {
                        self.log.unknown(id, Reason::ConnectionLost, now);
                    }
                    self.flow.settled(1);
                    link.lost(line.generation, &error);
                }
            }
        }
        // Its reader lives as long as this sender does.
        let _ = line.written.send(written);
    }
}

/// The plan's delay in whole ms: tasks of one delay share a queue, where they
/// become due in the order in which they were sent.
const fn delay_ms(task: &Task<'_>) -> u64 {
    ms_up(task.due.saturating_sub(task.intended))
}

/// A message on its way into the socket.
struct Sending<F> {
    id: TaskId,
    future: Pin<Box<F>>,
    /// What came back before anything was written.
    at_once: Option<lapin::Result<PublisherConfirm>>,
}

/// Gives every message to the client, in order, and waits for none.
async fn begin<F: Future<Output = lapin::Result<PublisherConfirm>>>(sendings: &mut [Sending<F>]) {
    poll_fn(|context| {
        for sending in &mut *sendings {
            if let Poll::Ready(sent) = sending.future.as_mut().poll(context) {
                sending.at_once = Some(sent);
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Whether the client refused before it took the message.
fn is_not_sent(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidChannelState(..))
}

impl Producer for RabbitProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        loop {
            let room = self.window.saturating_sub(self.flow.outstanding());
            let some = room.min(batch.len()).min(TASKS_PER_BATCH);
            if batch.is_empty() {
                return Ok(0);
            }
            if some > 0
                && let Some((link, line)) = self.link()
            {
                match self.declare(&batch[..some], &line).await? {
                    Ok(()) => {
                        self.hand_over(&batch[..some], &link, line).await;
                        return Ok(some);
                    }
                    Err(error) => link.lost(line.generation, &error),
                }
                continue;
            }
            self.flow.changed().await;
        }
    }

    async fn cancel(&mut self, _id: TaskId) -> Result<bool> {
        Err(Error::Unsupported {
            system: super::NAME,
            what: "taking a task back",
            why: "AMQP reaches a queue's messages only by consuming them".into(),
        })
    }

    async fn settle(&mut self) -> Result<()> {
        while self.flow.outstanding() > 0 {
            self.flow.changed().await;
        }
        Ok(())
    }
}

impl Drop for RabbitProducer {
    fn drop(&mut self) {
        self.links.iter().for_each(|link| link.close());
    }
}
