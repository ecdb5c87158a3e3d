//! Planted evidence for every verdict: validity, held, state, and a slow
//! generator told from a slow system.

use crate::stage::{MS, S, START, Stage, broken, comparable_from, plan, why};
use schedbench::plan::{CellPlan, Delay, Load};
use schedbench::record::HandOver;
use schedbench_contract::{MomentKind, RunEnd};
use schedbench_reports::outcome::{Held, Limit, State, Validity};

/// 2,000/s for 2 s, every task started 20 ms after it was due.
fn healthy() -> Stage {
    let mut stage = Stage::new(plan(2_000.0, 2));
    stage.run_all(|_| 20 * MS);
    stage
}

#[test]
fn a_healthy_cell_is_valid_steady_and_held() {
    let cell = healthy().judge();
    assert_eq!(cell.validity, Validity::Valid);
    assert_eq!(cell.held, Held::Yes);
    assert_eq!(cell.state, State::Steady);
    assert!(matches!(cell.limit, Limit::NotSaturated(_)), "{:?}", cell.limit);
    assert!(cell.counts.balances);
}

#[test]
fn a_ledger_that_does_not_close_is_unbalanced_before_all_else() {
    let mut stage = healthy();
    stage.arrivals += 1;
    stage.cut_short = Some("and cut short".into());
    let cell = stage.judge();
    assert!(matches!(cell.validity, Validity::Unbalanced(_)), "{:?}", cell.validity);
    assert!(!cell.counts.balances);
    assert!(why(&cell).contains("4000 against 3999"), "{}", why(&cell));
    assert!(matches!(cell.held, Held::NotJudged(_)));
}

#[test]
fn what_compares_something_else_is_not_comparable_below_its_delay_only() {
    let of = |delay: Delay| {
        let plan = CellPlan { delay, ..comparable_from(plan(2_000.0, 2), 10 * MS) };
        let mut stage = Stage::new(plan);
        stage.run_all(|_| 20 * MS);
        stage.judge()
    };
    for short in [Delay::None, Delay::Fixed(10 * MS - 1), Delay::Mix(vec![(S, 1), (MS, 1)])] {
        let cell = of(short);
        assert_eq!(cell.validity, Validity::NotComparable("it is fed through a pipe".into()));
        assert!(matches!(cell.held, Held::NotJudged(_)), "{:?}", cell.held);
        assert!(cell.metrics["start_latency.p50"].number().is_some(), "it is shown");
    }
    for long in [Delay::Fixed(10 * MS), Delay::Uniform(10 * MS, S), Delay::Mix(vec![(S, 1)])] {
        assert_eq!(of(long).validity, Validity::Valid);
    }
}

#[test]
fn a_cell_cut_short_is_incomplete() {
    let mut stage = healthy();
    stage.cut_short = Some("the broker died".into());
    assert_eq!(stage.judge().validity, Validity::Incomplete("the broker died".into()));
}

#[test]
fn an_instant_outside_the_ledger_makes_it_incomplete() {
    let stage = healthy();
    stage.ran(stage.id(0), 1, 1, RunEnd::Done);
    let cell = stage.judge();
    assert!(matches!(cell.validity, Validity::Incomplete(_)));
    assert!(why(&cell).contains("instants lay outside the ledger"), "{}", why(&cell));
}

#[test]
fn a_task_not_watched_for_its_horizon_makes_it_incomplete() {
    let mut stage = Stage::new(plan(2_000.0, 2));
    let tasks = stage.tasks();
    for (place, task) in tasks.iter().enumerate() {
        stage.hand_over(task, 0, 0);
        if place + 1 < tasks.len() {
            stage.ran(task.id, task.due + MS, 0, RunEnd::Done);
        }
    }
    assert_eq!(stage.judge().validity, Validity::Valid);
    stage.ended -= 100 * MS;
    let cell = stage.judge();
    assert_eq!(why(&cell), "1 tasks were not watched for all of T = 2 s");
}

#[test]
fn drifting_clocks_are_suspect() {
    let mut stage = healthy();
    stage.host.clock_drift_ns = 1_000_000;
    assert_eq!(stage.judge().validity, Validity::Valid);
    stage.host.clock_drift_ns = 1_000_001;
    assert!(matches!(stage.judge().validity, Validity::ClockSuspect(_)));
}

#[test]
fn a_start_before_the_hand_over_is_a_defect_of_a_clock() {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let start = if task.arrival.index == 7 { task.due - 10 } else { task.due + 10 };
        stage.ran(task.id, start, 100, RunEnd::Done);
    }
    let cell = stage.judge();
    assert_eq!(why(&cell), "1 tasks without a delay started before they were handed over");
    assert_eq!(cell.counts.early, 1);
}

#[test]
fn others_cpu_and_steal_disturb() {
    let mut stage = healthy();
    stage.host.foreign_cores = Some(0.1);
    stage.host.steal = Some(0.01);
    assert_eq!(stage.judge().validity, Validity::Valid);
    stage.host.steal = Some(0.023);
    let cell = stage.judge();
    assert_eq!(cell.validity, Validity::Disturbed("the hypervisor took 2.3 % (limit 1 %)".into()));
    stage.host.foreign_cores = Some(0.34);
    let cell = stage.judge();
    assert_eq!(why(&cell), "other processes took 0.34 core (limit 0.1)");
    assert!(broken(&cell.held).starts_with("disturbed: "));
}

/// The kernel wakes and switches for us in nobody's time; more than that is a
/// build beside us, whose processes were gone when the window ended.
#[test]
fn cpu_in_nobodys_time_disturbs_past_the_kernels_own() {
    let mut stage = healthy();
    stage.host.unattributed_cores = Some(0.4);
    assert_eq!(stage.judge().validity, Validity::Valid);
    stage.host.unattributed_cores = Some(1.2);
    let went = "1.2 core went to no process that was there at both ends of the window (limit 0.4)";
    assert_eq!(why(&stage.judge()), went);
}

#[test]
fn a_busy_client_thread_limits() {
    let mut stage = healthy();
    stage.usage.busiest_client_thread = Some(0.9);
    assert_eq!(stage.judge().validity, Validity::Valid);
    stage.usage.busiest_client_thread = Some(0.97);
    let cell = stage.judge();
    assert!(matches!(cell.validity, Validity::ClientLimited(_)));
    assert_eq!(why(&cell), "a client thread was busy 97 % of the window (limit 90 %)");
    assert!(matches!(cell.limit, Limit::Client(_)), "{:?}", cell.limit);
}

#[test]
fn a_late_generator_is_limited() {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        stage.hand_over(&task, 3_100_000, 0);
        stage.ran(task.id, task.due + 3_300_000, 1_000, RunEnd::Done);
    }
    let cell = stage.judge();
    assert!(matches!(cell.validity, Validity::GeneratorLimited(_)), "{:?}", cell.validity);
    assert!(why(&cell).starts_with("lateness P99 3.1 ms (limit 1 ms"), "{}", why(&cell));
    assert!(matches!(cell.limit, Limit::Generator(_)), "{:?}", cell.limit);
}

/// A lateness of 3 ms does not blur a latency of 20 ms.
#[test]
fn a_lateness_far_below_the_latency_is_none() {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        stage.hand_over(&task, 3_000_000, 0);
        stage.ran(task.id, task.due + 20 * MS, 1_000, RunEnd::Done);
    }
    assert_eq!(stage.judge().validity, Validity::Valid);
}

#[test]
fn in_flight_must_turn_over() {
    let load = Load::InFlight { tasks: 1_000, window_ns: 2 * S, most_tasks: 4_000 };
    let in_flight = |handed_over: u64| {
        let mut stage = Stage::new(CellPlan { load: load.clone(), ..plan(1.0, 1) });
        stage.arrivals = handed_over;
        for index in 0..handed_over {
            let at = START + index * 500_000;
            stage.hand_overs.push(HandOver { first: index, at });
            let id = stage.id(index);
            let task =
                schedbench_contract::Task { id, intended: at, due: at, key: None, body: &[] };
            stage.log.taken_and_confirmed(&task, at + 100);
            stage.ran(id, at + 100_000, 1_000, RunEnd::Done);
        }
        stage.judge()
    };
    let cell = in_flight(2_999);
    assert_eq!(why(&cell), "did not turn over: 2999 completions in the window, 3 × 1000 needed");
    let cell = in_flight(3_500);
    assert_eq!(cell.validity, Validity::Valid);
    assert!(broken(&cell.held).starts_with("in flight"), "{:?}", cell.held);
    assert!(crate::stage::close(crate::stage::number(&cell, "throughput"), 1_750.0, 0.001));
    assert!(!cell.metrics.contains_key("planned_rate"));
    assert!(crate::stage::close(crate::stage::number(&cell, "start_latency.p50"), 1e-4, 0.01));
}

#[test]
fn too_little_done_is_not_held() {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        if task.arrival.index % 20 > 0 {
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    let cell = stage.judge();
    let why = broken(&cell.held);
    assert!(why.contains("done 94.9 % of the 3999 due in the window (99 % needed)"), "{why}");
    assert!(why.contains("backlog grows by"), "{why}");
    assert!(why.contains("failures 5 % (D 2 s, T 2 s; below 0.1 % needed)"), "{why}");
    assert!(why.contains("P99 start latency > 2 s (objective 1 s)"), "{why}");
    assert!(matches!(cell.state, State::Overloaded(_)));
}

#[test]
fn a_growing_backlog_alone_is_not_steady_and_not_held() {
    // The wait grows by 15 ms per second, and 90 % done is enough here, so
    // that only the slope tells: 2,000/s × 0.015 / 1.015.
    let mut stage = Stage::new(plan(2_000.0, 10));
    stage.run_all(|task| (task.intended - START) * 15 / 1_000);
    stage.limits.done = 0.9;
    let cell = stage.judge();
    assert!(broken(&cell.held).starts_with("backlog grows by 29.6/s"), "{:?}", cell.held);
    assert!(matches!(&cell.state, State::NotSteady(why) if why.starts_with("backlog grows")));
}

/// A backlog that swings by 100 tasks cannot be shown to stand still within
/// 10/s in 2 s, so the load is not held; nor is it shown to grow.
#[test]
fn a_swinging_backlog_is_steady_and_not_held() {
    let mut stage = Stage::new(CellPlan { warmup_ns: S, ..plan(1_000.0, 2) });
    stage
        .run_all(|task| if (task.intended / (250 * MS)).is_multiple_of(2) { 100 * MS } else { MS });
    stage.limits.done = 0.9;
    stage.limits.trend_share = 1.0;
    let cell = stage.judge();
    assert!(broken(&cell.held).starts_with("backlog grows by"), "{:?}", cell.held);
    assert_eq!(cell.state, State::Steady);
    // Nor is anybody the limit of a rate that may have been kept up with.
    let why = "whether the backlog grew cannot be told";
    assert!(
        matches!(&cell.limit, Limit::Unknown(told) if told.starts_with(why)),
        "{:?}",
        cell.limit
    );
}

/// It grows by 16/s, and 20/s are allowed. That it may be more, because it also
/// swings for seconds, shows no growth beyond that.
#[test]
fn an_allowed_growth_is_steady_however_uncertain() {
    let mut stage = Stage::new(plan(2_000.0, 10));
    stage.limits.done = 0.9;
    stage.limits.trend_share = 1.0;
    stage.run_all(|task| {
        let since = task.intended - START;
        let swing = if (since / (2 * S)).is_multiple_of(2) { 20 * MS } else { 0 };
        since * 8 / 1_000 + swing
    });
    let cell = stage.judge();
    assert!(broken(&cell.held).starts_with("backlog grows by 1"), "{:?}", cell.held);
    assert_eq!(cell.state, State::Steady);
}

#[test]
fn failures_alone_are_not_held() {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        if task.arrival.index % 1_000 == 500 {
            stage.log.taken(&task.task(), task.intended);
            stage.log.refused(task.id, schedbench_contract::ledger::Reason::Full, task.intended);
        } else {
            stage.hand_over(&task, 0, 0);
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    let cell = stage.judge();
    assert_eq!(cell.validity, Validity::Valid);
    assert_eq!(broken(&cell.held), "failures 0.1 % (D 2 s, T 2 s; below 0.1 % needed)");
}

#[test]
fn a_p99_beyond_the_objective_is_not_held() {
    let mut stage = healthy();
    stage.limits.objective_p99_ns = 10 * MS;
    let cell = stage.judge();
    assert!(
        broken(&cell.held).starts_with("P99 start latency 20 ms (objective 10 ms)"),
        "{:?}",
        cell.held
    );
}

#[test]
fn a_backlog_from_the_warm_up_is_told() {
    let mut stage = Stage::new(CellPlan { warmup_ns: 4 * S, ..plan(1_000.0, 2) });
    // At 500/s the server is 2 s behind when the window begins.
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        stage.ran(task.id, START + 2 * MS * (task.arrival.index + 1), 1_000, RunEnd::Done);
    }
    let cell = stage.judge();
    assert!(
        matches!(&cell.state, State::Overloaded(why) if why.starts_with("overloaded from warm-up: 2000")),
        "{:?}",
        cell.state
    );
    assert!(crate::stage::close(crate::stage::number(&cell, "backlog_at_start"), 2_000.0, 0.002));
}

/// One that looks for work every 1.3 s owes more than a second's worth at some
/// moments, and at others nothing: that is latency, and no overload.
#[test]
fn who_looks_for_work_now_and_then_is_not_overloaded() {
    const EVERY: u64 = 1_300 * MS;
    let ends_between = CellPlan { warmup_ns: 3_800 * MS, ..plan(1_000.0, 13) };
    let ends_behind = CellPlan { warmup_ns: 4 * S, ..plan(1_000.0, 10) };
    for (cell, owed) in [(ends_between, 1_200.0), (ends_behind, 100.0)] {
        let mut stage = Stage::new(cell);
        for task in stage.tasks() {
            stage.hand_over(&task, 0, 0);
            let looks = (task.intended - START).div_ceil(EVERY).max(1);
            stage.ran(task.id, START + looks * EVERY, 1_000, RunEnd::Done);
        }
        let cell = stage.judge();
        let seen = crate::stage::number(&cell, "backlog_at_start");
        assert!(crate::stage::close(seen, owed, 0.02), "{seen} owed");
        assert_eq!(cell.state, State::Steady);
        assert!(broken(&cell.held).contains("P99 start latency 1.29 s (objective 1 s)"));
    }
}

/// 2,000/s into a server of 1,000/s behind a window of 256: after 10 s, 10,000
/// are owed, of which the window holds 256. Figure and verdict mean the same.
#[test]
fn what_a_full_window_holds_back_is_owed_too() {
    let mut stage = Stage::new(CellPlan { warmup_ns: 10 * S, ..plan(2_000.0, 2) });
    for task in stage.tasks() {
        let place = task.arrival.index + 1;
        let has_room = START + MS * place.saturating_sub(256);
        stage.hand_over(&task, 0, has_room.saturating_sub(task.intended));
        stage.ran(task.id, START + MS * place - 1_000, 1_000, RunEnd::Done);
    }
    let cell = stage.judge();
    let owed = crate::stage::number(&cell, "backlog_at_start");
    assert!(crate::stage::close(owed, 10_000.0, 0.0005), "{owed}");
    let told = format!("overloaded from warm-up: {owed:.0} tasks were owed");
    assert!(
        matches!(&cell.state, State::Overloaded(why) if why.starts_with(&told)),
        "{:?}",
        cell.state
    );
}

#[test]
fn a_latency_that_trends_is_not_steady() {
    let mut stage = Stage::new(plan(2_000.0, 3));
    stage.run_all(|task| if task.intended < START + 2 * S { 10 * MS } else { 40 * MS });
    stage.limits.slope = 1.0;
    stage.limits.done = 0.9;
    let cell = stage.judge();
    assert!(
        matches!(&cell.state, State::NotSteady(why) if why.starts_with("P50 start latency went from 10 ms")),
        "{:?}",
        cell.state
    );
}

/// What a killed or empty cell leaves must be judged too, and never panic.
#[test]
fn a_cell_of_nothing_is_incomplete() {
    let mut stage = Stage::new(plan(2_000.0, 1));
    stage.window = START..START;
    stage.ended = START - 5;
    let cell = stage.judge();
    assert_eq!(why(&cell), "the window is empty");
    assert!(cell.counts.balances);
    let mut stage = Stage::new(plan(2_000.0, 1));
    stage.cut_short = Some("stopped".into());
    let cell = stage.judge();
    assert_eq!((cell.counts.unsent, why(&cell)), (1_999, "stopped"));
}

#[test]
fn moments_stand_on_the_windows_axis() {
    let mut stage = healthy();
    let kind = MomentKind::Pause;
    stage.moments.push(schedbench_contract::Moment { at: START - S, kind, text: "gc".into() });
    let cell = stage.judge();
    assert_eq!((cell.moments[0].at_s, cell.moments[0].kind), (-1.0, kind));
}
