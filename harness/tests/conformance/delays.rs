//! Delayed tasks start no earlier than claimed, and soon enough.

use schedbench::plan::{CellPlan, Delay, Target};
use schedbench_contract::Delay as Claim;

use crate::hand::{Act, Hand, by_hand};
use crate::play::{Played, Staging, plan, play};
use crate::systems::{Lane, ONE_QUEUE, each, on_every_system};
use crate::{MS, S};

/// Ten times what any profile names as its lateness: the machine may be busy.
const SANELY_LATE_NS: u64 = 15 * S;

fn delayed_tasks_start_when_they_are_due(target: Target) {
    if !target.profile.claims.delay.is_supported() {
        return;
    }
    // Three classes of delay: what is held in queues by class has that many.
    let delay = Delay::Mix(vec![(10 * MS, 2), (300 * MS, 1), (1_250 * MS, 1)]);
    let played = play(&CellPlan { delay, ..plan(target, 2_000, 2_000) }, &Staging::default());
    played.balances(2_000, 0, 0);
    starts_as_claimed(&played);
}

/// That nothing started earlier than the profile claims or absurdly late, and
/// that the judge counts the early ones.
pub(crate) fn starts_as_claimed(played: &Played) {
    let claims = &played.plan.target.profile.claims;
    let Claim::Native { early_by_at_most_ns: claimed } = claims.delay else {
        // The other ways of delaying promise never to be early.
        return on_time(played, 0);
    };
    on_time(played, claimed);
}

fn on_time(played: &Played, claimed: u64) {
    let name = played.plan.target.name();
    let unit = played.log.ledger().unit().ns();
    let (mut early, mut earliest, mut latest) = (0, 0, 0);
    for (arrival, entry) in played.tasks() {
        let Some(start) = entry.first_start else { continue };
        let by = arrival.due.saturating_sub(start);
        early += u64::from(by >= unit);
        earliest = earliest.max(by);
        latest = latest.max(start.saturating_sub(arrival.due));
    }
    println!(
        "{name}: {early} early, by at most {} ms; at most {} ms late",
        earliest / MS,
        latest / MS
    );
    assert!(earliest < claimed + unit, "{name}: {earliest} ns early, {claimed} claimed");
    assert_eq!(played.early, early, "{name}");
    assert!(latest < SANELY_LATE_NS, "{name}: {latest} ns late");
}

/// A short delay handed over behind a long one.
struct HeadOfTheLine;

impl Act for HeadOfTheLine {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        const LONG: u64 = 2 * S;
        hand.submit_due(0..1, LONG);
        // Another connection may publish the second.
        hand.settle();
        hand.submit_due(1..2, 100 * MS);
        hand.settle();
        hand.wait("both to run", |hand| hand.log.counts().finished == 2);
        let start = hand.log.ledger().entry(1).first_start.expect("it ran");
        let waited = start - hand.hand_overs[0].at;
        let waited_ms = waited / MS;
        assert!(waited >= LONG, "it started {waited_ms} ms after the long one was handed over");
    }
}

/// Head-of-line blocking is what the profile is there to show.
#[test]
fn in_one_queue_a_short_delay_ends_with_the_long_one_before_it() {
    each(Lane::Brokers, ONE_QUEUE, |target| by_hand(target, &HeadOfTheLine));
}

on_every_system! { DEFAULTS: delayed_tasks_start_when_they_are_due; }
