//! The ledger's cost per event: part of every result, so measured.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{Recorder, Run, RunEnd, Task, TaskId};

const TASKS: usize = 1 << 20;

fn recorder() -> Recorder {
    Recorder::new(Ledger::new(1, TASKS, 0, 60_000_000_000))
}

fn per_event(c: &mut Criterion) {
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements(1));
    let log = recorder();
    let mut at = 0u64;
    let mut next = || {
        at += 1;
        TaskId::new(1, at % TASKS as u64)
    };
    group.bench_function("taken", |b| {
        b.iter(|| log.taken(&Task { id: next(), intended: 10, due: 10, key: None, body: &[] }, 20));
    });
    group.bench_function("confirmed", |b| b.iter(|| log.confirmed(next(), 30)));
    group.bench_function("ran", |b| {
        b.iter(|| log.ran(Run { id: next(), start: 40, end: 50, ended: RunEnd::Failed }));
    });
    group.bench_function("read", |b| {
        b.iter(|| black_box(log.ledger().entry(next().sequence() as usize)));
    });
    group.finish();
}

criterion_group!(benches, per_event);
criterion_main!(benches);
