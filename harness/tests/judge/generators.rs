//! A slow generator told from a slow system.

use schedbench_contract::RunEnd;
use schedbench_reports::outcome::{State, Validity, Value};

use crate::stage::{MS, S, START, Stage, broken, metric, plan, why};

/// A server of 1,000/s under a plan of 2,000/s whose window is full: the
/// generator waits in `submit` and hands over what the system lets it.
pub(crate) fn slow_system() -> Stage {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        let accepted = START + 1_000_000 * (task.arrival.index + 1);
        let wait = accepted.saturating_sub(task.intended);
        stage.hand_over(&task, 0, wait);
        stage.ran(task.id, task.intended + wait + 100_000, 1_000, RunEnd::Done);
    }
    // Half of its time at most is the generator's own work.
    stage.pacing.pending_share = 0.7;
    stage
}

#[test]
fn a_slow_system_is_overloaded_and_not_the_generators_fault() {
    let cell = slow_system().judge();
    assert_eq!(cell.validity, Validity::Valid);
    assert!(matches!(cell.state, State::Overloaded(_)), "{:?}", cell.state);
    assert!(broken(&cell.held).starts_with("done 50"), "{:?}", cell.held);
    // What it shows is the system's latency, not the generator's floor.
    let p99 = metric(&cell, "start_latency.p99");
    assert!(matches!(p99, Value::Is(_)), "{p99:?}");
}

/// The same hand-overs by a generator that never waits for the system.
#[test]
fn a_slow_generator_with_the_same_hand_overs_is_limited() {
    let mut stage = slow_system();
    stage.pacing.pending_share = 0.02;
    let cell = stage.judge();
    assert!(matches!(cell.validity, Validity::GeneratorLimited(_)), "{:?}", cell.validity);
    assert!(why(&cell).starts_with("offered 50"), "{}", why(&cell));
}

/// 100 ms in which nothing is taken: as a wait in `submit` it is the system's,
/// and as lateness the generator's, however long the system made it wait at
/// other times.
#[test]
fn one_stall_is_whose_time_it_took() {
    let stall = START + S..START + S + 100 * MS;
    let stalled = |by_the_system: bool| {
        let mut stage = Stage::new(plan(2_000.0, 2));
        for task in stage.tasks() {
            let wait = match stall.contains(&task.intended) {
                true => stall.end - task.intended,
                false => 10_000,
            };
            let (late, pressed) = if by_the_system { (0, wait) } else { (wait, 0) };
            stage.hand_over(&task, late, pressed);
            stage.ran(task.id, task.intended + wait + 50_000, 1_000, RunEnd::Done);
        }
        stage.pacing.pending_share = 0.5;
        stage.judge()
    };
    assert_eq!(stalled(true).validity, Validity::Valid);
    let cell = stalled(false);
    assert!(matches!(cell.validity, Validity::GeneratorLimited(_)), "{:?}", cell.validity);
    assert!(why(&cell).starts_with("lateness P99"), "{}", why(&cell));
}
