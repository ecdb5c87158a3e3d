//! The producing side: each task to the queue of its delay.

use std::collections::BTreeMap;
use std::sync::Arc;

use lapin::types::ShortString;
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Error, Producer, Recorder, Result, Task, TaskId};

use super::profiles::LARGEST_BODY;
use super::queues::{Queues, ms_up};
use crate::amqp::link::{Line, Link};
use crate::amqp::publisher::{MANDATORY, Publisher, Sending};
use crate::clock;

/// Publishes the tasks of one cell.
pub(crate) struct RabbitProducer {
    log: Recorder,
    queues: Arc<Queues>,
    publisher: Publisher,
    /// Queues that are declared, by delay in ms.
    delays: BTreeMap<u64, ShortString>,
}

impl std::fmt::Debug for RabbitProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitProducer").field("queue", &self.queues.main).finish_non_exhaustive()
    }
}

impl RabbitProducer {
    pub(super) fn new(log: Recorder, queues: Arc<Queues>, publisher: Publisher) -> Self {
        Self { log, queues, publisher, delays: BTreeMap::new() }
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

    async fn hand_over(&self, tasks: &[Task<'_>], link: &Arc<Link>, line: &Line) {
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
            sendings.push(Sending::new(task.id, future));
        }
        self.publisher.write(sendings, link, line).await;
    }
}

/// The plan's delay in whole ms: tasks of one delay share a queue, where they
/// become due in the order in which they were sent.
const fn delay_ms(task: &Task<'_>) -> u64 {
    ms_up(task.due.saturating_sub(task.intended))
}

impl Producer for RabbitProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        if batch.is_empty() {
            return Ok(0);
        }
        loop {
            let (some, link, line) = self.publisher.room(batch.len()).await;
            match self.declare(&batch[..some], &line).await? {
                Ok(()) => {
                    self.hand_over(&batch[..some], &link, &line).await;
                    return Ok(some);
                }
                Err(error) => link.lost(line.generation, &error),
            }
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
        self.publisher.settle().await;
        Ok(())
    }
}
