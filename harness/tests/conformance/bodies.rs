//! Bodies of every size arrive as they were sent, by the worker's own check.

use schedbench::plan::{CellPlan, Target};
use schedbench_contract::ledger::{Enqueue, Reason};

use crate::hand::{Act, Hand, by_hand};
use crate::play::{Staging, plan, play_on};
use crate::stage::on_stage;
use crate::systems::on_every_system;

/// Bytes of a body, and how many tasks have one.
const SIZES: [(usize, u64); 4] = [(0, 500), (100, 500), (64 << 10, 100), (1 << 20, 12)];
/// A limit above this is not tried: the body would not fit into memory.
const MOST_TRIED: usize = 128 << 20;

fn bodies_arrive_intact(target: Target) {
    on_stage(target, |stage| {
        for (body_bytes, count) in SIZES {
            let plan = CellPlan { body_bytes, ..plan(target, count, 500) };
            play_on(stage, &plan, &Staging::default()).balances(count, 0, 0);
        }
    });
}

/// A body over the limit is refused for its size; the next task is taken.
fn a_body_over_the_limit_is_refused(target: Target) {
    let limit = target.profile.claims.largest_body;
    if limit > MOST_TRIED {
        // There is no limit that could be reached.
        assert_eq!(limit, usize::MAX, "{}: a limit that nobody can test", target.name());
        return;
    }
    by_hand(target, &OverTheLimit(limit));
}

struct OverTheLimit(usize);

impl Act for OverTheLimit {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        hand.submit_body(0, &vec![7; self.0 + 1]);
        hand.submit(1..2);
        hand.settle();
        hand.wait("the task after it", |hand| hand.log.counts().finished == 1);
        let entry = hand.log.ledger().entry(0);
        assert_eq!((entry.enqueue, entry.reason), (Enqueue::Refused, Reason::TooLarge));
        assert_eq!(entry.successes, 0);
        // Acknowledged after it ran: a Celery that is asked to end just in
        // between may neither acknowledge nor end (2 of 30 on a busy machine).
        hand.wait("nothing to be left", |hand| hand.backlog().outstanding() == 0);
        hand.dismiss();
    }
}

on_every_system! {
    DEFAULTS: bodies_arrive_intact;
    DEFAULTS: a_body_over_the_limit_is_refused;
}
