//! What of one partition is handed to handlers, done, and committed.

use std::collections::VecDeque;

/// The offsets of one partition since it was assigned.
///
/// Kafka keeps one number per partition: everything before it counts as done.
/// Handlers end out of order, so the number is held back at the first record
/// that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    /// Offset of the first entry of `done`; all before it are done.
    next: i64,
    done: VecDeque<bool>,
    /// As the broker knows it.
    committed: i64,
}

impl Offsets {
    /// A record was handed over. The first tells where the partition begins.
    pub(super) fn begin(&mut self, offset: i64) {
        if self.done.is_empty() {
            if self.next == self.committed {
                self.committed = offset;
            }
            self.next = offset;
        }
        // Offsets may be left out: markers of transactions, compaction.
        while self.next + (self.done.len() as i64) < offset {
            self.done.push_back(true);
        }
        self.done.push_back(false);
    }

    /// A record needs not come again.
    pub(super) fn finish(&mut self, offset: i64) {
        let place = usize::try_from(offset - self.next).ok();
        if let Some(done) = place.and_then(|place| self.done.get_mut(place)) {
            *done = true;
        }
        while self.done.front() == Some(&true) {
            self.done.pop_front();
            self.next += 1;
        }
    }

    /// What to tell the broker, if it does not know.
    pub(super) fn to_commit(&self) -> Option<i64> {
        (self.next > self.committed).then_some(self.next)
    }

    /// Records done that the broker does not know of, as far as it can be told.
    pub(super) fn committable(&self) -> usize {
        usize::try_from(self.next - self.committed).unwrap_or(0)
    }

    /// Records handed over that would come again if this process died.
    pub(super) fn unacknowledged(&self) -> usize {
        self.committable() + self.done.len()
    }

    /// The broker knows.
    pub(super) fn committed(&mut self, offset: i64) {
        self.committed = self.committed.max(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_that_runs_holds_the_offset_back() {
        let mut offsets = Offsets::default();
        for offset in 100..104 {
            offsets.begin(offset);
        }
        offsets.finish(101);
        offsets.finish(102);
        assert_eq!((offsets.to_commit(), offsets.unacknowledged()), (None, 4));
        offsets.finish(100);
        assert_eq!((offsets.to_commit(), offsets.committable()), (Some(103), 3));
        offsets.committed(103);
        assert_eq!((offsets.to_commit(), offsets.unacknowledged()), (None, 1));
        offsets.finish(103);
        assert_eq!(offsets.to_commit(), Some(104));
        // The next record comes while that one is not committed.
        offsets.begin(104);
        assert_eq!(offsets.unacknowledged(), 2);
    }

    #[test]
    fn offsets_that_are_left_out_are_passed_over() {
        let mut offsets = Offsets::default();
        offsets.begin(7);
        offsets.begin(10);
        offsets.finish(10);
        offsets.finish(7);
        assert_eq!(offsets.to_commit(), Some(11));
        // Strangers change nothing.
        offsets.finish(3);
        offsets.finish(99);
        assert_eq!(offsets.to_commit(), Some(11));
    }
}
