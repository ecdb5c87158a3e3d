//! The values of pending timers, in a slab whose places are used again.

/// Names one pending timer of the wheel that gave it.
///
/// Once that timer has fired, was cancelled or was rescheduled, the handle is
/// dead for good: its place may be used again, but under another generation.
/// A handle means nothing to another wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle {
    index: u32,
    generation: u32,
}

impl Handle {
    /// Fills the unused part of a chunk; names no timer.
    pub(crate) const NOBODY: Self = Self { index: u32::MAX, generation: RETIRED };
}

/// A place that has reached this generation is left empty for ever, so that a
/// generation never comes round again. It costs one place in 4 billion uses.
const RETIRED: u32 = u32::MAX;

/// Ends the list of free places.
const NONE: u32 = u32::MAX;

struct Place<T> {
    /// That of the timer here, or of the next one if the place is free.
    generation: u32,
    content: Content<T>,
}

enum Content<T> {
    Pending(T),
    Free { next: u32 },
}

pub(crate) struct Timers<T> {
    places: Vec<Place<T>>,
    first_free: u32,
    pending: usize,
}

impl<T> Timers<T> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { places: Vec::with_capacity(capacity), first_free: NONE, pending: 0 }
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Handle {
        self.pending += 1;
        if let Some(place) = self.places.get_mut(self.first_free as usize) {
            let index = self.first_free;
            match std::mem::replace(&mut place.content, Content::Pending(value)) {
                Content::Free { next } => self.first_free = next,
                Content::Pending(_) => unreachable!("a free place held a timer"),
            }
            Handle { index, generation: place.generation }
        } else {
            self.insert_new_place(value)
        }
    }

    #[cold]
    fn insert_new_place(&mut self, value: T) -> Handle {
        let index = u32::try_from(self.places.len()).ok().filter(|&index| index != NONE);
        let index = index.expect("a wheel holds fewer than u32::MAX timers");
        self.places.push(Place { generation: 0, content: Content::Pending(value) });
        Handle { index, generation: 0 }
    }

    #[inline]
    pub(crate) fn is_pending(&self, handle: Handle) -> bool {
        // A free place carries a generation that no handle has yet.
        self.places
            .get(handle.index as usize)
            .is_some_and(|place| place.generation == handle.generation)
    }

    #[inline]
    pub(crate) fn remove(&mut self, handle: Handle) -> Option<T> {
        let place = self.places.get_mut(handle.index as usize)?;
        if place.generation != handle.generation {
            return None;
        }
        let next = self.first_free;
        let Content::Pending(value) = std::mem::replace(&mut place.content, Content::Free { next })
        else {
            unreachable!("a handle's generation named a free place")
        };
        place.generation += 1;
        if place.generation != RETIRED {
            self.first_free = handle.index;
        }
        self.pending -= 1;
        Some(value)
    }

    /// Kills `handle` and names its timer anew.
    #[inline]
    pub(crate) fn rename(&mut self, handle: Handle) -> Option<Handle> {
        let place = self.places.get_mut(handle.index as usize)?;
        if place.generation != handle.generation {
            return None;
        }
        if place.generation + 1 == RETIRED {
            let value = self.remove(handle)?;
            return Some(self.insert(value));
        }
        place.generation += 1;
        Some(Handle { index: handle.index, generation: place.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_used_up_is_never_used_again() {
        let mut timers = Timers::with_capacity(0);
        let first = timers.insert('a');
        timers.places[0].generation = RETIRED - 2;
        let old = Handle { generation: RETIRED - 2, ..first };

        let last = timers.rename(old).unwrap();
        assert_eq!((last.index, last.generation), (0, RETIRED - 1));
        let moved = timers.rename(last).unwrap();
        assert_eq!(moved.index, 1, "the value moves to a fresh place");
        assert!(!timers.is_pending(old) && !timers.is_pending(last));
        assert_eq!(timers.remove(last), None);
        assert_eq!(timers.remove(moved), Some('a'));
        assert_eq!(timers.insert('b').index, 1);
        assert_eq!(timers.insert('c').index, 2);
        assert_eq!(timers.pending(), 2);
    }

    #[test]
    fn nobody_is_never_pending() {
        let mut timers = Timers::with_capacity(1);
        timers.insert(());
        assert!(!timers.is_pending(Handle::NOBODY));
    }
}
