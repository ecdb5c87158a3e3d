//! What a killed worker held comes back, or is lost, as claimed.

use std::time::{Duration, Instant};

use schedbench::environment::Child;
use schedbench::plan::Target;
use schedbench_contract::ledger::{Enqueue, ExtraKind};
use schedbench_contract::{
    AckMode, Address, Broker, ConfirmMode, Handler, MomentKind, Retry, Work, WorkersShape,
};

use crate::MS;
use crate::early::unacknowledged;
use crate::ground::{aim, sql, wait_for};
use crate::hand::{Act, Hand, by_hand};
use crate::play::SHAPE;
use crate::systems::on_every_system;

const TASKS: u64 = 400;
const PREFETCH: u64 = 32;
const CONCURRENCY: u64 = 2;
/// What a dead worker may have held: asynq/article-tuned runs 50 at a time,
/// whatever the plan says.
const MOST_HELD: u64 = 50;

fn a_killed_workers_tasks_end_as_claimed(target: Target) {
    by_hand(target, &Kill(target));
}

struct Kill(Target);

impl Act for Kill {
    fn prepare(&self, work: &mut Work) {
        work.shape =
            WorkersShape { concurrency: CONCURRENCY as u32, prefetch: PREFETCH as u32, ..SHAPE };
        // Some run so many at a time whatever the plan says, and have to take
        // as long for all.
        let slower = match self.0.profile.name {
            "article-default" => 5,
            "article-tuned" => 25,
            _ => 1,
        };
        work.handler = Handler::SleepNs(slower * 20 * MS);
        work.retry = Retry { max: 3, backoff_ns: 0 };
        // What ran is reported before anybody can be killed.
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let claims = &self.0.profile.claims;
        if hand.in_process {
            assert_eq!(claims.ack, AckMode::None, "only a process can be killed");
            return;
        }
        hand.submit_spread(0..TASKS);
        hand.settle();
        // One that found the queue empty may sleep for a second and more (Asynq).
        hand.wait("both workers to be at work", Hand::all_have_run);
        let victim = hand.children().remove(0);
        match claims.ack {
            AckMode::Late if !returns_with_the_connection(self.0.profile.broker) => {
                stop_while(hand, &victim, "a task", |hand| hand.backlog().held != Some(0));
            }
            AckMode::Early => stop_while(hand, &victim, "what it has acknowledged", |hand| {
                // What it has fetched and not begun is no loss.
                at_rest(hand) + unacknowledged(hand) < TASKS
            }),
            _ => {}
        }
        assert_eq!(victim.kill().signal, Some(9));
        if claims.ack == AckMode::Locked {
            return the_other_instance_runs_the_rest(hand);
        }
        // The survivor finishes what it runs and gives back what it holds.
        hand.dismiss();
        if self.0.profile.broker == Some(Broker::Postgres) {
            // Its session still does what it was sent last.
            hand.wait("the dead to be disconnected", |hand| hand.consumers() == Some(0));
        }
        let finished = hand.log.counts().finished;
        let backlog = hand.backlog();
        let held = backlog.held.unwrap_or_default();
        println!("{}: {finished} ran, {backlog:?}", self.0.name());
        assert!(finished < TASKS, "it was killed in the middle");
        match claims.ack {
            // Locks elsewhere are counted by nobody.
            AckMode::Late if backlog.held.is_none() => {}
            AckMode::Late if returns_with_the_connection(self.0.profile.broker) => {
                assert_eq!(held, 0, "held by nobody");
            }
            AckMode::Late => assert!((1..=MOST_HELD).contains(&held), "{held} held by the dead"),
            // Nothing is held that was acknowledged, and nobody holds what was
            // in the memory of the dead, or what nobody locks.
            AckMode::Early | AckMode::Unlocked | AckMode::None | AckMode::Locked => {
                assert_eq!(held, 0);
            }
        }
        if let (Some(broker), Some(address)) = (self.0.profile.broker, hand.address()) {
            let aged = let_leases_run_out(broker, &address, &hand.work.queue);
            assert_eq!(aged, held, "each has a lease");
        }
        hand.hire_again();
        match claims.ack {
            // What the dead ran and did not acknowledge runs once more.
            AckMode::Late | AckMode::Unlocked => hand.wait("the rest to run", |hand| {
                hand.log.counts().finished == TASKS && hand.backlog().outstanding() == 0
            }),
            // Who is gone does not come back: the queue runs empty without them.
            AckMode::Early => runs_empty(hand),
            AckMode::None | AckMode::Locked => goes_on(hand),
        }
        hand.dismiss();
        assert_eq!(hand.backlog().outstanding(), 0);
        self.fates(hand);
    }
}

impl Kill {
    fn fates(&self, hand: &Hand<'_, '_>) {
        let ledger = hand.log.ledger();
        let entries: Vec<_> = (0..TASKS as usize).map(|place| ledger.entry(place)).collect();
        let expected = match self.0.profile.claims.confirms {
            ConfirmMode::Confirmed => Enqueue::Confirmed,
            ConfirmMode::Unconfirmed => Enqueue::Unknown,
        };
        assert!(entries.iter().all(|entry| entry.enqueue == expected));
        let lost = entries.iter().filter(|entry| entry.successes == 0).count() as u64;
        let repeated = ledger.extra_count(ExtraKind::Repeated);
        println!("{}: {lost} lost, {repeated} repeated", self.0.name());
        match self.0.profile.claims.ack {
            AckMode::Late => {
                assert_eq!(lost, 0);
                // Ran, and died before the broker heard of it.
                assert!(repeated <= MOST_HELD, "{repeated}");
            }
            AckMode::Unlocked => assert_eq!(lost, 0),
            AckMode::Early => {
                // Where sending is acknowledging, nothing bounds what is sent.
                let broker = self.0.profile.broker;
                let most = if returns_with_the_connection(broker) { TASKS } else { PREFETCH };
                assert!((1..=most).contains(&lost), "{lost}");
                // Celery's worker acknowledges when the pool says that it has
                // begun: who dies in between leaves it to another one.
                let begun = if self.0.system.name == "celery" { CONCURRENCY } else { 0 };
                assert!(repeated <= begun, "{repeated}");
            }
            // It held all of them.
            AckMode::None | AckMode::Locked => {
                assert_eq!(lost, TASKS + 1 - hand.log.counts().finished);
                assert_eq!(repeated, 0);
            }
        }
        assert_eq!(ledger.extra_count(ExtraKind::Foreign), 0);
    }
}

/// Stops the victim while it holds something: between two tasks a worker that
/// takes one at a time (Asynq), or acknowledges one when it begins (Celery),
/// holds none for a moment.
fn stop_while(
    hand: &mut Hand<'_, '_>,
    victim: &Child,
    what: &str,
    holds: impl Fn(&Hand<'_, '_>) -> bool,
) {
    // Meanwhile it would run all that it has.
    victim.pause();
    for other in hand.children().into_iter().skip(1) {
        other.terminate(Instant::now() + Duration::from_secs(10));
    }
    hand.wait(&format!("the victim to hold {what}"), |hand| {
        victim.pause();
        let holds = holds(hand);
        if !holds {
            victim.resume();
        }
        holds
    });
}

/// How many have finished once nobody reports any more.
fn at_rest(hand: &Hand<'_, '_>) -> u64 {
    let mut before = u64::MAX;
    wait_for("the stopped to have been heard", || {
        let finished = hand.log.counts().finished;
        std::thread::sleep(Duration::from_millis(50));
        std::mem::replace(&mut before, finished) == finished
    });
    before
}

/// Lets the workers run what is there. Nobody counts what Celery has fetched
/// ahead: what it has not begun by its end is in the queue again.
fn runs_empty(hand: &mut Hand<'_, '_>) {
    loop {
        hand.wait("the queue to run empty", |hand| hand.backlog().outstanding() == 0);
        let mut before = 0;
        hand.wait("what was fetched ahead to run", |hand| {
            let finished = hand.log.counts().finished;
            std::thread::sleep(Duration::from_millis(200));
            std::mem::replace(&mut before, finished) == finished
        });
        hand.dismiss();
        if hand.backlog().outstanding() == 0 {
            return;
        }
        hand.hire_again();
    }
}

/// A program that is started again is fed again, and the time without it is
/// on the time axis.
fn goes_on(hand: &mut Hand<'_, '_>) {
    let before = hand.log.counts().finished;
    hand.submit(TASKS..TASKS + 1);
    hand.settle();
    hand.wait("the new task to run", |hand| hand.log.counts().finished == before + 1);
    for kind in [MomentKind::Disconnected, MomentKind::Reconnected] {
        let noted = hand.log.moments().iter().filter(|moment| moment.kind == kind).count();
        assert_eq!(noted, 1, "{kind:?}");
    }
}

/// Every instance has every task. What the dead one had locked is lost if the
/// other one tried it just then: no more than ran at a time.
fn the_other_instance_runs_the_rest(hand: &mut Hand<'_, '_>) {
    let at_a_time = u64::from(hand.work.shape.concurrency);
    hand.wait("the rest to run", |hand| hand.log.counts().finished >= TASKS - at_a_time);
    hand.dismiss();
    let ledger = hand.log.ledger();
    let entries = (0..TASKS as usize).map(|place| ledger.entry(place));
    assert!(entries.filter(|entry| entry.successes == 0).count() as u64 <= at_a_time);
}

/// Whether what a worker held waits again as soon as its connection has ended;
/// in Kafka, which keeps offsets, it never ceased to.
fn returns_with_the_connection(broker: Option<Broker>) -> bool {
    matches!(broker, Some(Broker::Kafka | Broker::RabbitMq))
}

/// Waiting for a lease of the dead takes minutes in some systems: Asynq's are
/// 30 s long, are searched every 60 s, and have 30 s of grace. Instead they
/// are set into the past, over the control road. How many there were.
pub(crate) fn let_leases_run_out(broker: Broker, address: &Address, queue: &str) -> u64 {
    match broker {
        Broker::Kafka | Broker::RabbitMq => 0,
        Broker::Postgres => {
            let age =
                format!("UPDATE \"{queue}\".tasks SET lease_until = '-infinity' WHERE state = 1");
            sql(address, &age).1
        }
        Broker::Redis => {
            // Of several masters each has some of the queues.
            let mut changed = 0;
            for mut redis in address.each().map(|node| aim(&node)) {
                let leases = redis.ask(&format!("KEYS asynq:{{{queue}*}}:lease"));
                for lease in leases.split_whitespace() {
                    let held = redis.ask(&format!("ZRANGE {lease} 0 -1"));
                    let ids = held.split_whitespace();
                    changed += ids
                        .map(|id| redis.ask(&format!("ZADD {lease} XX CH 1 {id}")))
                        .filter(|changed| changed == "1")
                        .count() as u64;
                }
            }
            changed
        }
    }
}

on_every_system! { DEFAULTS: a_killed_workers_tasks_end_as_claimed; }
