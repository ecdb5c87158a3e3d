//! What is said to be cancelled never runs, and what is not runs once.

use schedbench::plan::{CellPlan, Delay, Target};
use schedbench_contract::Error;
use schedbench_contract::ledger::Cancel;

use crate::S;
use crate::hand::{Act, Hand, by_hand};
use crate::play::{Staging, plan, play};
use crate::systems::on_every_system;

fn cancelled_tasks_never_run(target: Target) {
    if !target.profile.claims.cancel {
        return by_hand(target, &NothingIsTakenBack);
    }
    // Asked halfway: a second before it is due.
    let delay = Delay::Fixed(2 * S);
    let plan = CellPlan { delay, cancel_ppm: 200_000, ..plan(target, 1_000, 2_000) };
    let played = play(&plan, &Staging::default());
    let (mut asked, mut cancelled) = (0, 0);
    for (arrival, entry) in played.tasks() {
        asked += u64::from(arrival.cancel);
        cancelled += u64::from(entry.cancel == Cancel::Cancelled);
        let ran = entry.first_start.is_some();
        assert_eq!(entry.cancel != Cancel::NotAsked, arrival.cancel, "{}", arrival.index);
        assert_eq!(ran, entry.cancel != Cancel::Cancelled, "{}: {entry:?}", arrival.index);
    }
    assert!((100..300).contains(&asked), "{asked} of 1,000 at 20 %");
    // On a busy machine some are asked for too late; the system says so.
    assert!(cancelled >= asked / 2, "{}: {cancelled} of {asked}", target.name());
    played.balances(1_000, 0, cancelled);
    by_hand(target, &TooLate);
}

/// A task that ran, and one that was never sent, cannot be taken back; one
/// that is, is so only once.
struct TooLate;

impl Act for TooLate {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        hand.submit(0..1);
        hand.submit_due(1..2, 600 * S);
        hand.settle();
        hand.wait("the first to run", |hand| hand.log.counts().finished == 1);
        assert!(!hand.cancel(0).expect("an answer"), "it ran");
        assert!(!hand.cancel(2).expect("an answer"), "it was never sent");
        assert_eq!(hand.backlog().scheduled.unwrap_or(1), 1);
        assert!(hand.cancel(1).expect("an answer"), "it waits");
        assert!(!hand.cancel(1).expect("an answer"), "it is gone");
        assert_eq!(hand.backlog().outstanding(), 0);
    }
}

/// The system does not claim to cancel: it says no, or that it cannot.
struct NothingIsTakenBack;

impl Act for NothingIsTakenBack {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        hand.submit(0..10);
        hand.settle();
        for sequence in 0..10 {
            match hand.cancel(sequence) {
                Ok(false) | Err(Error::Unsupported { .. }) => {}
                other => panic!("cancelling {sequence}: {other:?}"),
            }
        }
        hand.wait("all to run", |hand| hand.log.counts().finished == 10);
    }
}

on_every_system! { DEFAULTS: cancelled_tasks_never_run; }
