//! Tasks all the way through.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{Backlog, Handler, Producer, Status, Task, Work, seeded};

use crate::bench::{CELL, QUEUE, id, pool, settled, task, until};
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
    let pool = pool();
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

with_redis!(two_workers_with_threads_share_a_queue(&[]), |bench, A| {
    const TASKS: u64 = 3_000;
    bench.handler = Handler::CpuNs(20_000);
    bench.shape.connections = 3;
    bench.fail_ppm = 20_000;
    bench.retry.backoff_ns = 1;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let first = bench.worker::<A>(&work).await;
    let second = bench.worker::<A>(&Work { index: 1, ..work }).await;
    assert_eq!(adapter.consumers().await.expect("consumers"), Some(2));
    let pool = pool();
    let tasks: Vec<_> = (0..TASKS).map(|n| task(n, pool.of(id(n)))).collect();
    settled(&mut producer, &tasks).await;
    until("all have run", async || bench.log.counts().finished == TASKS).await;
    let shares = [first.stop().await, second.stop().await].map(|records| records.len());
    assert!(shares.iter().all(|&share| share > 100), "{shares:?}");

    let failed = (0..TASKS).filter(|&n| seeded::attempt_fails(42, id(n), 0, 20_000)).count();
    let retried = (0..TASKS as usize)
        .filter(|&n| {
            let entry = bench.log.ledger().entry(n);
            assert!(entry.dead || entry.successes == 1, "{n}: {entry:?}");
            entry.failures > 0
        })
        .count();
    assert_eq!(retried, failed, "those that the seed names");
    let backlog = adapter.backlog().await.expect("backlog");
    assert_eq!(backlog.outstanding(), 0);
    adapter.close().await.expect("closes");
    let left: Vec<String> = bench.ask("KEYS *").await;
    assert!(left.is_empty(), "left behind: {left:?}");
});
