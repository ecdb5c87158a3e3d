//! How fast it is; not a test of anything, so run by hand:
//! `cargo test --release -p schedbench-adapters --test redis_asynq -- --ignored --nocapture`.

use std::time::Instant;

use schedbench_contract::{Adapter, BodyPool, Fill, Producer, Task, WorkersShape};

use crate::bench::{Bench, id, task, until};
use crate::with_redis;

const TASKS: u64 = 300_000;
const SHAPE: WorkersShape =
    WorkersShape { processes: 1, concurrency: 4, prefetch: 512, connections: 1, window: 4_096 };

async fn send_all<A: Adapter>(producer: &mut A::Producer, pool: &BodyPool, first: u64) {
    let ids = first..first + TASKS;
    let mut rest = Vec::with_capacity(256);
    let mut next = ids.start;
    while next < ids.end || !rest.is_empty() {
        while rest.len() < 256 && next < ids.end {
            let waiting: Task<'_> = task(next, pool.of(id(next)));
            rest.push(waiting);
            next += 1;
        }
        let taken = producer.submit(&rest).await.expect("submits");
        rest.drain(..taken);
    }
    producer.settle().await.expect("settles");
}

async fn measure<A: Adapter>(mut bench: Bench, what: &str) {
    bench.shape = SHAPE;
    bench.body_bytes = 256;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let pool = BodyPool::new(Fill { seed: 42, bytes: 256 });
    let rate = |since: Instant| TASKS as f64 / since.elapsed().as_secs_f64();

    let began = Instant::now();
    send_all::<A>(&mut producer, &pool, 0).await;
    println!("{what}: enqueue only {:.0}/s", rate(began));

    let began = Instant::now();
    let worker = bench.worker::<A>(&work).await;
    until("all have run", async || bench.log.counts().finished == TASKS).await;
    println!("{what}: work off only {:.0}/s", rate(began));

    let began = Instant::now();
    send_all::<A>(&mut producer, &pool, TASKS).await;
    until("all have run", async || bench.log.counts().finished == 2 * TASKS).await;
    println!("{what}: end to end {:.0}/s", rate(began));
    worker.stop().await;
    adapter.close().await.expect("closes");
}

with_redis!(
    #[ignore = "a measurement"]
    speed_in_memory(&[("appendonly", "no")]),
    |bench, A| {
        measure::<A>(bench, "memory").await;
    }
);

with_redis!(
    #[ignore = "a measurement"]
    speed_every_second(&[("appendonly", "yes"), ("appendfsync", "everysec")]),
    |bench, A| {
        measure::<A>(bench, "everysec").await;
    }
);
