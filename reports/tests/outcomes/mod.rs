//! Outcomes made up for tests: plausible figures from a small queueing model,
//! the same on every machine. No file of measurements stands behind them.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses some of them")]

pub mod demanded;
pub mod drill;
pub mod piled;

use std::collections::BTreeMap;

pub use drill::drill;
pub use piled::piled;

use base64::Engine as _;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use schedbench_contract::{
    AckMode, ConfirmMode, DurabilityClass, MomentKind, Server, WorkersShape,
};
use schedbench_reports::outcome::*;

/// SplitMix64, so that the figures never change.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Sum of twelve uniforms: near enough to a normal.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// A made-up system.
#[derive(Clone)]
pub struct Model {
    pub system: &'static str,
    pub profile: &'static str,
    pub class: DurabilityClass,
    pub ack: AckMode,
    pub confirms: ConfirmMode,
    pub runtime: &'static str,
    pub server: Option<(&'static str, &'static str, u16)>,
    /// Tasks per second it can do.
    pub capacity: f64,
    /// Median start latency when idle, s.
    pub latency: f64,
    /// Standard deviation of the latency's logarithm.
    pub tail: f64,
    /// CPU-seconds per million: generator, client, broker, workers.
    pub cpu: [f64; 4],
    /// PSS in MB: broker, workers.
    pub pss: [f64; 2],
    /// Who is the limit beyond its capacity.
    pub limit: fn(String) -> Limit,
    /// Why its immediate tasks are not comparable.
    pub not_comparable: Option<&'static str>,
}

pub fn noop() -> Model {
    Model {
        system: "noop",
        profile: "default",
        class: DurabilityClass::InProcess,
        ack: AckMode::None,
        confirms: ConfirmMode::Confirmed,
        runtime: "Rust",
        server: None,
        capacity: 2e6,
        latency: 20e-6,
        tail: 0.45,
        cpu: [0.09, 0.01, 0.0, 0.02],
        pss: [0.0, 0.0],
        limit: Limit::Generator,
        not_comparable: None,
    }
}

pub fn wheel() -> Model {
    Model {
        system: "wheel",
        capacity: 900e3,
        latency: 320e-6,
        tail: 0.4,
        cpu: [0.1, 0.05, 0.0, 0.07],
        pss: [0.0, 9.0],
        ..noop()
    }
}

pub fn heap() -> Model {
    Model {
        system: "heap",
        capacity: 130e3,
        latency: 350e-6,
        tail: 0.5,
        cpu: [0.1, 0.4, 0.0, 0.6],
        pss: [0.0, 14.0],
        ..noop()
    }
}

pub fn tokio() -> Model {
    Model {
        system: "tokio",
        capacity: 72e3,
        latency: 1.1e-3,
        tail: 0.3,
        cpu: [0.1, 2.1, 0.0, 3.6],
        pss: [0.0, 61.0],
        limit: Limit::Workers,
        ..noop()
    }
}

pub fn delay_queue() -> Model {
    Model {
        system: "delay-queue",
        capacity: 95e3,
        latency: 1.2e-3,
        tail: 0.3,
        cpu: [0.1, 1.4, 0.0, 2.2],
        pss: [0.0, 33.0],
        limit: Limit::Machine,
        ..noop()
    }
}

pub fn go_timers() -> Model {
    Model {
        system: "go-timers",
        profile: "afterfunc",
        runtime: "Go",
        capacity: 190e3,
        latency: 0.12e-3,
        tail: 0.6,
        cpu: [0.2, 0.6, 0.0, 2.9],
        pss: [0.0, 48.0],
        not_comparable: Some("immediate tasks wait in no timer"),
        ..noop()
    }
}

pub fn gocron() -> Model {
    Model {
        system: "gocron",
        profile: "no-lock",
        runtime: "Go",
        capacity: 41e3,
        latency: 0.6e-3,
        tail: 0.8,
        cpu: [0.2, 0.7, 0.0, 17.0],
        pss: [0.0, 96.0],
        limit: Limit::Workers,
        ..noop()
    }
}

pub fn asynq_rust() -> Model {
    Model {
        system: "redis-asynq",
        profile: "everysec",
        class: DurabilityClass::ProcessCrash,
        ack: AckMode::Late,
        confirms: ConfirmMode::Confirmed,
        server: Some(("redis", "7.0.15", 2022)),
        capacity: 29e3,
        latency: 0.9e-3,
        tail: 0.55,
        cpu: [0.4, 4.2, 9.1, 7.9],
        pss: [41.0, 20.0],
        limit: Limit::Broker,
        ..noop()
    }
}

pub fn asynq_go() -> Model {
    Model {
        system: "asynq",
        profile: "default",
        runtime: "Go",
        capacity: 7.4e3,
        latency: 3.1e-3,
        tail: 0.8,
        cpu: [0.4, 4.2, 31.0, 62.0],
        pss: [44.0, 71.0],
        limit: Limit::Workers,
        ..asynq_rust()
    }
}

pub fn asynq_always() -> Model {
    Model {
        profile: "always",
        class: DurabilityClass::PowerLoss,
        capacity: 12e3,
        latency: 2.9e-3,
        tail: 0.7,
        cpu: [0.4, 4.4, 19.0, 8.2],
        ..asynq_rust()
    }
}

pub fn rabbit() -> Model {
    Model {
        system: "rabbitmq",
        profile: "durable",
        server: Some(("rabbitmq", "3.10.8", 2022)),
        capacity: 17e3,
        latency: 1.6e-3,
        tail: 0.6,
        cpu: [0.4, 6.0, 61.0, 12.0],
        pss: [190.0, 21.0],
        ..asynq_rust()
    }
}

pub fn celery() -> Model {
    Model {
        system: "celery",
        profile: "late-ack",
        runtime: "Python",
        capacity: 2.2e3,
        latency: 5e-3,
        tail: 0.6,
        cpu: [0.4, 8.0, 31.0, 410.0],
        pss: [48.0, 230.0],
        limit: Limit::Workers,
        ..asynq_rust()
    }
}

pub fn kafka() -> Model {
    Model {
        system: "kafka",
        profile: "acks-all",
        server: Some(("kafka", "3.9.1", 2025)),
        capacity: 88e3,
        latency: 4.1e-3,
        tail: 0.5,
        cpu: [0.3, 1.1, 4.0, 2.2],
        pss: [610.0, 24.0],
        limit: Limit::Delivery,
        ..asynq_rust()
    }
}

pub fn rabbit_transient() -> Model {
    Model {
        profile: "transient-no-confirm",
        class: DurabilityClass::BrokerMemory,
        confirms: ConfirmMode::Unconfirmed,
        capacity: 34e3,
        latency: 0.8e-3,
        cpu: [0.4, 3.0, 31.0, 12.0],
        ..rabbit()
    }
}

pub fn celery_early() -> Model {
    Model { profile: "early-ack", ack: AckMode::Early, capacity: 2.9e3, ..celery() }
}

pub fn postgres_async() -> Model {
    Model {
        profile: "async-commit",
        class: DurabilityClass::BoundedWindow,
        capacity: 9.8e3,
        latency: 1.7e-3,
        ..postgres()
    }
}

pub fn postgres() -> Model {
    Model {
        system: "postgres",
        profile: "skip-locked",
        class: DurabilityClass::PowerLoss,
        server: Some(("postgresql", "15.18", 2026)),
        capacity: 6.1e3,
        latency: 3.9e-3,
        tail: 0.6,
        cpu: [0.4, 20.0, 150.0, 30.0],
        pss: [120.0, 19.0],
        ..asynq_rust()
    }
}

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

const D: f64 = 10.0;
const T: f64 = 2.0;

/// One cell of that model at that load.
pub fn cell(model: &Model, load: Load, repeat: u32, number: u32) -> Cell {
    let mut dice = Dice(u64::from(number) * 7919 + u64::from(repeat));
    let rate = load.amount();
    let capacity = model.capacity * (1.0 + 0.02 * dice.normal());
    let rho = rate / capacity;
    let intended = (rate * D) as u64;
    let overloaded = rho > 0.985;
    let done_rate = rate.min(capacity);
    // In overload the backlog grows through the window, and with it the wait.
    let growth = (rate - capacity).max(0.0) / rate;
    let noise = 1.0 + 0.04 * dice.normal();
    let mut latencies = Dice(u64::from(number) * 31 + 5);
    let (start, hdr) = histogram(intended, || {
        let base = model.latency * noise * (model.tail * latencies.normal()).exp();
        let queue = if overloaded {
            latencies.unit() * D * growth / (1.0 - growth)
        } else {
            base * (1.0 / (1.0 - rho.min(0.97)) - 1.0) * 0.3
        };
        Some(base + queue).filter(|total| *total < T)
    });
    let (pacing, late) = histogram(intended, || Some(18e-6 * (0.6 * latencies.normal()).exp()));
    let failed = start.at_infinity;
    let mut metrics = BTreeMap::new();
    // Below what the pacing resolves.
    let mut bounded = Vec::new();
    let mut put = |name: &str, number: f64| {
        metrics.insert(name.to_owned(), Value::Is(number));
    };
    put("planned_rate", rate);
    put("offered_rate", rate * (1.0 + 0.0004 * dice.normal()));
    put("throughput", done_rate * (1.0 + 0.0006 * dice.normal()));
    put("failure_rate", failed as f64 / intended.max(1) as f64);
    for (suffix, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
        let (started, paced) = (hdr.value_at_quantile(q), late.value_at_quantile(q));
        put(&format!("start_latency.{suffix}"), started as f64 * 1e-9);
        if started < 5 * paced {
            bounded.push((format!("start_latency.{suffix}"), started as f64 * 1e-9));
        }
        put(&format!("pacing_lateness.{suffix}"), late.value_at_quantile(q) as f64 * 1e-9);
    }
    let names = ["cpu.generator", "cpu.client", "cpu.broker", "cpu.workers"];
    let mut total = 0.0;
    for (name, cpu) in names.into_iter().zip(model.cpu) {
        if cpu > 0.0 {
            let cpu = cpu * (1.0 + 0.03 * dice.normal());
            total += cpu;
            put(name, cpu);
        }
    }
    put("cpu.total", total);
    put("rss.harness", 38e6 + rate * 120.0);
    if model.pss[0] > 0.0 {
        put("rss.broker", model.pss[0] * 1.15e6);
        put("pss.broker", model.pss[0] * 1e6);
    }
    if model.pss[1] > 0.0 {
        put("rss.workers", model.pss[1] * 1.3e6);
        put("pss.workers", model.pss[1] * 1e6);
        put("pss.system", (model.pss[0] + model.pss[1]) * 1e6);
    }
    put("backlog_slope", (rate - capacity).max(0.0));
    let cores = |cpu: f64| cpu * done_rate * 1e-6;
    let busy = model.cpu.map(|cpu| format!("{:.2}", cores(cpu)));
    let [generator, client, broker, workers] = &busy;
    for (name, cpu) in names.into_iter().zip(model.cpu) {
        put(&name.replace("cpu.", "busy."), cores(cpu));
    }
    metrics.extend(bounded.into_iter().map(|(name, number)| (name, Value::AtMost(number))));
    let figures = format!(
        "generator {generator}, client {client}, broker {broker}, workers {workers} of 2 cores"
    );
    let limit = if overloaded {
        (model.limit)(format!("{figures}; window full 83 % of the time"))
    } else {
        Limit::NotSaturated(figures)
    };
    let bins = 40;
    let mut columns: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for bin in 0..bins {
        let at = f64::from(bin) / f64::from(bins);
        let mut put = |name: &str, number: f64| {
            columns.entry(name.to_owned()).or_default().push(Some(number));
        };
        let wobble = 1.0 + 0.02 * dice.normal() / (done_rate / 1e3).sqrt();
        put("offered", rate * (1.0 + 0.01 * dice.normal() / (rate / 1e3).sqrt()));
        put("throughput", done_rate * wobble);
        let queue = at * D * growth;
        put(
            "p50",
            (hdr.value_at_quantile(0.5) as f64 * 1e-9 * wobble).min(T)
                + if overloaded { queue.min(T) } else { 0.0 },
        );
        put(
            "p99",
            hdr.value_at_quantile(0.99) as f64 * 1e-9 * (0.2 * dice.normal()).exp()
                + if overloaded { queue.min(T) } else { 0.0 },
        );
        put(
            "backlog",
            done_rate * model.latency * 1.5 * wobble + (rate - capacity).max(0.0) * at * D,
        );
    }
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
        started_s: 15.0 * f64::from(number),
        reruns: 0,
        validity: Validity::Valid,
        state: if overloaded {
            State::Overloaded(format!("backlog grew by {:.0}/s", rate - capacity))
        } else {
            State::Steady
        },
        held: if overloaded {
            Held::No(format!("done {:.1} % of offered", 100.0 * done_rate / rate))
        } else {
            Held::Yes
        },
        limit,
        error: None,
        window: Window {
            warmup_s: 2.0,
            duration_s: D,
            horizon_s: T,
            drain_s: if overloaded { 2.0 } else { 0.02 },
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
        series: Series { bin_s: D / f64::from(bins), start_s: 0.0, columns },
        moments: Vec::new(),
        trials: Vec::new(),
    }
}

fn system(model: &Model) -> System {
    System {
        system: model.system.into(),
        profile: model.profile.into(),
        summary: format!("{} as its {} profile", model.system, model.profile),
        claims: Claims {
            durability: model.class,
            ack: model.ack,
            confirms: model.confirms,
            delay: "native, never early".into(),
            order: "none".into(),
            cancel: true,
            retries: "native".into(),
            not_comparable: model.not_comparable.map(String::from),
        },
        worker_runtime: model.runtime.into(),
        server: model.server.map(|(name, version, year)| Server {
            name: name.into(),
            version: version.into(),
            year: Some(year),
            settings: vec![
                ("appendonly".into(), "yes".into()),
                ("appendfsync".into(), model.profile.into()),
                ("io-threads".into(), "1".into()),
            ],
        }),
    }
}

/// An outcome without cells.
pub fn empty() -> Outcome {
    Outcome {
        schema_version: SCHEMA_VERSION,
        run: Run {
            id: "7f3a".into(),
            tool: "0.1.0".into(),
            commit: Some("47aec3a1f0".into()),
            started: "2026-11-23T04:30:00Z".into(),
            elapsed_s: 742.0,
            command: ["schedbench", "run", "ramp", "--systems", "wheel,heap,tokio,redis-asynq", "--repeats", "3"].map(String::from).into(),
        },
        plan: Plan {
            scenario: "ramp".into(),
            summary: "Open loop from 1k/s to 100k/s, immediate tasks".into(),
            text: "# 1k → 100k\n[load]\nrates = [\"1k\", \"5k\", \"10k\", \"20k\", \"50k\", \"100k\"]\nduration = \"10 s\"\nhorizon = \"2 s\"\n".into(),
            overrides: vec!["repeats=3".into()],
            hash: "b3a1c0ffee".into(),
            seed: 7,
            repeats: 3,
            planned: 0,
            shape: WorkersShape { processes: 2, concurrency: 10, prefetch: 100, connections: 2, window: 1000 },
            body_bytes: 256,
            handler: "nothing".into(),
            arrivals: "poisson".into(),
            objective_p99_s: 1.0,
            objective_holds: None,
            objectives: Vec::new(),
        },
        host: Host {
            cpu: "AMD EPYC 7763".into(),
            cores: 2,
            memory_bytes: 25_000_000_000,
            kernel: "Linux 6.18.5".into(),
            os: "Debian GNU/Linux 12".into(),
            clock_source: "tsc".into(),
            clock_read_ns: 37.0,
            placement: "shared".into(),
            fifo: true,
            timer_slack_ns: 1,
            environment: None,
            network: None,
            proxy: None,
        },
        systems: Vec::new(),
        skipped: Vec::new(),
        cells: Vec::new(),
        ended: Ended::Complete,
    }
}

/// A ramp of these systems.
pub fn ramp_of(models: &[Model], rates: &[f64], repeats: u32) -> Outcome {
    ramp_from(models, rates, repeats, 0)
}

/// The same with other cells' numbers, which the figures scatter by.
pub fn ramp_from(models: &[Model], rates: &[f64], repeats: u32, first: u32) -> Outcome {
    let mut outcome = empty();
    outcome.systems = models.iter().map(system).collect();
    outcome.plan.repeats = repeats;
    let mut number = first;
    for repeat in 1..=repeats {
        for model in models {
            for rate in rates {
                number += 1;
                outcome.cells.push(cell(model, Load::Rate(*rate), repeat, number));
            }
        }
    }
    outcome.plan.planned = number - first;
    outcome
}

pub const RATES: [f64; 6] = [1e3, 5e3, 10e3, 20e3, 50e3, 100e3];

fn find(outcome: &mut Outcome, system: &str, rate: f64, repeat: u32) -> Option<usize> {
    outcome.cells.iter().position(|c| {
        c.key.system == system && c.key.load == Load::Rate(rate) && c.key.repeat == repeat
    })
}

/// The default picture: noop, three in process, one broker; a disturbed cell,
/// generator-limited ones, losses.
pub fn ramp() -> Outcome {
    let mut outcome = ramp_of(&[noop(), wheel(), heap(), tokio(), asynq_rust()], &RATES, 3);
    if let Some(i) = find(&mut outcome, "redis-asynq", 10e3, 3) {
        outcome.cells[i].validity = Validity::Disturbed("0.4 core of other work".into());
    }
    for repeat in 1..=3 {
        if let Some(i) = find(&mut outcome, "heap", 100e3, repeat) {
            outcome.cells[i].validity = Validity::GeneratorLimited("lateness P99 3.1 ms".into());
        }
    }
    if let Some(i) = find(&mut outcome, "redis-asynq", 20e3, 2) {
        let cell = &mut outcome.cells[i];
        cell.counts.lost = 12;
        cell.counts.repeated = 31;
        cell.counts.grid.ok[1] -= 43;
        cell.counts.grid.ok[0] += 12;
        cell.counts.grid.ok[2] += 31;
        cell.moments.push(Mark {
            at_s: 4.2,
            kind: MomentKind::Reconnected,
            text: "producer connected again".into(),
        });
        cell.moments.push(Mark {
            at_s: 3.6,
            kind: MomentKind::Disconnected,
            text: "producer lost its connection".into(),
        });
    }
    outcome
}

/// The mission: every system of the article and the baselines, twelve and
/// more of six classes, one repeat. Celery cannot keep up from 5k/s on, its
/// 100k/s ends early; what is fed by a pipe is not comparable.
pub fn wide() -> Outcome {
    let mut outcome = ramp_of(
        &[
            noop(),
            wheel(),
            heap(),
            tokio(),
            delay_queue(),
            go_timers(),
            gocron(),
            asynq_rust(),
            asynq_go(),
            rabbit(),
            rabbit_transient(),
            celery(),
            celery_early(),
            kafka(),
            asynq_always(),
            postgres(),
            postgres_async(),
        ],
        &RATES,
        1,
    );
    outcome.run.command = ["schedbench", "run", "ramp"].map(String::from).into();
    outcome.skipped.push(Skipped {
        target: "kafka/rf3".into(),
        why: "clusters were not asked for".into(),
        remedy: Some("schedbench run ramp --clusters".into()),
    });
    if let Some(i) = find(&mut outcome, "kafka", 100e3, 1) {
        let cell = &mut outcome.cells[i];
        let why = "a client thread was busy 97 % of the window (limit 90 %)";
        cell.validity = Validity::ClientLimited(why.into());
        cell.held = Held::NotJudged(format!("client-limited: {why}"));
        cell.limit = Limit::Client(why.into());
    }
    if let Some(i) = find(&mut outcome, "celery", 100e3, 1) {
        let cell = &mut outcome.cells[i];
        cell.counts.repeated = 3;
        cell.counts.grid.ok[1] -= 3;
        cell.counts.grid.ok[2] += 3;
        cell.moments.push(Mark {
            at_s: 6.2,
            kind: MomentKind::FlowControl,
            text: "the broker blocked the publisher: memory alarm".into(),
        });
    }
    if let Some(i) = find(&mut outcome, "gocron", 100e3, 1) {
        let cell = &mut outcome.cells[i];
        let why = "the worker ended 3.1 s after it started (signal 9)";
        cell.validity = Validity::Incomplete(why.into());
        cell.held = Held::NotJudged("not measured".into());
        cell.limit = Limit::Unknown("not measured".into());
        cell.error = Some(CellError {
            message: format!("gocron/no-lock: {why}"),
            log: vec!["fatal error: runtime: out of memory".into()],
        });
        cell.metrics.clear();
        cell.histograms.clear();
        cell.series = Series::default();
        cell.counts = Counts { balances: true, ..Counts::default() };
    }
    outcome
}

/// Nine of them with five repeats, so that intervals and tests are shown.
pub fn repeated() -> Outcome {
    ramp_of(
        &[
            noop(),
            wheel(),
            heap(),
            asynq_rust(),
            rabbit(),
            celery(),
            kafka(),
            asynq_always(),
            postgres(),
        ],
        &RATES,
        5,
    )
}

/// What a report has to bear: 300 cells, ten systems at six loads, five repeats.
pub fn largest() -> Outcome {
    let systems = [
        noop(),
        wheel(),
        heap(),
        tokio(),
        asynq_rust(),
        rabbit(),
        celery(),
        kafka(),
        asynq_always(),
        postgres(),
    ];
    ramp_of(&systems, &RATES, 5)
}

/// Two systems that differ by chance alone, five repeats.
pub fn alike() -> Outcome {
    ramp_of(&[noop(), wheel(), Model { system: "heap", ..wheel() }], &[1e3, 10e3], 5)
}

/// So many in flight, instead of rates.
pub fn in_flight() -> Outcome {
    let mut outcome = empty();
    outcome.plan.scenario = "ramp-inflight".into();
    outcome.plan.arrivals = "in flight".into();
    let models = [noop(), wheel(), tokio(), asynq_rust(), kafka()];
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for model in &models {
        for n in [1_000_u64, 10_000, 100_000] {
            number += 1;
            let mut cell = cell(model, Load::Rate(model.capacity * 0.9), 1, number);
            cell.key.load = Load::InFlight(n);
            cell.held = Held::NotJudged("in flight".into());
            let saturation = n as f64 / (n as f64 + 900.0);
            cell.metrics.insert("throughput".into(), Value::Is(model.capacity * saturation));
            outcome.cells.push(cell);
        }
    }
    outcome.plan.planned = number;
    outcome
}

/// Delayed tasks: variants.
pub fn delays() -> Outcome {
    let mut outcome = empty();
    outcome.plan.scenario = "delays".into();
    let models = [noop(), wheel(), tokio(), asynq_rust()];
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for model in &models {
        for (variant, factor) in [("delay 1 s", 1.3), ("delay 10 ms", 1.0), ("delay 60 s", 4.0)] {
            for rate in [1e3, 5e3, 20e3] {
                number += 1;
                let slow = Model { latency: model.latency * factor, ..model.clone() };
                let mut cell = cell(&slow, Load::Rate(rate), 1, number);
                cell.key.variant = Some(variant.into());
                if let Some(h) = cell.histograms.remove("start_latency") {
                    cell.histograms.insert("firing_error".into(), h);
                }
                outcome.cells.push(cell);
            }
        }
    }
    outcome.plan.planned = number;
    outcome
}

/// A run that a signal ended.
pub fn partial() -> Outcome {
    let mut outcome = ramp();
    outcome.cells.truncate(13);
    outcome.ended = Ended::Interrupted("SIGINT".into());
    outcome
}

/// Two runs of one plan, five repeats each: between them `redis-asynq` became
/// slower and dearer, `rabbitmq` quicker, and the broker was another.
pub fn before_and_after() -> (Outcome, Outcome) {
    let rates = [1e3, 5e3, 10e3, 20e3];
    let before = ramp_from(&[noop(), asynq_rust(), rabbit(), kafka()], &rates, 5, 0);
    let slower = Model {
        latency: 1.25e-3,
        cpu: [0.4, 4.2, 11.3, 7.9],
        server: Some(("redis", "7.2.4", 2024)),
        ..asynq_rust()
    };
    let quicker = Model { latency: 1.2e-3, ..rabbit() };
    let mut after = ramp_from(&[noop(), slower, quicker, kafka()], &rates, 5, 500);
    after.run.id = "9b1c".into();
    after.run.started = "2026-11-24T04:30:00Z".into();
    after.run.commit = Some("1d2e3f4a5b".into());
    after.plan.seed = 8;
    (before, after)
}

/// One cell only.
pub fn single() -> Outcome {
    ramp_of(&[asynq_rust()], &[20e3], 1)
}

/// A system all of whose cells have errors.
pub fn broken() -> Outcome {
    let mut outcome = ramp_of(&[noop(), wheel(), kafka()], &[1e3, 10e3], 1);
    for cell in &mut outcome.cells {
        if cell.key.system == "kafka" {
            cell.validity = Validity::Incomplete("broker died".into());
            cell.state = State::Steady;
            cell.held = Held::NotJudged("incomplete".into());
            cell.error = Some(CellError {
                message: "kafka/acks-1: broker died 1.2 s after it started (exit 1)".into(),
                log: vec![
                    "java.net.BindException: Address already in use".into(),
                    "<script>alert(1)</script>".into(),
                ],
            });
            cell.counts = Counts::default();
            cell.metrics.clear();
            cell.histograms.clear();
            cell.series = Series::default();
        }
    }
    outcome
}

/// Values that only a hostile or broken file holds.
pub fn hostile() -> Outcome {
    let mut outcome = ramp_of(&[noop(), wheel(), asynq_rust()], &[1e3, 10e3], 2);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e308, 1e-308];
    for (place, cell) in outcome.cells.iter_mut().enumerate() {
        let number = odd[place % odd.len()];
        for value in cell.metrics.values_mut() {
            *value = Value::Is(number);
        }
        for column in cell.series.columns.values_mut() {
            column.iter_mut().step_by(2).for_each(|x| *x = Some(number));
        }
        cell.series.bin_s = number;
        cell.window.horizon_s = number;
        cell.counts.grid.ok = [u64::MAX; 3];
        cell.counts.window.late = u64::MAX;
        cell.counts.window.lost = u64::MAX;
        cell.key.variant =
            (place % 3 == 0).then(|| "</script><script>alert(2)</script>".to_owned());
        cell.trials.push(trial(number));
        cell.trials[0].fault = "<img src=x onerror=alert(5)>\u{0}".into();
        // A word of the planned fault is missing, and the sums overflow.
        cell.key.fault = (place % 2 == 1).then(|| "kill <script>alert(6)</script>, ,".into());
        cell.counts.lost = u64::MAX;
        cell.counts.residual = u64::MAX;
        cell.trials[0].exposed = u64::MAX;
        cell.trials[0].drained_at = Some(number);
        cell.trials[0].series.start_s = odd[(place + 3) % odd.len()];
        for column in cell.trials[0].series.columns.values_mut() {
            column.iter_mut().step_by(2).for_each(|x| *x = Some(number));
        }
        cell.trials[0].done = vec![Done {
            fault: "<img src=x onerror=alert(7)>".into(),
            took_effect_s: number,
            cleared_s: Some(number),
        }];
        cell.moments.push(Mark {
            at_s: number,
            kind: MomentKind::Note,
            text: "\u{0}<b>&amp;\"'".into(),
        });
    }
    outcome.cells[0].key.load = Load::Rate(f64::NAN);
    outcome.cells[1].key.load = Load::Rate(-5.0);
    outcome.cells[2].key.load = Load::Rate(f64::INFINITY);
    outcome.cells[3].key.load = Load::InFlight(u64::MAX);
    outcome.cells[4].key.load = Load::Backlog(u64::MAX);
    outcome.cells[5].key.load = Load::Backlog(0);
    outcome.systems[1].system = "<img src=x onerror=alert(3)>".repeat(20);
    outcome.plan.text = "</pre><script>alert(4)</script>".into();
    outcome.run.started = "not a date".into();
    outcome.run.elapsed_s = f64::NAN;
    outcome.run.command =
        vec!["schedbench".into(), "run".into(), "my scenario's.toml".into(), "<x>".into()];
    outcome
}

/// A broker killed 3 s into the window; a figure of each kind.
fn trial(after: f64) -> Trial {
    let readings = [
        ("detection.impact", Reading::Is(after)),
        ("detection.client", Reading::Is(0.004)),
        ("detection.alarm", Reading::NoImpact),
        ("recovery.from_fault", Reading::MoreThan(6.5)),
        ("recovery.from_heal", Reading::Is(-0.5)),
        ("drain", Reading::NotSteady("goodput scatters by 80 %".into())),
        ("lost_goodput", Reading::Is(12_345.0)),
        ("served.in_fault", Reading::Is(0.081)),
        ("loss.window", Reading::NotMeasured("nothing was lost".into())),
    ];
    Trial {
        fault: "kill broker at 3 s for 2 s".into(),
        took_effect_s: 3.0,
        cleared_s: Some(5.0),
        ended_s: 10.0,
        interval_s: 0.1,
        resolution_s: 0.1,
        readings: readings.map(|(name, reading)| (name.to_owned(), reading)).into(),
        lost: 7,
        exposed: 1_000,
        done: Vec::new(),
        drained_at: Some(520.0),
        series: Series {
            bin_s: 0.25,
            start_s: 0.0,
            columns: BTreeMap::from([
                (
                    "throughput".to_owned(),
                    (0..40)
                        .map(|bin| Some(if (12..22).contains(&bin) { 0.0 } else { 1e4 }))
                        .collect(),
                ),
                // Fewer than 1,000 tasks were due in some bins, none in one.
                (
                    "p99".to_owned(),
                    (0..40).map(|bin| (bin % 5 > 0 && bin != 21).then_some(0.004)).collect(),
                ),
                (
                    "largest".to_owned(),
                    (0..40).map(|bin| (bin % 5 == 0).then_some(0.011)).collect(),
                ),
            ]),
        },
    }
}

/// Two systems whose broker was killed in their only load.
pub fn faulted() -> Outcome {
    let mut outcome = ramp_of(&[noop(), asynq_rust(), rabbit()], &[10e3], 1);
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system != "noop") {
        cell.trials.push(trial(0.2));
        cell.key.fault = Some(cell.trials[0].fault.clone());
        cell.counts.lost = 7;
        cell.counts.grid.ok[0] += 7;
        cell.counts.grid.ok[1] -= 7;
        cell.held = Held::NotJudged("a fault was done to it meanwhile".into());
    }
    outcome
}

/// Two faults that overlap, noticed and over in a crowd of moments.
pub fn overlapping() -> Outcome {
    let mut outcome = faulted();
    let faults = ["delay links 20 ms at 3 s for 2 s", "kill worker:1 at 3.5 s for 1 s"];
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.fault.is_some()) {
        cell.key.fault = Some(faults.join(", "));
        let trial = &mut cell.trials[0];
        trial.fault = faults.join(", ");
        let done = |fault: &str, from, to| Done {
            fault: fault.into(),
            took_effect_s: from,
            cleared_s: Some(to),
        };
        trial.done = vec![done(faults[0], 3.0, 5.0), done(faults[1], 3.5, 4.5)];
        for (name, after) in [
            ("detection.client", 0.54),
            ("detection.alarm", 0.9),
            ("recovery.from_fault", 2.2),
            ("drain", 0.4),
        ] {
            trial.readings.insert(name.into(), Reading::Is(after));
        }
    }
    outcome
}

/// All of them by name.
pub fn all() -> Vec<(&'static str, Outcome)> {
    vec![
        ("ramp", ramp()),
        ("wide", wide()),
        ("repeated", repeated()),
        ("in-flight", in_flight()),
        ("alike", alike()),
        ("delays", delays()),
        ("faulted", faulted()),
        ("overlapping", overlapping()),
        ("drill", drill()),
        ("piled", piled()),
        ("demanded", demanded::demanded()),
        ("partial", partial()),
        ("single", single()),
        ("broken", broken()),
        ("hostile", hostile()),
        ("empty", empty()),
    ]
}
