//! Backlogs, made up: two sizes, three times each, one that loses all, one that
//! is cut off, one that nobody vouched for, one that was never asked and one
//! whose memory does not show it.

use std::collections::BTreeMap;

use schedbench_contract::DurabilityClass;
use schedbench_reports::outcome::*;

use super::*;

const KILL: &str = "kill broker at 3 s for 1 s";
const ON: f64 = 5.0;

/// Its series: built up in a tenth of a second, at rest, then drained.
fn over_time(tasks: u64, drained: f64) -> Series {
    let end = ON + drained;
    let bin_s = end / 60.0;
    let middle = |bin: u32| (f64::from(bin) + 0.5) * bin_s;
    let owed = |at: f64| match at {
        at if at < ON => tasks as f64,
        at => tasks as f64 * (1.0 - (at - ON) / drained).max(0.0),
    };
    let done = |at: f64| if at < ON { 0.0 } else { tasks as f64 / drained };
    let columns = BTreeMap::from([
        ("throughput".to_owned(), (0..60).map(|bin| Some(done(middle(bin)))).collect()),
        ("backlog".to_owned(), (0..60).map(|bin| Some(owed(middle(bin)))).collect()),
    ]);
    Series { bin_s, start_s: 0.0, columns }
}

fn cell_of(model: &Model, tasks: u64, repeat: u32, number: u32) -> Cell {
    let rate = (model.capacity / 3.0).clamp(1e3, 40e3) * (1.0 + 0.02 * f64::from(repeat));
    let drained = tasks as f64 / rate;
    let mut cell = cell(model, Load::Rate(1e3), repeat, number);
    cell.key.load = Load::Backlog(tasks);
    cell.key.fault = Some(KILL.into());
    cell.held = Held::NotJudged("a backlog: nothing arrives while it is drained".into());
    cell.state = State::NotSteady("a backlog was built up and drained".into());
    cell.histograms.clear();
    cell.validity = Validity::Valid;
    cell.series = over_time(tasks, drained);
    let counts = &mut cell.counts;
    *counts = Counts { attempted: tasks, balances: true, ..Counts::default() };
    counts.grid.ok[1] = tasks;
    counts.window = WindowCounts { intended: tasks, done: tasks, ..WindowCounts::default() };
    cell.metrics = BTreeMap::from(
        [
            ("confirmed", tasks as f64),
            ("survived", tasks as f64),
            ("lost", 0.0),
            ("build_up", 2.0 * rate),
            ("answers", 1.3 + 0.1 * f64::from(repeat)),
            ("restart", 0.3 + 0.1 * f64::from(repeat)),
            ("ready", 0.05),
            ("resume", 0.06),
            ("drain_time", 0.06 + drained),
            ("drain_rate", rate),
            ("bytes_per_task", 800.0 + 10.0 * f64::from(repeat)),
        ]
        .map(|(name, value)| (format!("backlog.{name}"), Value::Is(value))),
    );
    cell.trials = vec![Trial {
        fault: KILL.into(),
        took_effect_s: 3.0,
        cleared_s: Some(4.0),
        ended_s: ON + drained,
        interval_s: 0.0,
        resolution_s: 0.0,
        readings: BTreeMap::new(),
        lost: 0,
        exposed: tasks,
        done: Vec::new(),
        drained_at: None,
        series: Default::default(),
    }];
    cell
}

/// Nothing of it ran.
fn nothing_ran(cell: &mut Cell) {
    for name in ["resume", "drain_time", "drain_rate"] {
        let why = Value::NotMeasured("nothing was left to run".into());
        cell.metrics.insert(format!("backlog.{name}"), why);
    }
    cell.metrics.insert("backlog.survived".into(), Value::Is(0.0));
}

/// So many of its tasks did not run.
fn without(cell: &mut Cell, n: u64) {
    cell.counts.grid.ok = [n, cell.counts.grid.ok[1] - n, 0];
    cell.counts.window.done -= n;
}

/// What of it is special, by system, profile, size and repeat.
fn bend(cell: &mut Cell, tasks: u64) {
    let key = cell.key.clone();
    // What it keeps is on the disk; its heap scatters by 400 kB.
    if key.system == "kafka" {
        let most = Value::AtMost(400e3 / tasks as f64);
        cell.metrics.insert("backlog.bytes_per_task".into(), most);
    }
    match (key.system.as_str(), key.profile.as_str()) {
        ("redis-asynq", "memory") => {
            without(cell, tasks);
            cell.counts.lost = tasks;
            cell.trials[0].lost = tasks;
            cell.metrics.insert("backlog.lost".into(), Value::Is(tasks as f64));
            nothing_ran(cell);
        }
        ("rabbitmq", "transient-no-confirm") => {
            cell.counts.grid.unknown = [tasks, 0, 0];
            cell.counts.grid.ok = [0; 3];
            cell.counts.window.done = 0;
            nothing_ran(cell);
            let why = Value::NotMeasured("nothing was confirmed".into());
            cell.metrics.insert("backlog.bytes_per_task".into(), why);
        }
        // Cut off in one of three, with 20,000 still there.
        ("celery", _) if tasks > 10_000 && key.repeat == 3 => {
            without(cell, 20_000);
            cell.counts.residual = 20_000;
            cell.metrics.insert("backlog.lost".into(), Value::AtLeast(0.0));
            cell.metrics.insert("backlog.drain_time".into(), Value::AtLeast(120.0));
        }
        // Twelve lost, where none may be.
        ("kafka", _) if tasks > 10_000 && key.repeat == 2 => {
            without(cell, 12);
            cell.counts.lost = 12;
            cell.trials[0].lost = 12;
            cell.metrics.insert("backlog.lost".into(), Value::Is(12.0));
        }
        // Nobody could be asked about seven.
        ("rabbitmq", _) if tasks == 10_000 && key.repeat == 1 => {
            without(cell, 7);
            cell.counts.residual = 7;
            let why = Value::NotMeasured("7 missing, not proved".into());
            cell.metrics.insert("backlog.lost".into(), why);
        }
        ("redis-asynq", _) if key.repeat == 2 => {
            cell.counts.grid.ok = [0, tasks - 3, 3];
            cell.counts.repeated = 3;
        }
        _ => {}
    }
}

/// Backlogs of 10k tasks, so many times each, of systems that are `pace` times
/// as quick as usual.
pub fn piled_up(
    models: &[Model],
    repeats: u32,
    mut pace: impl FnMut(&Model, u32) -> f64,
) -> Outcome {
    let mut outcome = empty();
    outcome.plan.scenario = "backlog".into();
    outcome.plan.repeats = repeats;
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for repeat in 1..=repeats {
        for model in models {
            number += 1;
            let mut cell = cell_of(model, 10_000, repeat, number);
            let pace = pace(model, repeat);
            for (name, power) in [("build_up", 1), ("resume", -1), ("drain_rate", 1)] {
                if let Some(Value::Is(it)) = cell.metrics.get_mut(&format!("backlog.{name}")) {
                    *it *= pace.powi(power);
                }
            }
            outcome.cells.push(cell);
        }
    }
    outcome.plan.planned = number;
    outcome
}

/// Seven profiles, 10k and 100k tasks, three times each.
pub fn piled() -> Outcome {
    let memory = Model { profile: "memory", class: DurabilityClass::BrokerMemory, ..asynq_rust() };
    let models =
        [asynq_rust(), memory, rabbit(), rabbit_transient(), kafka(), postgres(), celery()];
    let mut outcome = empty();
    outcome.plan.scenario = "backlog".into();
    outcome.plan.summary = "Tasks pile up, the broker is killed and comes back".into();
    outcome.plan.arrivals = "at once".into();
    outcome.plan.repeats = 3;
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for repeat in 1..=3 {
        for model in &models {
            for tasks in [100_000, 10_000] {
                number += 1;
                let mut cell = cell_of(model, tasks, repeat, number);
                bend(&mut cell, tasks);
                outcome.cells.push(cell);
            }
        }
    }
    outcome.plan.planned = number;
    outcome
}
