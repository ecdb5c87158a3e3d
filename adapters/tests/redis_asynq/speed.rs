//! How fast it is; not a test of anything, so run by hand:
//! `cargo test --release -p schedbench-adapters --test redis_asynq -- --ignored --nocapture`.

use std::time::{Duration, Instant};

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

/// Seconds of CPU that Redis has used.
async fn redis_cpu(bench: &Bench) -> f64 {
    let info: String = bench.ask("INFO cpu").await;
    let field = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(field, _)| *field == name).and_then(|(_, value)| value.trim().parse().ok())
    };
    let used: Option<f64> =
        field("used_cpu_user").zip(field("used_cpu_sys")).map(|(a, b): (f64, f64)| a + b);
    used.expect("CPU times")
}

with_redis!(
    #[ignore = "a measurement"]
    speed_cost_of_idling(&[("appendonly", "yes"), ("appendfsync", "everysec")]),
    |bench, A| {
        bench.shape = SHAPE;
        let (_adapter, _producer, work) = bench.open_with_producer::<A>().await;
        let worker = bench.worker::<A>(&work).await;
        let (before, began) = (redis_cpu(&bench).await, Instant::now());
        tokio::time::sleep(Duration::from_secs(5)).await;
        let share = (redis_cpu(&bench).await - before) / began.elapsed().as_secs_f64();
        println!("idle: {:.2} % of a core of Redis", 100.0 * share);
        worker.stop().await;
    }
);

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
