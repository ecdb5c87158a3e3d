//! Known answers for percentiles: at +∞, with too few tasks, below the
//! generator's lateness, before the due time.

use schedbench::plan::{CellPlan, Delay, Load};
use schedbench::record::HandOver;
use schedbench_contract::ledger::Reason;
use schedbench_contract::{ConfirmMode, Delay as Claimed, RunEnd, Task};
use schedbench_reports::outcome::{Cell, Value};

use crate::stage::{MS, S, START, Stage, claiming, close, metric, number, plan};

fn too_few(cell: &Cell, name: &str) -> bool {
    matches!(metric(cell, name), Value::NotMeasured(why) if why.starts_with("fewer than 10"))
}

/// 9,999 tasks that waited 1 to 9,999 µs, once each.
#[test]
fn quantiles_of_a_known_distribution() {
    let mut stage = Stage::new(plan(10_000.0, 1));
    stage.run_all(|task| 1_000 * ((task.arrival.index * 7_919) % 9_999 + 1));
    let cell = stage.judge();
    for (name, micros) in [("p50", 5_000.0), ("p90", 9_000.0), ("p99", 9_900.0)] {
        let found = number(&cell, &format!("start_latency.{name}"));
        assert!(close(found, micros / 1e6, 1e-3), "{name}: {found}");
    }
    assert!(too_few(&cell, "start_latency.p999"), "9 tasks lie beyond it");
    assert!(close(number(&cell, "start_latency.max"), 9.999e-3, 1e-3));
    assert!(close(number(&cell, "completion_latency.p50"), 5.001e-3, 1e-3));
    assert!(close(number(&cell, "enqueue_latency.p50"), 1e-6, 1e-3));
    let histogram = &cell.histograms["start_latency"];
    assert_eq!((histogram.count, histogram.at_infinity), (9_999, 0));
}

#[test]
fn ten_tasks_must_lie_beyond() {
    let at = |rate: f64| {
        let mut stage = Stage::new(plan(rate, 1));
        stage.run_all(|_| MS);
        stage.judge()
    };
    // Constant arrivals at r/s for 1 s are r − 1 tasks.
    let cell = at(1_000.0);
    assert!(too_few(&cell, "start_latency.p99"), "999 tasks: 9 beyond");
    let cell = at(1_001.0);
    assert!(!too_few(&cell, "start_latency.p99"), "1,000 tasks: 10 beyond");
    assert!(too_few(&at(20.0), "start_latency.p50"));
    assert!(!too_few(&at(21.0), "start_latency.p50"));
    assert_eq!(metric(&at(2.0), "start_latency.max").number().map(|x| x > 0.0), Some(true));
}

/// 1,000/s for 10 s into a system that accepts for 5 s, after 0.1 ms each, and
/// then nothing more.
fn stops_accepting() -> Stage {
    let mut stage = Stage::new(plan(1_000.0, 10));
    for task in stage.tasks().into_iter().filter(|task| task.intended <= START + 5 * S) {
        stage.hand_over(&task, 0, MS / 10);
        stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
    }
    stage
}

/// 5,000 waited 0.1 ms, and 4,999 were still waiting when the generator gave up.
#[test]
fn who_waited_in_vain_is_in_the_back_pressure() {
    let mut stage = stops_accepting();
    let cell = stage.judge();
    assert!(close(number(&cell, "back_pressure.p50"), 1e-4, 1e-3));
    for name in ["p90", "p95", "p99", "max"] {
        let told = metric(&cell, &format!("back_pressure.{name}"));
        assert_eq!(told, &Value::AtLeast(2.0), "{name}");
    }
    assert!(too_few(&cell, "back_pressure.p999"), "9 tasks lie beyond it");
    let kept = &cell.histograms["back_pressure"];
    assert_eq!((kept.count, kept.at_infinity), (5_000, 4_999));
    // None of them is late by the generator's fault.
    assert_eq!(cell.histograms["pacing_lateness"].at_infinity, 0);
    // Of a cell that was stopped after 7 s the rest never waited.
    stage.ended = START + 7 * S;
    stage.cut_short = Some("stopped".into());
    assert_eq!(stage.judge().histograms["back_pressure"].at_infinity, 1_999);
}

/// In flight a task is offered when it is accepted: there is none that waits.
#[test]
fn in_flight_nobody_waits_in_vain() {
    let load = Load::InFlight { tasks: 10, window_ns: S, most_tasks: 1_000 };
    let mut stage = Stage::new(CellPlan { load, ..plan(1.0, 1) });
    for index in 0..1_000 {
        let at = START + index * MS;
        stage.hand_overs.push(HandOver { first: index, at });
        if index < 900 {
            let id = stage.id(index);
            let task = Task { id, intended: at, due: at, key: None, body: &[] };
            stage.log.taken_and_confirmed(&task, at);
            stage.ran(id, at, 1_000, RunEnd::Done);
        }
    }
    let cell = stage.judge();
    assert_eq!(cell.counts.window.unsent, 100);
    assert_eq!(cell.histograms["back_pressure"].at_infinity, 0);
}

/// 1 % refused, 1 % too late, 1 % never done, of 10,000.
#[test]
fn what_has_no_value_stands_at_infinity() {
    let mut stage = Stage::new(plan(10_001.0, 1));
    for task in stage.tasks() {
        match task.arrival.index % 100 {
            0 => {
                stage.log.taken(&task.task(), task.intended);
                stage.log.refused(task.id, Reason::Full, task.intended + 9);
            }
            1 => {
                stage.hand_over(&task, 0, 0);
                // It started in time; its end is what counts.
                stage.ran(task.id, task.due + MS, 2 * S + MS, RunEnd::Done);
            }
            2 => stage.hand_over(&task, 0, 0),
            _ => {
                stage.hand_over(&task, 0, 0);
                stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
            }
        }
    }
    let cell = stage.judge();
    assert_eq!(metric(&cell, "failure_rate"), &Value::Is(0.03));
    let window = cell.counts.window;
    assert_eq!((window.refused, window.late, window.lost), (100, 100, 100));
    assert!(close(number(&cell, "start_latency.p90"), 1e-3, 1e-3));
    for name in ["start_latency.p99", "completion_latency.p99", "start_latency.max"] {
        assert_eq!(metric(&cell, name), &Value::AtLeast(2.0), "{name}");
    }
    assert_eq!(metric(&cell, "enqueue_latency.max"), &Value::AtLeast(2.0), "the refused");
    let histogram = &cell.histograms["start_latency"];
    assert_eq!((histogram.count, histogram.at_infinity), (9_700, 300));
    assert_eq!(cell.histograms["enqueue_latency"].at_infinity, 100);
}

#[test]
fn below_five_times_the_lateness_nothing_is_known() {
    let at = |latency: u64| {
        let mut stage = Stage::new(plan(10_000.0, 1));
        for task in stage.tasks() {
            stage.hand_over(&task, 100_000, 0);
            stage.ran(task.id, task.due + latency, 1_000, RunEnd::Done);
        }
        metric(&stage.judge(), "start_latency.p99").clone()
    };
    assert!(matches!(at(490_000), Value::AtMost(x) if close(x, 490e-6, 1e-3)));
    assert!(matches!(at(510_000), Value::Is(x) if close(x, 510e-6, 1e-3)));
}

#[test]
fn delayed_tasks_have_firing_errors_and_early_ones_are_signed() {
    let delayed = CellPlan { delay: Delay::Fixed(50 * MS), ..plan(10_000.0, 1) };
    let mut stage = Stage::new(delayed.clone());
    for task in stage.tasks() {
        // Handed over 0.5 ms late, which moves no due time.
        stage.hand_over(&task, 500_000, 0);
        let start = match task.arrival.index % 10 {
            0 => task.due - 200_000,
            _ => task.due + 300_000,
        };
        stage.ran(task.id, start, 1_000, RunEnd::Done);
    }
    let cell = stage.judge();
    assert_eq!(cell.counts.early, 1_000);
    assert!(matches!(metric(&cell, "firing_error.p99"), Value::Is(x) if close(*x, 3e-4, 1e-3)));
    assert!(matches!(metric(&cell, "start_latency.p99"), Value::Is(_)), "no floor under it");
    assert!(close(number(&cell, "earliness.p50"), 2e-4, 1e-3));
    assert_eq!(cell.histograms["earliness"].count, 1_000);
    // The histogram holds what is not early and tells how many were.
    let firing = &cell.histograms["firing_error"];
    assert_eq!(firing.early, 1_000);
    assert_eq!(firing.count + firing.early + firing.at_infinity, cell.counts.window.intended);
    assert!(cell.validity.is_valid(), "early is a finding: {:?}", cell.validity);

    // With nine tenths early the median is negative.
    let mut stage = Stage::new(delayed);
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let start = match task.arrival.index % 10 {
            0 => task.due + 300_000,
            _ => task.due - 200_000,
        };
        stage.ran(task.id, start, 1_000, RunEnd::Done);
    }
    assert!(close(number(&stage.judge(), "firing_error.p50"), -2e-4, 1e-3));
}

#[test]
fn what_a_profile_does_not_do_is_unsupported() {
    let unable =
        claiming(CellPlan { delay: Delay::Fixed(50 * MS), ..plan(2_000.0, 1) }, |claims| {
            claims.confirms = ConfirmMode::Unconfirmed;
            claims.delay = Claimed::Unsupported("no native delay");
        });
    let mut stage = Stage::new(unable);
    stage.run_all(|_| MS);
    let cell = stage.judge();
    assert!(matches!(metric(&cell, "enqueue_latency.p99"), Value::Unsupported(_)));
    assert_eq!(metric(&cell, "firing_error.p99"), &Value::Unsupported("no native delay".into()));
}
