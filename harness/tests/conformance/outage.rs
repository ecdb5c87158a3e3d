//! A broker that is killed and comes back: clients and workers find it again
//! by themselves, what is not known is counted so, and what was confirmed is
//! there as far as the profile's class promises.

use schedbench::plan::Target;
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass, MomentKind, Retry, Work};

use crate::hand::{Act, Hand, by_hand};
use crate::kill::let_leases_run_out;
use crate::survival::wait_until_registered;
use crate::systems::{ASYNCHRONOUS, Lane, each, on_every_system};

/// Confirmed before the kill; handed over just before it; after it.
const BEFORE: u64 = 500;
const DURING: u64 = 1_000;
const AFTER: u64 = 1_500;

fn an_outage_of_the_broker_ends_nothing(target: Target) {
    by_hand(target, &Outage(target));
}

struct Outage(Target);

impl Act for Outage {
    fn prepare(&self, work: &mut Work) {
        // An attempt that an outage cuts off may count as one.
        work.retry = Retry { max: 5, backoff_ns: 0 };
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        // What has no broker has none that could be killed; its program is, in
        // `kill`. A broker beside it keeps nothing but locks.
        let ack = self.0.profile.claims.ack;
        if self.0.profile.broker.is_none() || matches!(ack, AckMode::None | AckMode::Locked) {
            return;
        }
        hand.submit(0..BEFORE);
        hand.settle();
        wait_until_registered(hand);
        hand.submit(BEFORE..DURING);
        hand.kill_and_restart_broker();
        hand.submit(DURING..AFTER);
        hand.settle();
        if let (Some(broker), Some(address)) = (self.0.profile.broker, hand.address()) {
            // What was taken and never arrived, and what is being run: the
            // latter may then run twice, which is no loss.
            let_leases_run_out(broker, &address, &hand.work.queue);
        }
        self.is_known(hand);
        let survives = !matches!(
            self.0.profile.claims.durability,
            DurabilityClass::BrokerMemory | DurabilityClass::BoundedWindow
        );
        let confirmed = self.0.profile.claims.confirms == ConfirmMode::Confirmed;
        // What was acknowledged by being sent may have been on its way.
        let late = self.0.profile.claims.ack != AckMode::Early;
        // Whatever the class, what came after the outage is there.
        let owed = if survives && confirmed && late { 0..AFTER } else { DURING..AFTER };
        hand.wait("what is owed to run", |hand| {
            let ledger = hand.log.ledger();
            owed.clone().all(|sequence| {
                let entry = ledger.entry(sequence as usize);
                entry.enqueue != Enqueue::Confirmed || entry.successes > 0
            })
        });
        hand.wait("the queue to run empty", |hand| {
            hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0)
        });
    }
}

impl Outage {
    /// That every task's fate was noted, and the outage itself.
    fn is_known(&self, hand: &mut Hand<'_, '_>) {
        let mut counts = [0; 3];
        for sequence in 0..AFTER as usize {
            let entry = hand.log.ledger().entry(sequence);
            let place = match entry.enqueue {
                Enqueue::Confirmed => 0,
                Enqueue::Unknown => 1,
                Enqueue::Refused => 2,
                other => panic!("{}: task {sequence} is {other:?}", self.0.name()),
            };
            counts[place] += 1;
            let is_confirmed = self.0.profile.claims.confirms == ConfirmMode::Confirmed;
            if is_confirmed && (sequence as u64) < BEFORE {
                assert_eq!(place, 0, "{}: it was settled in peace", self.0.name());
            }
        }
        let [confirmed, unknown, refused] = counts;
        println!("{}: {confirmed} confirmed, {unknown} unknown, {refused} refused", self.0.name());
        // Of the producer's connections one may have done all of it; each worker
        // had one.
        let workers = hand.children().len();
        hand.wait("the outage to be noted by the producer and each worker", |hand| {
            let moments = hand.log.moments();
            let has = |kind, who: &str| {
                let of_it = |text: &str| match who {
                    "" => !text.starts_with("worker "),
                    worker => text.starts_with(worker),
                };
                moments.iter().any(|moment| moment.kind == kind && of_it(&moment.text))
            };
            let both =
                |who: &str| has(MomentKind::Disconnected, who) && has(MomentKind::Reconnected, who);
            both("") && (1..=workers).all(|worker| both(&format!("worker {worker} ")))
        });
    }
}

struct JustMade;

impl Act for JustMade {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        let made = hand.open_as(&format!("{}.just.made", hand.work.queue)).expect("it opens");
        hand.kill_and_restart_broker();
        hand.wait("a queue made just before a kill", |hand| {
            hand.backlog_of(&*made).is_some_and(|backlog| backlog.outstanding() == 0)
        });
        hand.remove(made);
    }
}

/// Where commits are asynchronous, the one that makes a queue must not be.
#[test]
fn a_queue_just_made_outlives_its_broker() {
    each(Lane::Brokers, ASYNCHRONOUS, |target| by_hand(target, &JustMade));
}

on_every_system! { DEFAULTS: an_outage_of_the_broker_ends_nothing; }
