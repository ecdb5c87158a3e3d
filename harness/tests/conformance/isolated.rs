//! The links between the nodes of a cluster are cut, and no link of a client:
//! what a leader confirms alone is lost with it, and what it may not confirm
//! alone is not confirmed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schedbench::environment::{Link, Network};
use schedbench::fault::proxy::{Proxy, Suffering};
use schedbench::fault::{LinkFault, Side};
use schedbench::plan::{Deed, Fault, Road, Target, Victim};
use schedbench::record::Injected;
use schedbench_adapters::clock;
use schedbench_adapters::kafka_wire::Wire;
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{DurabilityClass, Profile, Work, WorkersShape};

use crate::failover::{broker, leader, wait};
use crate::ground::aim;
use crate::hand::{Act, Hand, by_hand_with};
use crate::leaders::{go_on_without, kill};
use crate::play::SHAPE;
use crate::stage::Way;
use crate::systems::{CUT_OFF_LEADER, CUT_OFF_PRIMARY, Lane, TOO_FEW, each};

/// Confirmed before, with every node there.
const COPIED: u64 = 500;
/// Handed over while no follower hears of it.
const ALONE: u64 = 300;
/// Longer than the sentinels of these profiles wait for a primary that is gone
/// (`down-after-milliseconds` = 1 s) and then need to replace it.
const NOBODY_IS_MISSED: Duration = Duration::from_secs(3);

/// The links between all nodes, which swallow everything.
pub(crate) struct Cut {
    lying: Lying,
    pub(crate) took_effect: u64,
}

enum Lying {
    Proxies(Vec<Suffering>),
    /// The link between their network namespaces.
    Link(Arc<Network>),
}

impl Cut {
    pub(crate) fn begin(hand: &Hand<'_, '_>) -> Self {
        if let Some(network) = hand.stage.keeper.spawner().network() {
            let took_effect = clock::now();
            network.cut(Link::Nodes).expect("it is cut");
            return Self { lying: Lying::Link(network), took_effect };
        }
        let doors = broker(hand).doors().expect("proxies");
        let used = |place: usize| doors.between[place].connections();
        let leader = leader(hand).expect("a leader");
        assert!(used(leader) >= 2, "both followers come by the leader's door");
        let fault = LinkFault::BlackHole(Side::Both);
        let suffer = |door: &Arc<Proxy>| door.suffer(&[fault]).expect("it is cut");
        let took_effect = clock::now();
        let lying = Lying::Proxies(doors.between.iter().map(suffer).collect());
        Self { lying, took_effect }
    }

    pub(crate) fn heal(self, hand: &mut Hand<'_, '_>) -> u64 {
        match self.lying {
            Lying::Proxies(all) => all.into_iter().for_each(|one| {
                one.heal().expect("it is healed");
            }),
            Lying::Link(network) => network.join(Link::Nodes).expect("it is healed"),
        }
        let (took_effect, cleared) = (self.took_effect, clock::now());
        let deed = Deed::Link(LinkFault::BlackHole(Side::Both));
        let (at_ns, for_ns) = (took_effect - hand.opened, cleared - took_effect);
        let fault = Fault { deed, on: Victim::Link(Road::Between), at_ns, for_ns };
        hand.faults.push(Injected { fault, took_effect, cleared: Some(cleared) });
        cleared
    }
}

/// Seconds since then.
pub(crate) fn since(then: u64) -> f64 {
    (clock::now() - then) as f64 / 1e9
}

/// How many of these came to that.
pub(crate) fn how_many(hand: &Hand<'_, '_>, tasks: std::ops::Range<u64>, enqueue: Enqueue) -> u64 {
    let is_it = |task: &u64| hand.log.ledger().entry(*task as usize).enqueue == enqueue;
    tasks.filter(is_it).count() as u64
}

/// A leader that alone may not confirm: it confirms nothing, until it is told
/// that its followers are out of sync; then it refuses what comes.
struct TooFew(Target);

/// Instead of 30 s, of which the test would wait for half as much more.
const LAG: (&str, &str) = ("replica.lag.time.max.ms", "3000");

impl Act for TooFew {
    fn prepare(&self, work: &mut Work) {
        // One partition, so that there is one time at which it has too few.
        work.shape = WorkersShape { processes: 1, concurrency: 1, ..SHAPE };
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        let (copied, waiting) = (0..COPIED, COPIED..COPIED + 100);
        let (refused, after) =
            (waiting.end..waiting.end + 100, waiting.end + 100..waiting.end + 200);
        let (kafka, topic) = (hand.address().expect("Kafka"), hand.work.queue.clone());
        let in_sync = || {
            let soon = Instant::now() + Duration::from_secs(5);
            let topics = Wire::connect(&kafka, soon).and_then(|mut wire| wire.topics());
            let topics = topics.expect("it answers").1;
            topics.iter().find(|known| known.name == topic).map_or(0, |known| known.in_sync)
        };
        hand.submit(copied);
        hand.settle();
        wait("all to run", || hand.log.counts().finished == COPIED);
        assert_eq!(in_sync(), 3);

        let cut = Cut::begin(hand);
        let since_cut = cut.took_effect;
        hand.submit(waiting.clone());
        // Not only one of them: with two copies in sync it would still take tasks.
        wait("the followers to be out of sync", || in_sync() == 1);
        let out = since(since_cut);
        // A follower has last caught up 500 ms before the cut at most.
        assert!(out > 2.0, "after {out} s");
        assert_eq!(how_many(hand, waiting.clone(), Enqueue::Confirmed), 0);
        hand.submit(refused.clone());
        hand.settle();
        let told = since(since_cut);
        assert_eq!(how_many(hand, waiting.clone(), Enqueue::Confirmed), 0);
        assert_eq!(how_many(hand, refused, Enqueue::Refused), 100);
        let unknown = how_many(hand, waiting, Enqueue::Unknown);
        assert_eq!(hand.log.counts().finished, COPIED, "no worker hears of any");

        let healed = cut.heal(hand);
        wait("the followers to be in sync", || in_sync() == 3);
        let back = since(healed);
        hand.submit(after.clone());
        hand.settle();
        assert_eq!(how_many(hand, after, Enqueue::Confirmed), 100);
        wait("the queue to run empty", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0)
        });
        hand.dismiss();
        let counts = hand.judged();
        println!(
            "{name}: out of sync {out:.1} s after the cut, all told {told:.1} s after it: \
             {unknown} unknown, {} refused; in sync {back:.1} s after the heal",
            200 - unknown
        );
        assert_eq!(counts.grid.ok, [0, COPIED + 100, 0], "{name}: {counts:?}");
        // What it took and never answered it still had, and followers then got.
        assert_eq!(counts.grid.unknown, [0, unknown, 0], "{name}: {counts:?}");
        assert_eq!(counts.grid.fail, [200 - unknown, 0, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (0, 0), "{name}: {counts:?}");
    }
}

/// The same target on nodes that miss their followers sooner.
fn missing_sooner(target: Target) -> Target {
    let Profile { name, summary, broker, broker_settings, topology, claims } = target.profile;
    let profile = Profile {
        name,
        summary,
        broker: *broker,
        broker_settings: [*broker_settings, &[LAG]].concat().leak(),
        topology: *topology,
        claims: *claims,
    };
    Target { profile: Box::leak(Box::new(profile)), ..target }
}

/// A leader that alone may confirm, and is killed.
struct Alone(Target);

impl Act for Alone {
    fn prepare(&self, work: &mut Work) {
        work.shape = WorkersShape { processes: 1, concurrency: 1, ..SHAPE };
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        hand.dismiss();
        hand.submit(0..COPIED);
        hand.settle();
        // Kafka counts, for others, what every copy in sync has.
        wait("every copy to have them", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == COPIED)
        });
        let first = leader(hand).expect("a leader");
        let cut = Cut::begin(hand);
        hand.submit(COPIED..COPIED + ALONE);
        hand.settle();
        kill(hand, first);
        cut.heal(hand);
        go_on_without(hand, first, COPIED);
        let counts = hand.judged();
        println!("{name}: of {ALONE} confirmed while cut off {} lost", counts.lost);
        assert_eq!(counts.grid.ok, [ALONE, COPIED, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (ALONE, 0), "{name}: {counts:?}");
    }
}

/// A primary that its sentinels see and its replicas do not, and is killed.
struct Seen(Target);

impl Act for Seen {
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
        let cut = Cut::begin(hand);
        hand.submit(COPIED..COPIED + ALONE);
        hand.settle();
        let confirmed = how_many(hand, COPIED..COPIED + ALONE, Enqueue::Confirmed);
        let until = Instant::now() + NOBODY_IS_MISSED;
        wait("the time in which it would be missed", || {
            assert_eq!(leader(hand), Some(first), "its sentinels see it");
            Instant::now() > until
        });
        kill(hand, first);
        wait("another to be promoted", || leader(hand).is_some_and(|place| place != first));
        cut.heal(hand);
        go_on_without(hand, first, COPIED);
        wait("both to follow the other", || {
            aim(&sentinels).ask("INFO replication").contains("connected_slaves:2\r")
        });
        let counts = hand.judged();
        println!("{name}: of {ALONE} {confirmed} confirmed while cut off, {} lost", counts.lost);
        let alone = [ALONE, 0, 0];
        let (ok, unknown, lost) = match self.0.profile.claims.durability {
            DurabilityClass::Replicated => ([0, COPIED, 0], alone, 0),
            _ => ([ALONE, COPIED, 0], [0; 3], ALONE),
        };
        assert_eq!((confirmed, counts.lost), (lost, lost), "{name}: {counts:?}");
        assert_eq!((counts.grid.ok, counts.grid.unknown), (ok, unknown), "{name}: {counts:?}");
        assert_eq!(counts.residual, 0, "{name}: {counts:?}");
    }
}

#[test]
fn who_may_not_confirm_alone_does_not() {
    each(Lane::Brokers, TOO_FEW, |target| {
        by_hand_with(missing_sooner(target), Way::Proxies, &TooFew(target));
    });
}

#[test]
fn what_a_leader_confirms_while_cut_off_goes_with_it() {
    each(Lane::Brokers, CUT_OFF_LEADER, |target| {
        by_hand_with(target, Way::Proxies, &Alone(target))
    });
}

#[test]
fn what_a_primary_confirms_while_cut_off_goes_with_it() {
    each(Lane::Brokers, CUT_OFF_PRIMARY, |target| {
        by_hand_with(target, Way::Proxies, &Seen(target))
    });
}
