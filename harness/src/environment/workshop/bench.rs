//! One program being made: sources written, tools run, their words kept.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use schedbench_contract::{Language, WorkerSource};

use super::{MARK, go, make_directory, python, variable};
use crate::environment::child::log_tail;
use crate::environment::{Error, Missing, Result};

/// Lines of a failed tool's output that an error shows.
const TAIL_LINES: usize = 12;
/// A tool that takes longer waits for something that will not come: the
/// longest, `go build` from an empty cache, takes about a minute.
const TOOL_WITHIN: Duration = Duration::from_secs(600);
/// How often to look whether a tool has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One program being made.
pub(super) struct Bench<'a> {
    pub(super) source: &'a WorkerSource,
    pub(super) place: &'a Path,
    pub(super) log: PathBuf,
    pub(super) lock: File,
}

impl Bench<'_> {
    pub(super) fn make(&self) -> Result<()> {
        removed(self.place, fs::remove_dir_all(self.place))?;
        // What the tools said the last time is no reason of this time's.
        removed(&self.log, fs::remove_file(&self.log))?;
        make_directory(self.place)?;
        for (path, text) in self.source.files {
            let path = self.place.join(path);
            if let Some(parent) = path.parent() {
                make_directory(parent)?;
            }
            fs::write(&path, text).map_err(Error::io(format!("writing {}", path.display())))?;
        }
        match self.source.language {
            Language::Go => go::make(self)?,
            Language::Python => python::make(self)?,
        }
        let mark = self.place.join(MARK);
        fs::write(&mark, "").map_err(Error::io(format!("writing {}", mark.display())))
    }

    /// A command that works in the program's directory and logs what it says.
    pub(super) fn command(&self, program: impl Into<OsString>) -> Result<Command> {
        let doing = || format!("writing {}", self.log.display());
        let mut options = OpenOptions::new();
        let log = options.create(true).append(true).mode(0o600).open(&self.log);
        let log = log.map_err(|error| Error::io(doing())(error))?;
        let also = log.try_clone().map_err(|error| Error::io(doing())(error))?;
        let lock = self.lock.try_clone().map_err(|error| Error::io(doing())(error))?;
        let mut command = Command::new(program.into());
        command.current_dir(self.place).stdin(lock).stdout(log).stderr(also);
        Ok(command)
    }

    /// Runs one of the tools of a language.
    pub(super) fn run(&self, command: &mut Command, if_missing: fn() -> Lack) -> Result<()> {
        let lack = |why: String, remedy: &str| Missing {
            who: self.source.name.into(),
            what: "worker",
            why,
            remedy: remedy.into(),
            instead: Some(variable(self.source)),
        };
        let ended = command.spawn().and_then(|child| wait(child, TOOL_WITHIN));
        let ended = match ended {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => format!("ended with {status}"),
            Ok(None) => format!("had not ended after {} s", TOOL_WITHIN.as_secs()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let Lack { why, remedy } = if_missing();
                return Err(lack(why.into(), remedy).into());
            }
            Err(error) => return Err(Error::io(format!("running {}", shown(command)))(error)),
        };
        let tail = log_tail(&self.log, TAIL_LINES).unwrap_or_default();
        if let Some(Lack { why, remedy }) = lacks(self.source.language, &tail) {
            return Err(lack(why.into(), remedy).into());
        }
        if let Some((what, line)) = unreachable(self.source.language, &tail) {
            let log = self.log.display();
            let why = format!("{what} cannot be fetched: {line} (full log: {log}).");
            return Err(lack(why, &format!("schedbench prepare {}", self.source.name)).into());
        }
        let mut text = format!("{}: its worker cannot be made: ", self.source.name);
        // Writing to a String cannot fail.
        let _ = write!(text, "{} {ended}; its last lines:", shown(command));
        for line in &tail {
            let _ = write!(text, "\n    {line}");
        }
        let _ = write!(text, "\n  full log: {}", self.log.display());
        let _ = write!(text, "\n  When that is mended: schedbench prepare {}", self.source.name);
        Err(Error::Unfit(text))
    }
}

/// A tool that is not here, and the one command that brings it.
pub(super) struct Lack {
    pub(super) why: &'static str,
    pub(super) remedy: &'static str,
}

/// What a tool's last words say is missing.
fn lacks(language: Language, tail: &[String]) -> Option<Lack> {
    match language {
        Language::Go => None,
        Language::Python => python::lacks(tail),
    }
}

/// What could not be fetched and the line of a tool's that says why, if that is
/// what it failed of.
fn unreachable(language: Language, tail: &[String]) -> Option<(&'static str, &str)> {
    let (what, signs) = match language {
        Language::Go => ("Its modules (GOPROXY)", go::UNREACHABLE),
        Language::Python => ("Its packages (PIP_INDEX_URL)", python::UNREACHABLE),
    };
    let says_so = |line: &&String| signs.iter().any(|sign| line.contains(sign));
    tail.iter().find(says_so).map(|line| (what, line.trim().trim_end_matches('.')))
}

/// The end of a process; `None`, and it is killed, where it takes too long.
fn wait(mut child: Child, within: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What came of removing what may not be there.
fn removed(path: &Path, done: std::io::Result<()>) -> Result<()> {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
