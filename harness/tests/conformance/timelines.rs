//! Random timelines of faults on the fake broker, whole in a child that is hurt
//! by real signals: what was planted is counted, to the last task that no fault
//! can have touched, and what died with it is no more than it can have had.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicU64, Ordering};

use schedbench::plan::{CellPlan, Deed, Fault, Victim};
use schedbench::run::PROBE_ROOM;
use schedbench_adapters::fake_plan;
use schedbench_contract::seeded;

use crate::play::{Played, Staging, plan, play};
use crate::systems::{Lane, fake};
use crate::{MS, S};

const TIMELINES: u64 = 50;
/// They mostly wait for what is planned.
const AT_A_TIME: usize = 4;

const RATE: u64 = 1_000;
const TASKS: u64 = 4_000;

/// How long before a death a task may have been handed over that it takes along,
/// and after the new child's start one that this loses: a busy machine lets
/// either wait.
const AROUND: f64 = 0.5;

/// What shows in a child too: its pipe has no word for a refusal.
const PROFILES: [&str; 6] = [
    "honest",
    "loses-1-in-100",
    "duplicates-1-in-100",
    "corrupts-1-in-100",
    "invents",
    "unknown-1-in-100",
];
const DEEDS: [Deed; 3] = [Deed::Kill, Deed::Terminate, Deed::Pause];

#[derive(Clone, Debug)]
struct Timeline {
    profile: &'static str,
    faults: Vec<Fault>,
}

impl Timeline {
    /// One fault, or a second when the first is over.
    fn of(seed: u64) -> Self {
        let number = |place: u64, within: Range<u64>| {
            within.start + seeded::at(seed, place) % (within.end - within.start)
        };
        let among = |place: u64, count: usize| number(place, 0..count as u64) as usize;
        let fault = |place: u64, at_ms: Range<u64>| Fault {
            deed: DEEDS[among(place, DEEDS.len())],
            on: [Victim::Workers, Victim::Worker(1)][among(place + 1, 2)],
            at_ns: number(place + 2, at_ms) * MS,
            for_ns: number(place + 3, 100..400) * MS,
        };
        let mut faults = vec![fault(1, 800..1_400)];
        if number(0, 0..2) == 1 {
            faults.push(fault(5, 2_400..2_900));
        }
        Self { profile: PROFILES[among(9, PROFILES.len())], faults }
    }

    fn play(&self) -> Played {
        let cell = CellPlan {
            faults: self.faults.clone(),
            horizon_ns: S,
            ..plan(fake(self.profile), TASKS, RATE)
        };
        play(&cell, &Staging { patient: false, ..Staging::default() })
    }
}

/// Seconds from the window's start at which what is handed over may die.
fn at_risk(timeline: &Timeline, played: &Played) -> Vec<Range<f64>> {
    let both = timeline.faults.iter().zip(&played.cell.trials);
    both.filter(|(fault, _)| fault.deed != Deed::Pause)
        .map(|(_, trial)| {
            let cleared = trial.cleared_s.expect("it was started again");
            trial.took_effect_s - AROUND..cleared + AROUND
        })
        .collect()
}

/// Whether there was something to judge.
fn judged(timeline: &Timeline) -> bool {
    let played = timeline.play();
    let counts = &played.cell.counts;
    assert!(counts.balances, "{timeline:?}: {counts:?}");
    // Beside a build a fault of 0.1 s was undone 3 s late, after the window: then
    // whatever was handed over meanwhile may have died.
    let trials = &played.cell.trials;
    let is_late =
        trials.len() < timeline.faults.len() || trials.iter().any(|it| it.cleared_s.is_none());
    if is_late || played.cell.error.is_some() {
        println!("{timeline:?}: {:?} {:?}", played.cell.error, played.cell.moments);
        return false;
    }
    assert_eq!(played.cell.trials.len(), timeline.faults.len(), "{timeline:?}");
    assert_eq!(played.attempted, played.probes + TASKS, "{timeline:?}");

    let at_risk = at_risk(timeline, &played);
    let may_die = |task: u64| {
        let intended = task as f64 / RATE as f64;
        at_risk.iter().any(|range| range.contains(&intended))
    };
    let dying = (0..TASKS).filter(|task| may_die(*task)).count() as u64;
    // Few probes are sent, so that none is struck.
    let struck =
        (0..TASKS).filter(|task| fake_plan::is_planted(timeline.profile, PROBE_ROOM + task));
    let (touched, certain): (Vec<u64>, Vec<u64>) = struck.partition(|task| may_die(*task));
    let (touched, certain) = (touched.len() as u64, certain.len() as u64);
    assert!(timeline.profile == "honest" || certain > 0, "{timeline:?} plants nothing");

    // What a death can add to a count, and what only a defect does.
    let spared: RangeInclusive<u64> = 0..=0;
    let dead = 0..=dying;
    let planted = certain..=certain + touched;
    let planted_or_dead = certain..=certain + dying;
    let mut expected = BTreeMap::from([
        ("lost", dead.clone()),
        ("unknown", dead.clone()),
        ("refused", dead.clone()),
        ("unsent", dead),
        ("repeated", spared.clone()),
        ("corrupt", spared.clone()),
        ("unexpected", spared.clone()),
        ("residual", spared.clone()),
        ("early", spared),
    ]);
    match timeline.profile {
        "loses-1-in-100" => expected.insert("lost", planted_or_dead),
        "unknown-1-in-100" => expected.insert("unknown", planted_or_dead),
        "duplicates-1-in-100" => expected.insert("repeated", planted),
        "corrupts-1-in-100" => expected.insert("corrupt", planted),
        "invents" => expected.insert("unexpected", planted),
        _ => None,
    };
    for (name, count) in [
        ("lost", counts.lost),
        ("unknown", counts.grid.unknown.iter().sum()),
        ("refused", counts.grid.fail.iter().sum()),
        ("unsent", counts.unsent),
        ("repeated", counts.repeated),
        ("corrupt", counts.corrupt),
        ("unexpected", counts.unexpected),
        ("residual", counts.residual),
        ("early", counts.early),
    ] {
        assert!(
            expected[name].contains(&count),
            "{name} of {expected:?} in {timeline:?}: {counts:?}"
        );
    }
    if timeline.profile != "loses-1-in-100" {
        let lost: u64 = played.cell.trials.iter().map(|trial| trial.lost).sum();
        assert_eq!(lost, counts.lost, "each loss belongs to a fault: {timeline:?}");
    }
    nothing_ran_meanwhile(timeline, &played);
    true
}

/// Positive control: the child was away for as long as the trial says.
fn nothing_ran_meanwhile(timeline: &Timeline, played: &Played) {
    let ns = |seconds: f64| played.start + (seconds * 1e9) as u64;
    for (fault, trial) in timeline.faults.iter().zip(&played.cell.trials) {
        // Who is asked to end may end what it does.
        if fault.deed == Deed::Terminate {
            continue;
        }
        let cleared = trial.cleared_s.expect("it was healed");
        let away = ns(trial.took_effect_s)..ns(cleared);
        let due = played.tasks().filter(|(arrival, _)| away.contains(&arrival.due)).count();
        let starts = played.tasks().filter_map(|(_, entry)| entry.first_start);
        let meanwhile = starts.filter(|start| away.contains(start)).count();
        // A busy machine sends the signal a while after it says so; whom none
        // reached starts them all.
        assert!(2 * meanwhile <= due, "{meanwhile} of {due} ran: {timeline:?}: {trial:?}");
    }
}

#[test]
fn the_judge_is_never_wrong() {
    let _lane = Lane::enter(fake("honest"));
    let (next, broken) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= TIMELINES {
                        return;
                    }
                    if !judged(&Timeline::of(seed)) {
                        broken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner();
    assert!(broken <= TIMELINES / 20, "{broken} of {TIMELINES} were not undone in their window");
}
