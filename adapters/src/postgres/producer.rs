//! The producing side: each batch is one INSERT of three arrays.

use std::sync::Arc;

use schedbench_contract::ledger::Reason;
use schedbench_contract::{Error, Producer, Recorder, Result, Task, TaskId};
use tokio_postgres::types::Type;

use super::arrays::{self, Array};
use super::connect::Failure;
use super::link::{Batch, Flow, Line, Link};
use super::profiles::{LARGEST_BODY, Taking};
use crate::clock::{self, ClockPair};

/// Tasks per batch: one statement, one commit, one answer.
const TASKS_PER_BATCH: usize = 256;
/// Bodies of a batch together, unless one alone is larger.
const BYTES_PER_BATCH: usize = 4 << 20;
/// How old the pair of clocks for due times may be, ns.
const CLOCKS_FOR_NS: u64 = 1_000_000_000;

/// Inserts tasks into one table.
pub(crate) struct PostgresProducer {
    log: Recorder,
    links: Vec<Arc<Link>>,
    next_link: usize,
    flow: Arc<Flow>,
    window: usize,
    clocks: ClockPair,
    taking: Taking,
}

impl std::fmt::Debug for PostgresProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresProducer").field("window", &self.window).finish_non_exhaustive()
    }
}

impl PostgresProducer {
    pub(super) fn new(
        log: Recorder,
        links: Vec<Arc<Link>>,
        flow: Arc<Flow>,
        window: u32,
        taking: Taking,
    ) -> Self {
        let window = window as usize;
        Self { log, links, next_link: 0, flow, window, clocks: ClockPair::read(), taking }
    }

    /// The next connection, in turn, that is not lost and fits the need.
    fn link(&mut self, fits: impl Fn(&Link) -> bool) -> Option<(Arc<Link>, Arc<Line>, u64)> {
        for _ in 0..self.links.len() {
            self.next_link = (self.next_link + 1) % self.links.len();
            let link = &self.links[self.next_link];
            if fits(link)
                && let Some((line, generation)) = link.line()
            {
                return Some((Arc::clone(link), line, generation));
            }
        }
        None
    }

    fn hand_over(&mut self, tasks: &[Task<'_>], link: Arc<Link>, line: Arc<Line>, generation: u64) {
        let now = clock::now();
        if now > self.clocks.monotonic + CLOCKS_FOR_NS {
            self.clocks = ClockPair::read();
        }
        let (count, first) = (tasks.len(), tasks.first().map_or(0, |task| task.body.len()));
        let mut batch = Batch {
            tasks: Vec::with_capacity(count),
            ids: Array::of(Type::INT8, count, 8),
            dues: Array::of(Type::TIMESTAMPTZ, count, 8),
            bodies: Array::of(Type::BYTEA, count, first.min(LARGEST_BODY)),
        };
        for task in tasks {
            self.log.taken(task, now);
            if task.body.len() > LARGEST_BODY {
                self.log.refused(task.id, Reason::TooLarge, now);
                continue;
            }
            batch.tasks.push(task.id);
            // All 64 bits, whatever their sign.
            batch.ids.push(&(task.id.bits() as i64).to_be_bytes());
            match task.is_delayed() {
                true => batch.dues.push(&arrays::timestamp(self.clocks.to_wall(task.due))),
                false => batch.dues.push_null(),
            }
            batch.bodies.push(task.body);
        }
        if !batch.tasks.is_empty() {
            self.flow.sent(batch.tasks.len());
            link.begins();
            tokio::spawn(link.carry(line, generation, batch));
        }
    }
}

/// How many of these go into one statement.
fn fitting(tasks: &[Task<'_>]) -> usize {
    let mut bytes = 0;
    let fits = |task: &&Task<'_>| {
        bytes += task.body.len();
        bytes <= BYTES_PER_BATCH
    };
    tasks.iter().take_while(fits).count().max(1)
}

impl Producer for PostgresProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        loop {
            if batch.is_empty() {
                return Ok(0);
            }
            let room = self.window.saturating_sub(self.flow.outstanding());
            let some = room.min(batch.len()).min(TASKS_PER_BATCH);
            if some > 0
                && let Some((link, line, generation)) = self.link(Link::has_room)
            {
                let some = fitting(&batch[..some]);
                self.hand_over(&batch[..some], link, line, generation);
                return Ok(some);
            }
            self.flow.changed().await;
        }
    }

    async fn cancel(&mut self, id: TaskId) -> Result<bool> {
        if let Taking::Polling(_) = self.taking {
            return Err(Error::Unsupported {
                system: super::NAME,
                what: "taking a task back",
                why: "a worker that polls says nothing before it has run it".to_owned(),
            });
        }
        loop {
            let Some((link, line, generation)) = self.link(|_| true) else {
                self.flow.changed().await;
                continue;
            };
            match line.cancel(id).await {
                Ok(gone) => return Ok(gone),
                Err(Failure::Refused(why)) => {
                    return Err(Error::Broken(format!("cancelling {id}: postgres said {why}")));
                }
                Err(failure) => link.lost(generation, &failure),
            }
        }
    }

    async fn settle(&mut self) -> Result<()> {
        while self.flow.outstanding() > 0 {
            self.flow.changed().await;
        }
        Ok(())
    }
}

impl Drop for PostgresProducer {
    fn drop(&mut self) {
        self.links.iter().for_each(|link| link.close());
    }
}
