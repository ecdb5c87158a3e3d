//! The producing side: each task a message to Celery's queue.

use lapin::types::ShortString;
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Error, Producer, Recorder, Result, Task, TaskId};

use super::backend::Awaiting;
use super::message::{Form, write_body};
use super::profiles::LARGEST_BODY;
use crate::amqp::link::{Line, Link};
use crate::amqp::publisher::{MANDATORY, Publisher, Sending};
use crate::clock::{self, ClockPair};

/// How old the pair of clocks for due times may be, ns.
const CLOCKS_FOR_NS: u64 = 1_000_000_000;
/// Bodies of one batch together, unless one alone is larger.
const BYTES_PER_BATCH: usize = 1 << 20;

/// Publishes the tasks of one cell.
pub(crate) struct CeleryProducer {
    log: Recorder,
    queue: ShortString,
    form: Form,
    publisher: Publisher,
    clocks: ClockPair,
    /// The bodies of a batch, one after another, and where each ends.
    json: Vec<u8>,
    ends: Vec<usize>,
    /// Told whose results are to be read, where that must be known before.
    awaiting: Option<Awaiting>,
}

impl std::fmt::Debug for CeleryProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CeleryProducer").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl CeleryProducer {
    pub(super) fn new(
        log: Recorder,
        queue: ShortString,
        form: Form,
        publisher: Publisher,
        awaiting: Option<Awaiting>,
    ) -> Self {
        Self {
            log,
            queue,
            form,
            publisher,
            clocks: ClockPair::read(),
            json: Vec::new(),
            ends: Vec::new(),
            awaiting,
        }
    }

    async fn hand_over(&mut self, tasks: &[Task<'_>], link: &std::sync::Arc<Link>, line: &Line) {
        let now = clock::now();
        if now > self.clocks.monotonic + CLOCKS_FOR_NS {
            self.clocks = ClockPair::read();
        }
        self.json.clear();
        self.ends.clear();
        for task in tasks {
            self.log.taken(task, now);
            if task.body.len() <= LARGEST_BODY {
                write_body(&mut self.json, task.body);
            }
            self.ends.push(self.json.len());
        }
        if let Some(awaiting) = &self.awaiting {
            let sent = tasks.iter().filter(|task| task.body.len() <= LARGEST_BODY);
            awaiting.expect(sent.map(|task| task.id).collect());
        }
        let mut sendings = Vec::with_capacity(tasks.len());
        let mut from = 0;
        for (task, &end) in tasks.iter().zip(&self.ends) {
            let json = &self.json[from..end];
            from = end;
            if json.is_empty() {
                self.log.refused(task.id, Reason::TooLarge, now);
                continue;
            }
            let due = (task.due > now && task.is_delayed()).then(|| self.clocks.to_wall(task.due));
            let future = line.channel.basic_publish(
                ShortString::default(),
                self.queue.clone(),
                MANDATORY,
                json,
                self.form.properties(task.id, due, json),
            );
            sendings.push(Sending::new(task.id, future));
        }
        self.publisher.write(sendings, link, line).await;
    }
}

/// How many of these tasks go into one batch, at least one.
fn fitting(tasks: &[Task<'_>]) -> usize {
    let mut bytes = 0;
    let fits = tasks.iter().take_while(|task| {
        bytes += task.body.len();
        bytes <= BYTES_PER_BATCH
    });
    fits.count().max(1)
}

impl Producer for CeleryProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        if batch.is_empty() {
            return Ok(0);
        }
        let (some, link, line) = self.publisher.room(batch.len()).await;
        let some = fitting(&batch[..some]);
        self.hand_over(&batch[..some], &link, &line).await;
        Ok(some)
    }

    async fn cancel(&mut self, _id: TaskId) -> Result<bool> {
        Err(Error::Unsupported {
            system: super::NAME,
            what: "taking a task back",
            why: "Celery's revoke is told to the workers alive at that moment, and none of them \
                  says whether the task had started"
                .into(),
        })
    }

    async fn settle(&mut self) -> Result<()> {
        self.publisher.settle().await;
        Ok(())
    }
}
