//! Who clears up after a harness that could not.
//!
//! The parent-death signal ends every child of a killed harness, but nothing
//! removes its files, and what a broker had forked (an AOF rewrite) gets no
//! such signal. So a small process of its own, `schedbench reap`, holds the
//! reading end of a pipe whose writing end only the harness has: when the
//! harness ends, however it does, the pipe ends, and what was not taken back is
//! ended and removed (`reap.rs`). It is in a session of its own: Ctrl-C and a
//! closed terminal do not reach it.
//!
//! ```text
//! process <pid>           forget-process <pid>
//! dir <absolute path>     forget-dir <absolute path>
//! project <name> <docker> forget-project <name>
//! network <name>          forget-network <name>
//! heal <json>             forget-heal <json>
//! ```

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use crate::environment::keeper::this_program;
use crate::environment::{Error, Result};

/// What it says when it listens.
pub(crate) const READY: &[u8] = b"ready\n";
/// The hidden verb.
pub const VERB: &str = "reap";

/// The harness's end of the watchdog. Clones are the same watchdog; the last
/// one dropped lets it go.
#[derive(Clone, Debug)]
pub struct Watchdog(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    pipe: Option<ChildStdin>,
    process: Child,
}

impl Watchdog {
    /// Starts `schedbench reap` from this binary.
    ///
    /// # Errors
    /// It does not start, or does not answer.
    pub fn start() -> Result<Self> {
        Self::start_as(&this_program()?, &[VERB.into()])
    }

    /// Starts a program that calls [`reap`](crate::environment::reap).
    ///
    /// # Errors
    /// It does not start, or does not answer.
    pub fn start_as(program: &Path, args: &[OsString]) -> Result<Self> {
        let mut process = Command::new(program)
            .args(args)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever waits for the end of the harness's output shall not wait for it.
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io(format!("starting the watchdog {}", program.display())))?;
        let pipe = process.stdin.take();
        let answer = process.stdout.take();
        let line = Self(Arc::new(Mutex::new(Line { pipe, process })));
        // It is in its own session once it has answered, not before.
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut said = Vec::new();
        let mut answer = answer.ok_or_else(|| Error::Unfit("the watchdog has no voice".into()))?;
        while !said.ends_with(READY) {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: left.as_secs().min(60) as i64, tv_nsec: 0 };
            let mut byte = [0];
            let readable = poll(&mut [PollFd::new(&answer, PollFlags::IN)], Some(&timeout));
            if !matches!(readable, Ok(1..)) || !matches!(answer.read(&mut byte), Ok(1)) {
                let program = program.display();
                return Err(Error::Unfit(format!("the watchdog ({program}) did not start")));
            }
            said.push(byte[0]);
        }
        Ok(line)
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).process.id()
    }

    /// End this process, and its group, if the harness ends.
    pub(crate) fn process(&self, pid: Pid) {
        self.say(format!("process {}\n", pid.as_raw_nonzero()).as_bytes());
    }

    /// It has ended and is reaped.
    pub(crate) fn forget_process(&self, pid: Pid) {
        self.say(format!("forget-process {}\n", pid.as_raw_nonzero()).as_bytes());
    }

    /// Remove this directory if the harness ends.
    pub(crate) fn dir(&self, path: &Path) -> Result<()> {
        if !path.is_absolute() || path.as_os_str().as_bytes().contains(&b'\n') {
            let path = PathBuf::from(path);
            return Err(Error::Unfit(format!("{path:?} cannot hold a run's directory")));
        }
        self.say(&[b"dir ", path.as_os_str().as_bytes(), b"\n"].concat());
        Ok(())
    }

    /// Remove this project of `docker compose` if the harness ends.
    pub(crate) fn project(&self, name: &str, docker: &Path) -> Result<()> {
        let docker = docker.as_os_str().as_bytes();
        if docker.contains(&b'\n') {
            return Err(Error::Unfit("a docker with a line break in its path".into()));
        }
        self.say(&[b"project ", name.as_bytes(), b" ", docker, b"\n"].concat());
        Ok(())
    }

    /// Remove this network namespace if the harness ends.
    pub(crate) fn network(&self, name: &str) {
        self.say(format!("network {name}\n").as_bytes());
    }

    /// It is removed.
    pub(crate) fn forget_network(&self, name: &str) {
        self.say(format!("forget-network {name}\n").as_bytes());
    }

    /// Run this command there if the harness ends: what it heals is not ours,
    /// so that its end alone does not heal it.
    pub(crate) fn heal(&self, command: &[String], dir: &Path) {
        self.say(&[b"heal ", heal_line(command, dir).as_slice(), b"\n"].concat());
    }

    /// It was run.
    pub(crate) fn forget_heal(&self, command: &[String], dir: &Path) {
        self.say(&[b"forget-heal ", heal_line(command, dir).as_slice(), b"\n"].concat());
    }

    /// It is removed.
    pub(crate) fn forget_project(&self, name: &str) {
        self.say(format!("forget-project {name}\n").as_bytes());
    }

    /// It is removed.
    pub(crate) fn forget_dir(&self, path: &Path) {
        self.say(&[b"forget-dir ", path.as_os_str().as_bytes(), b"\n"].concat());
    }

    fn say(&self, line: &[u8]) {
        let mut this = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have killed it. The run can go on: the parent-death
        // signal and the next run's sweep remain.
        let said = this.pipe.as_mut().map(|pipe| pipe.write_all(line));
        if matches!(said, Some(Err(_))) {
            this.pipe = None;
        }
    }
}

/// The directory's bytes, and the arguments; JSON has no bare line break.
fn heal_line(command: &[String], dir: &Path) -> Vec<u8> {
    let line = serde_json::to_vec(&(dir.as_os_str().as_bytes(), command));
    line.unwrap_or_default()
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // It ends by itself, at once when nothing is left to do. It is waited
        // for, so that "the command has returned" means "all is gone".
        let _ = self.process.wait();
    }
}
