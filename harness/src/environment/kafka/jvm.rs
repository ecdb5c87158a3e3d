//! How Kafka's Java programs are run.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use schedbench_contract::Secret;

use super::config;
use super::java::Java;
use crate::environment::{Child, Died, Error, Exit, Result, Spawner, Spec};

/// Lines of its log that a message shows; a stack trace is left out.
const TOLD_LINES: usize = 5;

/// What runs them.
#[derive(Clone)]
pub(super) struct Jvm {
    pub(super) java: Java,
    /// The jars, as `-cp` has them.
    pub(super) class_path: OsString,
    logging: PathBuf,
    pub(super) keeper: Spawner,
}

/// For whom a program is run, and where what it says goes.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) log: PathBuf,
}

impl Jvm {
    /// The jars in `libs` by that Java; its files go to the room.
    ///
    /// # Errors
    /// The jars cannot be listed, or the room not be written.
    pub(super) fn new(java: Java, libs: &Path, room: &Path, keeper: Spawner) -> Result<Self> {
        let logging = room.join("log4j2.properties");
        let mut file = OpenOptions::new();
        let file = file.write(true).create_new(true).mode(0o600).open(&logging);
        file.and_then(|mut file| file.write_all(config::LOGGING.as_bytes()))
            .map_err(Error::io(format!("writing {}", logging.display())))?;
        Ok(Self { java, class_path: class_path(libs)?, logging, keeper })
    }

    /// Where a server that is started now shall listen.
    pub(super) fn host(&self) -> String {
        self.keeper.host()
    }

    /// Runs a program with properties on its standard input.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn run(
        &self,
        who: &Who,
        options: impl IntoIterator<Item = OsString>,
        program: &[&str],
        properties: &Secret,
    ) -> Result<Child> {
        self.keeper.spawn(self.spec(who, options, program, properties))
    }

    /// The same, not started yet.
    pub(super) fn spec(
        &self,
        who: &Who,
        options: impl IntoIterator<Item = OsString>,
        program: &[&str],
        properties: &Secret,
    ) -> Spec {
        let mut spec = Spec::new(&who.name, &self.java.program, who.log.clone());
        spec.serves = true;
        spec.args.extend(options);
        let mut logging = OsString::from("-Dlog4j2.configurationFile=");
        logging.push(&self.logging);
        spec.args.extend([logging, "-cp".into(), self.class_path.clone()]);
        spec.args.extend(program.iter().map(OsString::from));
        spec.stdin = properties.0.clone().into_bytes();
        spec
    }
}

/// Every jar by its name, sorted: an archive of classes fits only the very
/// same list.
fn class_path(libs: &Path) -> Result<OsString> {
    let reading = || Error::io(format!("reading {}", libs.display()));
    let mut jars: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(libs).map_err(reading())? {
        let path = entry.map_err(reading())?.path();
        if path.extension() == Some(OsStr::new("jar")) {
            jars.push(path);
        }
    }
    jars.sort();
    let jars: Vec<&OsStr> = jars.iter().map(|jar| jar.as_os_str()).collect();
    Ok(jars.join(OsStr::new(":")))
}

/// The death of one of these programs.
pub(super) fn died(child: &Child, exit: Exit) -> Error {
    let died = Died { log: told_lines(child), ..child.died("broker", exit) };
    Error::Died(Box::new(died))
}

/// What its log says of its end, without the frames of stack traces: from its
/// first error on, or else the last lines. After an error Kafka says at length
/// how it shuts down.
pub(super) fn told_lines(child: &Child) -> Vec<String> {
    let lines = child.log_tail(400);
    let is_frame = |line: &str| line.starts_with("\tat ") || line.starts_with("\t... ");
    let is_news = |line: &str| line.contains("] INFO ") || line.contains("] WARN ");
    let is_error = |line: &String| line.contains("] ERROR ") || line.contains("] FATAL ");
    let mut told: Vec<String> = lines.into_iter().filter(|line| !is_frame(line)).collect();
    match told.iter().position(is_error) {
        Some(first) => {
            told.drain(..first);
            told.retain(|line| !is_news(line));
            told.truncate(TOLD_LINES);
        }
        None => drop(told.drain(..told.len().saturating_sub(TOLD_LINES))),
    }
    told
}
