//! A scheduler in process keeps nothing: whole in a child that is killed, it
//! loses all that waited in it, to the last task.

use schedbench::plan::Target;
use schedbench_adapters::clock;
use schedbench_contract::Work;

use crate::S;
use crate::hand::{Act, Hand, by_hand};
use crate::systems::{IN_A_CHILD, Lane, each};

const TASKS: u64 = 1_000;
/// Handing them over and the kill take a hundredth of it.
const LATER: u64 = 10 * S;

struct Waiting(Target);

impl Act for Waiting {
    fn is_in_a_child(&self) -> bool {
        true
    }

    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let name = self.0.name();
        hand.submit_due(0..TASKS, LATER);
        let due = clock::now() + LATER;
        hand.settle();
        let victim = hand.children().remove(0);
        assert_eq!(victim.kill().signal, Some(9));
        hand.dismiss();
        assert_eq!(hand.log.counts().finished, 0, "{name}: killed before any was due");
        hand.hire_again();
        // The new one works, and none comes back when its time has come.
        hand.submit(TASKS..TASKS + 1);
        hand.settle();
        hand.wait("the new task to run", |hand| hand.log.counts().finished == 1);
        hand.wait("the others' time to be over", |_| clock::now() > due + S);
        hand.dismiss();
        let counts = hand.judged();
        println!("{name}: {} of {TASKS} lost, {} repeated", counts.lost, counts.repeated);
        assert_eq!(counts.grid.ok, [TASKS, 1, 0], "{name}: {counts:?}");
        assert_eq!((counts.lost, counts.residual), (TASKS, 0), "{name}: {counts:?}");
        assert_eq!(counts.repeated, 0, "{name}: {counts:?}");
    }
}

#[test]
fn a_killed_child_loses_exactly_what_waited_in_it() {
    each(Lane::InProcess, IN_A_CHILD, |target| by_hand(target, &Waiting(target)));
}
