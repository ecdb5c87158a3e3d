//! What systems share whose scheduler lives in a program of its own: the
//! program is fed tasks on its standard input and reports what its scheduler
//! holds and what it has run.
//!
//! A task is confirmed when the program says that its scheduler has it, not
//! when the pipe does: what lies in a pipe nobody has vouched for. The report
//! costs the program about 30 ns a task (of 80 ns for the whole protocol), and
//! one stamp stands for what was read at once, taken after the last of it.
//!
//! Only the id and the due time cross the pipe. The body stays with the
//! caller, as with any timer in process.

mod line;
mod producer;

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use schedbench_contract::{
    Backlog, Comparable, Fed, Feed, Launch, Program, Recorder, Result, Work, WorkerSource,
    WorkersShape,
};

use line::Line;
pub(crate) use producer::FedProducer;

/// A task reaches these over a pipe between two processes, and the systems in
/// process by a call: below some milliseconds the pipe is what is measured.
pub(crate) const COMPARABLE: Comparable = Comparable::Delayed {
    by_at_least_ns: 10_000_000,
    why: "tasks reach its program over a pipe and others in their class by a call; only firing \
          errors from 10 ms up are comparable",
};

/// How often a full window or a full pipe is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// The programs of one cell.
#[derive(Debug)]
pub(crate) struct Programs {
    system: &'static str,
    feeds: Vec<Feed>,
    window: u32,
}

impl Programs {
    /// `instances` programs, each of which gets every task.
    pub(crate) fn new(system: &'static str, instances: usize, shape: &WorkersShape) -> Self {
        let feeds = (0..instances).map(|_| Feed::default()).collect();
        Self { system, feeds, window: shape.window }
    }

    /// What to start for this work.
    pub(crate) fn launch(&self, work: &Work) -> Launch {
        let fed = |(index, feed): (u32, &Feed)| Fed {
            program: Program {
                program: None,
                args: Vec::new(),
                env: Vec::new(),
                work: Work { index, ..work.clone() },
            },
            feed: feed.clone(),
        };
        Launch::Fed((0..).zip(&self.feeds).map(fed).collect())
    }

    /// The producer of the programs that were started.
    ///
    /// # Errors
    /// A pipe cannot be watched.
    pub(crate) fn producer(&self, log: Recorder) -> Result<FedProducer> {
        let number = |(number, feed): (u32, &Feed)| Line::new(self.system, number, feed.clone());
        let lines = (1..).zip(&self.feeds).map(number).collect();
        FedProducer::new(log, lines, self.window)
    }

    /// What they hold: nothing once they have ended, for it was in their
    /// memory; while one lives it cannot be asked.
    pub(crate) fn backlog(&self) -> Backlog {
        let lives = |feed: &Feed| feed.end().is_some_and(|(_, end)| is_read(&*end));
        if self.feeds.iter().any(lives) {
            return Backlog::default();
        }
        let none = Some(0);
        Backlog { ready: none, held: none, scheduled: none, retry: none, dead: none }
    }
}

/// What the writing end of a pipe says of its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pipe {
    /// A write of up to 4,096 bytes goes in at once.
    HasRoom,
    /// It is full.
    IsFull,
    /// Nobody will read it.
    HasNoReader,
}

fn look(end: impl AsFd) -> Pipe {
    let mut fds = [PollFd::new(&end, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // An interruption is a pipe that says nothing yet.
    let _ = poll(&mut fds, Some(&at_once));
    let said = fds[0].revents();
    if said.intersects(PollFlags::ERR | PollFlags::NVAL) {
        Pipe::HasNoReader
    } else if said.contains(PollFlags::OUT) {
        Pipe::HasRoom
    } else {
        Pipe::IsFull
    }
}

fn is_read(end: impl AsFd) -> bool {
    look(end) != Pipe::HasNoReader
}

/// The version of a module that a program is locked to.
pub(crate) fn locked_version(source: &WorkerSource, module: &str) -> String {
    let lines = source.files.iter().filter(|(path, _)| path.ends_with("go.mod"));
    let mut words = lines.flat_map(|(_, text)| text.lines()).map(str::split_whitespace);
    let version = words.find_map(|mut words| {
        words.find(|word| *word == module)?;
        words.next()
    });
    version.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_room_is_full_and_has_no_reader() {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        rustix::io::ioctl_fionbio(&writer, true).expect("it does not block");
        assert_eq!(look(&writer), Pipe::HasRoom);
        while rustix::io::write(&writer, &[0; 4_096]).is_ok() {}
        assert_eq!(look(&writer), Pipe::IsFull);
        drop(reader);
        assert_eq!(look(&writer), Pipe::HasNoReader);
    }
}
