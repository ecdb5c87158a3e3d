//! Ramps: some systems at some rates, and what befell single cells of them.

use schedbench_contract::MomentKind;
use schedbench_reports::outcome::*;

use super::*;

pub const RATES: [f64; 6] = [1e3, 5e3, 10e3, 20e3, 50e3, 100e3];

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

/// A run that a signal ended.
pub fn partial() -> Outcome {
    let mut outcome = ramp();
    outcome.cells.truncate(13);
    outcome.ended = Ended::Interrupted("SIGINT".into());
    outcome
}

/// A ramp on a machine that others used all the time: no cell is valid.
pub fn invalid() -> Outcome {
    let why = "other processes took 0.4 core (limit 0.1)";
    let mut outcome = ramp_of(&[noop(), wheel(), asynq_rust()], &RATES, 5);
    for cell in &mut outcome.cells {
        cell.reruns = 2;
        cell.validity = Validity::Disturbed(why.into());
        cell.held = Held::NotJudged(format!("disturbed: {why}"));
        cell.limit = Limit::Unknown("the cell is disturbed".into());
    }
    outcome
}

/// One cell only.
pub fn single() -> Outcome {
    ramp_of(&[asynq_rust()], &[20e3], 1)
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
