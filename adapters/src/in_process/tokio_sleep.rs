use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};

use schedbench_contract::{
    Backlog, Error, InProcessWorkers, Profile, Result, Task, TaskId, Topology, Work, WorkersShape,
};
use tokio::runtime::{Builder, Handle};

use super::attempt::Attempt;
use super::marks::Marks;
use super::pen::Pen;
use super::run::Runner;
use super::system::{Hand, Scheduler};
use super::tally::{Place, Tally};
use super::threads::{Threads, sharpen_timers};
use super::tokio_clock::TokioClock;
use super::{CLAIMS, locked, locked_version};

/// What most Rust programs do: one spawned task per task, which sleeps until
/// it is due and then runs the handler, on a runtime with `concurrency`
/// threads.
///
/// A handler blocks its thread, so that as many run at a time as in the other
/// systems. A cancelled task is a tombstone: it keeps its memory until it
/// would have been due. All that is given is taken; the bound is memory.
/// Stopping drops the runtime and the tasks in it; they stay in the backlog,
/// since it was not tokio that lost them.
pub(crate) struct TokioSleep {
    clock: TokioClock,
    marks: Marks,
    tally: Tally,
    runtime: Mutex<Option<Handle>>,
}

thread_local! {
    /// What a thread of the runtime writes with.
    static PEN: RefCell<Option<(Runner, Tally)>> = const { RefCell::new(None) };
}

impl Scheduler for TokioSleep {
    type Pen = Pen;
    const NAME: &'static str = "tokio";
    const PROFILES: &'static [Profile] = &[Profile {
        name: "default",
        summary: "tokio: a spawned task with a sleep for each task",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    }];

    fn new(_: &'static Profile, _: &WorkersShape, tasks: usize) -> Result<Self> {
        let (marks, tally) = (Marks::new(tasks), Tally::new());
        Ok(Self { clock: TokioClock::read(), marks, tally, runtime: Mutex::new(None) })
    }

    fn launch(self: &Arc<Self>, work: &Work, log: &Pen) -> Result<Box<dyn InProcessWorkers>> {
        let (pen_work, pen_log, pen_tally) = (work.clone(), log.clone(), self.tally.clone());
        let numbers = AtomicU32::new(0);
        let runtime = Builder::new_multi_thread()
            .worker_threads(work.shape.concurrency.max(1) as usize)
            .enable_time()
            .thread_name_fn(move || format!("worker-{}", numbers.fetch_add(1, Ordering::Relaxed)))
            .on_thread_start(move || {
                sharpen_timers();
                let pen = (Runner::new(&pen_work, &pen_log), pen_tally.clone());
                PEN.set(Some(pen));
            })
            .build()
            .map_err(|why| Error::Broken(format!("no tokio runtime: {why}")))?;
        *locked(&self.runtime) = Some(runtime.handle().clone());
        // A runtime joins its threads where it is dropped, which must not be
        // inside another runtime: so it has a thread that waits to drop it.
        let (stop, stopped) = mpsc::channel::<()>();
        let mut threads = Threads::new(move || {
            let _ = stop.send(());
        });
        threads.spawn("sched-tokio".into(), move || {
            let _ = stopped.recv();
            drop(runtime);
        })?;
        Ok(Box::new(threads))
    }

    fn offer(
        self: &Arc<Self>,
        batch: &[Task<'_>],
        log: &Pen,
        hand: &mut Hand,
        _: &mut Context<'_>,
    ) -> Poll<usize> {
        let taken = hand.sort(batch, log, usize::MAX);
        self.tally.add(Place::Ready, hand.immediate.len() as i64);
        self.tally.add(Place::Scheduled, hand.delayed.len() as i64);
        let runtime = locked(&self.runtime);
        for &attempt in &hand.immediate {
            self.marks.waits(attempt.id, Place::Ready);
            if let Some(runtime) = &*runtime {
                let system = Arc::clone(self);
                runtime.spawn(async move { system.run(attempt, Place::Ready) });
            }
        }
        for &attempt in &hand.delayed {
            self.marks.waits(attempt.id, Place::Scheduled);
            if let Some(runtime) = &*runtime {
                self.spawn_later(runtime, attempt, Place::Scheduled);
            }
        }
        Poll::Ready(taken)
    }

    fn cancel(&self, id: TaskId) -> bool {
        let waited = self.marks.cancel(id);
        if let Some(place) = waited {
            self.tally.add(place, -1);
        }
        waited.is_some()
    }

    fn backlog(&self) -> Backlog {
        Backlog {
            ready: Some(self.tally.sum(Place::Ready)),
            held: Some(self.tally.sum(Place::Held)),
            scheduled: Some(self.tally.sum(Place::Scheduled)),
            retry: Some(self.tally.sum(Place::Retry)),
            dead: Some(self.tally.sum(Place::Dead)),
        }
    }

    fn purge(&self) {
        self.marks.purge(|place| self.tally.add(place, -1));
    }

    fn version() -> String {
        locked_version("tokio")
    }
}

impl TokioSleep {
    fn spawn_later(self: &Arc<Self>, runtime: &Handle, attempt: Attempt, place: Place) {
        let system = Arc::clone(self);
        let due = self.clock.instant(attempt.due);
        runtime.spawn(async move {
            tokio::time::sleep_until(due).await;
            system.run(attempt, place);
        });
    }

    /// Runs a handler on the runtime's thread it is called on.
    fn run(self: &Arc<Self>, attempt: Attempt, waited: Place) {
        if !self.marks.starts(attempt.id, waited) {
            return;
        }
        PEN.with_borrow(|pen| {
            let Some((runner, tally)) = pen else { return };
            tally.go(waited, Place::Held);
            let mut again = Vec::new();
            let died = runner.run(&[attempt], &mut again);
            if died > 0 {
                tally.add(Place::Dead, 1);
            }
            if let Some(&next) = again.first() {
                self.marks.waits(next.id, Place::Retry);
                tally.add(Place::Retry, 1);
                self.spawn_later(&Handle::current(), next, Place::Retry);
            }
            tally.add(Place::Held, -1);
        });
    }
}
