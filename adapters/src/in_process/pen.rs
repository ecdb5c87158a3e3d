//! With what a scheduler notes what becomes of its tasks.

use std::fmt;
use std::sync::{Arc, Mutex};

use schedbench_contract::ledger::Reason;
use schedbench_contract::{Record, Recorder, Report, Run, RunEnd, Status, Task, TaskId};

use super::locked;

/// The ledger of this process; or, where the scheduler runs in a child, the
/// pipe to the process that keeps it.
#[derive(Clone)]
pub(crate) enum Pen {
    /// Give each thread its own clone, as of the recorder.
    Ledger(Recorder),
    /// One pen for all threads of the child: a lock and a write for each task.
    /// It is the way of cells in which the child is killed, where what was
    /// noted must not be lost with it.
    Pipe(Arc<Mutex<dyn Report>>),
}

impl Pen {
    /// A task was handed over, and the scheduler has it.
    pub(crate) fn taken_and_confirmed(&self, task: &Task<'_>, at: u64) {
        match self {
            Self::Ledger(log) => log.taken_and_confirmed(task, at),
            // Whoever fed it has noted it as taken.
            Self::Pipe(_) => self.confirmed(task.id, at),
        }
    }

    /// A task was handed over, and nobody vouches for it yet.
    pub(crate) fn taken(&self, task: &Task<'_>, at: u64) {
        if let Self::Ledger(log) = self {
            log.taken(task, at);
        }
    }

    /// The scheduler has it.
    pub(crate) fn confirmed(&self, id: TaskId, at: u64) {
        match self {
            Self::Ledger(log) => log.confirmed(id, at),
            Self::Pipe(report) => locked(report).record(Record {
                id: id.bits(),
                attempt: 0,
                status: Status::Confirmed,
                start: at,
                end: at,
            }),
        }
    }

    /// The scheduler says that it does not have it. The pipe has no word for
    /// that: the task stays one that nobody vouched for.
    pub(crate) fn refused(&self, id: TaskId, reason: Reason, at: u64) {
        if let Self::Ledger(log) = self {
            log.refused(id, reason, at);
        }
    }

    /// Nobody will say whether the scheduler has it.
    pub(crate) fn unknown(&self, id: TaskId, reason: Reason, at: u64) {
        if let Self::Ledger(log) = self {
            log.unknown(id, reason, at);
        }
    }

    /// It was handed over once more. The pipe has no word for that either.
    pub(crate) fn sent_again(&self, id: TaskId) {
        if let Self::Ledger(log) = self {
            log.sent_again(id);
        }
    }

    /// A handler ran; `attempt` is 0 for the first time.
    pub(crate) fn ran(&self, run: Run, attempt: u32) {
        match self {
            Self::Ledger(log) => log.ran(run),
            Self::Pipe(report) => locked(report).record(Record {
                id: run.id.bits(),
                attempt,
                status: match run.ended {
                    RunEnd::Done => Status::Done,
                    RunEnd::Corrupt => Status::Corrupt,
                    RunEnd::Failed => Status::Failed,
                    RunEnd::FailedFinally => Status::FailedFinally,
                },
                start: run.start,
                end: run.end,
            }),
        }
    }
}

impl From<Recorder> for Pen {
    fn from(log: Recorder) -> Self {
        Self::Ledger(log)
    }
}

impl fmt::Debug for Pen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ledger(_) => "Ledger",
            Self::Pipe(_) => "Pipe",
        })
    }
}
