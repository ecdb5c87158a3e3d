use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_utils::CachePadded;

use super::locked;

/// Where a task can be, for systems whose queue cannot be counted itself.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Ready,
    Scheduled,
    Retry,
    Held,
    Dead,
}

type Slot = CachePadded<[AtomicI64; 5]>;

/// Counts tasks by place, each thread on a cache line of its own.
///
/// A task that moves is added before it is taken away; a sum taken meanwhile
/// is exact only once nothing moves.
pub(super) struct Tally {
    slots: Arc<Mutex<Vec<Arc<Slot>>>>,
    slot: Arc<Slot>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self::on(Arc::default())
    }

    fn on(slots: Arc<Mutex<Vec<Arc<Slot>>>>) -> Self {
        let slot = Arc::new(CachePadded::<[AtomicI64; 5]>::default());
        locked(&slots).push(Arc::clone(&slot));
        Self { slots, slot }
    }

    pub(super) fn add(&self, place: Place, tasks: i64) {
        self.slot[place as usize].fetch_add(tasks, Ordering::AcqRel);
    }

    pub(super) fn go(&self, from: Place, to: Place) {
        self.add(to, 1);
        self.add(from, -1);
    }

    /// Over all clones.
    pub(super) fn sum(&self, place: Place) -> u64 {
        let slots = locked(&self.slots);
        let sum: i64 = slots.iter().map(|slot| slot[place as usize].load(Ordering::Acquire)).sum();
        u64::try_from(sum).unwrap_or(0)
    }
}

impl Clone for Tally {
    /// For another thread.
    fn clone(&self) -> Self {
        Self::on(Arc::clone(&self.slots))
    }
}
