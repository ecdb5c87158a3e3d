//! Where worker programs in other languages are made, once, from the sources
//! that this binary carries.
//!
//! ```text
//! <cache>/schedbench/workers/
//!     asynq-3f2a…/          the sources, and what was made of them
//!     asynq-3f2a…/made      written last: without it the rest is rubbish
//!     asynq-3f2a….log       what its tools said
//!     asynq-3f2a….lock      locked (flock) while it is made
//! ```
//!
//! The name carries the hash of the sources, so a program is never used for
//! other sources than its own. A program is made where it stays, because a
//! virtual environment cannot be moved. The tools inherit the lock as their
//! standard input: a harness that is killed does not leave the directory to
//! the next one while its compiler still writes there.

mod bench;
mod go;
mod python;

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bench::Bench;
use rustix::fs::{FlockOperation, flock};
use schedbench_adapters::System;
use schedbench_contract::{Language, Program, Runtime, WorkerSource};
use sha2::{Digest, Sha256};

use crate::environment::{Error, Missing, Result};

/// Written last into a program's directory.
const MARK: &str = "made";

/// A worker program that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerProgram {
    /// What is started.
    pub program: PathBuf,
    /// What comes first in its argument list.
    pub args: Vec<String>,
}

impl WorkerProgram {
    /// Makes this the program of what an adapter wants started, unless the
    /// adapter has named one.
    pub fn fill(&self, wanted: &mut Program) {
        if wanted.program.is_none() {
            wanted.program = Some(self.program.clone());
            wanted.args.splice(..0, self.args.iter().cloned());
        }
    }
}

/// Makes worker programs and keeps them.
#[derive(Clone, Debug)]
pub struct Workshop {
    root: PathBuf,
}

impl Workshop {
    /// The workshop of this user: in `XDG_CACHE_HOME`, or `~/.cache`.
    ///
    /// # Errors
    /// Neither `XDG_CACHE_HOME` nor `HOME` names a directory.
    pub fn open() -> Result<Self> {
        let directory = |name| {
            // A relative one is to be ignored, says the XDG specification.
            std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
        };
        let cache = directory("XDG_CACHE_HOME")
            .or_else(|| directory("HOME").map(|home| home.join(".cache")))
            .ok_or_else(|| {
                let why = "worker programs have no place: neither XDG_CACHE_HOME nor HOME is set; \
                           export XDG_CACHE_HOME=/a/directory";
                Error::Unfit(why.into())
            })?;
        Ok(Self::in_directory(&cache.join("schedbench/workers")))
    }

    /// A workshop in a directory of its own, made when it is needed.
    #[must_use]
    pub fn in_directory(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The program, if it is made already.
    ///
    /// # Errors
    /// The environment variable that names another one names no program.
    pub fn look(&self, source: &WorkerSource) -> Result<Option<WorkerProgram>> {
        if let Some(named) = named(source)? {
            return Ok(Some(named));
        }
        let place = self.place(source);
        let program = program(&place, source);
        // The interpreter of a virtual environment is a link, which may lead
        // nowhere by now.
        let is_here = place.join(MARK).exists() && is_program(&program.program);
        Ok(is_here.then_some(program))
    }

    /// The program; it is made now if it is not there yet, and `say` is told
    /// so before. Takes up to a minute or two then.
    ///
    /// # Errors
    /// Its compiler or interpreter is missing, or fails.
    pub fn have(&self, source: &WorkerSource, say: &dyn Fn(&str)) -> Result<WorkerProgram> {
        if let Some(present) = self.look(source)? {
            return Ok(present);
        }
        let place = self.place(source);
        make_directory(&self.root)?;
        let lock = self.lock(&place)?;
        // Another harness may have made it while this one waited.
        if let Some(present) = self.look(source)? {
            return Ok(present);
        }
        say(&format!("making the worker of {} ({})", source.name, toolchain(source.language)));
        let bench = Bench { source, place: &place, log: with_suffix(&place, "log"), lock };
        match bench.make() {
            Ok(()) => Ok(program(&place, source)),
            Err(error) => {
                // Without its mark it would not be used; it only takes room.
                let _ = fs::remove_dir_all(&place);
                Err(error)
            }
        }
    }

    fn place(&self, source: &WorkerSource) -> PathBuf {
        self.root.join(format!("{}-{}", source.name, hash(source)))
    }

    /// Waits until nobody else makes this program.
    fn lock(&self, place: &Path) -> Result<File> {
        let path = with_suffix(place, "lock");
        let failed = || format!("locking {}", path.display());
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).read(true).write(true).mode(0o600);
        let lock = lock.open(&path).map_err(|error| Error::io(failed())(error))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(Error::io(failed()))?;
        Ok(lock)
    }
}

/// The source of a system's workers, if they have one.
#[must_use]
pub const fn source_of(system: &System) -> Option<&'static WorkerSource> {
    match system.runtime {
        Runtime::Rust => None,
        Runtime::Source(source) => Some(source),
    }
}

/// What a language's programs are made with, for the line that says so.
const fn toolchain(language: Language) -> &'static str {
    match language {
        Language::Go => "go build: about a minute the first time",
        Language::Python => "a virtual environment: some seconds, and a download",
    }
}

fn program(place: &Path, source: &WorkerSource) -> WorkerProgram {
    match source.language {
        Language::Go => go::program(place, source),
        Language::Python => python::program(place),
    }
}

/// The environment variable that names a ready program instead.
fn variable(source: &WorkerSource) -> String {
    format!("SCHEDBENCH_{}_WORKER", source.name.to_uppercase().replace('-', "_"))
}

fn named(source: &WorkerSource) -> Result<Option<WorkerProgram>> {
    let variable = variable(source);
    let Some(path) = std::env::var_os(&variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let program = PathBuf::from(path);
    if is_program(&program) {
        return Ok(Some(WorkerProgram { program, args: Vec::new() }));
    }
    Err(Error::Missing(Missing {
        who: source.name.into(),
        what: "worker",
        why: format!("{variable} = {} is no program.", program.display()),
        remedy: format!("unset {variable}"),
        instead: None,
    }))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// 16 hexadecimal digits over everything that is made from.
fn hash(source: &WorkerSource) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(toolchain(source.language).as_bytes());
    for (path, text) in source.files {
        part(path.as_bytes());
        part(text.as_bytes());
    }
    hasher.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn with_suffix(place: &Path, suffix: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn make_directory(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(Error::io(format!("making {}", path.display())))
}
