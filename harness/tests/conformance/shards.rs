//! A master of several is killed: its queues stand still, those of the others
//! go on; the client keeps what is for it, and nothing is lost or run twice.

use schedbench::plan::{Deed, Fault, Target, Victim};
use schedbench::record::Injected;
use schedbench_adapters::{clock, slots};
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{MomentKind, Work};

use crate::failover::{broker, leader, wait};
use crate::hand::{Act, Hand, by_hand};
use crate::survival::wait_until_written;
use crate::systems::{Lane, SHARDS, each};

/// Confirmed while all are there.
const BEFORE: u64 = 600;
/// Handed over on each connection once one is gone: those for it are unknown,
/// and the client hears of it by them.
const TELLING: u64 = 12;
/// Handed over after that.
const MEANWHILE: u64 = 600;

struct OneIsGone(Target);

impl Act for OneIsGone {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        let topology = self.0.profile.topology;
        let masters = topology.nodes();
        let queues = slots::queues(&hand.work.queue, topology.queues(), masters);
        let master_of = |sequence: u64| {
            let queue = sequence as usize % queues.len();
            slots::master_of(&queues[queue], masters)
        };
        hand.dismiss();
        hand.submit(0..BEFORE);
        hand.settle();

        let gone = leader(hand).expect("the first queue's master");
        assert_eq!(Some(gone), master_of(0));
        let each = queues.len() / masters;
        let on_it = broker(hand).queues_at(&hand.work.queue, &[gone]);
        assert_eq!(on_it, Some((each, queues.len())));
        wait_until_written(hand);
        let took_effect = clock::now();
        assert_eq!(broker(hand).children()[gone].kill().signal, Some(9));
        let connections = u64::from(hand.work.shape.connections);
        let mut next = BEFORE;
        for _ in 0..connections {
            hand.submit(next..next + TELLING);
            next += TELLING;
        }
        hand.wait("the client to hear of it", |hand| {
            noted(hand, MomentKind::Disconnected) == connections
        });
        let unknown = TELLING / masters as u64 * connections;
        assert!(leader(hand).is_none(), "nobody takes its place");
        assert!(hand.try_backlog().is_none(), "who cannot ask all of them proves nothing");

        let meanwhile = next..next + MEANWHILE;
        hand.submit(meanwhile.clone());
        let here: Vec<u64> =
            meanwhile.clone().filter(|task| master_of(*task) != Some(gone)).collect();
        assert_eq!(here.len() as u64, MEANWHILE / 3 * 2);
        let is = |hand: &Hand<'_, '_>, task: u64, state: Enqueue| {
            hand.log.ledger().entry(task as usize).enqueue == state
        };
        wait("the others' tasks to be confirmed", || {
            here.iter().all(|task| is(hand, *task, Enqueue::Confirmed))
        });
        for task in meanwhile.clone().filter(|task| !here.contains(task)) {
            assert!(is(hand, task, Enqueue::Taken), "{name}: {task} is kept");
        }

        let cleared = Some(clock::now());
        let cluster = hand.stage.broker.as_mut().expect("a broker");
        cluster.restart_nodes(&[gone]).expect("it comes back");
        let at_ns = took_effect - hand.opened;
        let fault = Fault { deed: Deed::Kill, on: Victim::Leader, at_ns, for_ns: 0 };
        hand.faults.push(Injected { fault, took_effect, cleared });
        hand.settle();
        let kept: u64 = hand.log.moments().iter().filter_map(|moment| kept(&moment.text)).sum();
        assert_eq!(kept, MEANWHILE / 3, "{name}: {:?}", hand.log.moments());
        let there = meanwhile.end - unknown;
        assert_eq!(hand.backlog().outstanding(), there);
        hand.hire_again();
        wait("all to run", || hand.log.counts().finished == there);
        hand.dismiss();
        let counts = hand.judged();
        println!("{name}: {each} of {} queues stood still, {kept} tasks kept", queues.len());
        let [ok, vanished] = [counts.grid.ok, counts.grid.unknown];
        assert_eq!((ok, vanished), ([0, there, 0], [unknown, 0, 0]), "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (0, 0), "{name}: {counts:?}");
    }
}

/// All masters are killed and come back; nobody asks them anything meanwhile.
struct AllAreGone(Target);

impl Act for AllAreGone {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        hand.dismiss();
        hand.submit(0..BEFORE);
        hand.settle();
        wait_until_written(hand);
        hand.kill_and_restart_broker();
        // In the order of the proof: each connection of it was broken.
        assert_eq!(hand.consumers(), Some(0), "{name}");
        assert_eq!(hand.backlog().outstanding(), BEFORE, "{name}");
        hand.hire_again();
        hand.wait("all to run", |hand| hand.log.counts().finished == BEFORE);
        hand.dismiss();
        let counts = hand.judged();
        assert_eq!(counts.grid.ok, [0, BEFORE, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (0, 0), "{name}: {counts:?}");
    }
}

fn noted(hand: &Hand<'_, '_>, kind: MomentKind) -> u64 {
    hand.log.moments().iter().filter(|moment| moment.kind == kind).count() as u64
}

/// `…, with 100 tasks that were kept for it`.
fn kept(moment: &str) -> Option<u64> {
    let (_, rest) = moment.split_once(", with ")?;
    rest.strip_suffix(" tasks that were kept for it")?.parse().ok()
}

#[test]
fn a_master_that_is_gone_stops_its_queues_only() {
    each(Lane::Brokers, SHARDS, |target| by_hand(target, &OneIsGone(target)));
}

#[test]
fn masters_that_all_come_back_are_asked_what_they_have() {
    each(Lane::Brokers, SHARDS, |target| by_hand(target, &AllAreGone(target)));
}
