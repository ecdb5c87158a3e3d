//! The node that leads a queue is killed: what every copy has is all there, and
//! what only the leader had is gone, to the last task, though it was confirmed.

use std::time::Duration;

use schedbench::environment::Child;
use schedbench::plan::{Deed, Fault, Target, Victim};
use schedbench::record::Injected;
use schedbench_adapters::clock;
use schedbench_contract::{Profile, Work, WorkersShape};

use crate::failover::{broker, leader, replicas, wait};
use crate::hand::{Act, Hand, by_hand};
use crate::play::SHAPE;
use crate::systems::{ALONE_CONFIRMS, Lane, MIRRORED, REPLICATED, each};

/// Confirmed before, with every node there.
const COPIED: u64 = 1_000;
/// Confirmed by the leader while its followers are stopped.
const ALONE: u64 = 300;

pub(crate) fn kill(hand: &mut Hand<'_, '_>, first: usize) {
    let took_effect = clock::now();
    assert_eq!(broker(hand).children()[first].kill().signal, Some(9));
    let (at_ns, cleared) = (took_effect - hand.opened, Some(clock::now()));
    let fault = Fault { deed: Deed::Kill, on: Victim::Leader, at_ns, for_ns: 0 };
    hand.faults.push(Injected { fault, took_effect, cleared });
}

/// Waits for another leader, starts the former one again, and has `kept` tasks
/// run, which has to be all that there is.
pub(crate) fn go_on_without(hand: &mut Hand<'_, '_>, first: usize, kept: u64) {
    wait("another to be elected", || leader(hand).is_some_and(|place| place != first));
    let living = |hand: &Hand<'_, '_>| -> Vec<i32> {
        broker(hand).children().iter().map(|child| child.pid()).collect()
    };
    let before = living(hand);
    let cluster = hand.stage.broker.as_mut().expect("a broker");
    cluster.restart_nodes(&[first]).expect("it comes back");
    let after = living(hand);
    for place in 0..before.len() {
        assert_eq!(before[place] != after[place], place == first, "only it is started again");
    }
    broker(hand).check().expect("all live");
    wait("all that is kept to be counted", || {
        hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == kept)
    });
    hand.hire_again();
    wait("what is kept to run", || hand.log.counts().finished >= kept);
    wait("the queue to run empty", || {
        hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0)
    });
    hand.dismiss();
}

struct AtRest(Target);

impl Act for AtRest {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        hand.dismiss();
        hand.submit_spread(0..COPIED);
        hand.settle();
        let first = leader(hand).expect("a leader");
        kill(hand, first);
        go_on_without(hand, first, COPIED);
        let (name, counts) = (self.0.name(), hand.judged());
        println!("{name}: of {COPIED} {} lost with their leader", counts.lost);
        assert_eq!(counts.grid.ok, [0, COPIED, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (0, 0), "{name}: {counts:?}");
    }
}

/// Longer than the leader keeps a follower's question for more open
/// (`replica.fetch.wait.max.ms` = 500 ms): what it answers to one that is
/// stopped, the kernel takes and hands over later, so that the next task would
/// be copied. Shorter than `broker.session.timeout.ms` = 5 s: a follower whose
/// session times out is no longer in sync, and may not lead.
const NO_QUESTION_IS_OPEN: Duration = Duration::from_millis(1_500);

struct Alone(Target);

impl Act for Alone {
    fn prepare(&self, work: &mut Work) {
        // One partition: others would be led by nodes that are stopped.
        work.shape = WorkersShape { processes: 1, concurrency: 1, ..SHAPE };
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        hand.dismiss();
        hand.submit(0..COPIED);
        hand.settle();
        // Kafka counts, for others, what every copy in sync has.
        wait("every copy to have them", || {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == COPIED)
        });
        let first = leader(hand).expect("a leader");
        replicas(hand, first).for_each(Child::pause);
        std::thread::sleep(NO_QUESTION_IS_OPEN);
        hand.submit(COPIED..COPIED + ALONE);
        hand.settle();
        kill(hand, first);
        replicas(hand, first).for_each(Child::resume);
        go_on_without(hand, first, COPIED);
        let (name, counts) = (self.0.name(), hand.judged());
        println!("{name}: of {ALONE} confirmed by the leader alone {} lost", counts.lost);
        assert_eq!(counts.grid.ok, [ALONE, COPIED, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (ALONE, 0), "{name}: {counts:?}");
    }
}

/// What RabbitMQ does by default: a mirror that joins is not sent what is there.
const MANUAL: &[(&str, &str)] = &[("policy.ha-mode", "all"), ("policy.ha-sync-mode", "manual")];

/// The mirrors are away for a moment, and their master is killed once they are
/// back: what they were not sent is gone with it.
struct Returned {
    target: Target,
    are_sent_all: bool,
}

impl Act for Returned {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        hand.dismiss();
        hand.submit(0..COPIED);
        hand.settle();
        let first = leader(hand).expect("a leader");
        let nodes = broker(hand).children().len();
        let mirrors: Vec<usize> = (0..nodes).filter(|place| *place != first).collect();
        for mirror in replicas(hand, first) {
            assert_eq!(mirror.kill().signal, Some(9));
        }
        let cluster = hand.stage.broker.as_mut().expect("a broker");
        cluster.restart_nodes(&mirrors).expect("they come back");
        assert_eq!(leader(hand), Some(first), "nobody took its place");
        let queue = hand.work.queue.clone();
        if self.are_sent_all {
            wait("both to be in sync", || broker(hand).check_queue(&queue).is_ok());
        } else {
            let misfit = broker(hand).check_queue(&queue).expect_err("not in sync").to_string();
            assert!(misfit.contains("is on 1 of 3 nodes"), "{misfit}");
        }
        kill(hand, first);
        let gone = if self.are_sent_all { 0 } else { COPIED };
        go_on_without(hand, first, COPIED - gone);
        let (name, counts) = (self.target.name(), hand.judged());
        println!("{name}: of {COPIED} {} lost, sent again: {}", counts.lost, self.are_sent_all);
        assert_eq!(counts.grid.ok, [gone, COPIED - gone, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (gone, 0), "{name}: {counts:?}");
    }
}

#[test]
fn what_a_mirror_was_not_sent_goes_with_its_master() {
    each(Lane::Brokers, MIRRORED, |target| {
        by_hand(target, &Returned { target, are_sent_all: true });
        let profile = Profile { broker_settings: MANUAL, ..*target.profile };
        let target = Target { profile: Box::leak(Box::new(profile)), ..target };
        by_hand(target, &Returned { target, are_sent_all: false });
    });
}

#[test]
fn what_every_copy_has_outlives_its_leader() {
    each(Lane::Brokers, REPLICATED, |target| by_hand(target, &AtRest(target)));
}

#[test]
fn what_the_leader_alone_confirmed_goes_with_it() {
    each(Lane::Brokers, ALONE_CONFIRMS, |target| by_hand(target, &Alone(target)));
}
