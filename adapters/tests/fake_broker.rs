//! Each profile of the fake broker plants what its plan says, exactly.

mod in_process_rig;

use in_process_rig::{CELL, MS, Rig, wait_until};
use schedbench_adapters::{clock, fake_plan, find};
use schedbench_contract::ledger::{Enqueue, Entry, ExtraKind, Reason};
use schedbench_contract::{AckMode, Retry, TaskId};

const TASKS: u64 = 5_000;

/// A cell of `TASKS` immediate tasks after everything that will happen has.
fn ran(profile: &str, finished: u64) -> Rig {
    let mut rig = Rig::new("fake", profile, TASKS, |_| {});
    rig.submit_all(|_| 0);
    rig.settle();
    rig.wait_finished(finished);
    rig
}

fn count(rig: &Rig, what: impl Fn(u64, Entry) -> bool) -> u64 {
    rig.entries().filter(|&(sequence, entry)| what(sequence, entry)).count() as u64
}

/// That `what` holds of exactly the planted tasks.
fn planted_exactly(rig: &Rig, what: impl Fn(Entry) -> bool) {
    let profile = rig.work.profile.as_str();
    for (sequence, entry) in rig.entries() {
        assert_eq!(what(entry), fake_plan::is_planted(profile, sequence), "{profile} {sequence}");
    }
    let struck = count(rig, |_, entry| what(entry));
    assert_eq!(struck, fake_plan::planted(profile, 0..TASKS), "{profile}");
    assert!(struck > 0, "{profile}");
}

fn extras(rig: &Rig) -> (u64, u64) {
    let ledger = rig.log.ledger();
    (ledger.extra_count(ExtraKind::Repeated), ledger.extra_count(ExtraKind::Foreign))
}

#[test]
fn the_honest_one_runs_everything_once_in_order() {
    let rig = ran("honest", TASKS);
    assert_eq!(count(&rig, |_, entry| entry.successes == 1 && !entry.corrupt), TASKS);
    assert!(rig.entries().map(|(_, entry)| entry.first_start).is_sorted());
    assert_eq!(extras(&rig), (0, 0));
    assert_eq!(rig.backlog().outstanding(), 0);
}

#[test]
fn lost_tasks_are_confirmed_and_nowhere() {
    let rig = ran("loses-1-in-100", TASKS - 50);
    assert_eq!(rig.backlog().outstanding(), 0);
    planted_exactly(&rig, |entry| entry.enqueue == Enqueue::Confirmed && entry.successes == 0);
}

#[test]
fn kept_tasks_are_confirmed_and_named() {
    let rig = ran("keeps", TASKS - 50);
    assert_eq!(rig.backlog().outstanding(), 50);
    planted_exactly(&rig, |entry| entry.enqueue == Enqueue::Confirmed && entry.successes == 0);
}

#[test]
fn duplicates_run_twice() {
    let rig = ran("duplicates-1-in-100", TASKS);
    wait_until("the second runs", || extras(&rig) == (50, 0));
    planted_exactly(&rig, |entry| entry.successes == 2);
}

#[test]
fn reordered_tasks_start_before_their_predecessors() {
    let rig = ran("reorders", TASKS);
    let starts: Vec<u64> = rig.entries().filter_map(|(_, entry)| entry.first_start).collect();
    for (sequence, pair) in (1..).zip(starts.windows(2)) {
        assert_eq!(pair[0] > pair[1], fake_plan::is_planted("reorders", sequence), "{sequence}");
    }
    assert_eq!(starts.len() as u64, TASKS);
}

#[test]
fn one_that_nobody_overtakes_runs_all_the_same() {
    let mut rig = Rig::new("fake", "reorders", 100, |_| {});
    rig.submit(0..99, |_| 0);
    rig.wait_finished(99);
}

#[test]
fn some_delayed_tasks_start_early() {
    let mut rig = Rig::new("fake", "fires-early", TASKS, |_| {});
    let dues = rig.submit_all(|n| 50 * MS + n * 10_000);
    rig.wait_finished(TASKS);
    for ((sequence, entry), due) in rig.entries().zip(dues) {
        let early = due.saturating_sub(entry.first_start.expect("it ran"));
        let planted = fake_plan::is_planted("fires-early", sequence);
        assert!(early.abs_diff(if planted { fake_plan::EARLY_BY_NS } else { 0 }) < 64);
    }
}

#[test]
fn some_delayed_tasks_start_late() {
    let mut rig = Rig::new("fake", "fires-late", TASKS, |_| {});
    let dues = rig.submit_all(|n| 50 * MS + n * 10_000);
    rig.wait_finished(TASKS);
    for ((sequence, entry), due) in rig.entries().zip(dues) {
        let late = entry.first_start.expect("it ran") as i64 - due as i64;
        let planted = fake_plan::is_planted("fires-late", sequence);
        let expected = if planted { fake_plan::LATE_BY_NS } else { 0 };
        assert!(late.abs_diff(expected as i64) < 64, "{sequence}: {late}");
    }
}

#[test]
fn failed_tasks_are_forgotten() {
    let mut rig = Rig::new("fake", "acks-early-and-forgets", TASKS, |work| {
        work.fail_ppm = 100_000;
        work.retry = Retry { max: 3, backoff_ns: MS };
    });
    rig.submit_all(|_| 0);
    let forgotten = fake_plan::forgotten(&rig.work, 0..TASKS);
    assert!(forgotten > 300);
    rig.wait_finished(TASKS - forgotten);
    wait_until("all failures", || rig.log.counts().failed_attempts == forgotten);
    assert_eq!(rig.backlog().outstanding(), 0);
    let never = count(&rig, |_, entry| entry.successes == 0 && entry.failures == 1 && !entry.dead);
    assert_eq!(never, forgotten);
    let system = find("fake").expect("registered");
    let claims = system.profile(Some("acks-early-and-forgets")).expect("exists").claims;
    assert_eq!(claims.ack, AckMode::Early);
}

#[test]
fn honest_retries_come_and_end() {
    let mut rig = Rig::new("fake", "honest", TASKS, |work| {
        work.fail_ppm = 300_000;
        work.retry = Retry { max: 1, backoff_ns: 5 * MS };
    });
    rig.submit_all(|_| 0);
    rig.wait_finished(TASKS);
    let dead = count(&rig, |_, entry| entry.dead);
    assert!(dead > 300);
    assert_eq!(rig.backlog().dead, Some(dead));
    assert_eq!(count(&rig, |_, entry| entry.successes == 1), TASKS - dead);
}

#[test]
fn phantoms_are_refused_and_run() {
    let rig = ran("phantom", TASKS);
    planted_exactly(&rig, |entry| {
        let refused = entry.enqueue == Enqueue::Refused;
        assert_eq!(entry.reason == Reason::Full, refused);
        refused && entry.successes == 1
    });
}

#[test]
fn invented_ids_are_foreign() {
    let rig = ran("invents", TASKS);
    wait_until("the foreign ones", || extras(&rig).1 >= 5);
    assert_eq!(extras(&rig), (0, fake_plan::planted("invents", 0..TASKS)));
    let first = rig.log.ledger().extras()[0].id;
    assert_eq!(first, fake_plan::invented(TaskId::new(CELL, 999)));
}

#[test]
fn corrupt_bodies_are_noticed() {
    let rig = ran("corrupts-1-in-100", TASKS);
    planted_exactly(&rig, |entry| entry.corrupt);
}

#[test]
fn unknown_ones_run_by_halves() {
    let rig = ran("unknown-1-in-100", TASKS - 25);
    planted_exactly(&rig, |entry| entry.enqueue == Enqueue::Unknown);
    let unknown = |entry: Entry| entry.enqueue == Enqueue::Unknown;
    for (sequence, entry) in rig.entries().filter(|&(_, entry)| unknown(entry)) {
        assert_eq!(entry.successes == 1, fake_plan::unknown_runs(sequence), "{sequence}");
    }
    assert_eq!(count(&rig, |_, entry| unknown(entry) && entry.successes == 1), 25);
}

#[test]
fn latencies_are_those_of_the_plan() {
    for profile in ["latency-constant-5ms", "latency-bimodal", "latency-exponential-5ms"] {
        let mut rig = Rig::new("fake", profile, TASKS, |_| {});
        // Delayed, so that handing over does not make one later.
        let dues = rig.submit_all(|_| 100 * MS);
        rig.wait_finished(TASKS);
        for ((sequence, entry), due) in rig.entries().zip(dues) {
            let id = TaskId::new(CELL, sequence);
            let planned = due + fake_plan::latency_ns(profile, id).expect("it is planned");
            let start = entry.first_start.expect("it ran");
            assert!(planned.abs_diff(start) < 64, "{profile} {sequence}");
        }
    }
}

#[test]
fn servers_serve_one_after_the_other_at_their_rate() {
    for (profile, tasks) in [("slow-server", 400), ("stalls", 4_000)] {
        let capacity = fake_plan::capacity_per_s(profile).expect("limited");
        let mut rig = Rig::new("fake", profile, tasks, |_| {});
        rig.submit_all(|_| 0);
        rig.wait_finished(tasks);
        let starts: Vec<u64> = rig.entries().filter_map(|(_, entry)| entry.first_start).collect();
        for pair in starts.windows(2) {
            assert!((pair[1] - pair[0]).abs_diff(1_000_000_000 / capacity) < 64, "{profile}");
        }
    }
}

#[test]
fn nothing_starts_during_the_stall() {
    // 1.2 s of work at 20k/s: what comes after 1 s waits for the stall's end.
    let tasks = 24_000;
    let mut rig = Rig::new("fake", "stalls", tasks, |_| {});
    let before = clock::now();
    rig.submit_all(|_| 0);
    rig.wait_finished(tasks);
    let starts: Vec<u64> = rig.entries().filter_map(|(_, entry)| entry.first_start).collect();
    let gap = starts.windows(2).map(|pair| pair[1] - pair[0]).max().expect("many");
    assert!((fake_plan::STALL_NS..fake_plan::STALL_NS + 60_000).contains(&gap), "{gap}");
    let last_before = starts.iter().filter(|&&start| start < starts[0] + MS * 1_100).max();
    let worked = last_before.expect("some") - before;
    assert!(worked.abs_diff(fake_plan::STALL_AFTER_NS) < 50 * MS, "{worked}");
}

#[test]
fn back_pressure_holds_the_producer_in_its_part_of_each_period() {
    let mut rig = Rig::new("fake", "back-pressure", 2_000, |_| {});
    for sequence in 0..2_000 {
        rig.submit(sequence..sequence + 1, |_| 0);
        let until = clock::now() + 20_000;
        while clock::now() < until {
            std::hint::spin_loop();
        }
    }
    rig.wait_finished(2_000);
    let in_period = |at: u64| at % fake_plan::PRESSURE_EVERY_NS;
    let mut held = 0;
    for (sequence, entry) in rig.entries() {
        let at = entry.confirmed_at.expect("confirmed") + 16;
        assert!(in_period(at) >= fake_plan::PRESSURE_NS, "{sequence}");
        held += u64::from(entry.accepted_after_ns > MS);
    }
    assert!(held > 0, "40 ms of hand-over meet the pressure");
}

#[test]
fn slow_confirmations_settle_late_and_never_hang() {
    let mut rig = Rig::new("fake", "slow-confirms", TASKS, |_| {});
    let intended = rig.submit_all(|_| 0);
    rig.settle();
    assert_eq!(rig.log.counts().settled, TASKS);
    for ((sequence, entry), intended) in rig.entries().zip(intended) {
        let confirmed = entry.confirmed_at.expect("settled") + 16;
        assert!(confirmed >= intended + fake_plan::CONFIRM_AFTER_NS, "{sequence}");
    }
    let mut stopped = Rig::new("fake", "slow-confirms", 10, |_| {});
    stopped.submit_all(|_| 0);
    stopped.stop();
    stopped.settle();
    assert_eq!(stopped.log.counts().settled, 10);
}

#[test]
fn cancel_and_purge_are_exact() {
    let mut rig = Rig::new("fake", "honest", 1_000, |_| {});
    rig.submit_all(|n| 20 * MS + n * 10_000);
    let cancelled: Vec<bool> = (0..1_000).map(|n| n % 2 == 0 && rig.cancel(n)).collect();
    rig.wait_finished(1_000);
    for ((sequence, entry), cancelled) in rig.entries().zip(cancelled) {
        assert_eq!(entry.successes == 0, cancelled, "{sequence}");
    }
    let mut rig = Rig::new("fake", "honest", 10, |_| {});
    rig.submit_all(|_| 3_600_000 * MS);
    assert_eq!(rig.backlog().scheduled, Some(10));
    rig.purge();
    assert_eq!(rig.backlog().outstanding(), 0);
}
