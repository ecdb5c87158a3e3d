//! What is acknowledged before it runs is lost with its worker: to the last
//! task, and nothing else.

use schedbench::plan::Target;
use schedbench_contract::{Broker, Handler, Work, WorkersShape};

use crate::S;
use crate::hand::{Act, Hand, by_hand};
use crate::play::SHAPE;
use crate::stage::rabbitmqctl;
use crate::systems::{EARLY, Lane, each};

/// They run before, in peace.
const BEFORE: u64 = 20;
/// A worker holds them, or some of them, when it is killed.
const TASKS: u64 = 40;
/// Handlers of the one worker.
const AT_A_TIME: u64 = 2;
/// Longer than the check takes: none ends before its worker is killed.
const LONG: Handler = Handler::SleepNs(300 * S);

struct Early(Target);

impl Act for Early {
    fn prepare(&self, work: &mut Work) {
        work.shape =
            WorkersShape { processes: 1, concurrency: AT_A_TIME as u32, prefetch: 256, ..SHAPE };
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        hand.submit(0..BEFORE);
        hand.settle();
        hand.wait("those before to run", |hand| hand.log.counts().finished == BEFORE);
        hand.dismiss();
        hand.work.handler = LONG;
        hand.hire_again();
        hand.submit(BEFORE..BEFORE + TASKS);
        hand.settle();
        let acknowledged = self.acknowledged();
        hand.wait("the worker to acknowledge", |hand| unacknowledged(hand) == TASKS - acknowledged);
        let victim = hand.children().remove(0);
        assert_eq!(victim.kill().signal, Some(9));
        hand.dismiss();
        hand.work.handler = Handler::None;
        hand.hire_again();
        let rest = BEFORE + TASKS - acknowledged;
        hand.wait("the rest to run", |hand| hand.log.counts().finished == rest);
        hand.wait("the queue to run empty", |hand| hand.backlog().outstanding() == 0);
        hand.dismiss();
        let counts = hand.judged();
        println!("{name}: of {TASKS} {} lost with their worker", counts.lost);
        assert_eq!(counts.grid.ok, [acknowledged, rest, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (acknowledged, 0), "{name}: {counts:?}");
    }
}

impl Early {
    /// Of the tasks, those that are acknowledged while none of them ends.
    fn acknowledged(&self) -> u64 {
        match self.0.system.name {
            // When a process of the pool takes it; what the worker has fetched
            // besides goes back when its connection ends.
            "celery" => AT_A_TIME,
            // By being sent (RabbitMQ), or as soon as it was read (Kafka).
            _ => TASKS,
        }
    }
}

/// What the broker would send again. AMQP does not tell what consumers hold.
pub(crate) fn unacknowledged(hand: &Hand<'_, '_>) -> u64 {
    if hand.target.profile.broker != Some(Broker::RabbitMq) {
        return hand.backlog().outstanding();
    }
    let queues = rabbitmqctl(hand.stage, &["list_queues", "messages"]);
    queues.lines().map(|line| line.trim().parse::<u64>().expect("a count")).sum()
}

#[test]
fn a_killed_worker_loses_exactly_what_it_had_acknowledged() {
    each(Lane::Brokers, EARLY, |target| by_hand(target, &Early(target)));
}
