//! A backlog: what was planted in build-up, kill and drain is what is read.

use schedbench::plan::{CellPlan, Deed, Fault, Load, Victim};
use schedbench::record::{Footprint, HandOver, Injected, Memory, Proof, READINGS, Rested};
use schedbench_contract::{Backlog, ConfirmMode, RunEnd, Task};
use schedbench_reports::outcome::{self, Cell, Held, Validity, Value};

use crate::stage::{MS, S, START, Stage, claiming, close, empty, metric, number, plan};

const N: u64 = 10_000;
const BATCH: u64 = 100;
const FAULT: Fault = Fault { deed: Deed::Kill, on: Victim::Broker, at_ns: 3 * S, for_ns: S };
/// When the build-up was over, the broker killed, started again and answered.
const KILLED: u64 = START + 3 * S;
const STARTED: u64 = KILLED + S;
const ANSWERS: u64 = STARTED + 400 * MS;
const WORKERS_ON: u64 = START + 6 * S;
const FIRST_SUCCESS: u64 = WORKERS_ON + 500 * MS;

/// 10,000 tasks in batches of 100, 1 ms apart, each confirmed 1 ms later; those
/// of `unanswered` never are. The first `runs` run, 1 ms apart.
fn rested(plan: CellPlan, unanswered: u64, runs: u64, change: impl FnOnce(&mut Stage)) -> Cell {
    let load = Load::Backlog { tasks: N };
    let mut stage = Stage::new(CellPlan { load, horizon_ns: 120 * S, faults: vec![FAULT], ..plan });
    for first in (0..N).step_by(BATCH as usize) {
        let at = START + first / BATCH * MS;
        stage.hand_overs.push(HandOver { first, at });
        for index in first..first + BATCH {
            let id = stage.id(index);
            let task = Task { id, intended: at, due: at, key: None, body: &[] };
            if index < N - unanswered {
                stage.log.taken_and_confirmed(&task, at + MS);
            } else {
                stage.log.taken(&task, at);
            }
        }
    }
    for index in 0..runs {
        stage.ran(stage.id(index), FIRST_SUCCESS + index * MS - 1_000, 1_000, RunEnd::Done);
    }
    stage.ended = FIRST_SUCCESS + runs * MS + S;
    stage.window = START..stage.ended;
    let killed = Injected { fault: FAULT, took_effect: KILLED, cleared: Some(STARTED) };
    stage.faults.push(killed);
    stage.rested = Some(Rested {
        answers: Some(ANSWERS),
        workers_on: WORKERS_ON,
        workers_ready: WORKERS_ON + 200 * MS,
        is_drained: true,
        footprint: Err("not read"),
    });
    change(&mut stage);
    stage.judge()
}

fn is(cell: &Cell, name: &str, expected: f64) {
    assert!(close(number(cell, name), expected, 1e-6), "{name}: {:?}", metric(cell, name));
}

#[test]
fn what_survived_what_was_lost_and_how_fast_it_drained() {
    let cell = rested(plan(1.0, 1), 10, 8_000, |stage| {
        for index in 0..4 {
            let again = FIRST_SUCCESS + 9 * S + index * MS;
            stage.ran(stage.id(index), again, 1_000, RunEnd::Done);
        }
        stage.ended += 2 * S;
        stage.window.end = stage.ended;
    });
    assert_eq!(cell.validity, Validity::Valid);
    assert_eq!(cell.key.load, outcome::Load::Backlog(N));
    assert!(cell.key.is_of_a_backlog());
    let counts = &cell.counts;
    assert!(counts.balances, "{counts:?}");
    assert_eq!((counts.grid.ok, counts.grid.unknown), ([1_990, 7_996, 4], [10, 0, 0]));
    assert_eq!((counts.lost, counts.residual, counts.repeated), (1_990, 0, 4));
    let window = &counts.window;
    assert_eq!((window.intended, window.done, window.lost, window.unknown), (N, 8_000, 1_990, 10));
    is(&cell, "backlog.confirmed", 9_990.0);
    is(&cell, "backlog.survived", 8_000.0);
    assert_eq!(metric(&cell, "backlog.lost"), &Value::Is(1_990.0));
    // 9,990 confirmed in 100 ms: the last batch at 99 ms, its answers 1 ms later.
    is(&cell, "backlog.build_up", 99_900.0);
    is(&cell, "backlog.answers", 1.4);
    is(&cell, "backlog.restart", 0.4);
    is(&cell, "backlog.ready", 0.2);
    is(&cell, "backlog.resume", 0.5);
    is(&cell, "backlog.drain_time", 0.5 + 7.999);
    let rate = number(&cell, "backlog.drain_rate");
    assert!(close(rate, 1_000.0, 0.005), "{rate}");
    // Nothing ran while it was hurt: the trial has losses and no recovery.
    let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
    assert_eq!(trial.fault, "kill broker at 3 s for 1 s");
    assert_eq!((trial.took_effect_s, trial.cleared_s), (3.0, Some(4.0)));
    assert_eq!((trial.lost, trial.exposed), (1_990, 9_990));
    assert!(trial.readings.is_empty());
    // No latency is told and nothing could be held.
    assert!(matches!(cell.held, Held::NotJudged(_)), "{:?}", cell.held);
    assert!(cell.histograms.is_empty());
    assert!(!cell.metrics.keys().any(|name| name.contains("latency")), "{:?}", cell.metrics);
    assert!(
        cell.series.columns.contains_key("backlog") && !cell.series.columns.contains_key("p99")
    );
}

/// Of a backlog whose broker answers again at 4.4 s: how long after which end of
/// it, and after which start.
fn answers(faults: &[(Deed, u64, u64)]) -> (Value, Value) {
    let cell = rested(plan(1.0, 1), 0, 8_000, |stage| {
        let injected = faults.iter().map(|&(deed, at_s, for_s)| {
            let fault = Fault { deed, at_ns: at_s * S, for_ns: for_s * S, ..FAULT };
            let took_effect = START + fault.at_ns;
            Injected { fault, took_effect, cleared: Some(took_effect + fault.for_ns) }
        });
        stage.faults = injected.collect();
    });
    let told = |name| metric(&cell, name).clone();
    (told("backlog.answers"), told("backlog.restart"))
}

/// A pause ends no broker, and nothing answers before it was ended.
#[test]
fn a_broker_answers_after_what_ended_it() {
    let kill = (Deed::Kill, 3, 1);
    let pause = (Deed::Pause, 10, 2);
    let expected = (Value::Is(1.4), Value::Is(0.4));
    assert_eq!(answers(&[kill, pause]), expected, "paused later");
    assert_eq!(answers(&[(Deed::Pause, 1, 1), kill]), expected);
    assert_eq!(answers(&[(Deed::Terminate, 1, 1), kill]), expected, "the last before it");
    assert_eq!(answers(&[kill, (Deed::DiskFull, 10, 2)]), expected, "it lived through that");
    assert_eq!(answers(&[(Deed::DiskFull, 3, 1)]), expected, "it ended itself");
    let (answers, restart) = answers(&[pause]);
    for told in [answers, restart] {
        assert!(matches!(told, Value::NotMeasured(_)), "{told:?}");
    }
}

/// CPU is read once all workers are ready, and what ran before is none of it.
#[test]
fn cpu_is_of_the_tasks_that_ran_when_all_workers_were_ready() {
    let cell = rested(plan(1.0, 1), 0, 8_000, |stage| {
        let ready = FIRST_SUCCESS + 2_000 * MS;
        stage.rested = stage.rested.map(|rested| Rested { workers_ready: ready, ..rested });
        stage.usage.workers_cpu_s = Some(3.0);
    });
    is(&cell, "cpu.workers", 3.0 / 6_000.0 * 1e6);
    is(&cell, "backlog.survived", 8_000.0);
}

/// 9 MB for 9,000 confirmed; what is confirmed and lost was pending, too.
#[test]
fn a_pending_task_takes_what_the_broker_grew_by() {
    let grown = |from: u64, to: u64| {
        let side = |pss| [Memory { rss: 2 * pss, pss: Some(pss) }; READINGS];
        let footprint = Footprint { before: side(from), after: side(to) };
        let cell = rested(plan(1.0, 1), 1_000, 8_000, |stage| {
            let rested = stage.rested.as_mut().expect("it rested");
            rested.footprint = Ok(footprint);
        });
        metric(&cell, "backlog.bytes_per_task").clone()
    };
    assert_eq!(grown(10_000_000, 19_000_000), Value::Is(1_000.0));
    let Value::AtMost(most) = grown(19_000_000, 10_000_000) else { panic!("no bound") };
    assert!(close(most, 4_096.0 / 9_000.0, 1e-9), "{most}");
    let cell = rested(plan(1.0, 1), 0, 8_000, |_| {});
    let why = Value::NotMeasured("not read".into());
    assert_eq!(metric(&cell, "backlog.bytes_per_task"), &why);
}

/// A median, not the mean: a stall of 2 s in the drain's 12 s is not in it.
#[test]
fn the_rate_is_the_median_over_the_drain() {
    let cell = rested(plan(1.0, 1), 0, 8_000, |stage| {
        for index in 8_000..N {
            let end = FIRST_SUCCESS + 2 * S + index * MS;
            stage.ran(stage.id(index), end - 1_000, 1_000, RunEnd::Done);
        }
        stage.ended += 5 * S;
        stage.window.end = stage.ended;
    });
    assert_eq!((cell.counts.lost, cell.counts.window.done), (0, N));
    is(&cell, "backlog.drain_time", 0.5 + 11.999);
    assert!(close(number(&cell, "backlog.drain_rate"), 1_000.0, 0.005));
    // A stall of 8 s and more in a drain of 8 s: no rate is that of most of it.
    let bursts = rested(plan(1.0, 1), 0, 300, |stage| {
        for index in 300..600 {
            let end = FIRST_SUCCESS + 8 * S + index * MS;
            stage.ran(stage.id(index), end - 1_000, 1_000, RunEnd::Done);
        }
        stage.ended += 10 * S;
        stage.window.end = stage.ended;
    });
    let Value::NotMeasured(why) = metric(&bursts, "backlog.drain_rate") else { panic!("a rate") };
    assert!(why.contains("in bursts"), "{why}");
    let few = rested(plan(1.0, 1), 0, 199, |_| {});
    assert!(matches!(metric(&few, "backlog.drain_rate"), Value::NotMeasured(_)));
}

#[test]
fn a_drain_that_is_cut_off_is_a_lower_bound() {
    let cell = rested(plan(1.0, 1), 0, 8_000, |stage| {
        stage.proof = Proof::Asked(Backlog { ready: Some(1_700), ..empty() });
        stage.ended = WORKERS_ON + 120 * S;
        stage.window.end = stage.ended;
        let rested = stage.rested.as_mut().expect("it rested");
        rested.is_drained = false;
    });
    assert_eq!(cell.validity, Validity::Valid);
    assert_eq!(metric(&cell, "backlog.drain_time"), &Value::AtLeast(120.0));
    assert_eq!(metric(&cell, "backlog.lost"), &Value::AtLeast(300.0));
    assert_eq!((cell.counts.lost, cell.counts.residual), (300, 1_700));
}

#[test]
fn all_of_it_is_lost_where_a_broker_keeps_nothing() {
    let cell = rested(plan(1.0, 1), 0, 0, |_| {});
    assert_eq!((cell.counts.lost, cell.counts.grid.ok), (N, [N, 0, 0]));
    assert_eq!(metric(&cell, "backlog.lost"), &Value::Is(N as f64));
    for name in ["resume", "drain_time", "drain_rate"] {
        let told = metric(&cell, &format!("backlog.{name}"));
        assert!(matches!(told, Value::NotMeasured(_)), "{name}: {told:?}");
    }
    // Without an answer it is missing and nobody says that it is lost.
    let open = rested(plan(1.0, 1), 0, 0, |stage| {
        stage.proof = Proof::NotAsked("nobody answers".into());
    });
    assert_eq!((open.counts.lost, open.counts.residual), (0, N));
    assert!(matches!(metric(&open, "backlog.lost"), Value::NotMeasured(_)));
}

#[test]
fn what_nobody_vouched_for_is_missing_and_not_lost() {
    let unconfirmed = claiming(plan(1.0, 1), |it| it.confirms = ConfirmMode::Unconfirmed);
    let cell = rested(unconfirmed, N, 4_000, |_| {});
    assert_eq!(cell.counts.grid.unknown, [6_000, 4_000, 0]);
    assert_eq!(cell.counts.lost, 0);
    is(&cell, "backlog.survived", 4_000.0);
    assert!(matches!(metric(&cell, "backlog.lost"), Value::NotMeasured(_)));
    assert!(matches!(metric(&cell, "backlog.build_up"), Value::NotMeasured(_)));
}

#[test]
fn without_workers_it_is_not_whole() {
    let cell = rested(plan(1.0, 1), 0, 0, |stage| stage.rested = None);
    assert!(matches!(cell.validity, Validity::Incomplete(_)), "{:?}", cell.validity);
}
