use std::sync::Arc;
use std::task::{Context, Poll};

use schedbench_contract::{
    Backlog, Claims, Delay, InProcessWorkers, Profile, Resends, Result, Retries, Run, RunEnd, Task,
    TaskId, Topology, Work, WorkersShape,
};

use super::pen::Pen;
use super::system::{Hand, Scheduler};
use super::threads::Threads;
use super::{CLAIMS, NOTHING_HELD};
use crate::clock;

/// Does nothing: every task counts as run on the thread that hands it over.
///
/// What is left is the harness's own cost and ceiling, the first row of each
/// table. It performs no handler and plans no failure.
pub(crate) struct Noop;

/// Tasks that share a stamp, as in the other in-process systems.
const STAMPED_TOGETHER: usize = 16;

impl Scheduler for Noop {
    type Pen = Pen;
    const NAME: &'static str = "noop";
    const PROFILES: &'static [Profile] = &[Profile {
        name: "default",
        summary: "no scheduler: the harness's own ceiling and cost",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims {
            delay: Delay::Unsupported("noop runs everything at once"),
            cancel: false,
            retries: Retries::Unsupported("noop runs every task once and lets none fail"),
            resends: Resends::Noted,
            ..CLAIMS
        },
    }];

    fn new(_: &'static Profile, _: &WorkersShape, _tasks: usize) -> Result<Self> {
        Ok(Self)
    }

    fn launch(self: &Arc<Self>, _: &Work, _: &Pen) -> Result<Box<dyn InProcessWorkers>> {
        Ok(Box::new(Threads::new(|| {})))
    }

    fn offer(
        self: &Arc<Self>,
        batch: &[Task<'_>],
        log: &Pen,
        _: &mut Hand,
        _: &mut Context<'_>,
    ) -> Poll<usize> {
        for group in batch.chunks(STAMPED_TOGETHER) {
            let now = clock::now();
            for task in group {
                log.taken_and_confirmed(task, now);
                log.ran(Run { id: task.id, start: now, end: now, ended: RunEnd::Done }, 0);
            }
        }
        Poll::Ready(batch.len())
    }

    fn cancel(&self, _: TaskId) -> bool {
        false
    }

    fn backlog(&self) -> Backlog {
        NOTHING_HELD
    }

    fn purge(&self) {}
}
