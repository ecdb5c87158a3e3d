use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_utils::CachePadded;

use crate::ledger::{Effect, Enqueue, Ledger, News, Reason};
use crate::{Moment, MomentKind, Task, TaskId};

/// How a run of a handler ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// It completed.
    Done,
    /// It completed, but the body was not the one sent.
    Corrupt,
    /// It failed; another attempt may come.
    Failed,
    /// It failed and no attempt will come.
    FailedFinally,
}

/// One run of a task's handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose handler.
    pub id: TaskId,
    /// When it started, monotonic ns.
    pub start: u64,
    /// When it ended, monotonic ns.
    pub end: u64,
    /// How.
    pub ended: RunEnd,
}

/// Live counters of a cell. They steer the drive and the progress line; every
/// published figure comes from the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handed over.
    pub taken: u64,
    /// Confirmed, refused or known to be unknown, each task once.
    pub settled: u64,
    /// Refused.
    pub refused: u64,
    /// Given up as unknown; some are confirmed or refused later all the same.
    pub unknown: u64,
    /// Those of them that were confirmed or refused later.
    pub came_to_light: u64,
    /// Completed for the first time.
    pub succeeded: u64,
    /// Completed, dead or cancelled: nothing more is expected of them.
    pub finished: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
}

#[derive(Debug, Default)]
struct Slot {
    taken: AtomicU64,
    settled: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
    came_to_light: AtomicU64,
    succeeded: AtomicU64,
    finished: AtomicU64,
    failed_attempts: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    slots: Mutex<Vec<Arc<CachePadded<Slot>>>>,
    moments: Mutex<Vec<Moment>>,
}

/// The pen of everyone who writes into a cell's ledger.
///
/// A clone counts in a cache line of its own: give each thread its own clone.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    slot: Arc<CachePadded<Slot>>,
}

impl Clone for Recorder {
    fn clone(&self) -> Self {
        Self::on(Arc::clone(&self.shared))
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Recorder {
    /// The first pen of a ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        let moments = Mutex::default();
        Self::on(Arc::new(Shared { ledger, slots: Mutex::default(), moments }))
    }

    fn on(shared: Arc<Shared>) -> Self {
        let slot = Arc::new(CachePadded::default());
        shared.slots.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&slot));
        Self { shared, slot }
    }

    /// What is written.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// The counters of all clones together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for slot in self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            sum.taken += slot.taken.load(Ordering::Relaxed);
            sum.settled += slot.settled.load(Ordering::Relaxed);
            sum.refused += slot.refused.load(Ordering::Relaxed);
            sum.unknown += slot.unknown.load(Ordering::Relaxed);
            sum.came_to_light += slot.came_to_light.load(Ordering::Relaxed);
            sum.succeeded += slot.succeeded.load(Ordering::Relaxed);
            sum.finished += slot.finished.load(Ordering::Relaxed);
            sum.failed_attempts += slot.failed_attempts.load(Ordering::Relaxed);
        }
        sum
    }

    /// The moments noted so far, in the order noted.
    #[must_use]
    pub fn moments(&self) -> Vec<Moment> {
        self.shared.moments.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A task is handed over now (`at`, monotonic ns); its bytes have not left.
    pub fn taken(&self, task: &Task<'_>, at: u64) {
        self.shared.ledger.taken(task.id, at.saturating_sub(task.intended));
        add(&self.slot.taken);
    }

    /// A task is handed over and vouched for in one step: a system in process.
    pub fn taken_and_confirmed(&self, task: &Task<'_>, at: u64) {
        let after = at.saturating_sub(task.intended);
        self.shared.ledger.taken_and_confirmed(task.id, after, at);
        add(&self.slot.taken);
        add(&self.slot.settled);
    }

    /// The client repeats a task whose fate it does not know.
    pub fn sent_again(&self, id: TaskId) {
        self.shared.ledger.sent_again(id);
    }

    /// The system vouches for a task.
    pub fn confirmed(&self, id: TaskId, at: u64) {
        self.settled(id, Enqueue::Confirmed, Reason::None, at);
    }

    /// The system refuses a task, or it provably never left.
    pub fn refused(&self, id: TaskId, reason: Reason, at: u64) {
        if self.settled(id, Enqueue::Refused, reason, at) {
            add(&self.slot.refused);
        }
    }

    /// Nobody knows whether the system has the task.
    pub fn unknown(&self, id: TaskId, reason: Reason, at: u64) {
        if self.settled(id, Enqueue::Unknown, reason, at) {
            add(&self.slot.unknown);
        }
    }

    /// Whether it was news. A task that was unknown is settled already: whoever
    /// waits until as many are settled as were taken would stop one early.
    fn settled(&self, id: TaskId, to: Enqueue, reason: Reason, at: u64) -> bool {
        match self.shared.ledger.settled(id, to, reason, at) {
            News::Nothing => return false,
            News::Settled => add(&self.slot.settled),
            News::CameToLight => add(&self.slot.came_to_light),
        }
        true
    }

    /// What a request to cancel came to.
    pub fn cancelled(&self, id: TaskId, cancelled: bool) {
        self.shared.ledger.cancel(id, cancelled);
        if cancelled {
            add(&self.slot.finished);
        }
    }

    /// A handler ran.
    pub fn ran(&self, run: Run) {
        let ledger = &self.shared.ledger;
        let effect = match run.ended {
            RunEnd::Done => ledger.completed(run.id, run.start, run.end, true),
            RunEnd::Corrupt => ledger.completed(run.id, run.start, run.end, false),
            RunEnd::Failed => ledger.failed(run.id, run.start, run.end, false),
            RunEnd::FailedFinally => ledger.failed(run.id, run.start, run.end, true),
        };
        match effect {
            Effect::FirstSuccess { finishes } => {
                add(&self.slot.succeeded);
                if finishes {
                    add(&self.slot.finished);
                }
            }
            Effect::FailedAttempt => add(&self.slot.failed_attempts),
            Effect::Dead { finishes } => {
                add(&self.slot.failed_attempts);
                if finishes {
                    add(&self.slot.finished);
                }
            }
            Effect::Repeated | Effect::Elsewhere => {}
        }
    }

    /// Notes a moment.
    pub fn moment(&self, at: u64, kind: MomentKind, text: impl Into<String>) {
        let moment = Moment { at, kind, text: text.into() };
        self.shared.moments.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_the_sum_of_all_clones_and_count_a_task_once() {
        let first = Recorder::new(Ledger::new(1, 10, 0, 1_000_000));
        let second = first.clone();
        let task = |n| Task { id: TaskId::new(1, n), intended: 5, due: 5, key: None, body: &[] };
        first.taken_and_confirmed(&task(0), 6);
        first.taken(&task(1), 6);
        second.confirmed(task(1).id, 9);
        second.confirmed(task(1).id, 10);
        let run = |n, ended| Run { id: TaskId::new(1, n), start: 10, end: 11, ended };
        second.ran(run(0, RunEnd::Done));
        second.ran(run(0, RunEnd::Done));
        second.ran(run(1, RunEnd::Failed));
        second.ran(run(1, RunEnd::FailedFinally));
        let expected = Counts {
            taken: 2,
            settled: 2,
            succeeded: 1,
            finished: 2,
            failed_attempts: 2,
            ..Counts::default()
        };
        assert_eq!(first.counts(), expected);
    }

    /// Else as many would be settled as were taken while one is still open.
    #[test]
    fn an_unknown_task_that_comes_to_light_is_settled_once() {
        let pen = Recorder::new(Ledger::new(1, 10, 0, 1_000_000));
        let id = |n| TaskId::new(1, n);
        for n in 0..4 {
            pen.taken(&Task { id: id(n), intended: 5, due: 5, key: None, body: &[] }, 6);
        }
        for n in 0..3 {
            pen.unknown(id(n), Reason::Timeout, 9);
        }
        pen.unknown(id(0), Reason::ConnectionLost, 10);
        let given_up = Counts { taken: 4, settled: 3, unknown: 3, ..Counts::default() };
        assert_eq!(pen.counts(), given_up);
        pen.confirmed(id(0), 11);
        pen.refused(id(1), Reason::ServerError, 12);
        pen.clone().confirmed(id(0), 13);
        assert_eq!(pen.counts(), Counts { refused: 1, came_to_light: 2, ..given_up });
        assert!(pen.counts().settled < pen.counts().taken, "one is still open");
        pen.confirmed(id(3), 14);
        assert_eq!(pen.counts().settled, pen.counts().taken);
    }
}
