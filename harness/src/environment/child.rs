//! A process that the keeper started: its signals, its end, its log.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};
use schedbench_adapters::clock;

use crate::environment::{Died, Watchdog, of_process};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, if it returned one.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// When its end was noticed, monotonic ns.
    pub at: u64,
    /// CPU time of its whole life, with that of the children that it waited for,
    /// or had when it was killed.
    pub cpu: Option<Duration>,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("nobody saw how"),
        }
    }
}

/// A process of ours. Clones are the same process.
///
/// Signals go through a pidfd and, where the process has children of its own,
/// to its process group, which is ours as long as the process is not reaped:
/// so no signal can reach a stranger that got the same number.
#[derive(Clone, Debug)]
pub struct Child(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    pid: Pid,
    pidfd: OwnedFd,
    log: PathBuf,
    started: Instant,
    /// Holding this lock keeps the process from being reaped meanwhile.
    ended: Mutex<Option<Exit>>,
    /// CPU time of its whole tree just before it was killed. Its children are
    /// then nobody's whose time could be asked.
    before_kill: Mutex<Option<Duration>>,
    watchdog: Option<Watchdog>,
}

impl Child {
    pub(crate) fn new(
        name: String,
        pid: Pid,
        pidfd: OwnedFd,
        log: PathBuf,
        watchdog: Option<Watchdog>,
    ) -> Self {
        let (started, ended) = (Instant::now(), Mutex::new(None));
        let before_kill = Mutex::new(None);
        Self(Arc::new(Inner { name, pid, pidfd, log, started, ended, before_kill, watchdog }))
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its process number, which is also its group's.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.0.pid.as_raw_nonzero().get()
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.0.log
    }

    /// How it ended; `None` while it lives. Reaps it.
    #[must_use]
    pub fn ended(&self) -> Option<Exit> {
        let Inner { pid, pidfd, ended, before_kill, watchdog, .. } = &*self.0;
        let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_some() {
            return *ended;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        // Looked at first and reaped later: until then its number and its
        // group's cannot be given to others.
        let status = match waitid(WaitId::PidFd(pidfd.as_fd()), options | WaitIdOptions::NOWAIT) {
            Ok(None) | Err(Errno::INTR) => return None,
            Ok(Some(status)) => Some(status),
            // Somebody ignores SIGCHLD or waited for it: it is gone all the same.
            Err(_) => None,
        };
        let mut cpu = None;
        if status.is_some() {
            cpu = of_process(*pid).map(|own| own + of_waited_children(*pid));
            let before = *before_kill.lock().unwrap_or_else(PoisonError::into_inner);
            cpu = cpu.map(|cpu| cpu.max(before.unwrap_or_default()));
            // What it left of its group, an AOF rewrite for instance.
            let _ = kill_process_group(*pid, Signal::KILL);
            let _ = waitid(WaitId::PidFd(pidfd.as_fd()), options);
        }
        if let Some(watchdog) = watchdog {
            watchdog.forget_process(*pid);
        }
        *ended = Some(Exit {
            code: status.as_ref().and_then(|status| status.exit_status()),
            signal: status.as_ref().and_then(|status| status.terminating_signal()),
            at: clock::now(),
            cpu,
        });
        *ended
    }

    /// CPU time used so far: of the process, of its living descendants and of
    /// those it has waited for; of its whole life once it has ended.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        // Held, so that the number stays its own while it is read.
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match *ended {
            Some(exit) => exit.cpu,
            None => tree(self.0.pid).into_iter().try_fold(Duration::ZERO, |sum, pid| {
                let own = of_process(pid);
                // A descendant that has gone is in its parent's sum.
                let own = if pid == self.0.pid { own? } else { own.unwrap_or_default() };
                Some(sum + own + of_waited_children(pid))
            }),
        }
    }

    /// Its process and all living descendants; empty once it is reaped.
    #[must_use]
    pub fn processes(&self) -> Vec<i32> {
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let pids = if ended.is_some() { Vec::new() } else { tree(self.0.pid) };
        pids.into_iter().map(|pid| pid.as_raw_nonzero().get()).collect()
    }

    /// Waits for its end at most until the deadline.
    #[must_use]
    pub fn wait(&self, deadline: Instant) -> Option<Exit> {
        loop {
            if let Some(exit) = self.ended() {
                return Some(exit);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            // A pidfd is readable once its process is a zombie. Whatever poll
            // says, `ended` looks for itself.
            let _ = poll(&mut [PollFd::new(&self.0.pidfd, PollFlags::IN)], Some(&timeout));
        }
    }

    /// Asks it to end (SIGTERM) and does not wait for that.
    pub fn ask_to_end(&self) {
        let _ = pidfd_send_signal(&self.0.pidfd, Signal::TERM);
    }

    /// Asks it to end (SIGTERM); kills it if it has not by the deadline.
    pub fn terminate(&self, deadline: Instant) -> Exit {
        self.end_by(Signal::TERM, deadline)
    }

    /// Asks it to end (SIGINT), which PostgreSQL does without waiting for its
    /// clients; kills it if it has not by the deadline.
    pub fn interrupt(&self, deadline: Instant) -> Exit {
        self.end_by(Signal::INT, deadline)
    }

    fn end_by(&self, signal: Signal, deadline: Instant) -> Exit {
        let _ = pidfd_send_signal(&self.0.pidfd, signal);
        // A stopped process acts on a signal only after SIGCONT.
        self.resume();
        self.wait(deadline).unwrap_or_else(|| self.kill())
    }

    /// Kills it and its group (SIGKILL), and does not wait for their end.
    pub fn strike(&self) {
        let used = self.cpu();
        // Struck again, its children may be nobody's already.
        let mut before = self.0.before_kill.lock().unwrap_or_else(PoisonError::into_inner);
        *before = (*before).max(used);
        drop(before);
        self.to_group(Signal::KILL);
        let _ = pidfd_send_signal(&self.0.pidfd, Signal::KILL);
    }

    /// Kills several at the same time and reaps them: none goes on while another
    /// ends.
    pub fn kill_all<'c>(children: impl Iterator<Item = &'c Self> + Clone) {
        children.clone().for_each(Self::strike);
        for child in children {
            let _ = child.kill();
        }
    }

    /// Kills it and its group, and reaps it.
    pub fn kill(&self) -> Exit {
        if self.ended().is_none() {
            self.strike();
        }
        // SIGKILL can be outlived only in an uninterruptible wait of the kernel.
        self.wait(Instant::now() + Duration::from_secs(10)).unwrap_or(Exit {
            code: None,
            signal: None,
            at: clock::now(),
            cpu: None,
        })
    }

    /// Stops it and its group (SIGSTOP); its sockets stay open.
    pub fn pause(&self) {
        self.to_group(Signal::STOP);
    }

    /// Lets it and its group go on (SIGCONT).
    pub fn resume(&self) {
        self.to_group(Signal::CONT);
    }

    fn to_group(&self, signal: Signal) {
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_none() {
            // Found first: children of a dead process are no longer its.
            let others = descendants(self.0.pid);
            // An error means that it has ended meanwhile, which is no error.
            let _ = kill_process_group(self.0.pid, signal);
            // Looked for again: one may have been born in between.
            for pidfd in others.iter().chain(&descendants(self.0.pid)) {
                let _ = pidfd_send_signal(pidfd, signal);
            }
        }
    }

    /// The last `lines` lines of its log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> Vec<String> {
        log_tail(&self.0.log, lines).unwrap_or_default()
    }

    /// What to say when it has ended and should not have.
    #[must_use]
    pub fn died(&self, what: &'static str, exit: Exit) -> Died {
        Died {
            who: self.0.name.clone(),
            what,
            after: self.0.started.elapsed(),
            exit,
            log: self.log_tail(5),
            full_log: self.0.log.clone(),
        }
    }
}

/// A process and its living descendants, as the kernel lists children.
pub(crate) fn tree(root: Pid) -> Vec<Pid> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let process = procfs::process::Process::new(pid.as_raw_nonzero().get());
        let Ok(tasks) = process.and_then(|process| process.tasks()) else { continue };
        for children in tasks.flatten().filter_map(|task| task.children().ok()) {
            found.extend(
                children.iter().filter_map(|&child| Pid::from_raw(i32::try_from(child).ok()?)),
            );
        }
    }
    found
}

/// Descendants that left the group: each of PostgreSQL's servers leads a
/// session of its own.
fn descendants(root: Pid) -> Vec<OwnedFd> {
    let open = |pid: Pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?));
    let opened: Vec<_> = tree(root).into_iter().skip(1).filter_map(open).collect();
    if opened.is_empty() {
        return Vec::new();
    }
    // Looked at again: a number could have become a stranger's before it was
    // held.
    let still = tree(root);
    opened.into_iter().filter(|(pid, _)| still.contains(pid)).map(|(_, pidfd)| pidfd).collect()
}

/// CPU time of the children that a process has waited for, in ticks of 10 ms.
pub(crate) fn of_waited_children(pid: Pid) -> Duration {
    procfs::process::Process::new(pid.as_raw_nonzero().get())
        .and_then(|process| process.stat())
        .map(|stat| ticks(u64::try_from(stat.cutime + stat.cstime).unwrap_or(0)))
        .unwrap_or_default()
}

pub(crate) fn ticks(ticks: u64) -> Duration {
    Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / procfs::ticks_per_second().max(1)))
}

pub(crate) fn log_tail(path: &Path, lines: usize) -> std::io::Result<Vec<String>> {
    /// Enough for any sensible number of lines.
    const TAIL_BYTES: u64 = 16 * 1024;
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(ToString::to_string).collect())
}
