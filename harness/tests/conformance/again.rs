//! What ran, and was not acknowledged when its broker died, is delivered
//! again: to the last task, and told from what a client sends twice.

use schedbench::plan::Target;
use schedbench_contract::{AckMode, Broker, Handler, Work, WorkersShape};
use schedbench_reports::outcome::Again;

use crate::S;
use crate::hand::{Act, Hand, by_hand};
use crate::play::SHAPE;
use crate::stage::rabbitmqctl;
use crate::systems::{Choice, Lane, each};

/// The one worker holds them all at once.
const TASKS: u64 = 12;
/// Longer than it takes to see that it does and to stop the broker.
const LONG: Handler = Handler::SleepNs(20 * S);

/// The default profile of RabbitMQ, which says how much is unacknowledged.
const RABBITMQ: Choice = |system, place| {
    let profile = &system.profiles[place];
    place == 0 && profile.broker == Some(Broker::RabbitMq) && system.name == "rabbitmq"
};

struct Redelivered(Target);

impl Act for Redelivered {
    fn prepare(&self, work: &mut Work) {
        let each = TASKS as u32;
        work.shape = WorkersShape { processes: 1, concurrency: each, prefetch: each, ..SHAPE };
        work.write_each = true;
        work.handler = LONG;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        assert_eq!(self.0.profile.claims.ack, AckMode::Late);
        hand.submit(0..TASKS);
        hand.settle();
        hand.wait("the worker to hold all tasks", |hand| unacknowledged(hand) == TASKS);
        hand.pause_broker();
        assert_eq!(hand.log.counts().finished, 0, "none had ended yet");
        // Their acknowledgements reach nobody.
        hand.wait("all to run", |hand| hand.log.counts().finished == TASKS);
        hand.dismiss();
        hand.work.handler = Handler::None;
        hand.kill_and_restart_broker();
        hand.hire_again();
        hand.wait("the queue to run empty", |hand| hand.backlog().outstanding() == 0);
        hand.dismiss();
        let counts = hand.judged();
        println!("{name}: of {TASKS} {:?}", counts.again);
        assert_eq!(counts.grid.ok, [0, 0, TASKS], "{name}: {counts:?}");
        assert_eq!(counts.again, Again { redelivered: TASKS, ..Again::default() }, "{name}");
        assert_eq!((counts.repeated, counts.lost), (TASKS, 0), "{name}: {counts:?}");
    }
}

fn unacknowledged(hand: &Hand<'_, '_>) -> u64 {
    let queues = rabbitmqctl(hand.stage, &["list_queues", "messages_unacknowledged"]);
    queues.lines().map(|line| line.trim().parse::<u64>().expect("a count")).sum()
}

#[test]
fn what_was_not_acknowledged_is_redelivered_and_told_so() {
    each(Lane::Brokers, RABBITMQ, |target| by_hand(target, &Redelivered(target)));
}
