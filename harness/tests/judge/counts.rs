//! Known answers for the grid, the proof of loss and the balance.

use schedbench::plan::CellPlan;
use schedbench::record::Proof;
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Backlog, ConfirmMode, Order, RunEnd, TaskId};
use schedbench_reports::outcome::{Grid, Validity, Value};

use crate::stage::{MS, S, START, Stage, claiming, empty, metric, plan};

/// Nine tasks, one for each cell of the grid, among healthy ones.
#[test]
fn each_cell_of_the_grid_is_told() {
    let stage = Stage::new(plan(1_000.0, 1));
    for task in stage.tasks() {
        let place = task.arrival.index;
        let at = task.intended;
        stage.log.taken(&task.task(), at);
        match place {
            0..3 => stage.log.confirmed(task.id, at),
            3..6 => stage.log.unknown(task.id, Reason::Timeout, at),
            6..9 => stage.log.refused(task.id, Reason::Full, at),
            _ => stage.log.confirmed(task.id, at),
        }
        let completions = if place < 9 { place % 3 } else { 1 };
        for run in 0..completions {
            stage.ran(task.id, at + (run + 1) * MS, 1_000, RunEnd::Done);
        }
    }
    let cell = stage.judge();
    assert_eq!(cell.counts.grid, Grid { ok: [1, 991, 1], unknown: [1, 1, 1], fail: [1, 1, 1] });
    assert_eq!(cell.counts.attempted, 999);
    assert_eq!((cell.counts.lost, cell.counts.repeated), (1, 3));
    let window = cell.counts.window;
    // The phantoms and the recovered did their work in time.
    assert_eq!((window.intended, window.done), (999, 996));
    assert_eq!((window.refused, window.unknown, window.lost), (1, 1, 1));
    assert_eq!(metric(&cell, "failure_rate"), &Value::Is(3.0 / 999.0));
    assert!(cell.counts.balances);
}

/// 1,000/s for 1 s, ten of which are confirmed and never run.
fn ten_missing(change: impl FnOnce(&mut Stage)) -> (u64, u64, u64, u64) {
    let mut stage = Stage::new(plan(1_000.0, 1));
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        if task.arrival.index % 100 != 50 {
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    change(&mut stage);
    let counts = stage.judge().counts;
    assert!(counts.balances);
    (counts.lost, counts.residual, counts.window.lost, counts.window.late)
}

#[test]
fn loss_needs_proof() {
    assert_eq!(ten_missing(|_| {}), (10, 0, 10, 0));
    let asked = |backlog| move |stage: &mut Stage| stage.proof = Proof::Asked(backlog);
    let holding = |ready| Backlog { ready: Some(ready), ..empty() };
    assert_eq!(ten_missing(asked(holding(4))), (6, 4, 6, 4));
    assert_eq!(ten_missing(asked(holding(40))), (0, 10, 0, 10));
    assert_eq!(ten_missing(|stage| stage.proof = Proof::NotAsked("gone".into())), (0, 10, 0, 10));
    // A system that can say nothing has not said that it is empty.
    assert_eq!(ten_missing(asked(Backlog::default())), (0, 10, 0, 10));
    // Dead there, and nobody told us.
    assert_eq!(ten_missing(asked(Backlog { dead: Some(3), ..empty() })), (7, 3, 7, 3));
}

/// Answers that come when the system was asked already what it holds: it may
/// have stored those tasks after it was asked.
#[test]
fn what_is_confirmed_when_nobody_listens_any_more_is_unknown() {
    let mut stage = Stage::new(plan(1_000.0, 1));
    let ended = stage.ended;
    for task in stage.tasks() {
        stage.offer(&task, 0, 0);
        stage.log.taken(&task.task(), task.intended);
        let is_late = task.arrival.index >= 990;
        stage.log.confirmed(task.id, if is_late { ended + MS } else { task.intended });
        // Of those two that ran all the same, as a system may have it.
        if task.arrival.index % 100 != 50 && task.arrival.index < 992 {
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    let counts = stage.judge().counts;
    assert_eq!(counts.grid, Grid { ok: [10, 980, 0], unknown: [7, 2, 0], fail: [0, 0, 0] });
    assert_eq!((counts.lost, counts.residual), (10, 0));
    assert!(counts.balances);
}

#[test]
fn what_nobody_vouched_for_is_never_lost() {
    let lost = ten_missing(|stage| {
        stage.plan =
            claiming(stage.plan.clone(), |claims| claims.confirms = ConfirmMode::Unconfirmed);
    });
    assert_eq!(lost, (0, 10, 0, 10));
}

#[test]
fn what_was_taken_and_never_settled_is_unknown() {
    let stage = Stage::new(plan(1_000.0, 1));
    stage.tasks().iter().for_each(|task| stage.log.taken(&task.task(), task.intended));
    let counts = stage.judge().counts;
    assert_eq!((counts.grid.unknown[0], counts.window.unknown, counts.lost), (999, 999, 0));
}

#[test]
fn unsent_tasks_fail_and_balance() {
    let mut stage = Stage::new(plan(1_000.0, 1));
    for task in stage.tasks().iter().take(900) {
        stage.hand_over(task, 0, 0);
        stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
    }
    let cell = stage.judge();
    assert_eq!((cell.counts.unsent, cell.counts.window.unsent), (99, 99));
    assert_eq!(metric(&cell, "failure_rate"), &Value::Is(99.0 / 999.0));
    assert!(cell.counts.balances);
}

#[test]
fn probes_and_warm_up_are_in_the_balance_and_in_no_metric() {
    let mut stage = Stage::new(CellPlan { warmup_ns: S, ..plan(1_000.0, 1) });
    stage.probes_sent = 2;
    for sequence in 0..2 {
        let id = TaskId::new(crate::stage::CELL, sequence);
        let at = START - S;
        let probe = schedbench_contract::Task { id, intended: at, due: at, key: None, body: &[] };
        stage.log.taken_and_confirmed(&probe, at);
        stage.ran(id, at + S, 1_000, RunEnd::Done);
    }
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        // The warm-up is slow, and so is its last task's end.
        let wait = if task.intended < START + S { 20 * MS } else { MS };
        stage.ran(task.id, task.due + wait, 1_000, RunEnd::Done);
    }
    let cell = stage.judge();
    assert_eq!(cell.counts.attempted, 2 + 999 + 999);
    assert_eq!(cell.counts.window.intended, 999);
    assert!(cell.counts.balances);
    // All of the window's, but its last, and 20 of the warm-up.
    assert!(crate::stage::close(crate::stage::number(&cell, "throughput"), 1_018.0, 0.002));
    assert!(crate::stage::close(crate::stage::number(&cell, "start_latency.max"), 1e-3, 0.002));
}

#[test]
fn strangers_are_told_apart() {
    let mut stage = Stage::new(plan(1_000.0, 1));
    stage.run_all(|_| MS);
    let cell = crate::stage::CELL;
    stage.ran(TaskId::new(cell - 1, 3), START, 1, RunEnd::Done);
    stage.ran(TaskId::new(cell + 1, 3), START, 1, RunEnd::Done);
    stage.ran(TaskId::new(cell, 1 << 30), START, 1, RunEnd::Done);
    // In the ledger's room, but never planned: between probes and arrivals.
    stage.ran(TaskId::new(cell, 2), START, 1, RunEnd::Done);
    stage.ran(TaskId::new(cell, 5), START + S, 1, RunEnd::Corrupt);
    let counts = stage.judge().counts;
    assert_eq!((counts.leftovers, counts.unexpected), (1, 3));
    assert_eq!((counts.repeated, counts.corrupt), (1, 1));
    assert!(counts.balances);
}

#[test]
fn a_hand_over_that_was_never_planned_unbalances() {
    let mut stage = Stage::new(plan(1_000.0, 1));
    stage.run_all(|_| MS);
    let id = TaskId::new(crate::stage::CELL, 2);
    let stray = schedbench_contract::Task { id, intended: START, due: START, key: None, body: &[] };
    stage.log.taken(&stray, START);
    let cell = stage.judge();
    assert_eq!(
        cell.validity,
        Validity::Unbalanced("tasks that were never planned: 1 against 0".into())
    );
}

/// Every tenth task starts 5 ms late, behind its four or so successors: how
/// many are out of order, of how many.
fn reordered(plan: CellPlan) -> (u64, u64) {
    let mut stage = Stage::new(plan);
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let late = if task.arrival.index % 10 == 0 { 4_500_000 } else { 0 };
        stage.ran(task.id, task.due + late, 1_000, RunEnd::Done);
        if late > 0 {
            // A second delivery is no inversion.
            stage.ran(task.id, task.due + S, 1_000, RunEnd::Done);
        }
    }
    let counts = stage.judge().counts;
    (counts.inversions, counts.ordered)
}

#[test]
fn inversions_are_counted_per_key_or_queue() {
    assert_eq!(reordered(plan(1_000.0, 1)), (0, 0), "no keys and no claim");
    let by_key = claiming(plan(1_000.0, 1), |claims| claims.order = Order::Key);
    assert_eq!(reordered(by_key), (0, 0), "no keys, so that the claim is not looked at");
    let queue = claiming(plan(1_000.0, 1), |claims| claims.order = Order::Queue);
    assert_eq!(reordered(queue), (400, 999), "four behind each of a hundred");
    let one_key = CellPlan { keys: 1, ..plan(1_000.0, 1) };
    assert_eq!(reordered(one_key), (400, 999));
    let keys = CellPlan { keys: 7, ..plan(1_000.0, 1) };
    let expected = {
        let stage = Stage::new(keys.clone());
        let tasks = stage.tasks();
        let behind = |place: usize| {
            let late = place - place % 10;
            (1..5).contains(&(place % 10)) && tasks[place].key == tasks[late].key
        };
        (0..tasks.len()).filter(|&place| behind(place)).count() as u64
    };
    assert_eq!(reordered(keys), (expected, 999));
}
