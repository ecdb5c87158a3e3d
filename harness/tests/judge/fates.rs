//! Planned failures, deaths and cancellations.

use schedbench::plan::CellPlan;
use schedbench_contract::{Retries, Retry, RunEnd, seeded};
use schedbench_reports::outcome::Value;

use crate::stage::{MS, S, START, Stage, claiming, metric, plan};

#[test]
fn planned_deaths_and_cancelled_tasks_are_left_out() {
    let dying = CellPlan {
        fail_ppm: 300_000,
        retry: Retry { max: 1, backoff_ns: 10 * MS },
        ..plan(1_000.0, 1)
    };
    let mut stage = Stage::new(dying);
    let fails = |id, attempt| seeded::attempt_fails(7, id, attempt, 300_000);
    let (mut dead, mut failures) = (0, 0);
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        match (fails(task.id, 0), fails(task.id, 1)) {
            (false, _) => stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done),
            (true, second) => {
                stage.ran(task.id, task.due + MS, 1_000, RunEnd::Failed);
                failures += 1;
                let end = if second { RunEnd::FailedFinally } else { RunEnd::Done };
                stage.ran(task.id, task.due + 12 * MS, 1_000, end);
                failures += u64::from(second);
                dead += u64::from(second);
            }
        }
    }
    let cell = stage.judge();
    let counts = cell.counts;
    assert!(dead > 50 && failures > 2 * dead);
    assert_eq!((counts.dead, counts.window.planned_dead), (dead, dead));
    assert_eq!((counts.failed_attempts, counts.planned_failures), (failures, failures));
    assert_eq!(counts.window.done, 999 - dead);
    assert_eq!(metric(&cell, "failure_rate"), &Value::Is(0.0));
    assert!(cell.moments.is_empty(), "{:?}", cell.moments);

    // A failure and a death that nobody planned.
    let id = stage.tasks().iter().map(|task| task.id).find(|&id| !fails(id, 0));
    stage.ran(id.expect("most"), START + S, 1, RunEnd::FailedFinally);
    let cell = stage.judge();
    let texts: Vec<&str> = cell.moments.iter().map(|mark| mark.text.as_str()).collect();
    let expected = format!("{} failed attempts were seen, {failures} were planned", failures + 1);
    assert_eq!(texts, [expected.as_str(), "1 tasks died that were to succeed"]);
}

/// T = 2 s, one planned failure and 3 s of back-off: done after 3.1 s is in time.
#[test]
fn promised_back_offs_are_waited_for() {
    let retried = CellPlan {
        fail_ppm: 300_000,
        retry: Retry { max: 1, backoff_ns: 3 * S },
        ..plan(1_000.0, 1)
    };
    let done_after = |wait: u64| {
        let mut stage = Stage::new(retried.clone());
        for task in stage.tasks() {
            stage.hand_over(&task, 0, 0);
            let fails = |attempt| seeded::attempt_fails(7, task.id, attempt, 300_000);
            match (fails(0), fails(1)) {
                (false, _) => stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done),
                (true, true) => {}
                (true, false) => {
                    stage.ran(task.id, task.due + MS, 1_000, RunEnd::Failed);
                    stage.ran(task.id, task.due + wait, 1_000, RunEnd::Done);
                }
            }
        }
        let counts = stage.judge().counts;
        assert!(counts.balances);
        counts.window.late
    };
    assert_eq!(done_after(3_100 * MS), 0);
    assert!(done_after(5_100 * MS) > 100);
}

#[test]
fn without_retries_the_first_failure_is_the_death() {
    let once =
        CellPlan { fail_ppm: 100_000, retry: Retry { max: 3, backoff_ns: 1 }, ..plan(1_000.0, 1) };
    let mut stage =
        Stage::new(claiming(once, |claims| claims.retries = Retries::Unsupported("not built")));
    let mut dead = 0;
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let fails = seeded::attempt_fails(7, task.id, 0, 100_000);
        dead += u64::from(fails);
        let end = if fails { RunEnd::FailedFinally } else { RunEnd::Done };
        stage.ran(task.id, task.due + MS, 1_000, end);
    }
    let counts = stage.judge().counts;
    assert_eq!(
        (counts.dead, counts.window.planned_dead, counts.planned_failures),
        (dead, dead, dead)
    );
}

#[test]
fn cancelled_tasks_must_not_run() {
    let mut stage = Stage::new(plan(1_000.0, 1));
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let cancel = task.arrival.index % 100;
        if cancel < 3 {
            // 0: taken back; 1: said so, and it ran; 2: too late, and it ran.
            stage.log.cancelled(task.id, cancel < 2);
        }
        if cancel > 0 {
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    let cell = stage.judge();
    let counts = cell.counts;
    assert_eq!((counts.cancelled, counts.cancelled_but_ran), (10, 10));
    assert_eq!((counts.window.cancelled, counts.window.done, counts.lost), (20, 979, 0));
    assert_eq!(metric(&cell, "failure_rate"), &Value::Is(0.0));
    assert!(counts.balances);
}
