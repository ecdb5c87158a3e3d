//! The producing side: a batch of tasks as one write of records.

use std::collections::VecDeque;
use std::time::Duration;

use schedbench_contract::ledger::Reason;
use schedbench_contract::{
    Error, FEED_BYTES, Producer, Recorder, Result, Task, TaskId, feed_record,
};

use super::LOOK_EVERY;
use super::line::Line;
use crate::clock;

/// Tasks per batch: 4,096 bytes, which a pipe takes whole or not at all.
const TASKS_PER_BATCH: usize = 4_096 / FEED_BYTES;
/// The first wait for a program to be started again; it doubles …
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// … up to this.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// How long after a program's end its last reports are still read.
const LAST_REPORTS: Duration = Duration::from_millis(100);

/// Feeds every program with every task.
#[derive(Debug)]
pub(crate) struct FedProducer {
    log: Recorder,
    lines: Vec<Line>,
    window: usize,
    /// What may be unconfirmed, the oldest first: programs confirm in order.
    sent: VecDeque<TaskId>,
    batch: Vec<u8>,
}

impl FedProducer {
    pub(super) fn new(log: Recorder, lines: Vec<Line>, window: u32) -> Result<Self> {
        let window = window as usize;
        let mut producer = Self {
            log,
            lines,
            window,
            sent: VecDeque::with_capacity(window + TASKS_PER_BATCH),
            batch: Vec::with_capacity(TASKS_PER_BATCH * FEED_BYTES),
        };
        producer.open()?;
        Ok(producer)
    }

    fn open(&mut self) -> Result<()> {
        self.lines.iter_mut().try_for_each(|line| line.open(&self.log))
    }

    /// Tasks of which nobody has said anything yet. Programs report to the
    /// ledger, not to the producer: it sees that in the ledger's counters.
    fn outstanding(&mut self) -> usize {
        let counts = self.log.counts();
        let outstanding = counts.taken.saturating_sub(counts.settled);
        let outstanding = usize::try_from(outstanding).unwrap_or(usize::MAX).min(self.sent.len());
        self.sent.drain(..self.sent.len() - outstanding);
        outstanding
    }

    fn is_open(&self) -> bool {
        self.lines.iter().any(Line::is_open)
    }

    /// Looks whether programs have ended. When all have, what they have not
    /// confirmed is unknown from now on: they may have run what they had read.
    async fn look(&mut self) {
        for line in &mut self.lines {
            line.look(&self.log);
        }
        if !self.is_open() && !self.sent.is_empty() {
            tokio::time::sleep(LAST_REPORTS).await;
            let now = clock::now();
            for id in self.sent.drain(..) {
                self.log.unknown(id, Reason::ConnectionLost, now);
            }
        }
    }

    /// Waits until a program reads that was started again.
    async fn wait_for_a_start(&mut self) -> Result<()> {
        let mut wait = FIRST_WAIT;
        loop {
            self.look().await;
            self.open()?;
            if self.is_open() {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn hand_over(&mut self, tasks: &[Task<'_>]) {
        let now = clock::now();
        self.batch.clear();
        for task in tasks {
            self.log.taken(task, now);
            self.sent.push_back(task.id);
            self.batch.extend_from_slice(&feed_record(task.id, task.due));
        }
        for line in &mut self.lines {
            line.write(&self.batch, &self.log);
        }
    }
}

impl Producer for FedProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        if batch.is_empty() {
            return Ok(0);
        }
        loop {
            let room = self.window.saturating_sub(self.outstanding());
            if room == 0 {
                tokio::time::sleep(LOOK_EVERY).await;
                self.look().await;
                continue;
            }
            self.open()?;
            for line in &mut self.lines {
                line.room(&self.log).await;
            }
            if !self.is_open() {
                self.wait_for_a_start().await?;
                continue;
            }
            let some = room.min(batch.len()).min(TASKS_PER_BATCH);
            self.hand_over(&batch[..some]);
            return Ok(some);
        }
    }

    async fn cancel(&mut self, _: TaskId) -> Result<bool> {
        Err(Error::Unsupported {
            system: "a fed program",
            what: "taking a task back",
            why: "it keeps no table from ids to timers, which every other task would pay for"
                .to_owned(),
        })
    }

    async fn settle(&mut self) -> Result<()> {
        while self.outstanding() > 0 {
            self.look().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
