//! Small outcomes made by hand, for the tests of text.
#![allow(dead_code, reason = "each test uses its own part")]

use std::collections::BTreeMap;

use base64::Engine as _;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use schedbench_contract::{
    AckMode, ConfirmMode, DurabilityClass, MomentKind, Server, WorkersShape,
};
use schedbench_reports::outcome::*;

/// A histogram of these values, ns, with so many at +∞.
pub(crate) fn histogram(values: &[u64], at_infinity: u64) -> Histogram {
    let mut histogram = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    values.iter().for_each(|value| histogram.record(*value).unwrap());
    packed(&histogram, at_infinity)
}

fn packed(values: &hdrhistogram::Histogram<u64>, at_infinity: u64) -> Histogram {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(values, &mut bytes).unwrap();
    let data = base64::engine::general_purpose::STANDARD.encode(&bytes);
    Histogram { data, count: values.len(), at_infinity, early: 0 }
}

/// So many tasks with that P99, median a third of it; failed ones at +∞.
pub(crate) fn latencies(p99: &Value, intended: u64, failed: u64) -> Histogram {
    let ns = (p99.number().unwrap_or(2.0) * 1e9) as u64;
    let mut values = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    let done = intended - failed;
    let slow = done * 2 / 100;
    values.record_n(ns / 3, done - slow).unwrap();
    values.record_n(ns, slow).unwrap();
    packed(&values, failed)
}

/// A ramp's cell: offered, done, P99 start latency in seconds, failure rate.
pub(crate) fn cell(
    system: &str,
    rate: f64,
    repeat: u32,
    done: f64,
    p99: Value,
    failure_rate: f64,
) -> Cell {
    let horizon_s = 2.0;
    let intended = (rate * 10.0) as u64;
    let failed = (intended as f64 * failure_rate).round() as u64;
    let held = done >= 0.99 * rate && failure_rate < 0.001;
    let (system, profile) = system.split_once('/').unwrap_or((system, "default"));
    let metrics = [
        ("planned_rate", Value::Is(rate)),
        ("offered_rate", Value::Is(rate)),
        ("throughput", Value::Is(done)),
        ("failure_rate", Value::Is(failure_rate)),
        ("start_latency.p50", Value::Is(0.0021)),
        ("start_latency.p99", p99.clone()),
        ("pacing_lateness.p99", Value::Is(0.00004)),
        ("cpu.total", Value::Is(21.04)),
        ("pss.system", Value::Is(61e6)),
    ];
    Cell {
        key: CellKey {
            system: system.to_owned(),
            profile: profile.to_owned(),
            load: Load::Rate(rate),
            variant: None,
            fault: None,
            trial: None,
            repeat,
        },
        number: 1,
        block: 0,
        part: None,
        started_s: 42.5,
        reruns: 0,
        validity: Validity::Valid,
        state: if held { State::Steady } else { State::Overloaded("backlog grew".to_owned()) },
        held: if held { Held::Yes } else { Held::No("done 61 % of offered".to_owned()) },
        limit: if held {
            Limit::NotSaturated("0.8 of 2 cores busy".to_owned())
        } else {
            Limit::Broker("1 core busy".to_owned())
        },
        error: None,
        window: Window { warmup_s: 1.0, duration_s: 10.0, horizon_s, drain_s: 2.0 },
        pacing: "grid 100 µs".to_owned(),
        counts: Counts {
            attempted: intended,
            grid: Grid { ok: [failed, intended - failed, 0], ..Grid::default() },
            balances: true,
            residual: failed,
            window: WindowCounts {
                intended,
                done: intended - failed,
                late: failed,
                ..WindowCounts::default()
            },
            ..Counts::default()
        },
        metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
        histograms: BTreeMap::from([
            ("start_latency".to_owned(), latencies(&p99, intended, failed)),
            ("pacing_lateness".to_owned(), histogram(&[40_000], 0)),
        ]),
        series: Series {
            bin_s: 1.0,
            start_s: 0.0,
            columns: BTreeMap::from([(
                "throughput".to_owned(),
                vec![Some(rate), Some(0.1 + 0.2), None],
            )]),
        },
        moments: Vec::new(),
        trials: Vec::new(),
    }
}

/// A trial of that fault: back 3.4 s after it took effect.
pub(crate) fn trial(fault: &str) -> Trial {
    let readings = [
        ("detection.impact", Reading::Is(0.2)),
        ("recovery.from_fault", Reading::Is(3.4)),
        ("recovery.from_heal", Reading::Is(1.4)),
        ("drain", Reading::NoImpact),
        ("lost_goodput", Reading::Is(12_345.0)),
        ("served.in_fault", Reading::Is(0.081)),
    ];
    Trial {
        fault: fault.to_owned(),
        took_effect_s: 3.0,
        cleared_s: Some(5.0),
        ended_s: 10.0,
        interval_s: 0.1,
        resolution_s: 0.1,
        readings: readings.map(|(name, reading)| (name.to_owned(), reading)).into(),
        lost: 0,
        exposed: 1_000,
        done: Vec::new(),
        drained_at: None,
        series: Series::default(),
    }
}

/// A system of that class.
pub(crate) fn system(name: &str, durability: DurabilityClass, server: Option<Server>) -> System {
    let (system, profile) = name.split_once('/').unwrap_or((name, "default"));
    let broker = durability != DurabilityClass::InProcess;
    System {
        system: system.to_owned(),
        profile: profile.to_owned(),
        summary: "made for a test".to_owned(),
        claims: Claims {
            durability,
            ack: if broker { AckMode::Late } else { AckMode::None },
            confirms: ConfirmMode::Confirmed,
            delay: "native, early by at most 1 ms".to_owned(),
            order: "none".to_owned(),
            cancel: true,
            retries: "by the harness".to_owned(),
            not_comparable: None,
        },
        worker_runtime: "Rust".to_owned(),
        server,
    }
}

/// Redis as it describes itself.
pub(crate) fn redis() -> Server {
    Server {
        name: "redis".to_owned(),
        version: "7.0.15".to_owned(),
        year: Some(2022),
        settings: vec![("appendfsync".to_owned(), "everysec".to_owned())],
    }
}

/// An outcome of these systems and cells; cells get their numbers.
pub(crate) fn outcome(systems: Vec<System>, mut cells: Vec<Cell>) -> Outcome {
    for (number, cell) in cells.iter_mut().enumerate() {
        cell.number = number as u32 + 1;
    }
    Outcome {
        schema_version: SCHEMA_VERSION,
        run: Run {
            id: "7f3a".to_owned(),
            tool: "0.1.0".to_owned(),
            commit: Some("0123abc".to_owned()),
            started: "2026-11-23T04:30:00Z".to_owned(),
            elapsed_s: 711.25,
            command: ["schedbench", "run", "ramp"].map(str::to_owned).into(),
        },
        plan: Plan {
            scenario: "ramp".to_owned(),
            summary: "a ramp of rates".to_owned(),
            text: "name = \"ramp\"\n".to_owned(),
            overrides: vec!["repeats=3".to_owned()],
            hash: "9c1d".to_owned(),
            seed: u64::MAX,
            repeats: 3,
            planned: cells.len() as u32,
            shape: WorkersShape {
                processes: 1,
                concurrency: 64,
                prefetch: 64,
                connections: 1,
                window: 1024,
            },
            body_bytes: 64,
            handler: "nothing".to_owned(),
            arrivals: "poisson".to_owned(),
            objective_p99_s: 1.0,
            objective_holds: None,
            objectives: Vec::new(),
        },
        host: Host {
            cpu: "EPYC".to_owned(),
            cores: 2,
            memory_bytes: 24 << 30,
            kernel: "6.18".to_owned(),
            os: "Debian 12".to_owned(),
            clock_source: "tsc".to_owned(),
            clock_read_ns: 37.2,
            placement: "shared".to_owned(),
            fifo: true,
            timer_slack_ns: 1,
            environment: None,
            network: None,
            proxy: None,
        },
        systems,
        skipped: Vec::new(),
        cells,
        ended: Ended::Complete,
    }
}

/// The ramp of the terminal's description: noop, the wheel and Redis.
pub(crate) fn ramp() -> Outcome {
    // Both below five times the pacing lateness.
    let fast = |rate| Value::AtMost(if rate < 50_000.0 { 0.000_18 } else { 0.000_2 });
    let mut cells = Vec::new();
    for repeat in 1..=3 {
        for rate in [10_000.0, 50_000.0, 100_000.0] {
            cells.push(cell("noop", rate, repeat, rate, fast(rate), 0.0));
            cells.push(cell("wheel", rate, repeat, rate, fast(rate), 0.0));
            let (done, p99, failed) = match rate {
                100_000.0 => (52_100.0, Value::AtLeast(2.0), 0.44),
                _ => (rate, Value::Is(0.006_23), 0.0),
            };
            cells.push(cell("redis-asynq/everysec", rate, repeat, done, p99, failed));
        }
    }
    for noop in cells.iter_mut().filter(|cell| cell.key.system == "noop") {
        let none = Value::NotMeasured("nothing to measure".to_owned());
        noop.metrics.insert("pss.system".to_owned(), none);
        noop.metrics.insert("cpu.total".to_owned(), Value::Is(0.112));
    }
    if let Some(last) = cells.last_mut() {
        last.validity = Validity::Disturbed("0.4 core of other work".to_owned());
    }
    let systems = vec![
        system("wheel", DurabilityClass::InProcess, None),
        system("redis-asynq/everysec", DurabilityClass::ProcessCrash, Some(redis())),
        system("noop", DurabilityClass::InProcess, None),
    ];
    outcome(systems, cells)
}

/// An outcome in which every variant of every enum and every optional field
/// stands somewhere.
pub(crate) fn every_variant() -> Vec<Outcome> {
    let mut first = ramp();
    let why = || "because".to_owned();
    let validities = [
        Validity::Valid,
        Validity::GeneratorLimited(why()),
        Validity::ClientLimited(why()),
        Validity::Disturbed(why()),
        Validity::ClockSuspect(why()),
        Validity::Incomplete(why()),
        Validity::Unbalanced(why()),
    ];
    let states = [State::Steady, State::NotSteady(why()), State::Overloaded(why())];
    let limits = [
        Limit::NotSaturated(why()),
        Limit::Generator(why()),
        Limit::Client(why()),
        Limit::Broker(why()),
        Limit::Workers(why()),
        Limit::Machine(why()),
        Limit::Delivery(why()),
        Limit::Waiting(why()),
        Limit::Unknown(why()),
    ];
    let judgements = [Held::Yes, Held::No(why()), Held::NotJudged(why())];
    let values = [
        Value::Is(1.5),
        Value::AtLeast(2.0),
        Value::AtMost(1e-9),
        Value::NotMeasured(why()),
        Value::Unsupported(why()),
    ];
    for (place, cell) in first.cells.iter_mut().enumerate() {
        cell.validity = validities[place % validities.len()].clone();
        cell.state = states[place % states.len()].clone();
        cell.limit = limits[place % limits.len()].clone();
        cell.held = judgements[(place / 3) % judgements.len()].clone();
        cell.metrics.insert("backlog_slope".to_owned(), values[place % values.len()].clone());
        if place % 2 == 0 {
            cell.key.load = Load::InFlight(1_000);
            cell.key.variant = Some("delay 10 ms".to_owned());
            cell.key.fault = Some("kill broker".to_owned());
            cell.error = Some(CellError { message: why(), log: vec![why(), String::new()] });
        }
        cell.moments = [
            MomentKind::Disconnected,
            MomentKind::Reconnected,
            MomentKind::FlowControl,
            MomentKind::Worker,
            MomentKind::Broker,
            MomentKind::Pause,
            MomentKind::Note,
        ]
        .map(|kind| Mark { at_s: -1.25, kind, text: why() })
        .into();
    }
    first.skipped = vec![
        Skipped { target: "kafka/acks-all".to_owned(), why: why(), remedy: Some(why()) },
        Skipped { target: "celery".to_owned(), why: why(), remedy: None },
    ];
    let classes = [
        DurabilityClass::InProcess,
        DurabilityClass::BrokerMemory,
        DurabilityClass::BoundedWindow,
        DurabilityClass::ProcessCrash,
        DurabilityClass::PowerLoss,
        DurabilityClass::Replicated,
    ];
    first.systems = classes.iter().map(|class| system("some", *class, Some(redis()))).collect();
    first.systems[0].claims.ack = AckMode::Early;
    first.systems[1].claims.ack = AckMode::None;
    first.systems[1].server = None;
    first.systems[2].claims.not_comparable = Some(why());
    first.systems[2].claims.confirms = ConfirmMode::Unconfirmed;
    [Ended::Running, Ended::Complete, Ended::Interrupted(why()), Ended::Failed(why())]
        .map(|ended| Outcome { ended, ..first.clone() })
        .into()
}
