//! One cell of an in-process system, driven through the adapter's trait.

#![allow(dead_code, reason = "each test file uses its part")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use schedbench_adapters::clock;
use schedbench_contract::ledger::{Entry, Ledger};
use schedbench_contract::{
    Adapter, Backlog, Endpoints, Fill, Handler, InProcessWorkers, Launch, Producer, Recorder,
    Retry, Task, TaskId, Visit, Work, WorkersShape,
};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const CELL: u32 = 3;
/// Far longer than anything takes; a test that reaches it has found a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls on this thread, parked in between, as the harness's producers do.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        assert!(Instant::now() < deadline, "pending for {PATIENCE:?}");
        thread::park_timeout(PATIENCE);
    }
}

/// Returns as soon as `condition` holds.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// What tests ask of a running system, whatever its type.
trait Running {
    fn submit(&mut self, batch: &[Task<'_>]) -> usize;
    fn cancel(&mut self, id: TaskId) -> bool;
    fn settle(&mut self);
    fn backlog(&self) -> Backlog;
    fn purge(&self);
    fn stop(&mut self);
}

struct Cell<A: Adapter> {
    adapter: A,
    producer: A::Producer,
    workers: Option<Box<dyn InProcessWorkers>>,
}

impl<A: Adapter> Running for Cell<A> {
    fn submit(&mut self, batch: &[Task<'_>]) -> usize {
        block_on(self.producer.submit(batch)).expect("usable")
    }
    fn cancel(&mut self, id: TaskId) -> bool {
        block_on(self.producer.cancel(id)).expect("usable")
    }
    fn settle(&mut self) {
        block_on(self.producer.settle()).expect("usable");
    }
    fn backlog(&self) -> Backlog {
        block_on(self.adapter.backlog()).expect("can be asked")
    }
    fn purge(&self) {
        block_on(self.adapter.purge()).expect("can be purged");
    }
    fn stop(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop();
        }
    }
}

struct Open<'a> {
    work: &'a Work,
    log: &'a Recorder,
}

impl Visit for Open<'_> {
    type Out = Box<dyn Running>;

    fn visit<A: Adapter>(self) -> Self::Out {
        let Self { work, log } = self;
        let profile = A::PROFILES.iter().find(|profile| profile.name == work.profile);
        let profile = profile.expect("the profile exists");
        let prefix = "schedbench.test.0".to_owned();
        let at = Endpoints { producer: None, workers: None, control: None, second: None, prefix };
        let adapter = block_on(A::open(&at, profile, &work.shape)).expect("opens");
        let launch = adapter.workers(work, log.clone()).expect("starts");
        let Launch::InProcess(workers) = launch else { panic!("{} starts programs", A::NAME) };
        let producer = block_on(adapter.producer(log.clone())).expect("has a producer");
        Box::new(Cell { adapter, producer, workers: Some(workers) })
    }
}

/// A running system with the ledger it writes into.
pub(crate) struct Rig {
    running: Box<dyn Running>,
    pub(crate) log: Recorder,
    pub(crate) work: Work,
    tasks: u64,
}

impl Rig {
    /// Starts a system for `tasks` tasks, its work changed by `adjust`.
    pub(crate) fn new(
        system: &str,
        profile: &str,
        tasks: u64,
        adjust: impl FnOnce(&mut Work),
    ) -> Self {
        let mut work = Work {
            system: system.to_owned(),
            profile: profile.to_owned(),
            queue: "schedbench.test.0".to_owned(),
            cell: CELL,
            index: 0,
            at: None,
            second: None,
            shape: WorkersShape {
                processes: 1,
                concurrency: 2,
                prefetch: 64,
                connections: 1,
                window: 1_024,
            },
            seed: 42,
            handler: Handler::None,
            fail_ppm: 0,
            retry: Retry { max: 0, backoff_ns: 0 },
            body: Fill { seed: 42, bytes: 0 },
            write_each: false,
            options: std::collections::BTreeMap::default(),
        };
        adjust(&mut work);
        let ledger = Ledger::new(CELL, tasks as usize, clock::now(), 600_000 * MS);
        let log = Recorder::new(ledger);
        let open = Open { work: &work, log: &log };
        let running = schedbench_adapters::visit_in_process(system, open).expect("one of them");
        Self { running, log, work, tasks }
    }

    /// Hands over `sequences`, each `delay(sequence)` ns after now, in batches.
    pub(crate) fn submit(
        &mut self,
        sequences: std::ops::Range<u64>,
        delay: impl Fn(u64) -> u64,
    ) -> Vec<u64> {
        let intended = clock::now();
        let tasks: Vec<Task<'_>> = sequences
            .map(|sequence| Task {
                id: TaskId::new(CELL, sequence),
                intended,
                due: intended + delay(sequence),
                key: None,
                body: &[],
            })
            .collect();
        let mut rest = &tasks[..];
        while !rest.is_empty() {
            let taken = self.running.submit(&rest[..rest.len().min(256)]);
            assert!(taken > 0, "a submit that returns takes something");
            rest = &rest[taken..];
        }
        tasks.iter().map(|task| task.due).collect()
    }

    /// Hands over all tasks of the cell at once.
    pub(crate) fn submit_all(&mut self, delay: impl Fn(u64) -> u64) -> Vec<u64> {
        self.submit(0..self.tasks, delay)
    }

    pub(crate) fn cancel(&mut self, sequence: u64) -> bool {
        let id = TaskId::new(CELL, sequence);
        let cancelled = self.running.cancel(id);
        // The harness notes it, not the adapter, and so does this.
        self.log.cancelled(id, cancelled);
        cancelled
    }

    pub(crate) fn settle(&mut self) {
        self.running.settle();
    }

    pub(crate) fn backlog(&self) -> Backlog {
        self.running.backlog()
    }

    pub(crate) fn purge(&self) {
        self.running.purge();
    }

    pub(crate) fn stop(&mut self) {
        self.running.stop();
    }

    pub(crate) fn wait_finished(&self, tasks: u64) {
        wait_until(&format!("{tasks} tasks of {}", self.name()), || {
            self.log.counts().finished >= tasks
        });
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.work.system, self.work.profile)
    }

    pub(crate) fn entry(&self, sequence: u64) -> Entry {
        self.log.ledger().entry(sequence as usize)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, Entry)> {
        (0..self.tasks).map(|sequence| (sequence, self.entry(sequence)))
    }
}
