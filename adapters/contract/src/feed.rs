use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Program, TaskId};

/// Bytes of one task as a fed program reads it.
pub const FEED_BYTES: usize = 16;

/// A task as a fed program reads it: id u64, due u64, little endian; due is
/// monotonic ns, and what is due already starts at once.
#[must_use]
pub fn feed_record(id: TaskId, due: u64) -> [u8; FEED_BYTES] {
    let mut bytes = [0; FEED_BYTES];
    bytes[..8].copy_from_slice(&id.bits().to_le_bytes());
    bytes[8..].copy_from_slice(&due.to_le_bytes());
    bytes
}

/// A program that is given tasks on its standard input, after its `Work`,
/// instead of taking them from a broker: the scheduler is inside it. It
/// reports each task that its scheduler holds with [`crate::Status::Confirmed`].
#[derive(Clone, Debug)]
pub struct Fed {
    /// What to start.
    pub program: Program,
    /// Where the harness puts the writing end of its standard input.
    pub feed: Feed,
}

/// The writing end of a fed program's standard input.
///
/// The harness makes the pipe, since it owns every process and every pipe,
/// and puts the end here once the program has its `Work`. When it starts the
/// program again it puts a new end, and the producer goes on with that.
#[derive(Clone, Debug, Default)]
pub struct Feed(Arc<Mutex<Current>>);

#[derive(Debug, Default)]
struct Current {
    start: u64,
    end: Option<Arc<OwnedFd>>,
}

impl Feed {
    /// Puts the end of a program that was just started.
    pub fn put(&self, end: OwnedFd) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.start += 1;
        current.end = Some(Arc::new(end));
    }

    /// Which start of the program that is, from 1, and its end; `None` before
    /// the first.
    #[must_use]
    pub fn end(&self) -> Option<(u64, Arc<OwnedFd>)> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.end.as_ref().map(|end| (current.start, Arc::clone(end)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_record_is_the_id_and_the_due_time_in_little_endian() {
        let bytes = feed_record(TaskId::from_bits(0x0102), 0x0304);
        assert_eq!((bytes[0], bytes[1], bytes[8], bytes[9]), (2, 1, 4, 3));
    }

    #[test]
    fn the_end_is_that_of_the_last_start() {
        let (feed, file) = (Feed::default(), || File::open("/dev/null").expect("a file"));
        assert!(feed.end().is_none());
        feed.put(file().into());
        feed.clone().put(file().into());
        assert_eq!(feed.end().map(|(start, _)| start), Some(2));
    }
}
