use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use schedbench_contract::{
    Backlog, Error, InProcessWorkers, Profile, Result, Task, TaskId, Topology, Work, WorkersShape,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio_util::time::DelayQueue as Queue;
use tokio_util::time::delay_queue::Key;

use super::attempt::Attempt;
use super::pen::Pen;
use super::run_queue::RunQueue;
use super::system::{Hand, Scheduler};
use super::threads::Threads;
use super::tokio_clock::TokioClock;
use super::{CLAIMS, locked, locked_version, pool};

/// tokio-util's `DelayQueue` on a runtime of one thread, `sched-delay-queue`,
/// which hands what expires to the pool in batches.
///
/// What need not wait goes to the pool directly. All that is given is taken;
/// the bound is memory. A task that workers have been given is past
/// cancelling, also while it queues for one.
pub(crate) struct DelayQueue {
    clock: TokioClock,
    runtime: OnRuntime,
    arrived: Mutex<Vec<Attempt>>,
    arrival: Notify,
    core: Mutex<Core>,
    due: Arc<RunQueue>,
    dead: Arc<AtomicU64>,
}

struct Core {
    queue: Queue<Attempt>,
    /// Per task of the cell, its memory taken with the first delayed task.
    /// Keys are used again, so a key is forgotten when its task expires.
    keys: Vec<Option<Key>>,
    tasks: usize,
    retries: u64,
    accepting: Vec<Attempt>,
}

/// The runtime that the queue's timer belongs to. It is not joined when it
/// goes, because that must not happen inside another runtime and it has no
/// thread of its own.
struct OnRuntime(Option<Runtime>);

impl Drop for OnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Tasks that are handed to the pool in one step.
const STEP: usize = 256;

impl Scheduler for DelayQueue {
    type Pen = Pen;
    const NAME: &'static str = "delay-queue";
    const PROFILES: &'static [Profile] = &[Profile {
        name: "default",
        summary: "tokio-util's DelayQueue feeding a pool of threads",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    }];

    fn new(_: &'static Profile, _: &WorkersShape, tasks: usize) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|why| Error::Broken(format!("no tokio runtime: {why}")))?;
        let core = Core {
            queue: Queue::new(),
            keys: Vec::new(),
            tasks,
            retries: 0,
            accepting: Vec::new(),
        };
        Ok(Self {
            clock: TokioClock::read(),
            runtime: OnRuntime(Some(runtime)),
            arrived: Mutex::default(),
            arrival: Notify::new(),
            core: Mutex::new(core),
            due: Arc::new(RunQueue::new()),
            dead: Arc::default(),
        })
    }

    fn launch(self: &Arc<Self>, work: &Work, log: &Pen) -> Result<Box<dyn InProcessWorkers>> {
        let system = Arc::clone(self);
        let mut threads = Threads::new(move || {
            system.arrival.notify_one();
            system.due.wake_all();
        });
        let (system, stop) = (Arc::clone(self), threads.stop_flag());
        threads.spawn("sched-delay-queue".into(), move || system.turn(&stop))?;
        let system = Arc::clone(self);
        pool::spawn(&mut threads, &self.due, work, log, &self.dead, move |again| {
            system.add(again);
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
        self.due.push(&hand.immediate);
        self.add(&hand.delayed);
        Poll::Ready(taken)
    }

    fn cancel(&self, id: TaskId) -> bool {
        let _context = self.runtime.0.as_ref().map(Runtime::enter);
        let mut core = locked(&self.core);
        core.accept(&self.arrived, self.clock);
        core.cancel(id)
    }

    fn backlog(&self) -> Backlog {
        // With the core locked nothing goes on from the arrivals or from the
        // queue, so nothing is missed on its way.
        let core = locked(&self.core);
        let arrived = locked(&self.arrived);
        let failed = arrived.iter().filter(|attempt| attempt.number > 0).count() as u64;
        let (ready, held) = self.due.ready_and_held();
        Backlog {
            ready: Some(ready),
            held: Some(held),
            scheduled: Some(core.queue.len() as u64 - core.retries + arrived.len() as u64 - failed),
            retry: Some(core.retries + failed),
            dead: Some(self.dead.load(Ordering::Acquire)),
        }
    }

    fn purge(&self) {
        let mut core = locked(&self.core);
        locked(&self.arrived).clear();
        core.queue.clear();
        core.keys.fill(None);
        core.retries = 0;
        self.due.purge();
    }

    fn version() -> String {
        locked_version("tokio-util")
    }
}

impl DelayQueue {
    fn add(&self, attempts: &[Attempt]) {
        if !attempts.is_empty() {
            locked(&self.arrived).extend_from_slice(attempts);
            self.arrival.notify_one();
        }
    }

    fn turn(&self, stop: &AtomicBool) {
        let Some(runtime) = &self.runtime.0 else { return };
        runtime.block_on(async {
            let mut due = Vec::with_capacity(STEP);
            while !stop.load(Ordering::Acquire) {
                let mut arrival = pin!(self.arrival.notified());
                poll_fn(|cx| match self.step(cx, &mut due) {
                    0 => arrival.as_mut().poll(cx),
                    _ => Poll::Ready(()),
                })
                .await;
            }
        });
    }

    /// Puts in what arrived and hands on what expired; says how many that were
    /// and, if none, has registered with the queue's timer.
    fn step(&self, cx: &mut Context<'_>, due: &mut Vec<Attempt>) -> usize {
        let mut core = locked(&self.core);
        core.accept(&self.arrived, self.clock);
        while due.len() < STEP
            && let Poll::Ready(Some(expired)) = core.queue.poll_expired(cx)
        {
            let attempt = expired.into_inner();
            core.forget(attempt);
            due.push(attempt);
        }
        self.due.push(due);
        let expired = due.len();
        due.clear();
        expired
    }
}

impl Core {
    /// Must be called inside the runtime's context.
    fn accept(&mut self, arrived: &Mutex<Vec<Attempt>>, clock: TokioClock) {
        std::mem::swap(&mut self.accepting, &mut *locked(arrived));
        let mut accepting = std::mem::take(&mut self.accepting);
        for attempt in accepting.drain(..) {
            let key = self.queue.insert_at(attempt, clock.instant(attempt.due));
            if attempt.number > 0 {
                self.retries += 1;
            } else if let Some(place) = self.place(attempt.id) {
                self.keys[place] = Some(key);
            }
        }
        self.accepting = accepting;
    }

    fn forget(&mut self, expired: Attempt) {
        if expired.number > 0 {
            self.retries -= 1;
        } else if let Some(place) = self.place(expired.id) {
            self.keys[place] = None;
        }
    }

    fn cancel(&mut self, id: TaskId) -> bool {
        let key = self.place(id).and_then(|place| self.keys[place].take());
        key.is_some_and(|key| self.queue.try_remove(&key).is_some())
    }

    fn place(&mut self, id: TaskId) -> Option<usize> {
        let place = usize::try_from(id.sequence()).ok().filter(|&place| place < self.tasks)?;
        if place >= self.keys.len() {
            self.keys.reserve_exact(self.tasks - self.keys.len());
            self.keys.resize(place + 1, None);
        }
        Some(place)
    }
}
