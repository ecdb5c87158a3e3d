//! How a worker ends: what was done is committed, and the group left.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};

use super::AGAIN_AFTER;
use super::desk::Desk;
use super::ear::Ear;

/// Attempts to commit at the end.
const LAST_COMMITS: u32 = 20;
/// For the group to be left. librdkafka does not always end it: an assignment
/// that comes while a consumer closes may never be answered (its issue 4884).
/// The brokers put out who did not leave once its session is over, so that who
/// has committed everything need not wait for more. Less than the 30 s after
/// which the harness kills a worker, and more than one takes on a busy machine.
const LEAVE_WITHIN: Duration = Duration::from_secs(20);

/// A rebalance, for others leave at the same time, may get in the way.
pub(super) fn commit_the_rest(consumer: &BaseConsumer<Ear>, desk: &Desk) {
    for _ in 0..LAST_COMMITS {
        let Some(list) = desk.to_commit() else { return };
        match consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => return,
            Err(error) => eprintln!("kafka's consumer: committing at the end: {error}"),
        }
        std::thread::sleep(AGAIN_AFTER);
    }
}

/// Leaves the group, and says so where that takes longer than it should: this
/// process then ends without.
pub(super) fn leave(consumer: BaseConsumer<Ear>) {
    let (left, has_left) = std::sync::mpsc::channel();
    let leaving = std::thread::Builder::new().name("leaver".into()).spawn(move || {
        drop(consumer);
        let _ = left.send(());
    });
    if let Err(error) = leaving {
        // The consumer was left on this thread, with what was to run.
        eprintln!("kafka's consumer: starting the thread that leaves: {error}");
    } else if has_left.recv_timeout(LEAVE_WITHIN).is_err() {
        eprintln!(
            "kafka's consumer: the group was not left within {} s: the worker ends all the same, \
             and keeps its partitions until its session is over",
            LEAVE_WITHIN.as_secs()
        );
    }
}
