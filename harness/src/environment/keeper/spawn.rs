//! A process, from fork to exec: in a group and a network of its own, its event
//! pipe at descriptor 3, killed when the harness dies.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command, Stdio};

use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_parent_process_death_signal,
};

use super::{Spec, User};
use crate::environment::{Child, Error, Network, Result, Watchdog};

/// Where a worker finds its event pipe.
const EVENTS_FD: i32 = 3;

/// A pipe takes this much without a reader; a child may end before it reads.
const MOST_STDIN: usize = 64 * 1024;

/// Makes sure that descriptor 3 is taken in this process. Otherwise the pipe
/// by which std's `spawn` learns of a failed exec could get that number, and
/// putting the event pipe there would cut it.
pub(super) fn reserve_events_fd() -> Option<OwnedFd> {
    let null = File::open("/dev/null").ok()?;
    fcntl_dupfd_cloexec(&null, EVENTS_FD).ok().filter(|fd| fd.as_raw_fd() == EVENTS_FD)
}

/// A child is in the network namespace of the thread that started it.
pub(super) fn spawn_inside(
    network: Option<&Network>,
    spec: Spec,
    watchdog: Option<&Watchdog>,
) -> Result<Child> {
    let entering = || format!("{}: entering its network", spec.name);
    let inside = network.map(|network| network.enter(spec.node)).transpose();
    let _inside = inside.map_err(Error::io(entering()))?;
    spawn(spec, watchdog)
}

fn spawn(spec: Spec, watchdog: Option<&Watchdog>) -> Result<Child> {
    let mut command = command(&spec)?;
    let Spec { name, program, stdin, feed, log, events, disk, .. } = spec;
    let harness = getpid();
    let events_fd = events.as_ref().map(AsRawFd::as_raw_fd);
    // SAFETY: between fork and exec the closure makes system calls only, on
    // descriptors that are open in the parent until `spawn` returns; it
    // neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(move || become_child(harness, events_fd));
    }
    let starting = || format!("{name}: starting {}", program.display());
    let started = match disk {
        // This thread goes there and comes back: it has forked meanwhile.
        Some(disk) => disk.within(|| command.spawn()).map_err(Error::io(starting()))?,
        None => command.spawn(),
    };
    let mut process = started.map_err(Error::io(starting()))?;
    drop(events);
    let input = process.stdin.take();
    let pid = Pid::from_child(&process);
    let pidfd = watch(&name, pid, &mut process)?;
    if let Some(watchdog) = watchdog {
        watchdog.process(pid);
    }
    if let Some(mut input) = input {
        // A child that ended already is found out, with its log, by who waits for it.
        let _ = input.write_all(&stdin);
        if let Some(feed) = feed {
            feed.put(input.into());
        }
    }
    Ok(Child::new(name, pid, pidfd, log, watchdog.cloned()))
}

/// What is to be run, and its log, opened.
fn command(spec: &Spec) -> Result<Command> {
    if spec.stdin.len() > MOST_STDIN {
        let why = format!("{}: more than 64 KiB for its standard input", spec.name);
        return Err(Error::Unfit(why));
    }
    let output = log_file(&spec.log)?;
    let errors = output.try_clone().map_err(Error::io("duplicating a log's descriptor"))?;
    let mut command = Command::new(&spec.program);
    if spec.bare {
        command.env_clear();
    }
    let env = spec.env.iter().map(|(name, value)| (name, value));
    command.args(&spec.args).envs(env).process_group(0);
    command.stdin(Stdio::piped()).stdout(output).stderr(errors);
    if let Some(dir) = &spec.dir {
        command.current_dir(dir);
    }
    if let Some(User { uid, gid }) = spec.user {
        // A change of credentials clears the parent-death signal. The standard
        // library changes them before it calls `become_child`, which sets it.
        command.uid(uid).gid(gid);
    }
    Ok(command)
}

/// A process that cannot be watched is ended.
fn watch(name: &str, pid: Pid, process: &mut process::Child) -> Result<OwnedFd> {
    // It is not reaped before `Child` does it, so that the number is still its.
    pidfd_open(pid, PidfdFlags::empty()).map_err(|error| {
        let _ = process.kill();
        let _ = process.wait();
        Error::io(format!("{name}: watching process {}", process.id()))(error)
    })
}

/// Runs in the child, between fork and exec.
fn become_child(harness: Pid, events: Option<i32>) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The harness may have died before the line above: nobody sends it then.
    if getppid() != Some(harness) {
        return Err(Errno::SRCH.into());
    }
    let mut first_to_close = libc::c_long::from(EVENTS_FD);
    if let Some(events) = events {
        // SAFETY: `events` is open in the parent, and so here; `ManuallyDrop`
        // keeps both numbers from being closed by these values.
        let (from, mut to) = unsafe {
            (
                ManuallyDrop::new(OwnedFd::from_raw_fd(events)),
                ManuallyDrop::new(OwnedFd::from_raw_fd(EVENTS_FD)),
            )
        };
        if events != EVENTS_FD {
            rustix::io::dup2(&*from, &mut to)?;
        }
        fcntl_setfd(&*to, FdFlags::empty())?;
        first_to_close += 1;
    }
    // Ours are close-on-exec anyway; this is for what the harness inherited
    // itself (a make job server, a terminal multiplexer's socket). Kernels
    // before 5.11 do not know it, which leaves things as they were.
    // SAFETY: marks descriptors, touches no memory.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first_to_close,
            libc::c_long::from(libc::c_int::MAX),
            libc::CLOSE_RANGE_CLOEXEC as libc::c_long,
        );
    }
    Ok(())
}

fn log_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).map_err(Error::io(format!("opening the log {}", path.display())))
}
