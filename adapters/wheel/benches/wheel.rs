//! Insert, cancel and expire with 1 k and 1 M timers pending, uniform over
//! 10 s, at ticks of 1 µs and 1 ms.
//!
//! Every operation is measured at a steady number pending: what an iteration
//! takes away is put back outside the measured time, and the reverse.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use schedbench_wheel::{Handle, More, Wheel};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const SPAN_NS: u64 = 10_000 * MS;
const HOUR_NS: u64 = 3_600_000 * MS;

/// Operations between two readings of the clock, so that reading it costs each
/// of them next to nothing, and small beside what is pending.
const BATCH: u64 = 256;

struct Bench {
    wheel: Wheel<u64>,
    now_ns: u64,
    random: u64,
    handles: Vec<Handle>,
}

impl Bench {
    fn new(tick_ns: u64, pending: u64) -> Self {
        let capacity = 2 * (pending + BATCH) as usize;
        let wheel = Wheel::with_capacity(tick_ns, HOUR_NS, 0, capacity).unwrap();
        let mut bench = Self { wheel, now_ns: 0, random: 0x2545_F491_4F6C_DD1D, handles: vec![] };
        for _ in 0..pending {
            bench.insert();
        }
        bench
    }

    /// Xorshift64 (Marsaglia 2003).
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn due_ns(&mut self) -> u64 {
        self.now_ns + self.random() % SPAN_NS
    }

    fn insert(&mut self) {
        let due_ns = self.due_ns();
        self.handles.push(self.wheel.insert(due_ns, due_ns).unwrap());
    }

    fn dues(&mut self) -> Vec<u64> {
        (0..BATCH).map(|_| self.due_ns()).collect()
    }

    /// Takes handles at random: the oldest or the latest lie side by side.
    fn some_handles(&mut self) -> Vec<Handle> {
        let mut taken = Vec::with_capacity(BATCH as usize);
        for _ in 0..BATCH {
            let which = self.random() as usize % self.handles.len();
            taken.push(self.handles.swap_remove(which));
        }
        taken
    }

    fn time_inserts(&mut self) -> Duration {
        let dues = self.dues();
        let started = Instant::now();
        for &due_ns in &dues {
            self.handles.push(self.wheel.insert(black_box(due_ns), due_ns).unwrap());
        }
        let taken = started.elapsed();
        for handle in self.some_handles() {
            self.wheel.cancel(handle);
        }
        taken
    }

    fn time_cancels(&mut self) -> Duration {
        (0..BATCH).for_each(|_| self.insert());
        let handles = self.some_handles();
        let started = Instant::now();
        for handle in handles {
            black_box(self.wheel.cancel(black_box(handle)));
        }
        started.elapsed()
    }

    /// Advances by as much as lets about `BATCH` timers fire. Returns how many
    /// did; as many are inserted afterwards.
    fn time_expire(&mut self) -> (Duration, u64) {
        self.now_ns += SPAN_NS * BATCH / 2 / self.wheel.len() as u64;
        let mut fired = 0;
        let started = Instant::now();
        while self.wheel.expire(self.now_ns, BATCH as usize, |value| {
            black_box(value);
            fired += 1;
        }) == More::Yes
        {}
        let taken = started.elapsed();
        for _ in 0..fired {
            let due_ns = self.due_ns();
            self.wheel.insert(due_ns, due_ns).unwrap();
        }
        (taken, fired)
    }
}

/// Runs batches until `operations` are done and scales to exactly that many.
fn repeat(operations: u64, mut batch: impl FnMut() -> (Duration, u64)) -> Duration {
    let (mut total, mut done) = (Duration::ZERO, 0);
    while done < operations {
        let (taken, did) = batch();
        total += taken;
        done += did;
    }
    total.mul_f64(operations as f64 / done as f64)
}

fn wheel(criterion: &mut Criterion) {
    for (tick, tick_ns) in [("1us", US), ("1ms", MS)] {
        let mut group = criterion.benchmark_group(format!("wheel/{tick}"));
        group.throughput(Throughput::Elements(1));
        for (name, pending) in [("1k", 1_000), ("1M", 1_000_000)] {
            group.bench_function(BenchmarkId::new("insert", name), |bencher| {
                let mut bench = Bench::new(tick_ns, pending);
                bencher.iter_custom(|n| repeat(n, || (bench.time_inserts(), BATCH)));
            });
            group.bench_function(BenchmarkId::new("cancel", name), |bencher| {
                let mut bench = Bench::new(tick_ns, pending);
                bencher.iter_custom(|n| repeat(n, || (bench.time_cancels(), BATCH)));
            });
            group.bench_function(BenchmarkId::new("expire", name), |bencher| {
                let mut bench = Bench::new(tick_ns, pending);
                bencher.iter_custom(|n| repeat(n, || bench.time_expire()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, wheel);
criterion_main!(benches);
