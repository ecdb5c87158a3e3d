//! Tasks all the way through.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{Backlog, BodyPool, Fill, Producer, Status, Task};

use crate::bench::{CELL, QUEUE, id, task, until};
use crate::with_redis;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// As the harness drives a producer: a thread of its own, a waker that parks it.
fn drive<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

with_redis!(ten_thousand_tasks_run_exactly_once(&[]), |bench, A| {
    const TASKS: u64 = 10_000;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let runtime = tokio::runtime::Handle::current();
    let pool = BodyPool::new(Fill { seed: 42, bytes: 32 });
    let began = Instant::now();
    let thread = std::thread::spawn(move || {
        let _context = runtime.enter();
        let tasks: Vec<Task<'_>> = (0..TASKS).map(|n| task(n, pool.of(id(n)))).collect();
        let mut rest = tasks.as_slice();
        while !rest.is_empty() {
            let taken = drive(producer.submit(&rest[..rest.len().min(256)])).expect("submits");
            rest = &rest[taken..];
        }
        drive(producer.settle()).expect("settles");
    });
    until("all have run", async || bench.log.counts().finished == TASKS).await;
    println!("{TASKS} tasks in {:?}", began.elapsed());
    thread.join().expect("the producer's thread");
    until("all are acknowledged", async || {
        adapter.backlog().await.expect("backlog").outstanding() == 0
    })
    .await;
    assert_eq!(adapter.consumers().await.expect("consumers"), Some(1));

    let records = worker.stop().await;
    assert_eq!(adapter.consumers().await.expect("consumers"), Some(0));
    let done: HashSet<u64> =
        records.iter().filter(|record| record.status == Status::Done).map(|r| r.id).collect();
    assert_eq!(done.len() as u64, TASKS);
    assert_eq!(records.len() as u64, TASKS + 1, "one run each, and the sign of being ready");
    for sequence in 0..TASKS {
        let entry = bench.log.ledger().entry(sequence as usize);
        assert_eq!((entry.enqueue, entry.successes), (Enqueue::Confirmed, 1), "{sequence}");
        assert!(!entry.corrupt && entry.failures == 0);
    }
    let backlog = adapter.backlog().await.expect("backlog");
    let empty = Some(0);
    let expected =
        Backlog { ready: empty, held: empty, scheduled: empty, retry: empty, dead: empty };
    assert_eq!(backlog, expected);
    let processed: u64 = bench.ask(&format!("GET asynq:{{{QUEUE}}}:processed")).await;
    assert_eq!(processed, TASKS);
    assert_eq!(bench.log.ledger().cell(), CELL);

    adapter.close().await.expect("closes");
    let left: Vec<String> = bench.ask("KEYS *").await;
    assert!(left.is_empty(), "left behind: {left:?}");
});
