//! Records that are here and not due.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use super::desk::Desk;
use super::hands::Job;
use crate::clock;

struct Held<'c> {
    due_wall: u64,
    job: Job<'c>,
}

impl Ord for Held<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Held<'_> {
    fn key(&self) -> (u64, usize, i64) {
        (self.due_wall, self.job.origin.place, self.job.origin.offset)
    }
}

impl PartialOrd for Held<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Held<'_> {}

/// The records, the next due first.
#[derive(Default)]
pub(super) struct Hold<'c>(BinaryHeap<Reverse<Held<'c>>>);

impl<'c> Hold<'c> {
    /// Keeps a record until that Unix time, ns.
    pub(super) fn keep(&mut self, due_wall: u64, job: Job<'c>) {
        self.0.push(Reverse(Held { due_wall, job }));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives what is due, and says how long it is to the next. What has become
    /// another worker's is dropped.
    pub(super) fn release(
        &mut self,
        mut give: impl FnMut(Job<'c>),
        desk: &Desk,
    ) -> Option<Duration> {
        loop {
            let now = clock::wall();
            let next = self.0.peek_mut()?;
            if next.0.due_wall > now {
                return Some(Duration::from_nanos(next.0.due_wall - now));
            }
            let Reverse(held) = std::collections::binary_heap::PeekMut::pop(next);
            if desk.is_ours(held.job.origin) {
                give(held.job);
            }
        }
    }
}
