//! The faults of a cell: what was planted is what is read.

use std::time::Duration;

use schedbench::fault::{LinkFault, Side};
use schedbench::judge::Capacity;
use schedbench::plan::{
    CellPlan, Control, Deed, Fault, Load, Road, Spacing, Stage as Rate, Trial as Named, Victim,
};
use schedbench::record::{Injected, Proof};
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Backlog, ConfirmMode, Moment, MomentKind, Profile, RunEnd, Topology};
use schedbench_reports::analysis::{Hurt, deeds};
use schedbench_reports::outcome::{Cell, Held, Reading, Trial};

use crate::stage::{MS, S, Stage, claiming, empty, plan};

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

/// A third of twelve queues does nothing for as long as their server is gone.
#[test]
fn queues_that_stood_still_are_told_with_when_they_ran_again() {
    let mut stage = steady();
    let shards = Profile { topology: Topology::Shards, ..*stage.plan.target.profile };
    stage.plan.target.profile = Box::leak(Box::new(shards));
    let opens = stage.window.start;
    let (gone, back) = (opens + 15 * S, opens + 20 * S);
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let queue = task.id.sequence() % 12;
        let until = back + queue * 500 * MS;
        let stands_still = queue < 4 && (gone..until).contains(&task.due);
        let start = if stands_still { until } else { task.due };
        stage.ran(task.id, start + MS, 1_000, RunEnd::Done);
    }
    stage.faults.push(Injected { fault: FAULT, took_effect: gone, cleared: Some(back) });
    let cell = stage.judge();
    assert!((is(only(&cell), "queues.stalled") - 1.0 / 3.0).abs() < 1e-9);
    let resumed = is(only(&cell), "queues.resumed");
    assert!((1.5..1.51).contains(&resumed), "the last of them: {resumed}");
    assert!(!only(&outage(|_, _, _| {})).readings.contains_key("queues.stalled"), "one queue");
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

/// A full disk refuses everything from 0.3 s on, and the connection stays. Two
/// seconds before it one task was refused for another reason.
fn disk_full(change: impl FnOnce(&mut Stage, u64)) -> Cell {
    let mut stage = steady();
    let full = stage.window.start + 15 * S;
    let refuses = full + 300 * MS..full + 5 * S;
    for task in stage.tasks() {
        let is_early = (full - 2 * S..full - 2 * S + MS / 5).contains(&task.intended);
        if is_early || refuses.contains(&task.intended) {
            stage.offer(&task, 0, 0);
            stage.log.taken(&task.task(), task.intended);
            stage.log.refused(task.id, Reason::ServerError, task.intended + 1_000);
        } else {
            stage.hand_over(&task, 0, 0);
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    let fault = Fault { deed: Deed::DiskFull, ..FAULT };
    stage.faults.push(Injected { fault, took_effect: full, cleared: Some(full + 5 * S) });
    change(&mut stage, full);
    stage.judge()
}

#[test]
fn a_refusal_is_an_error_that_the_client_sees() {
    let cell = disk_full(|_, _| {});
    assert_eq!(cell.counts.window.refused, 23_501);
    let client = is(only(&cell), "detection.client");
    assert!((client - 0.3).abs() < 1e-3, "{client}");
    // Whatever came first: here a connection, and there not.
    for (lost_ms, expected) in [(40, 0.04), (700, 0.3)] {
        let cell = disk_full(|stage, full| {
            let at = full + lost_ms * MS;
            let kind = MomentKind::Disconnected;
            stage.moments.push(Moment { at, kind, text: "x".into() });
        });
        let client = is(only(&cell), "detection.client");
        assert!((client - expected).abs() < 1e-3, "{client}");
    }
    // What was refused before a fault is not its doing.
    let cell = disk_full(|stage, full| {
        let took_effect = full + 10 * S;
        stage.faults[0] = Injected { took_effect, cleared: None, ..stage.faults[0] };
    });
    let client = &only(&cell).readings["detection.client"];
    assert!(matches!(client, Reading::NotSteady(_)), "{client:?}");
}

/// 20,000/s, of which from the fault on 2.9 % are refused at once, 58 in each
/// 0.1 s: past 1.44 % of the 100,000 of 5 s after 25 of them. The fault comes
/// 1 s after the window opened, and the warm-up is what fills the 5 s.
#[test]
fn an_alarm_is_asked_over_all_of_its_five_seconds() {
    let of = |warmup_ns| {
        let stages = vec![Rate { rate: 20_000.0, duration_ns: 6 * S }];
        let load = Load::Open { spacing: Spacing::Constant, stages };
        let fault = Fault { at_ns: S, ..FAULT };
        let faults = vec![fault];
        let mut stage = Stage::new(CellPlan { load, warmup_ns, faults, ..plan(1.0, 1) });
        let took_effect = stage.window.start + S;
        for task in stage.tasks() {
            let is_refused = task.arrival.index % 1_000 >= 971;
            if task.intended >= took_effect && is_refused {
                stage.offer(&task, 0, 0);
                stage.log.taken(&task.task(), task.intended);
                stage.log.refused(task.id, Reason::Full, task.intended);
            } else {
                stage.hand_over(&task, 0, 0);
                stage.ran(task.id, task.due, 1_000, RunEnd::Done);
            }
        }
        stage.faults.push(Injected { fault, took_effect, cleared: None });
        only(&stage.judge()).readings["detection.alarm"].clone()
    };
    let alarm = of(5 * S);
    assert!(matches!(alarm, Reading::Is(s) if (s - 2.5).abs() < 1e-9), "{alarm:?}");
    let alarm = of(2 * S);
    assert!(matches!(alarm, Reading::NotMeasured(_)), "3 s before it: {alarm:?}");
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

fn column<'a>(trial: &'a Trial, name: &str) -> &'a [Option<f64>] {
    &trial.series.columns[name]
}

/// Where an interval begins, seconds from the fault.
fn begins(trial: &Trial, place: usize) -> f64 {
    trial.series.start_s + trial.series.bin_s * place as f64 - trial.took_effect_s
}

/// The drawing has the backlog that the drain is read from: the first interval
/// from which it stays below the limit is the drain.
#[test]
fn a_trial_over_time_is_what_its_figures_were_read_from() {
    let cell = outage(|_, _, _| {});
    let trial = only(&cell);
    // 37 intervals of 0.4 s fit before the fault, 74 or 75 after it: their length
    // is made from the baseline's goodput.
    let each = trial.series.bin_s;
    assert!((each - 0.4).abs() < 1e-3 && (begins(trial, 37)).abs() < 1e-9, "{each}");
    let backlog: Vec<f64> = column(trial, "backlog").iter().flatten().copied().collect();
    let all = backlog.len();
    assert!((111..=112).contains(&all), "{all}");
    // Nobody took them: they are owed all the same.
    for place in [1, 5, 12] {
        let owed = 5_000.0 * each * place as f64;
        assert!((backlog[37 + place] - owed).abs() <= 2.0, "{place}: {}", backlog[37 + place]);
    }
    let limit = trial.drained_at.expect("it has a baseline");
    let last_above = (0..all).rfind(|at| backlog[*at] > limit).expect("there was a backlog");
    let drained = begins(trial, last_above + 1) - 5.0;
    assert!((drained - is(trial, "drain")).abs() < 1e-6, "{drained} {:?}", trial.readings);
    let done: f64 = column(trial, "throughput").iter().flatten().map(|rate| rate * each).sum();
    assert!((done / (5_000.0 * each * all as f64) - 1.0).abs() < 0.01, "{done}");
    // Who was due first waited longest, 5 s less a tenth of how late it was.
    let p99 = column(trial, "p99");
    let worst = p99.iter().flatten().copied().fold(0.0, f64::max);
    assert!((4.9..5.06).contains(&worst), "{worst}");
    assert!(column(trial, "largest").iter().all(Option::is_none), "2,000 tasks in an interval");
    assert!(trial.done.len() == 1 && trial.done[0].cleared_s == Some(20.0), "{:?}", trial.done);
}

/// Fewer than ten beyond the P99: the largest is told in its place. What never
/// ran stands at T and is counted; where nothing was due there is no figure.
#[test]
fn a_latency_that_cannot_be_told_is_no_zero() {
    let mut stage = steady();
    let gone = stage.window.start + 15 * S;
    stage.plan.horizon_ns = 2 * S;
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        if !(gone..gone + 5 * S).contains(&task.due) {
            stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
        }
    }
    stage.faults.push(Injected { fault: FAULT, took_effect: gone, cleared: Some(gone + 5 * S) });
    let cell = stage.judge();
    let trial = only(&cell);
    let (p99, infinite) = (column(trial, "p99"), column(trial, "at_infinity"));
    assert_eq!(p99[37], Some(2.0));
    assert!(infinite[37].is_some_and(|n| (2_000.0..=2_001.0).contains(&n)), "{:?}", infinite[37]);
    assert_eq!(infinite[36], Some(0.0));
    assert!(p99[36].is_some_and(|s| s < 0.002), "{:?}", p99[36]);

    stage.limits.beyond = 21;
    let few = stage.judge();
    let trial = only(&few);
    assert_eq!((column(trial, "p99")[37], column(trial, "largest")[37]), (None, Some(2.0)));
    assert!(column(trial, "p99").iter().all(Option::is_none), "20 lie beyond it");
}

/// Two that overlap are one trial, and both are told.
#[test]
fn each_of_several_faults_is_told() {
    let mut stage = steady();
    let at = |s: u64| stage.window.start + s * S;
    let pause = Fault { deed: Deed::Pause, at_ns: 16 * S, ..FAULT };
    let done = vec![
        Injected { fault: FAULT, took_effect: at(15), cleared: Some(at(20)) },
        Injected { fault: pause, took_effect: at(16), cleared: Some(at(21)) },
    ];
    stage.run_all(|_| MS);
    stage.faults = done;
    let cell = stage.judge();
    let trial = only(&cell);
    assert_eq!((trial.took_effect_s, trial.cleared_s), (15.0, Some(21.0)));
    let told: Vec<_> = trial.done.iter().map(|one| (one.took_effect_s, one.cleared_s)).collect();
    assert_eq!(told, [(15.0, Some(20.0)), (16.0, Some(21.0))]);
    assert_eq!(trial.done[1].fault, "pause broker at 16 s for 5 s");
}

/// A link that is cut before a kill exposes nothing: what could be lost is what
/// was confirmed just before the kill.
#[test]
fn exposed_to_a_kill_is_what_was_confirmed_just_before_it() {
    let exposed = |cut_s: u64, kill_s: u64| {
        let mut stage = steady();
        let at = |s: u64| stage.window.start + s * S;
        let cut = Fault { deed: Deed::Pause, at_ns: cut_s * S, ..FAULT };
        let kill = Fault { at_ns: kill_s * S, ..FAULT };
        let done = vec![
            Injected { fault: cut, took_effect: at(cut_s), cleared: Some(at(20)) },
            Injected { fault: kill, took_effect: at(kill_s), cleared: Some(at(20)) },
        ];
        // Nothing is confirmed from 15 s on.
        let silent = at(15);
        for task in stage.tasks() {
            if task.due < silent {
                stage.hand_over(&task, 0, 0);
                stage.ran(task.id, task.due + MS, 1_000, RunEnd::Done);
            }
        }
        stage.faults = done;
        only(&stage.judge()).exposed
    };
    assert!(exposed(10, 15) > 0);
    assert_eq!(exposed(15, 17), 0, "none in the second before the kill");
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
    // Four are gone, and nobody knows which.
    let some = Proof::Asked(Backlog { ready: Some(3), ..empty() });
    let (lost, residual, window) = seven_missing(some);
    assert_eq!((lost, residual), (4, 3));
    assert!(matches!(&window, Reading::NotMeasured(why) if why.contains("which")), "{window:?}");
}

/// Nobody vouched for them, so they are not lost; but they are not owed either.
#[test]
fn what_vanished_without_confirmation_does_not_keep_a_drain_open() {
    let of = |proof: Proof| {
        let mut stage = steady();
        stage.plan = claiming(stage.plan.clone(), |it| it.confirms = ConfirmMode::Unconfirmed);
        let (gone, back) = (stage.window.start + 15 * S, stage.window.start + 20 * S);
        for task in stage.tasks() {
            stage.offer(&task, 0, 0);
            stage.log.taken(&task.task(), task.intended);
            let late = task.due.saturating_sub(gone);
            match task.due {
                // 1,000 of them, more than 5 % of an interval's tasks.
                due if (gone..gone + S / 5).contains(&due) => {}
                due if (gone..back).contains(&due) => {
                    stage.ran(task.id, back + late / 10, 1_000, RunEnd::Done);
                }
                due => stage.ran(task.id, due + MS, 1_000, RunEnd::Done),
            }
        }
        stage.proof = proof;
        stage.faults.push(Injected { fault: FAULT, took_effect: gone, cleared: Some(back) });
        let cell = stage.judge();
        assert_eq!((only(&cell).lost, cell.counts.lost), (0, 0));
        only(&cell).readings["drain"].clone()
    };
    let asked = of(Proof::Asked(empty()));
    assert!(matches!(asked, Reading::Is(seconds) if seconds < 2.0), "{asked:?}");
    let not_asked = of(Proof::NotAsked("gone".into()));
    assert!(!matches!(not_asked, Reading::Is(_)), "{not_asked:?}");
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
        (Deed::Link(LinkFault::BlackHole(Side::Both)), Victim::Link(Road::Between)),
    ];
    let words: Vec<String> =
        all.iter().map(|(deed, on)| Fault { deed: *deed, on: *on, ..FAULT }.to_string()).collect();
    let words = words.join(", ");
    let read = deeds(&words);
    assert_eq!(read.len(), all.len(), "{words}");
    for (read, (deed, on)) in read.iter().zip(all) {
        assert_eq!((read.kind, read.on), (deed.kind().name(), on.to_string().as_str()));
        let hurt = match on {
            Victim::Broker | Victim::Node | Victim::Leader | Victim::Replica | Victim::Replicas => {
                Hurt::Broker
            }
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
