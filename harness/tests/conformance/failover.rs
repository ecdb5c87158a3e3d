//! A primary that is killed with tasks that no replica has, and a replica that
//! takes its place: exactly those tasks are lost, though each was confirmed;
//! none is where a task is not confirmed before a replica has it.

use std::time::{Duration, Instant};

use schedbench::environment::{Child, Running};
use schedbench::plan::{Deed, Fault, Target, Victim};
use schedbench::record::Injected;
use schedbench_adapters::clock;
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{DurabilityClass, MomentKind, Work};

use crate::ground::aim;
use crate::hand::{Act, Hand, ROOM, by_hand};
use crate::systems::{FAILOVER, Lane, each};

/// Confirmed while the replicas run: each of them has these.
const COPIED: u64 = 200;
/// Handed over while they are stopped.
const ALONE: u64 = 300;
/// Handed over at a time to a primary that is about to hear of its end.
const A_FEW: u64 = 5;
/// A failover takes 2 s; one that finds no replica is tried again after 20 s,
/// and a former primary is told that it is one after 10 s.
const PATIENCE: Duration = Duration::from_secs(150);

struct Failover {
    target: Target,
    /// Whether the replicas' connections are cut once they are stopped. Where
    /// they are not, the kernel goes on taking what the primary sends, keeps
    /// it over the primary's death, and gives it to them when they go on.
    cut: bool,
}

impl Act for Failover {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.target.name();
        let sentinels = hand.address().expect("sentinels");
        hand.dismiss();
        hand.submit(0..COPIED);
        hand.settle();
        // Asked on a connection that was made after all of them.
        let mut primary = aim(&sentinels);
        assert_eq!(primary.ask("WAIT 2 150000"), "2", "both replicas have them");
        let first = leader(hand).expect("a primary");
        replicas(hand, first).for_each(Child::pause);
        if self.cut {
            assert_eq!(primary.ask("CLIENT KILL TYPE replica"), "2");
        }
        hand.submit(COPIED..COPIED + ALONE);
        hand.settle();

        let took_effect = clock::now();
        assert_eq!(broker(hand).children()[first].kill().signal, Some(9));
        replicas(hand, first).for_each(Child::resume);
        let cleared = Some(clock::now());
        let at_ns = took_effect - hand.opened;
        let fault = Fault { deed: Deed::Kill, on: Victim::Leader, at_ns, for_ns: 0 };
        hand.faults.push(Injected { fault, took_effect, cleared });

        let gone = if self.cut { ALONE } else { 0 };
        let kept = COPIED + ALONE - gone;
        wait("another to be promoted", || leader(hand).is_some_and(|place| place != first));
        wait("it to be asked", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == kept)
        });
        hand.hire_again();
        wait("what is left to run", || hand.log.counts().finished == kept);

        // It comes back with what it had, is told to follow, and gives that up.
        let broker = hand.stage.broker.as_mut().expect("a broker");
        broker.restart_nodes(&[first]).expect("it comes back");
        wait("it to follow the other", || {
            aim(&sentinels).ask("INFO replication").contains("connected_slaves:2\r")
        });
        hand.dismiss();
        let counts = hand.judged();
        let [ok, unknown] = [counts.grid.ok, counts.grid.unknown];
        println!("{name}: of {ALONE} {} lost, {} vanished", counts.lost, unknown[0]);
        let copied = [0, COPIED, 0];
        let alone = [gone, ALONE - gone, 0];
        let both = [gone, kept, 0];
        let (expected, lost) = match self.target.profile.claims.durability {
            DurabilityClass::Replicated => ([copied, alone], 0),
            _ => ([both, [0; 3]], gone),
        };
        assert_eq!([ok, unknown], expected, "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (lost, 0), "{name}: {counts:?}");
    }
}

/// A primary that was only paused, and goes on after a replica has taken its
/// place: it does not know that yet, and takes tasks until it is told.
struct Paused(Target);

impl Act for Paused {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        let sentinels = hand.address().expect("sentinels");
        hand.dismiss();
        hand.submit(0..COPIED);
        hand.settle();
        assert_eq!(aim(&sentinels).ask("WAIT 2 150000"), "2", "both replicas have them");
        let first = leader(hand).expect("a primary");
        let took_effect = clock::now();
        broker(hand).children()[first].pause();
        wait("another to be promoted", || leader(hand).is_some_and(|place| place != first));
        broker(hand).children()[first].resume();
        let cleared = clock::now();
        let at_ns = took_effect - hand.opened;
        let fault =
            Fault { deed: Deed::Pause, on: Victim::Leader, at_ns, for_ns: cleared - took_effect };
        hand.faults.push(Injected { fault, took_effect, cleared: Some(cleared) });

        // Little by little, until the client is with the new one.
        let mut next = COPIED;
        let deadline = Instant::now() + PATIENCE;
        while noted(hand, MomentKind::Reconnected).is_none() {
            assert!(Instant::now() < deadline, "waited in vain for the client to leave it");
            if next + A_FEW + COPIED <= ROOM {
                hand.submit(next..next + A_FEW);
                hand.settle();
                next += A_FEW;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let meanwhile = COPIED..next;
        hand.submit(next..next + COPIED);
        hand.settle();
        wait("it to follow the other", || {
            aim(&sentinels).ask("INFO replication").contains("connected_slaves:2\r")
        });
        hand.hire_again();
        wait("the queue to run empty", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0)
        });
        hand.dismiss();

        let confirmed = meanwhile.filter(|sequence| {
            hand.log.ledger().entry(*sequence as usize).enqueue == Enqueue::Confirmed
        });
        let confirmed = confirmed.count() as u64;
        let counts = hand.judged();
        let left = noted(hand, MomentKind::Disconnected).expect("it left") - cleared;
        println!(
            "{name}: {confirmed} tasks confirmed in {:.1} s by a primary that had been replaced, \
             {} lost",
            left as f64 / 1e9,
            counts.lost
        );
        assert!(counts.lost <= confirmed && counts.residual == 0, "{name}: {counts:?}");
        if self.0.profile.claims.durability == DurabilityClass::Replicated {
            assert_eq!(counts.lost, 0, "{name}: {counts:?}");
        }
    }
}

/// When the client first noted such a moment.
fn noted(hand: &Hand<'_, '_>, kind: MomentKind) -> Option<u64> {
    hand.log.moments().into_iter().find(|moment| moment.kind == kind).map(|moment| moment.at)
}

pub(crate) fn broker<'a>(hand: &'a Hand<'_, '_>) -> &'a dyn Running {
    hand.stage.broker.as_deref().expect("a broker")
}

/// The place of the primary, where there is one.
pub(crate) fn leader(hand: &Hand<'_, '_>) -> Option<usize> {
    broker(hand).leader(&hand.work.queue).ok()
}

/// All nodes but the one at that place.
pub(crate) fn replicas<'a>(
    hand: &'a Hand<'_, '_>,
    primary: usize,
) -> impl Iterator<Item = &'a Child> {
    let children = broker(hand).children().into_iter().enumerate();
    children.filter(move |(place, _)| *place != primary).map(|(_, child)| child)
}

pub(crate) fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_no_replica_has_goes_with_its_primary() {
    each(Lane::Brokers, FAILOVER, |target| by_hand(target, &Failover { target, cut: true }));
}

#[test]
fn what_a_stopped_replica_was_sent_stays() {
    each(Lane::Brokers, FAILOVER, |target| by_hand(target, &Failover { target, cut: false }));
}

#[test]
fn what_a_replaced_primary_takes_is_counted() {
    each(Lane::Brokers, FAILOVER, |target| by_hand(target, &Paused(target)));
}
