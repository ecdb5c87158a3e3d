//! A slow generator told from a slow system.

use schedbench_contract::RunEnd;
use schedbench_reports::outcome::{State, Validity, Value};

use crate::stage::{MS, S, START, Stage, broken, metric, plan, why};

/// A server of 1,000/s under a plan of 2,000/s whose window is full: the
/// generator waits in `submit` and hands over what the system lets it.
/// Whether the driver counts that wait as lateness or as back-pressure.
pub(crate) fn slow_system(wait_is_lateness: bool) -> Stage {
    let mut stage = Stage::new(plan(2_000.0, 2));
    for task in stage.tasks() {
        let accepted = START + 1_000_000 * (task.arrival.index + 1);
        let wait = accepted.saturating_sub(task.intended);
        let (late, pressed) = if wait_is_lateness { (wait, 0) } else { (0, wait) };
        stage.hand_over(&task, late, pressed);
        stage.ran(task.id, task.intended + wait + 100_000, 1_000, RunEnd::Done);
    }
    // Half of its time at most is the generator's own work.
    stage.pacing.pending_share = 0.7;
    stage
}

#[test]
fn a_slow_system_is_overloaded_and_not_the_generators_fault() {
    for wait_is_lateness in [false, true] {
        let cell = slow_system(wait_is_lateness).judge();
        assert_eq!(cell.validity, Validity::Valid, "{wait_is_lateness}");
        assert!(matches!(cell.state, State::Overloaded(_)), "{:?}", cell.state);
        assert!(broken(&cell.held).starts_with("done 50"), "{:?}", cell.held);
        // What it shows is the system's latency, not the generator's floor.
        let p99 = metric(&cell, "start_latency.p99");
        assert!(matches!(p99, Value::Is(_)), "{p99:?}");
    }
}

/// The same hand-overs by a generator that never waits for the system.
#[test]
fn a_slow_generator_with_the_same_hand_overs_is_limited() {
    let mut stage = slow_system(true);
    stage.pacing.pending_share = 0.02;
    let cell = stage.judge();
    assert!(matches!(cell.validity, Validity::GeneratorLimited(_)), "{:?}", cell.validity);
    assert!(why(&cell).starts_with("offered 50"), "{}", why(&cell));
}

/// One wait of 100 ms of the system, amid a generator that is in time.
#[test]
fn one_stall_of_the_system_is_not_the_generators() {
    let stall = START + S..START + S + 100 * MS;
    let with_pending = |share: f64| {
        let mut stage = Stage::new(plan(2_000.0, 2));
        for task in stage.tasks() {
            let late =
                if stall.contains(&task.intended) { stall.end - task.intended } else { 10_000 };
            stage.hand_over(&task, late, 0);
            stage.ran(task.id, task.intended + late + 50_000, 1_000, RunEnd::Done);
        }
        stage.pacing.pending_share = share;
        stage.judge()
    };
    let cell = with_pending(0.05);
    assert_eq!(cell.validity, Validity::Valid);
    assert!(matches!(&cell.state, State::NotSteady(why) if why.starts_with("lateness P99")));
    assert!(matches!(with_pending(0.0).validity, Validity::GeneratorLimited(_)));
}
