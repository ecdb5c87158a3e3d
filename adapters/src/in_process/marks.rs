use std::sync::atomic::{AtomicU8, Ordering};

use schedbench_contract::TaskId;

use super::tally::Place;

/// Whether each task of a cell still waits, for systems in which a task
/// decides by itself whether it runs.
pub(super) struct Marks(Box<[AtomicU8]>);

const ELSEWHERE: u8 = 0;
const GONE: u8 = 4;

const fn code(waits: Place) -> u8 {
    match waits {
        Place::Ready => 1,
        Place::Scheduled => 2,
        _ => 3,
    }
}

impl Marks {
    pub(super) fn new(tasks: usize) -> Self {
        Self((0..tasks).map(|_| AtomicU8::new(ELSEWHERE)).collect())
    }

    /// A task waits; noted before anyone can start it.
    pub(super) fn waits(&self, id: TaskId, place: Place) {
        if let Some(mark) = self.mark(id) {
            mark.store(code(place), Ordering::Release);
        }
    }

    /// A task that waited there starts; `false` when it must not.
    pub(super) fn starts(&self, id: TaskId, place: Place) -> bool {
        self.mark(id).is_none_or(|mark| change(mark, code(place), ELSEWHERE))
    }

    /// Takes a task back that waits for its first run, and says where it did.
    pub(super) fn cancel(&self, id: TaskId) -> Option<Place> {
        let mark = self.mark(id)?;
        [Place::Ready, Place::Scheduled].into_iter().find(|&place| change(mark, code(place), GONE))
    }

    /// Takes back all that wait, telling where each did.
    pub(super) fn purge(&self, mut gone: impl FnMut(Place)) {
        for mark in &self.0 {
            let waited = [Place::Ready, Place::Scheduled, Place::Retry]
                .into_iter()
                .find(|&place| change(mark, code(place), GONE));
            if let Some(place) = waited {
                gone(place);
            }
        }
    }

    fn mark(&self, id: TaskId) -> Option<&AtomicU8> {
        self.0.get(usize::try_from(id.sequence()).ok()?)
    }
}

fn change(mark: &AtomicU8, from: u8, to: u8) -> bool {
    mark.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}
