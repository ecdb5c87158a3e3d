//! The generator's cost per task: it is part of every result.

use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schedbench::drive::{OpenSetup, drive_open};
use schedbench::plan::{Arrivals, CellPlan, Delay, Load, Pacing, Spacing, Stage, Target};
use schedbench_adapters::{clock, find};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    BodyPool, Fill, Handler, Producer, Recorder, Result, Retry, Task, TaskId,
};

const TASKS: u64 = 200_000;

fn plan() -> CellPlan {
    let system = find("noop").expect("noop is always there");
    let stages = vec![Stage { rate: 1e6, duration_ns: TASKS * 1_000 }];
    CellPlan {
        target: Target { system, profile: &system.profiles[0] },
        repeat: 1,
        variant: None,
        load: Load::Open { spacing: Spacing::Poisson, stages },
        seed: 7,
        warmup_ns: 0,
        horizon_ns: 0,
        delay: Delay::None,
        body_bytes: 100,
        keys: 0,
        cancel_ppm: 0,
        handler: Handler::None,
        fail_ppm: 0,
        retry: Retry { max: 0, backoff_ns: 0 },
        faults: Vec::new(),
        commands: Vec::new(),
        trial: None,
        part: None,
    }
}

/// Takes everything and does nothing: what is left is the generator.
struct Nothing(Recorder);

impl Producer for Nothing {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        let now = clock::now();
        for task in batch {
            self.0.taken_and_confirmed(task, now);
        }
        Ok(batch.len())
    }
    async fn cancel(&mut self, _: TaskId) -> Result<bool> {
        Ok(false)
    }
    async fn settle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// All arrivals lie in the past, so the generator runs as fast as it can.
fn hand_over(plan: &CellPlan, bodies: &BodyPool, log: &Recorder) -> Duration {
    let stop = AtomicBool::new(false);
    let start = log.ledger().epoch();
    let setup = OpenSetup {
        cell: 1,
        first_sequence: 0,
        start,
        window: start..start + plan.load.window_ns(),
        deadline: u64::MAX,
        pacing: Pacing::Grid,
        fifo: false,
        bodies,
        stop: &stop,
        log,
        pulse: None,
        hiccup: None,
    };
    let began = Instant::now();
    black_box(drive_open(&setup, Arrivals::of(plan), &mut Nothing(log.clone())));
    began.elapsed()
}

fn generator(c: &mut Criterion) {
    let mut group = c.benchmark_group("generator");
    let plan = plan();
    let arrivals = Arrivals::of(&plan).count() as u64;
    group.throughput(Throughput::Elements(arrivals));
    group.bench_function("arrivals", |b| {
        b.iter(|| Arrivals::of(&plan).map(|arrival| arrival.due).fold(0, u64::wrapping_add));
    });
    let bodies = BodyPool::new(Fill { seed: plan.seed, bytes: plan.body_bytes });
    group.sample_size(20);
    group.bench_function("hand over", |b| {
        b.iter_custom(|times| {
            let past = clock::now() - 1_000_000_000;
            let run = |_| {
                let ledger = Ledger::new(1, arrivals as usize, past, 60_000_000_000);
                hand_over(&plan, &bodies, &Recorder::new(ledger))
            };
            (0..times).map(run).sum()
        });
    });
    group.finish();
}

criterion_group!(benches, generator);
criterion_main!(benches);
