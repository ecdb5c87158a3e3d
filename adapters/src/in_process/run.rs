use schedbench_contract::{Handler, Run, RunEnd, Work};

use super::attempt::Attempt;
use super::pen::Pen;
use crate::{clock, handler};

/// Tasks that share a stamp when their handler does nothing.
const STAMPED_TOGETHER: usize = 16;

/// Runs handlers on one thread and notes them with that thread's own pen.
///
/// A handler that works is stamped before and after. One that does nothing
/// takes less time than reading the clock: 16 of them are run in one step of
/// no length, stamped by one reading, and noted after it. The reading is
/// younger than the due time of each, so none looks early; the cost of noting
/// them (about 0.3 µs) shows as the lateness of the next 16, which is the
/// uncertainty of a start.
pub(super) struct Runner {
    work: Work,
    log: Pen,
}

impl Runner {
    pub(super) fn new(work: &Work, log: &Pen) -> Self {
        Self { work: work.clone(), log: log.clone() }
    }

    /// How many tasks a thread takes at once, given the most it may hold. A
    /// handler that works is worth a lock each: nothing waits behind it in the
    /// same hands while another thread is free.
    pub(super) fn at_most(work: &Work) -> usize {
        match work.handler {
            Handler::None => work.shape.prefetch.max(1) as usize,
            Handler::SleepNs(_) | Handler::CpuNs(_) => 1,
        }
    }

    /// Runs `batch`, puts the attempts that follow failures into `again`, and
    /// says how many tasks are dead.
    pub(super) fn run(&self, batch: &[Attempt], again: &mut Vec<Attempt>) -> u64 {
        let mut dead = 0;
        if self.work.handler == Handler::None {
            for group in batch.chunks(STAMPED_TOGETHER) {
                let stamp = clock::now();
                for &attempt in group {
                    dead += self.note(attempt, stamp, stamp, again);
                }
            }
        } else {
            for &attempt in batch {
                let start = clock::now();
                handler::perform(self.work.handler);
                dead += self.note(attempt, start, clock::now(), again);
            }
        }
        dead
    }

    fn note(&self, attempt: Attempt, start: u64, end: u64, again: &mut Vec<Attempt>) -> u64 {
        let ended = handler::planned_end(&self.work, attempt.id, attempt.number);
        self.log.ran(Run { id: attempt.id, start, end, ended }, attempt.number);
        if ended == RunEnd::Failed {
            again.push(attempt.next(end + self.work.retry.backoff_ns));
        }
        u64::from(ended == RunEnd::FailedFinally)
    }
}
