use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use schedbench_contract::{
    Backlog, InProcessWorkers, Profile, Result, Task, TaskId, Topology, Work, WorkersShape,
};

use super::attempt::Attempt;
use super::heap_queue::HeapQueue;
use super::pen::Pen;
use super::run::Runner;
use super::run_queue::{RunQueue, Share};
use super::system::{Hand, Scheduler};
use super::threads::Threads;
use super::{CLAIMS, locked, pool};
use crate::clock;

/// The textbook: a binary heap behind a mutex, whose workers wait on a
/// condition until its head is due; or a tick that empties it now and then.
///
/// It takes all that it is given: its only bound is memory.
pub(crate) struct Heap {
    tick_ns: Option<u64>,
    guarded: Mutex<Guarded>,
    changed: Condvar,
    /// Of the workers that take from the heap themselves.
    held: AtomicU64,
    dead: Arc<AtomicU64>,
    /// What a tick has handed to the pool.
    ticked: Arc<RunQueue>,
}

struct Guarded {
    queue: HeapQueue,
    /// Workers that wait on the condition.
    idle: usize,
    /// The worker that sleeps until the head is due; the others sleep until
    /// they are woken, so that one due task does not wake all of them.
    leader: Option<usize>,
}

const TICK_NS: u64 = 100_000_000;

impl Scheduler for Heap {
    type Pen = Pen;
    const NAME: &'static str = "heap";
    const PROFILES: &'static [Profile] = &[
        Profile {
            name: "default",
            summary: "mutex, binary heap, condition: workers wait until the head is due",
            broker: None,
            broker_settings: &[],
            topology: Topology::Single,
            claims: CLAIMS,
        },
        Profile {
            name: "tick-100ms",
            summary: "every 100 ms a tick hands what is due in the heap to the workers",
            broker: None,
            broker_settings: &[],
            topology: Topology::Single,
            claims: CLAIMS,
        },
    ];

    fn new(profile: &'static Profile, _: &WorkersShape, tasks: usize) -> Result<Self> {
        let queue = HeapQueue::new(tasks);
        Ok(Self {
            tick_ns: (profile.name == "tick-100ms").then_some(TICK_NS),
            guarded: Mutex::new(Guarded { queue, idle: 0, leader: None }),
            changed: Condvar::new(),
            held: AtomicU64::new(0),
            dead: Arc::default(),
            ticked: Arc::new(RunQueue::new()),
        })
    }

    fn launch(self: &Arc<Self>, work: &Work, log: &Pen) -> Result<Box<dyn InProcessWorkers>> {
        let heap = Arc::clone(self);
        let mut threads = Threads::new(move || heap.wake_all());
        if let Some(tick_ns) = self.tick_ns {
            let heap = Arc::clone(self);
            pool::spawn(&mut threads, &self.ticked, work, log, &self.dead, move |again| {
                heap.add(again);
            })?;
            let (heap, stop) = (Arc::clone(self), threads.stop_flag());
            threads.spawn("sched-heap".into(), move || heap.tick(tick_ns, &stop))?;
        } else {
            let workers = work.shape.concurrency.max(1) as usize;
            let share = Share { at_most: Runner::at_most(work), workers };
            for number in 0..workers {
                let (heap, stop) = (Arc::clone(self), threads.stop_flag());
                let runner = Runner::new(work, log);
                threads.spawn(format!("worker-{number}"), move || {
                    heap.serve(number, share, &runner, &stop);
                })?;
            }
        }
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
        hand.immediate.append(&mut hand.delayed);
        self.add(&hand.immediate);
        Poll::Ready(taken)
    }

    fn cancel(&self, id: TaskId) -> bool {
        locked(&self.guarded).queue.cancel(id)
    }

    fn backlog(&self) -> Backlog {
        let guarded = locked(&self.guarded);
        let (immediate, delayed, retries) = guarded.queue.waiting();
        let (ticked, held) = self.ticked.ready_and_held();
        Backlog {
            ready: Some(immediate + ticked),
            held: Some(held + self.held.load(Ordering::Acquire)),
            scheduled: Some(delayed),
            retry: Some(retries),
            dead: Some(self.dead.load(Ordering::Acquire)),
        }
    }

    fn purge(&self) {
        let mut guarded = locked(&self.guarded);
        guarded.queue.purge();
        self.ticked.purge();
    }
}

impl Heap {
    /// Adds tasks under one lock and wakes a worker when the head has changed.
    fn add(&self, attempts: &[Attempt]) {
        let mut guarded = locked(&self.guarded);
        let head = guarded.queue.next_due();
        for &attempt in attempts {
            guarded.queue.push(attempt);
        }
        let sooner = guarded.queue.next_due() != head;
        // The leader sleeps until the old head is due, and the one woken here
        // need not be the leader: whoever it is takes the lead.
        let wake = sooner && guarded.idle > 0;
        if wake {
            guarded.leader = None;
        }
        drop(guarded);
        if wake {
            self.changed.notify_one();
        }
    }

    fn wake_all(&self) {
        drop(locked(&self.guarded));
        self.changed.notify_all();
        self.ticked.wake_all();
    }

    fn serve(&self, me: usize, share: Share, runner: &Runner, stop: &AtomicBool) {
        let (mut batch, mut again) = (Vec::with_capacity(share.at_most), Vec::new());
        while self.take(me, share, &mut batch, stop) {
            let died = runner.run(&batch, &mut again);
            self.dead.fetch_add(died, Ordering::Relaxed);
            if !again.is_empty() {
                self.add(&again);
                again.clear();
            }
            // Only now: asked in between, a task is named twice, not never.
            self.held.fetch_sub(batch.len() as u64, Ordering::Release);
            batch.clear();
        }
    }

    /// Waits until something is due and takes a share of it; `false` when
    /// `stop` is set.
    fn take(&self, me: usize, share: Share, batch: &mut Vec<Attempt>, stop: &AtomicBool) -> bool {
        let mut guarded = locked(&self.guarded);
        let mut now = 0;
        loop {
            if stop.load(Ordering::Acquire) {
                return false;
            }
            let due = guarded.queue.next_due();
            if due.is_some_and(|due| due > now) {
                now = clock::now();
            }
            if due.is_some_and(|due| due <= now) {
                let limit = share.of(guarded.queue.len());
                guarded.queue.pop_due(now, limit, batch);
                if batch.is_empty() {
                    continue;
                }
                self.held.fetch_add(batch.len() as u64, Ordering::Relaxed);
                let wake = guarded.leader.is_none() && guarded.idle > 0 && guarded.queue.len() > 0;
                drop(guarded);
                if wake {
                    self.changed.notify_one();
                }
                return true;
            }
            guarded.idle += 1;
            guarded = match due {
                Some(due) if guarded.leader.is_none() => {
                    guarded.leader = Some(me);
                    let wait = Duration::from_nanos(due - now);
                    let waited = self.changed.wait_timeout(guarded, wait);
                    let mut guarded = waited.unwrap_or_else(PoisonError::into_inner).0;
                    if guarded.leader == Some(me) {
                        guarded.leader = None;
                    }
                    guarded
                }
                _ => self.changed.wait(guarded).unwrap_or_else(PoisonError::into_inner),
            };
            guarded.idle -= 1;
        }
    }

    /// Hands over what is due, at whole multiples of the tick.
    fn tick(&self, tick_ns: u64, stop: &AtomicBool) {
        let mut due = Vec::new();
        let mut next = clock::now() + tick_ns;
        let mut guarded = locked(&self.guarded);
        while !stop.load(Ordering::Acquire) {
            let now = clock::now();
            if now < next {
                let wait = Duration::from_nanos(next - now);
                let waited = self.changed.wait_timeout(guarded, wait);
                guarded = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            guarded.queue.pop_due(now, usize::MAX, &mut due);
            self.ticked.push(&due);
            due.clear();
            next += tick_ns * (1 + (now - next) / tick_ns);
        }
    }
}
