//! What to start.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use schedbench_contract::{Feed, Program};

use crate::environment::{Error, Result, SmallDisk};

/// What to start. It may hold secrets in `stdin`, so it cannot be printed.
pub struct Spec {
    /// Its name in messages, as in `redis-asynq/everysec`.
    pub name: String,
    /// The program: a path, or a name to look for on PATH.
    pub program: PathBuf,
    /// Its arguments; never a secret.
    pub args: Vec<OsString>,
    /// Added to its environment.
    pub env: Vec<(String, String)>,
    /// Whether it gets nothing of the harness's own environment: for servers
    /// that take settings from there.
    pub bare: bool,
    /// What it reads on standard input, then the end, or what it is fed.
    pub stdin: Vec<u8>,
    /// Where to put the other end of its standard input, for who feeds it.
    pub feed: Option<Feed>,
    /// Its standard output and error are appended here, mode 0600.
    pub log: PathBuf,
    /// Where it runs; the harness's own directory for `None`.
    pub dir: Option<PathBuf>,
    /// Who it runs as; whoever runs the harness for `None`.
    pub user: Option<User>,
    /// Whether it is a server, which is in a network of its own where there is
    /// one.
    pub serves: bool,
    /// Which of its cluster's nodes it is of, from 0, where each has a network
    /// of its own.
    pub node: usize,
    /// The write end of its event pipe, descriptor 3 there.
    pub events: Option<OwnedFd>,
    /// A disk of its own that lies over a directory for it alone.
    pub(crate) disk: Option<Arc<SmallDisk>>,
}

/// A user of this machine, by number: some servers refuse to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's own number.
    pub uid: u32,
    /// The number of the user's first group.
    pub gid: u32,
}

impl Spec {
    /// A program with nothing on standard input.
    #[must_use]
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: PathBuf) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            bare: false,
            stdin: Vec::new(),
            feed: None,
            log,
            dir: None,
            user: None,
            serves: false,
            node: 0,
            events: None,
            disk: None,
        }
    }

    /// The worker that an adapter asks for: its `Work` as one line on standard
    /// input, its event pipe as descriptor 3.
    ///
    /// # Errors
    /// This binary cannot be found.
    pub fn worker(program: &Program, log: PathBuf, events: OwnedFd) -> Result<Self> {
        let work = &program.work;
        let name = format!("{}/{} worker {}", work.system, work.profile, work.index + 1);
        let mut spec = match &program.program {
            Some(path) => Self::new(name, path, log),
            None => {
                let mut spec = Self::new(name, this_program()?, log);
                spec.args.push("worker".into());
                spec
            }
        };
        spec.args.extend(program.args.iter().map(OsString::from));
        spec.env.clone_from(&program.env);
        spec.stdin = serde_json::to_vec(work)
            .map_err(|error| Error::Unfit(format!("the work cannot be written down: {error}")))?;
        spec.stdin.push(b'\n');
        spec.events = Some(events);
        Ok(spec)
    }
}

/// This binary, even when it was rebuilt or removed meanwhile.
pub(crate) fn this_program() -> Result<PathBuf> {
    let path = std::env::current_exe().map_err(Error::io("finding this program"))?;
    Ok(if path.exists() { path } else { PathBuf::from("/proc/self/exe") })
}
