//! With what a scheduler notes what becomes of its tasks.

use std::fmt;
use std::sync::{Arc, Mutex};

use schedbench_contract::{Record, Recorder, Report, Run, RunEnd, Status, Task};

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
    pub(super) fn taken_and_confirmed(&self, task: &Task<'_>, at: u64) {
        match self {
            Self::Ledger(log) => log.taken_and_confirmed(task, at),
            // Whoever fed it has noted it as taken.
            Self::Pipe(report) => locked(report).record(Record {
                id: task.id.bits(),
                attempt: 0,
                status: Status::Confirmed,
                start: at,
                end: at,
            }),
        }
    }

    /// A handler ran; `attempt` is 0 for the first time.
    pub(super) fn ran(&self, run: Run, attempt: u32) {
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
