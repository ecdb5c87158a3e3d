//! The reading ends of the workers' event pipes.
//!
//! One thread polls them all and writes what they say into the cell's ledger.
//! A worker is known by its pipe: what it says of itself is only compared.

mod decoder;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use schedbench_adapters::clock;
use schedbench_contract::{MomentKind, Recorder};

use crate::environment::placement;
use decoder::Decoder;
pub use decoder::LONG_PAUSE_NS;

/// What a pipe holds while this thread is not on a core: 32,768 records, a
/// third of a second at 100,000 a second. The most an unprivileged process gets.
const PIPE_BYTES: usize = 1024 * 1024;
/// One read.
const READ_BYTES: usize = 64 * 1024;

/// What is known of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerSeen {
    /// It has said that it consumes.
    pub ready: bool,
    /// It has run at least one task.
    pub ran: bool,
    /// Its pipe has ended: it has closed it, or is dead.
    pub ended: bool,
    /// Tasks that ended with it, by what it said as it ended; `None` of a worker
    /// that keeps none, or was killed.
    pub held: Option<u64>,
    /// Records of it.
    pub records: u64,
    /// The longest pause of its collector since it was ready, ns.
    pub longest_pause_ns: u64,
    /// Records with an unknown status or a wrong worker's number, and bytes
    /// that were no whole record when the pipe ended.
    pub protocol_errors: u64,
}

/// What the pipes came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipesEnd {
    /// By the worker's index.
    pub workers: BTreeMap<u32, WorkerSeen>,
}

impl PipesEnd {
    /// Tasks that ended with the workers; `None` where one has not said.
    #[must_use]
    pub fn held(&self) -> Option<u64> {
        self.workers.values().map(|worker| worker.held).sum()
    }

    /// Protocol errors of all workers.
    #[must_use]
    pub fn protocol_errors(&self) -> u64 {
        self.workers.values().map(|worker| worker.protocol_errors).sum()
    }
}

struct Pipe {
    worker: u32,
    /// Which start of that worker: a late end of the one before says nothing
    /// about the one that lives.
    start: u64,
    fd: OwnedFd,
    decoder: Decoder,
}

#[derive(Default)]
struct State {
    workers: BTreeMap<u32, WorkerSeen>,
    /// The last start of each worker.
    starts: BTreeMap<u32, u64>,
    /// Not yet taken over by the thread.
    new: Vec<Pipe>,
    stop: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Wakes the thread from its poll.
    wake: OwnedFd,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

/// The event pipes of a cell's workers.
pub struct Pipes {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Pipes {
    /// Starts the thread that reads into `log`.
    ///
    /// # Errors
    /// No descriptor or no thread is to be had.
    pub fn start(log: Recorder) -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), wake });
        let reader = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("pipes".into()).spawn(move || read(&reader, &log))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Makes the pipe of a worker that is about to be started, anew for one
    /// that is started again, and returns the end that becomes its descriptor 3.
    ///
    /// # Errors
    /// No descriptor is to be had.
    pub fn open(&self, worker: u32) -> io::Result<OwnedFd> {
        let (fd, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        // A smaller pipe works too: the worker then waits a little more often.
        let _ = fcntl_setpipe_size(&fd, PIPE_BYTES);
        rustix::io::ioctl_fionbio(&fd, true)?;
        let mut state = self.shared.lock();
        let seen = state.workers.entry(worker).or_default();
        (seen.ready, seen.ran, seen.ended, seen.held) = (false, false, false, None);
        let start = state.starts.entry(worker).or_default();
        *start += 1;
        let start = *start;
        state.new.push(Pipe { worker, start, fd, decoder: Decoder::new(worker) });
        drop(state);
        self.shared.wake();
        Ok(writer)
    }

    /// What is known of each worker now.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<u32, WorkerSeen> {
        self.shared.lock().workers.clone()
    }

    /// Waits until `enough` holds of what is known of the workers; whether it
    /// did by the deadline. It is asked again whenever a worker gets ready,
    /// runs its first task or ends.
    pub fn wait(
        &self,
        deadline: Instant,
        mut enough: impl FnMut(&BTreeMap<u32, WorkerSeen>) -> bool,
    ) -> bool {
        let mut state = self.shared.lock();
        loop {
            if enough(&state.workers) {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            let changed = self.shared.changed.wait_timeout(state, left);
            state = changed.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until every worker has said that it consumes, or one has ended.
    pub fn wait_ready(&self, deadline: Instant) -> bool {
        self.wait(deadline, |all| all.values().all(|worker| worker.ready || worker.ended))
            && self.seen().values().all(|worker| worker.ready)
    }

    /// Waits until every worker has run a task, or one has ended.
    pub fn wait_ran(&self, deadline: Instant) -> bool {
        self.wait(deadline, |all| all.values().all(|worker| worker.ran || worker.ended))
            && self.seen().values().all(|worker| worker.ran)
    }

    /// Reads what is in the pipes still and ends the thread. Everything that
    /// workers wrote before this call is in the ledger after it.
    #[must_use]
    pub fn stop(mut self) -> PipesEnd {
        self.end();
        PipesEnd { workers: self.seen() }
    }

    fn end(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.end();
    }
}

fn read(shared: &Shared, log: &Recorder) {
    placement::to_generator();
    let mut pipes: Vec<Pipe> = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let stop = {
            let mut state = shared.lock();
            pipes.append(&mut state.new);
            state.stop
        };
        let mut fds = vec![PollFd::from_borrowed_fd(shared.wake.as_fd(), PollFlags::IN)];
        fds.extend(pipes.iter().map(|pipe| PollFd::new(&pipe.fd, PollFlags::IN)));
        if !stop {
            // An interruption is like a wake-up for nothing.
            let _ = poll(&mut fds, None);
        }
        drop(fds);
        let _ = rustix::io::read(&shared.wake, &mut [0_u8; 8]);
        // On stop once more through all of them, until they are empty.
        pipes.retain_mut(|pipe| take(pipe, &mut buffer, shared, log, stop));
        if stop {
            return;
        }
    }
}

/// Reads one pipe; whether it can say more.
fn take(pipe: &mut Pipe, buffer: &mut [u8], shared: &Shared, log: &Recorder, all: bool) -> bool {
    loop {
        match rustix::io::read(&pipe.fd, &mut *buffer) {
            Ok(0) => break,
            Ok(count) => {
                let news = pipe.decoder.feed(&buffer[..count], log);
                tell(shared, pipe, news);
                // The others shall have their turn too.
                if !all {
                    return true;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return true,
            // A pipe that cannot be read says no more.
            Err(_) => break,
        }
    }
    let mut state = shared.lock();
    let is_last = state.starts.get(&pipe.worker) == Some(&pipe.start);
    let seen = state.workers.entry(pipe.worker).or_default();
    seen.ended |= is_last;
    if pipe.decoder.is_inside_a_record() {
        seen.protocol_errors += 1;
    }
    drop(state);
    log.moment(clock::now(), MomentKind::Worker, format!("worker {} ended", pipe.worker + 1));
    shared.changed.notify_all();
    false
}

/// Adds what a read brought to what is known of the worker.
fn tell(shared: &Shared, pipe: &Pipe, news: WorkerSeen) {
    let mut state = shared.lock();
    let is_last = state.starts.get(&pipe.worker) == Some(&pipe.start);
    let seen = state.workers.entry(pipe.worker).or_default();
    let before = (seen.ready, seen.ran);
    seen.ready |= news.ready && is_last;
    seen.ran |= news.ran && is_last;
    seen.held = news.held.filter(|_| is_last).or(seen.held);
    seen.records += news.records;
    // What is collected while a program starts delays no task.
    if before.0 {
        seen.longest_pause_ns = seen.longest_pause_ns.max(news.longest_pause_ns);
    }
    seen.protocol_errors += news.protocol_errors;
    let is_news = (seen.ready, seen.ran) != before;
    drop(state);
    if is_news {
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schedbench_contract::ledger::Ledger;
    use schedbench_contract::{RECORD_BYTES, Record, Status, TaskId};

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn record(id: u64, status: Status) -> [u8; RECORD_BYTES] {
        Record { id, attempt: 0, status, start: 1_000, end: 2_000 }.to_bytes()
    }

    fn log() -> Recorder {
        Recorder::new(Ledger::new(1, 100, 0, 1_000_000_000))
    }

    #[test]
    fn records_torn_anywhere_are_put_together() {
        let log = log();
        let pipes = Pipes::start(log.clone()).expect("pipes");
        let writer = pipes.open(0).expect("a pipe");
        let mut bytes = record(0, Status::Ready).to_vec();
        for sequence in 0..50 {
            bytes.extend(record(TaskId::new(1, sequence).bits(), Status::Done));
        }
        // Every length of a write, so that every tear occurs.
        let mut from = 0;
        for length in (1..=RECORD_BYTES + 3).cycle() {
            let to = (from + length).min(bytes.len());
            rustix::io::write(&writer, &bytes[from..to]).expect("a write");
            from = to;
            if from == bytes.len() {
                break;
            }
        }
        assert!(pipes.wait_ready(soon()) && pipes.wait_ran(soon()));
        drop(writer);
        assert!(pipes.wait(soon(), |all| all[&0].ended));
        let end = pipes.stop();
        assert_eq!(log.counts().succeeded, 50);
        assert_eq!((end.workers[&0].records, end.protocol_errors()), (51, 0));
    }

    #[test]
    fn what_is_not_the_protocol_is_counted() {
        let log = log();
        let pipes = Pipes::start(log.clone()).expect("pipes");
        let writer = pipes.open(3).expect("a pipe");
        let mut unknown = record(0, Status::Done);
        unknown[12] = 99;
        rustix::io::write(&writer, &unknown).expect("a write");
        rustix::io::write(&writer, &record(4, Status::Ready)).expect("a write");
        rustix::io::write(&writer, &record(0, Status::Done)[..7]).expect("a write");
        drop(writer);
        assert!(pipes.wait(soon(), |all| all[&3].ended));
        assert!(!pipes.wait_ready(soon()));
        assert_eq!(pipes.stop().protocol_errors(), 3);
        assert_eq!(log.moments().len(), 1);
    }

    #[test]
    fn what_ends_with_the_workers_is_known_once_each_that_lives_has_said_it() {
        let pipes = Pipes::start(log()).expect("pipes");
        let say = |index: u32, tasks: u64| {
            let writer = pipes.open(index).expect("a pipe");
            let held = Record::of_held(index, tasks, 7_000).to_bytes();
            rustix::io::write(&writer, &held).expect("a write");
            drop(writer);
            assert!(pipes.wait(soon(), |all| all[&index].ended));
        };
        say(0, 5);
        say(1, 7);
        assert_eq!(PipesEnd { workers: pipes.seen() }.held(), Some(12));
        // What the one before held is gone with it.
        say(0, 2);
        assert_eq!(PipesEnd { workers: pipes.seen() }.held(), Some(9));
        drop(pipes.open(0).expect("a pipe"));
        assert!(pipes.wait(soon(), |all| all[&0].ended));
        assert_eq!(pipes.stop().held(), None, "killed before it could say");
    }

    #[test]
    fn a_workers_connections_are_moments_and_no_other_worker_tells_them() {
        let log = log();
        let pipes = Pipes::start(log.clone()).expect("pipes");
        let writer = pipes.open(1).expect("a pipe");
        for (index, status) in
            [(1, Status::Disconnected), (1, Status::Reconnected), (0, Status::Reconnected)]
        {
            let bytes = Record::of_worker(index, status, 7_000).to_bytes();
            rustix::io::write(&writer, &bytes).expect("a write");
        }
        drop(writer);
        assert!(pipes.wait(soon(), |all| all[&1].ended));
        assert_eq!(pipes.stop().protocol_errors(), 1);
        let mut moments = log.moments();
        moments.retain(|moment| moment.kind != MomentKind::Worker);
        let [lost, back] = moments.as_slice() else { panic!("{moments:?}") };
        assert_eq!((lost.at, lost.kind), (7_000, MomentKind::Disconnected));
        assert_eq!(lost.text, "worker 2 lost its connection");
        assert_eq!(
            (back.kind, &*back.text),
            (MomentKind::Reconnected, "worker 2 is connected again")
        );
    }

    #[test]
    fn the_end_of_an_earlier_start_does_not_end_the_worker() {
        let pipes = Pipes::start(log()).expect("pipes");
        let first = pipes.open(0).expect("a pipe");
        let second = pipes.open(0).expect("a pipe");
        rustix::io::write(&first, &record(0, Status::Done)).expect("a write");
        drop(first);
        rustix::io::write(&second, &record(0, Status::Ready)).expect("a write");
        assert!(pipes.wait_ready(soon()));
        let seen = pipes.seen()[&0];
        assert!(seen.ready && !seen.ended && !seen.ran);
        drop(second);
        assert!(pipes.wait(soon(), |all| all[&0].ended));
    }

    #[test]
    fn of_pauses_the_longest_counts_once_the_program_is_ready() {
        let pipes = Pipes::start(log()).expect("pipes");
        let writer = pipes.open(0).expect("a pipe");
        let pause = |ns: u64| {
            let end = 1_000 + ns;
            let pause = Record { id: 2, attempt: 0, status: Status::Pause, start: 1_000, end };
            rustix::io::write(&writer, &pause.to_bytes()).expect("a write");
        };
        let wait_for = |what: &dyn Fn(WorkerSeen) -> bool| {
            let deadline = soon();
            while !pipes.seen().get(&0).copied().is_some_and(what) {
                assert!(Instant::now() < deadline, "{:?}", pipes.seen());
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        pause(90_000);
        wait_for(&|seen| seen.records == 1);
        rustix::io::write(&writer, &record(0, Status::Ready)).expect("a write");
        wait_for(&|seen| seen.ready);
        for ns in [3_000, 7_000, 5_000] {
            pause(ns);
        }
        wait_for(&|seen| seen.records == 5);
        assert_eq!(pipes.seen()[&0].longest_pause_ns, 7_000);
    }

    #[test]
    fn what_was_written_before_the_stop_is_read() {
        let log = log();
        let pipes = Pipes::start(log.clone()).expect("pipes");
        let writer = pipes.open(0).expect("a pipe");
        for sequence in 0..100 {
            let bytes = record(TaskId::new(1, sequence).bits(), Status::Done);
            rustix::io::write(&writer, &bytes).expect("a write");
        }
        assert_eq!(pipes.stop().workers[&0].records, 100);
        assert_eq!(log.counts().succeeded, 100);
    }
}
