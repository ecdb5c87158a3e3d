//! What is in a broker under a system's name already is refused, and stays.

use schedbench::plan::Target;
use schedbench_contract::{AckMode, Error};

use crate::hand::{Act, Hand, by_hand};
use crate::systems::{DEFAULTS, Lane, each};

const TASKS: u64 = 100;

struct OpenAgain(Target);

impl Act for OpenAgain {
    fn act(&self, hand: &mut Hand<'_, '_>) {
        // Its tasks are in its program; what a broker has are locks of a moment.
        if matches!(self.0.profile.claims.ack, AckMode::None | AckMode::Locked) {
            return;
        }
        match hand.open_again() {
            Ok(_) => panic!("{}: opened what is not its own", self.0.name()),
            Err(error) => assert!(matches!(error, Error::NotOurs(_)), "{error}"),
        }
        hand.submit(0..TASKS);
        hand.settle();
        hand.wait("the tasks to run", |hand| hand.log.counts().finished >= TASKS);
    }
}

#[test]
fn what_exists_is_refused_and_goes_on() {
    each(Lane::Brokers, DEFAULTS, |target| by_hand(target, &OpenAgain(target)));
}
