//! A fault run, made up: brokers killed and links cut, three times each, with
//! every kind of figure and one promise broken.

use std::collections::BTreeMap;

use schedbench_contract::DurabilityClass;
use schedbench_reports::outcome::*;

use super::*;

const KILL: &str = "kill broker at 15 s for 5 s";
const CUT: &str = "black-hole links at 15 s for 5 s";
/// The fault takes effect and is undone, and the watching ends, seconds.
const FROM: f64 = 15.0;
const UNTIL: f64 = 20.0;
const END: f64 = 45.0;
const RATE: f64 = 5e3;

/// Until it had recovered, seconds after the fault took effect; `None` where
/// it had not at the end.
fn trial(fault: &str, recovered: Option<f64>, served: f64) -> Trial {
    let back = |origin: f64| match recovered {
        Some(after) => Reading::Is(after - origin),
        None => Reading::MoreThan(END - FROM - origin),
    };
    let lasted = UNTIL - FROM;
    let lost_goodput = RATE * recovered.unwrap_or(END - FROM);
    let readings = [
        ("detection.impact", Reading::Is(0.0)),
        ("detection.client", Reading::Is(0.04)),
        ("detection.alarm", Reading::Is(1.1)),
        ("recovery.from_fault", back(0.0)),
        ("recovery.from_heal", back(lasted)),
        ("drain", back(lasted).map(|s| s + 0.4)),
        ("lost_goodput", Reading::Is(lost_goodput)),
        ("served.in_fault", Reading::Is(served)),
        ("served.overall", Reading::Is(0.88)),
        ("relapses", Reading::Is(0.0)),
        ("loss.window", Reading::NotMeasured("nothing was lost".into())),
    ];
    Trial {
        fault: fault.into(),
        took_effect_s: FROM,
        cleared_s: Some(UNTIL),
        ended_s: END,
        interval_s: 0.4,
        resolution_s: 0.4,
        readings: readings.map(|(name, reading)| (name.to_owned(), reading)).into(),
        lost: 0,
        exposed: 5_000,
        done: vec![Done { fault: fault.into(), took_effect_s: FROM, cleared_s: Some(UNTIL) }],
        drained_at: Some(140.0),
        series: over_time(recovered),
    }
}

/// Intervals of 0.4 s: an outage, then the backlog worked off at twice the rate.
fn over_time(recovered: Option<f64>) -> Series {
    let back = FROM + recovered.unwrap_or(END);
    let through = back + 2.0;
    let start = FROM - 37.0 * 0.4;
    let times: Vec<f64> = (0..112).map(|bin| start + f64::from(bin) * 0.4).collect();
    let done = |at: f64| match at {
        at if (FROM..back).contains(&at) => 0.0,
        at if (back..through).contains(&at) => 2.2 * RATE,
        _ => RATE,
    };
    let owed = |at: f64| match at {
        at if (FROM..back).contains(&at) => (at - FROM) * RATE,
        at if (back..through).contains(&at) => (back - FROM) * RATE * (through - at) / 2.0,
        _ => 40.0,
    };
    // What was due in the outage starts after it; what did not within T is at T.
    let waited = |at: f64| match recovered {
        Some(_) if (FROM..through).contains(&at) => (back - at).max(0.0) + 0.3,
        None if at >= FROM => 20.0,
        _ => 0.002,
    };
    let column = |of: &dyn Fn(f64) -> f64| times.iter().map(|at| Some(of(*at))).collect();
    let at_infinity = |at: f64| if waited(at) >= 20.0 { 2_000.0 } else { 0.0 };
    Series {
        bin_s: 0.4,
        start_s: start,
        columns: BTreeMap::from([
            ("throughput".to_owned(), column(&done)),
            ("backlog".to_owned(), column(&owed)),
            ("p99".to_owned(), column(&waited)),
            ("at_infinity".to_owned(), column(&at_infinity)),
        ]),
    }
}

/// Three trials of each; the third of RabbitMQ was disturbed and lost tasks.
pub fn drill() -> Outcome {
    let models = [
        noop(),
        asynq_rust(),
        rabbit(),
        kafka(),
        rabbit_transient(),
        Model { class: DurabilityClass::BrokerMemory, profile: "ephemeral", ..asynq_rust() },
    ];
    let mut outcome = ramp_of(&models, &[RATE], 1);
    outcome.plan.scenario = "broker-kill".into();
    outcome.plan.summary = "The broker is killed for 5 s: what is lost, how long it takes".into();
    outcome.cells.truncate(1);
    outcome.plan.repeats = 3;
    let mut number = 1;
    for repeat in 1..=3_u32 {
        for (fault, models) in [(KILL, &models[1..]), (CUT, &models[1..3])] {
            for model in models {
                number += 1;
                let mut cell = super::cell(model, Load::Rate(RATE), repeat, number);
                let more = f64::from(repeat) * 0.2;
                let recovered = match (model.system, fault) {
                    ("kafka", _) if repeat > 1 => None,
                    ("rabbitmq", KILL) => Some(9.0 + more),
                    _ => Some(5.3 + more),
                };
                cell.key.fault = Some(fault.into());
                cell.held = Held::NotJudged("a fault was done to it meanwhile".into());
                cell.window = Window { duration_s: END, horizon_s: 20.0, ..cell.window };
                cell.trials = vec![self::trial(fault, recovered, 0.06 + more / 100.0)];
                outcome.cells.push(cell);
            }
        }
    }
    outcome.plan.planned = number;
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.fault.is_some()) {
        let counts = &mut cell.counts;
        let third = cell.key.repeat == 3;
        match (cell.key.system.as_str(), cell.key.profile.as_str()) {
            ("rabbitmq", "durable") if third && cell.key.fault.as_deref() == Some(KILL) => {
                cell.validity = Validity::Disturbed("0.4 core of other work".into());
                missing(counts, 12);
                counts.lost = 12;
                cell.trials[0].lost = 12;
                cell.trials[0].readings.insert("loss.window".into(), Reading::Is(1.42));
            }
            ("rabbitmq", "durable") => {
                counts.grid.ok[1] -= 4;
                counts.grid.ok[2] = 4;
                counts.repeated = 4;
                counts.again.redelivered = 4;
            }
            ("rabbitmq", _) => {
                // Never confirmed: all of its tasks stay unknown.
                counts.grid.unknown = std::mem::take(&mut counts.grid.ok);
                counts.grid.unknown[0] += 137;
                counts.grid.unknown[1] -= 137;
                cell.trials[0].exposed = 0;
            }
            ("kafka", _) if third => {
                missing(counts, 30);
                counts.residual = 30;
            }
            ("redis-asynq", "ephemeral") => {
                missing(counts, 5_000);
                counts.lost = 5_000;
            }
            ("redis-asynq", _) if cell.key.fault.as_deref() == Some(CUT) => {
                let why = || Reading::NotSteady("goodput scatters by 80 %".into());
                if third {
                    cell.trials[0].readings.values_mut().for_each(|reading| *reading = why());
                } else {
                    for name in ["detection.impact", "recovery.from_fault", "drain"] {
                        cell.trials[0].readings.insert(name.into(), Reading::NoImpact);
                    }
                }
            }
            _ => {}
        }
    }
    outcome
}

/// Brokers killed in the trial `broker-kill`, so many times each, and nothing
/// lost; `back` says after how many seconds each had recovered, if at all.
pub fn killed(
    models: &[Model],
    repeats: u32,
    mut back: impl FnMut(&Model, u32) -> Option<f64>,
) -> Outcome {
    let mut outcome = empty();
    outcome.plan.scenario = "broker-kill".into();
    outcome.plan.repeats = repeats;
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for repeat in 1..=repeats {
        for model in models {
            number += 1;
            let mut cell = super::cell(model, Load::Rate(RATE), repeat, number);
            cell.key.fault = Some(KILL.into());
            cell.key.trial = Some("broker-kill".into());
            cell.held = Held::NotJudged("a fault was done to it meanwhile".into());
            cell.window = Window { duration_s: END, horizon_s: 20.0, ..cell.window };
            let served = 0.06 + f64::from(repeat) / 500.0;
            cell.trials = vec![self::trial(KILL, back(model, repeat), served)];
            outcome.cells.push(cell);
        }
    }
    outcome.plan.planned = number;
    outcome
}

/// So many of a cell's confirmed tasks are lost.
pub fn lose(cell: &mut Cell, n: u64) {
    missing(&mut cell.counts, n);
    cell.counts.lost = n;
    for trial in &mut cell.trials {
        trial.lost = n;
    }
}

/// So many confirmed tasks that never ran.
fn missing(counts: &mut Counts, n: u64) {
    counts.residual = 0;
    counts.grid.ok[1] += counts.grid.ok[0];
    counts.grid.ok[1] -= n;
    counts.grid.ok[0] = n;
}
