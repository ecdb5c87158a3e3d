//! One cell of a system by a small queueing model: it keeps up until its
//! capacity, and beyond it the backlog grows through the window.

use std::collections::BTreeMap;

use base64::Engine as _;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use schedbench_reports::outcome::*;

use super::{Dice, Model};

/// The window, s.
const D: f64 = 10.0;
/// The horizon, s.
const T: f64 = 2.0;
/// Intervals of the series.
const BINS: u32 = 40;

const CPU: [&str; 4] = ["cpu.generator", "cpu.client", "cpu.broker", "cpu.workers"];

/// A histogram of `count` values drawn as `draw` says, in ns; `None` is +∞.
pub fn histogram(count: u64, mut draw: impl FnMut() -> Option<f64>) -> (Histogram, Hdr<u64>) {
    let mut hdr = Hdr::<u64>::new(3).expect("3 digits");
    let samples = count.clamp(1, 2_000);
    let (weight, mut rest) = (count / samples, count % samples);
    let mut at_infinity = 0;
    for _ in 0..samples {
        let n = weight + u64::from(rest > 0);
        rest = rest.saturating_sub(1);
        match draw() {
            Some(seconds) => hdr.record_n((seconds * 1e9).max(1.0) as u64, n).expect("resizes"),
            None => at_infinity += n,
        }
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&hdr, &mut bytes).expect("memory");
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    (Histogram { data, count: hdr.len(), at_infinity, early: 0 }, hdr)
}

/// What is offered to a system and what it can do of it, tasks per second.
struct Flow {
    rate: f64,
    capacity: f64,
}

impl Flow {
    fn load(&self) -> f64 {
        self.rate / self.capacity
    }
    fn is_overloaded(&self) -> bool {
        self.load() > 0.985
    }
    fn done(&self) -> f64 {
        self.rate.min(self.capacity)
    }
    /// By how much the backlog grows, and with it the wait.
    fn excess(&self) -> f64 {
        (self.rate - self.capacity).max(0.0)
    }
    /// The same as a share of what is offered.
    fn growth(&self) -> f64 {
        self.excess() / self.rate
    }
}

/// One cell of that model at that load.
pub fn cell(model: &Model, load: Load, repeat: u32, number: u32) -> Cell {
    let mut dice = Dice::of(u64::from(number) * 7919 + u64::from(repeat));
    let rate = load.amount();
    let flow = Flow { rate, capacity: model.capacity * (1.0 + 0.02 * dice.normal()) };
    let intended = (rate * D) as u64;
    let noise = 1.0 + 0.04 * dice.normal();
    let mut latencies = Dice::of(u64::from(number) * 31 + 5);
    let (start, started) = histogram(intended, || {
        Some(latency(model, &flow, noise, &mut latencies)).filter(|total| *total < T)
    });
    let (pacing, paced) = histogram(intended, || Some(18e-6 * (0.6 * latencies.normal()).exp()));
    let failed = start.at_infinity;
    let mut metrics = rates(&flow, failed as f64 / intended.max(1) as f64, &mut dice);
    metrics.extend(percentiles(&started, &paced));
    metrics.extend(costs(model, &flow, &mut dice));
    let columns = columns(model, &flow, &started, &mut dice);
    let warmup = (rate * 2.0) as u64;
    let done = intended - failed;
    Cell {
        key: CellKey {
            system: model.system.into(),
            profile: model.profile.into(),
            load,
            variant: None,
            fault: None,
            trial: None,
            repeat,
        },
        number,
        block: repeat,
        part: None,
        started_s: 15.0 * f64::from(number),
        reruns: 0,
        validity: Validity::Valid,
        state: if flow.is_overloaded() {
            State::Overloaded(format!("backlog grew by {:.0}/s", rate - flow.capacity))
        } else {
            State::Steady
        },
        held: if flow.is_overloaded() {
            Held::No(format!("done {:.1} % of offered", 100.0 * flow.done() / rate))
        } else {
            Held::Yes
        },
        limit: limit(model, &flow),
        error: None,
        window: Window {
            warmup_s: 2.0,
            duration_s: D,
            horizon_s: T,
            drain_s: if flow.is_overloaded() { 2.0 } else { 0.02 },
        },
        pacing: "grid 100 µs".into(),
        counts: Counts {
            attempted: intended + warmup,
            grid: Grid { ok: [failed, done + warmup, 0], ..Grid::default() },
            balances: true,
            residual: failed,
            window: WindowCounts { intended, done, late: failed, ..WindowCounts::default() },
            ..Counts::default()
        },
        metrics,
        histograms: BTreeMap::from([
            ("start_latency".to_owned(), start),
            ("pacing_lateness".to_owned(), pacing),
        ]),
        series: Series { bin_s: D / f64::from(BINS), start_s: 0.0, columns },
        moments: Vec::new(),
        trials: Vec::new(),
    }
}

/// From due to start, s: what an idle system takes, and the wait in its queue.
fn latency(model: &Model, flow: &Flow, noise: f64, dice: &mut Dice) -> f64 {
    let base = model.latency * noise * (model.tail * dice.normal()).exp();
    let queue = if flow.is_overloaded() {
        dice.unit() * D * flow.growth() / (1.0 - flow.growth())
    } else {
        base * (1.0 / (1.0 - flow.load().min(0.97)) - 1.0) * 0.3
    };
    base + queue
}

fn rates(flow: &Flow, failed: f64, dice: &mut Dice) -> BTreeMap<String, Value> {
    let rates = [
        ("planned_rate", flow.rate),
        ("offered_rate", flow.rate * (1.0 + 0.0004 * dice.normal())),
        ("throughput", flow.done() * (1.0 + 0.0006 * dice.normal())),
        ("failure_rate", failed),
        ("backlog_slope", flow.excess()),
        ("rss.harness", 38e6 + flow.rate * 120.0),
    ];
    rates.map(|(name, number)| (name.to_owned(), Value::Is(number))).into()
}

/// Latencies and the generator's own lateness, of which the former are only
/// bounded where the pacing does not resolve them.
fn percentiles(started: &Hdr<u64>, paced: &Hdr<u64>) -> BTreeMap<String, Value> {
    let mut metrics = BTreeMap::new();
    for (suffix, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
        let (started, paced) = (started.value_at_quantile(q), paced.value_at_quantile(q));
        let is_resolved = started >= 5 * paced;
        let start: fn(f64) -> Value = if is_resolved { Value::Is } else { Value::AtMost };
        metrics.insert(format!("start_latency.{suffix}"), start(started as f64 * 1e-9));
        metrics.insert(format!("pacing_lateness.{suffix}"), Value::Is(paced as f64 * 1e-9));
    }
    metrics
}

/// CPU and memory.
fn costs(model: &Model, flow: &Flow, dice: &mut Dice) -> BTreeMap<String, Value> {
    let mut metrics = BTreeMap::new();
    let mut put = |name: &str, number: f64| {
        metrics.insert(name.to_owned(), Value::Is(number));
    };
    let mut total = 0.0;
    for (name, usual) in CPU.into_iter().zip(model.cpu) {
        if usual > 0.0 {
            let cpu = usual * (1.0 + 0.03 * dice.normal());
            total += cpu;
            put(name, cpu);
        }
        put(&name.replace("cpu.", "busy."), cores(usual, flow));
    }
    put("cpu.total", total);
    let [broker, workers] = model.pss;
    if broker > 0.0 {
        put("rss.broker", broker * 1.15e6);
        put("pss.broker", broker * 1e6);
    }
    if workers > 0.0 {
        put("rss.workers", workers * 1.3e6);
        let programs = if model.server.is_some() { 2.0 } else { 1.0 };
        put("rss.per_worker", workers * 1.3e6 / programs);
        put("pss.workers", workers * 1e6);
        put("pss.system", (broker + workers) * 1e6);
    }
    let pause = match model.system {
        "asynq" | "gocron" | "go-timers" => Value::Is(0.4e-3),
        "celery" => Value::Is(11e-3),
        _ => Value::Unsupported("its workers have no garbage collector".into()),
    };
    metrics.insert("pause.workers".into(), pause);
    let pause = match (model.system, &model.server) {
        ("kafka", _) => Value::Is(7.2e-3),
        (_, Some(_)) => Value::Unsupported("its broker does not run in a JVM".into()),
        (_, None) => Value::Unsupported("it has no broker".into()),
    };
    metrics.insert("pause.broker".into(), pause);
    let allocations = match model.server {
        Some(_) => Value::NotMeasured("another process's allocations are not counted".into()),
        None => Value::Is(60.0 / flow.rate),
    };
    metrics.insert("allocations.per_task".into(), allocations);
    metrics
}

/// Cores that are busy with it, of CPU-seconds per million.
fn cores(cpu: f64, flow: &Flow) -> f64 {
    cpu * flow.done() * 1e-6
}

fn limit(model: &Model, flow: &Flow) -> Limit {
    let busy = model.cpu.map(|cpu| format!("{:.2}", cores(cpu, flow)));
    let [generator, client, broker, workers] = &busy;
    let figures = format!(
        "generator {generator}, client {client}, broker {broker}, workers {workers} of 2 cores"
    );
    if flow.is_overloaded() {
        (model.limit)(format!("{figures}; window full 83 % of the time"))
    } else {
        Limit::NotSaturated(figures)
    }
}

/// The series, interval by interval.
fn columns(
    model: &Model,
    flow: &Flow,
    started: &Hdr<u64>,
    dice: &mut Dice,
) -> BTreeMap<String, Vec<Option<f64>>> {
    let (rate, done) = (flow.rate, flow.done());
    let quantile = |q: f64| started.value_at_quantile(q) as f64 * 1e-9;
    let mut columns: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for bin in 0..BINS {
        let at = f64::from(bin) / f64::from(BINS);
        let mut put = |name: &str, number: f64| {
            columns.entry(name.to_owned()).or_default().push(Some(number));
        };
        let wobble = 1.0 + 0.02 * dice.normal() / (done / 1e3).sqrt();
        put("offered", rate * (1.0 + 0.01 * dice.normal() / (rate / 1e3).sqrt()));
        put("throughput", done * wobble);
        let queue = at * D * flow.growth();
        let queue = if flow.is_overloaded() { queue.min(T) } else { 0.0 };
        put("p50", (quantile(0.5) * wobble).min(T) + queue);
        put("p99", quantile(0.99) * (0.2 * dice.normal()).exp() + queue);
        put("backlog", done * model.latency * 1.5 * wobble + flow.excess() * at * D);
    }
    columns
}
