//! The faults of a cell: what was planted is what is read.

use std::time::Duration;

use schedbench::fault::{LinkFault, Side};
use schedbench::judge::Capacity;
use schedbench::plan::{
    CellPlan, Control, Deed, Fault, Load, Road, Spacing, Stage as Rate, Trial as Named, Victim,
};
use schedbench::record::{Injected, Proof};
use schedbench_contract::{Backlog, Moment, MomentKind, RunEnd};
use schedbench_reports::analysis::{Hurt, deeds};
use schedbench_reports::outcome::{Cell, Held, Reading, Trial};

use crate::stage::{MS, S, Stage, empty, plan};

const FAULT: Fault = Fault { deed: Deed::Kill, on: Victim::Broker, at_ns: 15 * S, for_ns: 5 * S };

/// 5,000/s, evenly spaced, for 45 s: an interval is 0.4 s.
fn steady() -> Stage {
    let stages = vec![Rate { rate: 5_000.0, duration_ns: 45 * S }];
    let load = Load::Open { spacing: Spacing::Constant, stages };
    Stage::new(CellPlan { load, horizon_ns: 20 * S, faults: vec![FAULT], ..plan(1.0, 1) })
}

/// The broker is gone from 15 s to 20 s; what was due meanwhile runs within
/// the half second after.
fn outage(change: impl FnOnce(&mut Stage, u64, u64)) -> Cell {
    let mut stage = steady();
    let opens = stage.window.start;
    let (gone, back) = (opens + 15 * S, opens + 20 * S);
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let late = task.due.saturating_sub(gone);
        let start = match (gone..back).contains(&task.due) {
            true => back + late / 10,
            false => task.due + MS,
        };
        stage.ran(task.id, start, 1_000, RunEnd::Done);
    }
    stage.faults.push(Injected { fault: FAULT, took_effect: gone, cleared: Some(back) });
    change(&mut stage, gone, back);
    stage.judge()
}

fn only(cell: &Cell) -> &Trial {
    let [trial] = cell.trials.as_slice() else { panic!("{} trials", cell.trials.len()) };
    trial
}

fn is(trial: &Trial, name: &str) -> f64 {
    match &trial.readings[name] {
        Reading::Is(value) => *value,
        other => panic!("{name}: {other:?}"),
    }
}

/// At 5,000/s of 20,000/s a queue would be through 5/3 s after an outage of 5 s.
#[test]
fn beside_a_capacity_a_drain_is_a_multiple_of_a_queues() {
    let with = |rate, is_bound| {
        outage(|stage, _, _| stage.about.capacity = Some(Capacity { rate, is_bound }))
    };
    let cell = with(20_000.0, false);
    let trial = only(&cell);
    assert_eq!(is(trial, "load.of_capacity"), 0.25);
    let (drain, multiple) = (is(trial, "drain"), is(trial, "drain.multiple"));
    assert!((multiple - drain / (5.0 * 0.25 / 0.75)).abs() < 1e-9, "{drain} s is {multiple}");
    // One that may be higher gives no ρ, and none at all leaves none.
    for name in ["load.of_capacity", "drain.multiple"] {
        let bound = with(20_000.0, true);
        let told = &only(&bound).readings[name];
        assert!(matches!(told, Reading::NotMeasured(_)), "{told:?}");
        assert!(!only(&outage(|_, _, _| {})).readings.contains_key(name));
    }
    let overloaded = with(4_000.0, false);
    assert_eq!(is(only(&overloaded), "load.of_capacity"), 1.25);
    assert!(matches!(only(&overloaded).readings["drain.multiple"], Reading::NotMeasured(_)));
}

#[test]
fn an_outage_is_noticed_and_recovered_from() {
    let cell = outage(|stage, gone, _| {
        let lost = Moment { at: gone + 40 * MS, kind: MomentKind::Disconnected, text: "x".into() };
        let later = Moment { at: gone + 70 * MS, ..lost.clone() };
        stage.moments.extend([later, lost]);
    });
    let trial = only(&cell);
    assert_eq!(trial.fault, "kill broker at 15 s for 5 s");
    assert_eq!((trial.took_effect_s, trial.cleared_s), (15.0, Some(20.0)));
    assert_eq!(trial.ended_s, 45.0, "nothing is offered after the window");
    assert_eq!(is(trial, "detection.impact"), 0.0);
    assert!((is(trial, "detection.client") - 0.04).abs() < 1e-3, "{:?}", trial.readings);
    // Back after 5 s, through with what had waited after half a second more.
    let from_fault = is(trial, "recovery.from_fault");
    assert!((5.0..6.5).contains(&from_fault), "{from_fault}");
    assert!((is(trial, "recovery.from_heal") - (from_fault - 5.0)).abs() < 1e-9);
    assert!((0.4..=1.2).contains(&is(trial, "drain")), "{:?}", trial.readings);
    assert_eq!(is(trial, "relapses"), 0.0);
    // 12 whole intervals of 5,000/s; in the 13th it catches up.
    assert!((23_000.0..=25_100.0).contains(&is(trial, "lost_goodput")), "{:?}", trial.readings);
    assert!((0.0..0.25).contains(&is(trial, "served.in_fault")), "{:?}", trial.readings);
    assert_eq!((trial.lost, trial.exposed), (0, 5_000));
    assert!(matches!(cell.held, Held::NotJudged(_)), "{:?}", cell.held);
    assert_eq!(cell.key.fault.as_deref(), Some("kill broker at 15 s for 5 s"));
}

#[test]
fn a_fault_that_does_nothing_has_no_impact() {
    let mut stage = steady();
    let opens = stage.window.start;
    stage.run_all(|_| MS);
    let times = (opens + 15 * S, opens + 20 * S);
    stage.faults.push(Injected { fault: FAULT, took_effect: times.0, cleared: Some(times.1) });
    let cell = stage.judge();
    let trial = only(&cell);
    for name in ["detection.impact", "recovery.from_fault", "drain", "lost_goodput"] {
        assert_eq!(trial.readings[name], Reading::NoImpact, "{name}");
    }
    assert_eq!(is(trial, "served.in_fault"), 1.0);
}

#[test]
fn a_control_has_no_impact() {
    let mut stage = steady();
    stage.plan.faults.clear();
    let control = Control { at_ns: 15 * S, for_ns: 5 * S };
    stage.plan.trial = Some(Named { name: "control".into(), control: Some(control) });
    stage.run_all(|_| MS);
    let cell = stage.judge();
    let trial = only(&cell);
    assert_eq!(trial.fault, "no fault, as a control, at 15 s for 5 s");
    assert_eq!((trial.took_effect_s, trial.cleared_s), (15.0, Some(20.0)));
    for name in ["detection.impact", "recovery.from_fault", "drain", "lost_goodput"] {
        assert_eq!(trial.readings[name], Reading::NoImpact, "{name}");
    }
    assert_eq!(is(trial, "served.in_fault"), 1.0);
    assert_eq!((cell.key.trial.as_deref(), cell.key.fault.as_deref()), (Some("control"), None));
    assert!(cell.key.is_of_a_trial());
}

/// Seven confirmed in the last second before the fault never ran.
fn seven_missing(proof: Proof) -> (u64, u64, Reading) {
    let mut stage = steady();
    let gone = stage.window.start + 15 * S;
    let mut missing = 0;
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        if (gone - S / 2..gone).contains(&task.due) && missing < 7 {
            missing += 1;
        } else {
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    stage.proof = proof;
    stage.faults.push(Injected { fault: FAULT, took_effect: gone, cleared: Some(gone + 5 * S) });
    let cell = stage.judge();
    let trial = only(&cell);
    (trial.lost, cell.counts.residual, trial.readings["loss.window"].clone())
}

#[test]
fn what_is_lost_is_counted_exactly_and_only_with_proof() {
    let (lost, residual, window) = seven_missing(Proof::Asked(empty()));
    assert_eq!((lost, residual), (7, 0));
    let Reading::Is(window) = window else { panic!("{window:?}") };
    assert!((window - 0.5).abs() < 0.01, "{window}");
    let held = Proof::Asked(Backlog { ready: Some(7), ..empty() });
    let not_asked = Proof::NotAsked("gone".into());
    for proof in [held, not_asked] {
        let (lost, residual, _) = seven_missing(proof);
        assert_eq!((lost, residual), (0, 7));
    }
}

/// The report reads from a fault's words what was done to whom.
#[test]
fn the_words_of_a_fault_say_what_was_done_to_whom() {
    let link = |fault| (Deed::Link(fault), Victim::Link(Road::Producer));
    let wait = Duration::from_millis(20);
    let all = [
        (Deed::Kill, Victim::Broker),
        (Deed::Kill, Victim::Leader),
        (Deed::Pause, Victim::Replicas),
        (Deed::Pause, Victim::Workers),
        (Deed::Kill, Victim::Worker(2)),
        link(LinkFault::Stall(Side::ToBroker)),
        link(LinkFault::BlackHole(Side::Both)),
        link(LinkFault::Reset),
        link(LinkFault::Refuse),
        link(LinkFault::Delay { side: Side::FromBroker, base: wait, jitter: wait }),
    ];
    let words: Vec<String> =
        all.iter().map(|(deed, on)| Fault { deed: *deed, on: *on, ..FAULT }.to_string()).collect();
    let words = words.join(", ");
    let read = deeds(&words);
    assert_eq!(read.len(), all.len(), "{words}");
    for (read, (deed, on)) in read.iter().zip(all) {
        assert_eq!((read.kind, read.on), (deed.kind().name(), on.to_string().as_str()));
        let hurt = match on {
            Victim::Broker | Victim::Leader | Victim::Replica | Victim::Replicas => Hurt::Broker,
            Victim::Workers | Victim::Worker(_) => Hurt::Workers,
            Victim::Link(_) => Hurt::Link,
        };
        assert_eq!(read.hurt(), hurt, "{words}");
    }
}

#[test]
fn a_cell_without_a_fault_has_no_trial() {
    let mut stage = Stage::new(plan(1_000.0, 1));
    stage.run_all(|_| MS);
    let cell = stage.judge();
    assert!(cell.trials.is_empty() && cell.key.fault.is_none());
    assert_eq!(cell.held, Held::Yes);
}
