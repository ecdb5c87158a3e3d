//! The pipe to one program: lost when the program ends, found again when it is
//! started again.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use schedbench_contract::{Error, Feed, MomentKind, Recorder, Result};

use super::{LOOK_EVERY, Pipe, look};
use crate::clock;

/// The producer's side of one program.
#[derive(Debug)]
pub(super) struct Line {
    system: &'static str,
    number: u32,
    feed: Feed,
    /// Which start of the program was taken last.
    start: u64,
    end: Option<Arc<OwnedFd>>,
}

impl Line {
    pub(super) const fn new(system: &'static str, number: u32, feed: Feed) -> Self {
        Self { system, number, feed, start: 0, end: None }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.end.is_some()
    }

    /// Takes the pipe of a program that was started since.
    ///
    /// # Errors
    /// The pipe cannot be watched.
    pub(super) fn open(&mut self, log: &Recorder) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        let Some((start, end)) = self.feed.end() else { return Ok(()) };
        if start == self.start {
            return Ok(());
        }
        rustix::io::ioctl_fionbio(&end, true).map_err(|error| {
            Error::Broken(format!("{} {}: its pipe: {error}", self.system, self.number))
        })?;
        if self.start > 0 {
            let text = format!("{} {} is fed again", self.system, self.number);
            log.moment(clock::now(), MomentKind::Reconnected, text);
        }
        (self.start, self.end) = (start, Some(end));
        Ok(())
    }

    /// Waits until a batch goes in at once, or the program has ended.
    pub(super) async fn room(&mut self, log: &Recorder) {
        while let Some(end) = &self.end {
            match look(end) {
                Pipe::HasRoom => return,
                Pipe::HasNoReader => self.lost(log),
                // 4,096 tasks that are not read yet: there is time.
                Pipe::IsFull => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Whether the program has ended meanwhile.
    pub(super) fn look(&mut self, log: &Recorder) {
        if self.end.as_ref().is_some_and(|end| look(end) == Pipe::HasNoReader) {
            self.lost(log);
        }
    }

    /// Writes a batch of at most 4,096 bytes, which goes in whole or not at
    /// all; [`Self::room`] has said that it does.
    pub(super) fn write(&mut self, batch: &[u8], log: &Recorder) {
        loop {
            let Some(end) = &self.end else { return };
            match rustix::io::write(end, batch) {
                Err(Errno::INTR) => {}
                Ok(count) if count == batch.len() => return,
                // Its program has ended; a part of a batch cannot be, and
                // after it no task could be told from another.
                Ok(_) | Err(_) => return self.lost(log),
            }
        }
    }

    fn lost(&mut self, log: &Recorder) {
        self.end = None;
        let text = format!("{} {} reads no more", self.system, self.number);
        log.moment(clock::now(), MomentKind::Disconnected, text);
    }
}
