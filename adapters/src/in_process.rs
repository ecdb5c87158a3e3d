//! Schedulers in the harness's own process: timer wheel, heap, tokio.
//!
//! Class I: nothing survives the process. They share their worker pool, their
//! way of stamping and their hand-over, so that what differs between two of
//! them is the scheduler.

mod attempt;
mod delay_queue;
mod hand_over;
mod heap;
mod heap_queue;
pub(crate) mod housed;
mod marks;
mod noop;
pub(crate) mod pen;
mod pool;
mod run;
mod run_queue;
pub(crate) mod system;
mod tally;
pub(crate) mod threads;
mod tokio_clock;
mod tokio_sleep;
mod wheel;
mod wheel_core;

use std::sync::{Mutex, MutexGuard, PoisonError};

use schedbench_contract::{
    AckMode, Backlog, Claims, ConfirmMode, Delay, DurabilityClass, Order, Resends, Retries,
};

/// Does nothing: the harness's own cost.
pub(crate) type Noop = system::InProcess<noop::Noop>;
/// The built-in timer wheel.
pub(crate) type Wheel = system::InProcess<wheel::Wheel>;
/// A mutex and a binary heap.
pub(crate) type Heap = system::InProcess<heap::Heap>;
/// A spawned sleep for each task.
pub(crate) type Tokio = system::InProcess<tokio_sleep::TokioSleep>;
/// tokio-util's `DelayQueue`.
pub(crate) type DelayQueue = system::InProcess<delay_queue::DelayQueue>;

/// The same in a child of their own, for cells in which they are killed.
pub(crate) mod in_child {
    use super::housed::Housed;

    pub(crate) type Wheel = Housed<super::wheel::Wheel>;
    pub(crate) type Heap = Housed<super::heap::Heap>;
    pub(crate) type Tokio = Housed<super::tokio_sleep::TokioSleep>;
    pub(crate) type DelayQueue = Housed<super::delay_queue::DelayQueue>;
}

/// What all of them promise; a profile changes what it does not.
const CLAIMS: Claims = Claims {
    durability: DurabilityClass::InProcess,
    ack: AckMode::None,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Native { early_by_at_most_ns: 0 },
    order: Order::None,
    cancel: true,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: usize::MAX,
};

/// The backlog of a system that is empty.
const NOTHING_HELD: Backlog =
    Backlog { ready: Some(0), held: Some(0), scheduled: Some(0), retry: Some(0), dead: Some(0) };

/// The lock, also after a panic elsewhere: the queues behind these locks are
/// whole between any two statements, and the panic has been printed.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The version of a dependency that this build was locked to.
fn locked_version(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.map_or_else(|| "unknown".to_owned(), |quoted| quoted.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_lock_file_tells_the_version_of_a_dependency() {
        assert!(super::locked_version("tokio-util").starts_with("0."));
        assert_eq!(super::locked_version("no such package"), "unknown");
    }
}
