//! The judge names what the fake broker does to tasks, with its exact count.

use schedbench::plan::{CellPlan, Delay};
use schedbench::run::PROBE_ROOM;
use schedbench_adapters::fake_plan;
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{Retry, TaskId, seeded};
use schedbench_reports::outcome::Again;

use crate::play::{Played, Staging, next_number, plan, play};
use crate::systems::{Lane, fake};
use crate::{MS, S};

const TASKS: u64 = 5_000;

/// A cell of a profile. It listens long enough for a busy machine; where
/// something stays missing, not longer.
fn played(profile: &str, change: impl FnOnce(&mut CellPlan)) -> (Played, u64) {
    let _lane = Lane::enter(fake(profile));
    let mut plan = CellPlan { horizon_ns: S, ..plan(fake(profile), TASKS, 10_000) };
    change(&mut plan);
    let number = next_number();
    // A probe that fails may be forgotten, and then nobody is ever ready.
    while seeded::attempt_fails(plan.seed, TaskId::new(number, 0), 0, plan.fail_ppm) {
        plan.seed += 1;
    }
    let staging = Staging { patient: false, number: Some(number), ..Staging::default() };
    let played = play(&plan, &staging);
    // Few probes are sent, so that none is struck.
    let planted = fake_plan::planted(profile, 0..played.probes)
        + fake_plan::planted(profile, PROBE_ROOM..PROBE_ROOM + TASKS);
    assert!(played.cell.counts.balances, "{:?}", played.cell.validity);
    assert_eq!(played.attempted, played.probes + TASKS);
    (played, planted)
}

/// Everything the judge counts that a correct system has none of.
fn defects(played: &Played) -> [(&'static str, u64); 9] {
    [
        ("lost", played.lost),
        ("residual", played.residual),
        ("repeated", played.repeated),
        ("unknown", played.grid.unknown.iter().sum()),
        ("refused", played.grid.fail.iter().sum()),
        ("unexpected", played.unexpected),
        ("corrupt", played.corrupt),
        ("early", played.early),
        ("inversions", played.inversions),
    ]
}

/// That the judge found exactly these, and nothing else.
fn found(played: &Played, expected: &[(&str, u64)]) {
    for (name, count) in defects(played) {
        let planted = expected.iter().find(|(planted, _)| *planted == name);
        let planted = planted.map_or(0, |(_, count)| *count);
        assert_eq!(count, planted, "{name} under {}", played.plan.target.name());
    }
}

#[test]
fn nothing_is_found_in_the_honest_one() {
    let (played, planted) = played("honest", |_| {});
    assert_eq!(planted, 0);
    found(&played, &[]);
    played.balances(TASKS, 0, 0);
}

#[test]
fn lost_tasks_are_lost() {
    let (played, planted) = played("loses-1-in-100", |_| {});
    assert_eq!((planted, played.grid.ok[0]), (50, 50));
    found(&played, &[("lost", 50)]);
}

#[test]
fn kept_tasks_are_residual_and_not_lost() {
    let (played, planted) = played("keeps", |_| {});
    assert_eq!((planted, played.grid.ok[0]), (50, 50));
    assert_eq!(played.backlog.outstanding(), 50);
    found(&played, &[("residual", 50)]);
}

#[test]
fn duplicates_are_repeated() {
    let (played, planted) = played("duplicates-1-in-100", |_| {});
    assert_eq!((planted, played.grid.ok[2]), (50, 50));
    assert_eq!(played.again, Again { redelivered: 50, ..Again::default() });
    found(&played, &[("repeated", 50)]);
}

#[test]
fn what_was_sent_twice_is_not_called_redelivered() {
    let (resent, planted) = played("resends-1-in-100", |_| {});
    assert_eq!((planted, resent.grid.ok[2]), (50, 50));
    assert_eq!(resent.again, Again { sent_again: 50, ..Again::default() });
    found(&resent, &[("repeated", 50)]);
    // Nobody sees what this client repeats: nothing is said of who did it.
    let (unseen, _) = played("resends-unseen", |_| {});
    assert_eq!(unseen.again, Again { not_told: 50, ..Again::default() });
    found(&unseen, &[("repeated", 50)]);
}

#[test]
fn reordered_tasks_are_inversions() {
    let (played, planted) = played("reorders", |_| {});
    assert_eq!(planted, 50);
    found(&played, &[("inversions", 50)]);
}

#[test]
fn early_tasks_are_early_by_what_was_planted() {
    let (played, planted) = played("fires-early", |plan| {
        // Far enough off that none is handed over in its last 5 ms.
        plan.delay = Delay::Uniform(700 * MS, 900 * MS);
        plan.horizon_ns = 2 * S;
    });
    assert_eq!(planted, 100);
    found(&played, &[("early", 100)]);
    let by = played.metric("earliness.max") * 1e9;
    assert!((by - fake_plan::EARLY_BY_NS as f64).abs() < 0.01 * by, "{by}");
}

#[test]
fn late_tasks_are_late_by_what_was_planted() {
    let (played, planted) = played("fires-late", |plan| {
        plan.delay = Delay::Uniform(700 * MS, 900 * MS);
        plan.horizon_ns = 2 * S;
    });
    assert_eq!(planted, 100);
    found(&played, &[]);
    let late = played.tasks().filter(|(arrival, entry)| {
        entry.first_start.is_some_and(|start| start + 64 >= arrival.due + fake_plan::LATE_BY_NS)
    });
    assert_eq!(late.count(), 100);
    // 2 % are late: beyond P98, and the others by nothing at all.
    assert!(played.metric("firing_error.p90") < 1e-6);
    let p99 = played.metric("firing_error.p99") * 1e9;
    assert!((p99 - fake_plan::LATE_BY_NS as f64).abs() < 2e-3 * p99, "{p99}");
}

#[test]
fn phantoms_are_refused_and_ran() {
    let (played, planted) = played("phantom", |_| {});
    assert_eq!((planted, played.grid.fail), (50, [0, 50, 0]));
    found(&played, &[("refused", 50)]);
}

#[test]
fn invented_tasks_are_unexpected() {
    let (played, planted) = played("invents", |_| {});
    assert_eq!(planted, 5);
    found(&played, &[("unexpected", 5)]);
}

#[test]
fn other_bodies_are_corrupt() {
    let (played, planted) = played("corrupts-1-in-100", |_| {});
    assert_eq!(planted, 50);
    found(&played, &[("corrupt", 50)]);
}

#[test]
fn unknown_tasks_are_unknown_whether_they_ran_or_not() {
    let (played, planted) = played("unknown-1-in-100", |_| {});
    let ran = (PROBE_ROOM..PROBE_ROOM + TASKS)
        .filter(|&sequence| fake_plan::is_planted("unknown-1-in-100", sequence))
        .filter(|&sequence| fake_plan::unknown_runs(sequence))
        .count() as u64;
    assert!(planted == 50 && ran > 0 && ran < 50, "{ran} of {planted}");
    assert_eq!(played.grid.unknown, [50 - ran, ran, 0]);
    // What is unknown and did not run is not called lost.
    found(&played, &[("unknown", 50)]);
}

#[test]
fn slow_confirmations_are_confirmed_and_late() {
    let (played, _) = played("slow-confirms", |_| {});
    found(&played, &[]);
    let p50 = played.metric("enqueue_latency.p50") * 1e9;
    assert!(p50 >= fake_plan::CONFIRM_AFTER_NS as f64, "{p50}");
    let confirmed =
        |(_, entry): &(_, schedbench_contract::ledger::Entry)| entry.enqueue == Enqueue::Confirmed;
    assert_eq!(played.tasks().filter(confirmed).count() as u64, TASKS);
}

#[test]
fn forgotten_retries_are_lost() {
    let (played, _) = played("acks-early-and-forgets", |plan| {
        plan.fail_ppm = 100_000;
        plan.retry = Retry { max: 3, backoff_ns: 0 };
    });
    // Forgotten is whose first attempt fails: there is no second.
    let plan = &played.plan;
    let forgotten = played
        .sequences()
        .filter(|&sequence| seeded::attempt_fails(plan.seed, played.id(sequence), 0, plan.fail_ppm))
        .count() as u64;
    assert!(forgotten > 400, "{forgotten}");
    found(&played, &[("lost", forgotten)]);
    assert_eq!((played.failed_attempts, played.dead), (forgotten, 0));
    assert!(played.planned_failures > forgotten, "retries were planned to fail too");
}
