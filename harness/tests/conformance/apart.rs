//! The nodes of RabbitMQ, each in a network namespace of its own, do not hear
//! each other, and every client hears all of them. Root only.

use std::time::{Duration, Instant};

use rustix::process::geteuid;
use schedbench::plan::Target;
use schedbench_adapters::amqp::Amqp;
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{Profile, Work};

use crate::failover::{broker, leader, wait};
use crate::hand::{Act, Hand, by_hand_with};
use crate::isolated::{Cut, how_many, since};
use crate::leaders::kill;
use crate::stage::{Way, erl_call};
use crate::systems::{Lane, MIRRORED, NO_MAJORITY, each};

/// Confirmed before, with every node there.
const COPIED: u64 = 500;
/// Handed over while no node hears another.
const ALONE: u64 = 300;
/// A leader of Raft notices a silent follower after 5 s and more.
const CUT: Duration = Duration::from_secs(8);

/// Whether a node still has another one among those that it hears.
fn hears_others(hand: &Hand<'_, '_>, node: usize) -> bool {
    erl_call(hand.stage, node, "erlang nodes []").trim() != "[]"
}

/// That every node takes the TCP connection and the login of a client.
fn all_take_logins(hand: &Hand<'_, '_>) {
    for at in hand.address().expect("RabbitMQ").each() {
        let soon = Instant::now() + Duration::from_secs(30);
        let greeted = Amqp::sign_in(&at, soon);
        greeted.unwrap_or_else(|error| panic!("{}: {error}", at.host));
    }
}

/// A leader that alone may not confirm.
struct NoMajority(Target);

impl Act for NoMajority {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        let is_given_up = self.0.profile.name == "quorum-3-tuned";
        let waiting = COPIED..COPIED + ALONE;
        hand.submit(0..COPIED);
        hand.settle();
        wait("all to run", || hand.log.counts().finished == COPIED);
        let first = leader(hand).expect("a leader");
        assert!((0..3).all(|node| hears_others(hand, node)));

        let cut = Cut::begin(hand);
        let since_cut = cut.took_effect;
        hand.submit(waiting.clone());
        let until = Instant::now() + CUT;
        wait("the time of the cut", || {
            assert_eq!(how_many(hand, waiting.clone(), Enqueue::Confirmed), 0, "{name}");
            assert_eq!(hand.log.counts().finished, COPIED, "no worker hears of any");
            Instant::now() > until && (!is_given_up || (0..3).all(|node| !hears_others(hand, node)))
        });
        all_take_logins(hand);
        let lasted = since(since_cut);

        let healed = cut.heal(hand);
        wait("the first to be confirmed", || {
            how_many(hand, waiting.clone(), Enqueue::Confirmed) > 0
        });
        let back = since(healed);
        hand.settle();
        assert_eq!(how_many(hand, waiting.clone(), Enqueue::Confirmed), ALONE, "{name}");
        wait("the queue to run empty", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0)
        });
        let last = leader(hand);
        hand.dismiss();
        let counts = hand.judged();
        println!(
            "{name}: cut for {lasted:.1} s, none of {ALONE} confirmed; the first {back:.1} s after \
             the heal; led by node {first}, then {last:?}; {:?}",
            counts.grid
        );
        assert_eq!(counts.grid.ok[0], 0, "{name}: {counts:?}");
        assert_eq!(counts.grid.ok.iter().sum::<u64>(), COPIED + ALONE, "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (0, 0), "{name}: {counts:?}");
    }
}

/// A master that confirms alone once it has given its mirrors up, and is killed.
struct GivesMirrorsUp(Target);

impl Act for GivesMirrorsUp {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        hand.dismiss();
        hand.submit(0..COPIED);
        hand.settle();
        let queue = hand.work.queue.clone();
        broker(hand).check_queue(&queue).expect("two mirrors in sync");
        let first = leader(hand).expect("a master");

        let cut = Cut::begin(hand);
        wait("every node to be alone", || (0..3).all(|node| !hears_others(hand, node)));
        let given_up = since(cut.took_effect);
        hand.submit(COPIED..COPIED + ALONE);
        hand.settle();
        let confirmed = how_many(hand, COPIED..COPIED + ALONE, Enqueue::Confirmed);
        kill(hand, first);
        cut.heal(hand);

        // Two are left that each took the queue over. Nothing merges them: the
        // second of them is trusted, and the others come back with what it has.
        let trusted = (0..3).rfind(|node| *node != first).expect("another");
        let others: Vec<usize> = (0..3).filter(|node| *node != trusted).collect();
        let cluster = hand.stage.broker.as_mut().expect("a broker");
        cluster.restart_nodes(&others).expect("they come back");
        wait("all that is kept to be counted", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == COPIED)
        });
        assert_eq!(leader(hand), Some(trusted), "{name}");
        hand.hire_again();
        wait("what is kept to run", || hand.log.counts().finished >= COPIED);
        wait("the queue to run empty", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0)
        });
        hand.dismiss();
        let counts = hand.judged();
        println!(
            "{name}: mirrors given up {given_up:.1} s after the cut, then {confirmed} of {ALONE} \
             confirmed, {} lost",
            counts.lost
        );
        assert_eq!(counts.grid.ok, [ALONE, COPIED, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (ALONE, 0), "{name}: {counts:?}");
    }
}

/// Nodes that give silent ones up after 4 s, where RabbitMQ's default is 60 s.
fn giving_up_soon(target: Target) -> Target {
    let settings = [target.profile.broker_settings, &[("net_ticktime", "4")]].concat();
    let profile = Profile { broker_settings: settings.leak(), ..*target.profile };
    Target { profile: Box::leak(Box::new(profile)), ..target }
}

#[test]
fn a_queue_without_its_majority_confirms_nothing_and_loses_nothing() {
    if !geteuid().is_root() {
        return println!("not tried: network namespaces are for root");
    }
    each(Lane::Brokers, NO_MAJORITY, |target| {
        by_hand_with(target, Way::Namespaces, &NoMajority(target));
    });
}

#[test]
fn what_a_master_confirms_without_its_mirrors_goes_with_it() {
    if !geteuid().is_root() {
        return println!("not tried: network namespaces are for root");
    }
    each(Lane::Brokers, MIRRORED, |target| {
        let target = giving_up_soon(target);
        by_hand_with(target, Way::Namespaces, &GivesMirrorsUp(target));
    });
}
