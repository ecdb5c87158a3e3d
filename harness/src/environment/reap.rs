use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{self, BufRead, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal, setsid,
};

use crate::environment::rooms::remove_if_dead;
use crate::environment::watchdog::READY;
use crate::environment::{compose, network, ordered};

/// How long processes and directories may resist.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of the hidden verb `reap`: the watchdog's own process.
///
/// Reads on standard input what to end and remove until the harness's end is
/// gone, then does it. Nothing it meets then makes it stop early.
///
/// # Errors
/// The harness is gone before it could be told that somebody watches.
pub fn reap() -> io::Result<()> {
    // Fails only for a group's leader, which std's `spawn` does not make us.
    let _ = setsid();
    let mut harness = io::stdout().lock();
    harness.write_all(READY)?;
    harness.flush()?;
    let left = listen(io::stdin().lock());
    end(&left.processes);
    for (project, docker) in &left.projects {
        // Its words go nowhere: nobody is left to read them.
        let _ = Command::new(docker)
            .args(compose::down(project))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
    // Nobody is in them any more.
    for name in &left.networks {
        let _ = network::remove(name);
    }
    // What was hurt last is healed first.
    for line in left.heals.iter().rev() {
        heal(line);
    }
    let deadline = Instant::now() + PATIENCE;
    for dir in &left.dirs {
        remove(dir, deadline);
    }
    Ok(())
}

#[derive(Default)]
struct Left {
    /// By number; the descriptor was opened while the harness had not reaped it.
    processes: BTreeMap<i32, OwnedFd>,
    dirs: BTreeSet<PathBuf>,
    /// By name; with the docker that knows it.
    projects: BTreeMap<String, PathBuf>,
    /// Network namespaces by name.
    networks: BTreeSet<String>,
    /// Commands as the harness wrote them, in its order; two may be alike.
    heals: Vec<Vec<u8>>,
}

fn listen(input: impl BufRead) -> Left {
    let mut left = Left::default();
    for line in input.split(b'\n') {
        // An error is an end.
        let Ok(line) = line else { break };
        let Some(space) = line.iter().position(|&byte| byte == b' ') else { continue };
        let (verb, object) = (&line[..space], &line[space + 1..]);
        let number = || std::str::from_utf8(object).ok()?.parse().ok().and_then(Pid::from_raw);
        let path = || PathBuf::from(OsStr::from_bytes(object));
        match verb {
            b"process" => {
                if let Some(pid) = number()
                    && let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty())
                {
                    left.processes.insert(pid.as_raw_nonzero().get(), pidfd);
                }
            }
            b"forget-process" => {
                number().map(|pid| left.processes.remove(&pid.as_raw_nonzero().get()));
            }
            b"dir" => {
                left.dirs.insert(path());
            }
            b"forget-dir" => {
                left.dirs.remove(&path());
            }
            b"project" => {
                if let Some(space) = object.iter().position(|&byte| byte == b' ') {
                    let name = String::from_utf8_lossy(&object[..space]).into_owned();
                    let docker = OsStr::from_bytes(&object[space + 1..]);
                    left.projects.insert(name, docker.into());
                }
            }
            b"network" => {
                left.networks.insert(String::from_utf8_lossy(object).into_owned());
            }
            b"forget-network" => {
                left.networks.remove(String::from_utf8_lossy(object).as_ref());
            }
            b"heal" => left.heals.push(object.to_vec()),
            b"forget-heal" => {
                if let Some(known) = left.heals.iter().position(|line| line == object) {
                    left.heals.remove(known);
                }
            }
            b"forget-project" => {
                left.projects.remove(String::from_utf8_lossy(object).as_ref());
            }
            _ => {}
        }
    }
    left
}

/// Runs a command that heals what a fault has hurt; the harness could not.
fn heal(line: &[u8]) {
    let Ok((dir, command)) = serde_json::from_slice::<(Vec<u8>, Vec<String>)>(line) else { return };
    let Some((program, args)) = command.split_first() else { return };
    let started = Command::new(program)
        .args(args)
        .current_dir(OsStr::from_bytes(&dir))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return };
    let deadline = Instant::now() + ordered::PATIENCE;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            // Its group, so that what it started ends as well.
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the processes, then what is left of their groups.
fn end(processes: &BTreeMap<i32, OwnedFd>) {
    let deadline = Instant::now() + PATIENCE;
    for pidfd in processes.values() {
        kill(pidfd, deadline);
    }
    // A fork of a broker's is no child of the harness and gets no parent-death
    // signal. Its group has our child's number and cannot be another's while it
    // has members.
    while Instant::now() < deadline {
        let members = members(processes);
        if members.is_empty() {
            return;
        }
        for pidfd in &members {
            kill(pidfd, deadline);
        }
    }
}

fn kill(pidfd: &OwnedFd, deadline: Instant) {
    let _ = pidfd_send_signal(pidfd, Signal::KILL);
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: left.as_secs().min(60) as i64, tv_nsec: 0 };
    let _ = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&timeout));
}

/// Living processes of the groups that our children led.
fn members(leaders: &BTreeMap<i32, OwnedFd>) -> Vec<OwnedFd> {
    let Ok(all) = procfs::process::all_processes() else { return Vec::new() };
    all.flatten()
        .filter_map(|process| {
            let belongs = || {
                process.stat().ok().filter(|stat| {
                    leaders.contains_key(&stat.pgrp) && !matches!(stat.state, 'Z' | 'X')
                })
            };
            let before = belongs()?;
            let pidfd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
            // The same process still, now that its number is held.
            (belongs()?.starttime == before.starttime).then_some(pidfd)
        })
        .collect()
}

fn remove(dir: &Path, deadline: Instant) {
    // The kernel closes a dying harness's descriptors one after the other: the
    // pipe may end before the lock goes.
    loop {
        let removed = remove_if_dead(dir);
        if matches!(removed, Ok(true)) || !dir.exists() || Instant::now() > deadline {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
