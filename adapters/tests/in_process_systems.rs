//! Every in-process system through the adapter's trait: what it claims holds.

mod in_process_rig;

use in_process_rig::{MS, Rig, wait_until};
use schedbench_adapters::{clock, find, handler};
use schedbench_contract::ledger::{Enqueue, ExtraKind};
use schedbench_contract::{Handler, Order, Retry, RunEnd, TaskId};

const SCHEDULING: &[(&str, &str)] = &[
    ("wheel", "1ms"),
    ("wheel", "1us"),
    ("wheel", "inline"),
    ("heap", "default"),
    ("heap", "tick-100ms"),
    ("tokio", "default"),
    ("delay-queue", "default"),
];

#[test]
fn every_profile_is_tested_here() {
    for system in ["noop", "wheel", "heap", "tokio", "delay-queue"] {
        for profile in find(system).expect("registered").profiles {
            let known = [&[("noop", "default")], SCHEDULING].concat();
            assert!(known.contains(&(system, profile.name)), "{system}/{}", profile.name);
        }
    }
}

#[test]
fn ten_thousand_immediate_tasks_run_once() {
    for &(system, profile) in SCHEDULING.iter().chain(&[("noop", "default")]) {
        let mut rig = Rig::new(system, profile, 10_000, |_| {});
        rig.submit_all(|_| 0);
        rig.settle();
        rig.wait_finished(10_000);
        for (sequence, entry) in rig.entries() {
            assert_eq!(entry.enqueue, Enqueue::Confirmed, "{} {sequence}", rig.name());
            assert_eq!((entry.successes, entry.failures), (1, 0), "{} {sequence}", rig.name());
        }
        wait_until("an empty backlog", || rig.backlog().outstanding() == 0);
        assert_eq!(rig.log.ledger().extra_count(ExtraKind::Repeated), 0);
        assert_eq!(rig.log.ledger().out_of_range(), 0);
    }
}

#[test]
fn delayed_tasks_run_once_and_never_early() {
    for &(system, profile) in SCHEDULING {
        let mut rig = Rig::new(system, profile, 6_000, |_| {});
        // Distinct delays up to 300 ms, every seventh task immediate.
        let dues = rig.submit_all(|n| if n % 7 == 0 { 0 } else { n * 7_919 % 6_000 * 50_000 });
        rig.wait_finished(6_000);
        for ((sequence, entry), due) in rig.entries().zip(dues) {
            assert_eq!(entry.successes, 1, "{} {sequence}", rig.name());
            // The ledger cuts its times off to its unit.
            let start = entry.first_start.expect("it ran") + rig.log.ledger().unit().ns();
            assert!(start > due, "{} {sequence} started {} ns early", rig.name(), due - start);
        }
        wait_until("an empty backlog", || rig.backlog().outstanding() == 0);
    }
}

#[test]
fn handlers_that_work_are_stamped_around_their_work() {
    for &(system, profile) in SCHEDULING {
        for work in [Handler::SleepNs(2 * MS), Handler::CpuNs(2 * MS)] {
            let mut rig = Rig::new(system, profile, 20, |plan| plan.handler = work);
            rig.submit_all(|_| 0);
            rig.wait_finished(20);
            for (sequence, entry) in rig.entries() {
                let (start, end) = entry.first_start.zip(entry.first_end).expect("it ran");
                assert!(end - start >= 2 * MS * 999 / 1_000, "{} {sequence}", rig.name());
            }
        }
    }
}

#[test]
fn planned_failures_are_retried_after_the_back_off_until_dead() {
    for &(system, profile) in SCHEDULING {
        let retry = Retry { max: 2, backoff_ns: 20 * MS };
        let mut rig = Rig::new(system, profile, 1_000, |plan| {
            plan.fail_ppm = 300_000;
            plan.retry = retry;
        });
        rig.submit_all(|n| n % 3 * 5 * MS);
        rig.wait_finished(1_000);
        let (mut dead, mut failures) = (0, 0);
        for (sequence, entry) in rig.entries() {
            let id = TaskId::new(in_process_rig::CELL, sequence);
            let planned = (0..=retry.max)
                .take_while(|&n| handler::planned_end(&rig.work, id, n) != RunEnd::Done)
                .count() as u64;
            assert_eq!(u64::from(entry.failures), planned, "{} {sequence}", rig.name());
            assert_eq!(entry.dead, planned == 3, "{} {sequence}", rig.name());
            assert_eq!(entry.successes, u8::from(planned < 3), "{} {sequence}", rig.name());
            if let (Some(start), Some(end)) = (entry.first_start, entry.first_end) {
                // The run time is kept within 2⁻¹² of itself.
                let least = planned * retry.backoff_ns * 4_000 / 4_096;
                assert!(end - start >= least, "{} {sequence}: {}", rig.name(), end - start);
            }
            dead += u64::from(entry.dead);
            failures += planned;
        }
        assert!(dead > 0);
        assert_eq!(rig.log.counts().failed_attempts, failures, "{}", rig.name());
        wait_until("an empty backlog", || rig.backlog().outstanding() == 0);
        assert_eq!(rig.backlog().dead, Some(dead), "{}", rig.name());
    }
}

#[test]
fn a_cancelled_task_never_runs_and_one_that_was_not_does() {
    for &(system, profile) in SCHEDULING {
        let mut rig = Rig::new(system, profile, 3_001, |_| {});
        // The first third long before they are due, the second in a race, the
        // third after they ran.
        rig.submit(0..1_000, |_| 3_600_000 * MS);
        let early: Vec<bool> = (0..1_000).map(|sequence| rig.cancel(sequence)).collect();
        assert!(early.iter().all(|&cancelled| cancelled), "{}: it was early enough", rig.name());
        assert_eq!(rig.backlog().outstanding(), 0, "{}", rig.name());
        rig.submit(1_000..2_000, |n| n % 50 * 100_000);
        let raced: Vec<bool> = (1_000..2_000).map(|sequence| rig.cancel(sequence)).collect();
        rig.submit(2_000..3_000, |n| n % 5 * MS);
        rig.wait_finished(3_000);
        let late: Vec<bool> = (2_000..3_000).map(|sequence| rig.cancel(sequence)).collect();
        assert!(late.iter().all(|&cancelled| !cancelled), "{}: it had run", rig.name());
        assert!(!rig.cancel(3_000), "{}: nobody sent it", rig.name());
        assert!(!rig.cancel(5), "{}: it is cancelled already", rig.name());
        wait_until("an empty backlog", || rig.backlog().outstanding() == 0);
        rig.stop();
        for (sequence, cancelled) in (0..).zip(early.into_iter().chain(raced).chain(late)) {
            let ran = rig.entry(sequence).successes;
            assert_eq!(ran, u8::from(!cancelled), "{} {sequence}", rig.name());
        }
    }
}

#[test]
fn order_holds_where_it_is_claimed() {
    let mut claimed = 0;
    for &(system, profile) in SCHEDULING {
        let found = find(system).and_then(|system| system.profile(Some(profile)));
        if found.expect("registered").claims.order != Order::Queue {
            continue;
        }
        claimed += 1;
        let mut rig = Rig::new(system, profile, 50_000, |_| {});
        rig.submit_all(|_| 0);
        rig.wait_finished(50_000);
        let starts: Vec<_> = rig.entries().map(|(_, entry)| entry.first_start).collect();
        assert!(starts.is_sorted(), "{}", rig.name());
    }
    assert_eq!(claimed, 1);
}

#[test]
fn purge_empties_and_what_comes_after_runs() {
    for &(system, profile) in SCHEDULING {
        let mut rig = Rig::new(system, profile, 2_100, |plan| {
            plan.fail_ppm = 1_000_000;
            plan.retry = Retry { max: 5, backoff_ns: 3_600_000 * MS };
        });
        rig.submit(0..1_000, |_| 3_600_000 * MS);
        rig.submit(1_000..2_000, |_| 0);
        wait_until("a first failure of each", || rig.log.counts().failed_attempts == 1_000);
        wait_until("hands that are empty", || rig.backlog().held == Some(0));
        let before = rig.backlog();
        assert_eq!((before.scheduled, before.retry), (Some(1_000), Some(1_000)), "{}", rig.name());
        rig.purge();
        assert_eq!(rig.backlog().outstanding(), 0, "{}", rig.name());
        assert!(!rig.cancel(17), "{}: a purged task is gone", rig.name());
        assert_eq!(rig.backlog().outstanding(), 0, "{}", rig.name());
        rig.submit(2_000..2_100, |n| n % 2 * MS);
        wait_until("the tasks after it", || rig.log.counts().failed_attempts == 1_100);
    }
}

#[test]
fn the_backlog_never_misses_a_task_and_stays_when_the_workers_stop() {
    for &(system, profile) in SCHEDULING {
        let mut rig = Rig::new(system, profile, 600, |plan| {
            plan.handler = Handler::SleepNs(MS / 10);
            plan.fail_ppm = 200_000;
            plan.retry = Retry { max: 9, backoff_ns: MS };
        });
        rig.submit(0..100, |_| 3_600_000 * MS);
        rig.submit(100..600, |n| n % 2 * n * 10_000);
        let until = clock::now() + 30 * MS;
        while clock::now() < until {
            let outstanding = rig.backlog().outstanding();
            let unfinished = 600 - rig.log.counts().finished;
            // tokio's tasks are counted one by one, not under a lock: what
            // moves while it sums may be missed.
            assert!(
                outstanding >= unfinished || system == "tokio",
                "{}: holds {outstanding} of {unfinished}",
                rig.name()
            );
        }
        rig.stop();
        let unfinished = 600 - rig.log.counts().finished;
        assert!(unfinished >= 100);
        assert_eq!(rig.backlog().outstanding(), unfinished, "{}", rig.name());
        assert_eq!(rig.backlog().held, Some(0), "{}", rig.name());
    }
}
