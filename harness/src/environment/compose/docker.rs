use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::environment::{Error, Missing, Result};

/// Names the program instead of `docker` on PATH.
const PROGRAM_ENV: &str = "SCHEDBENCH_DOCKER";
/// Docker's own installation, with the engine and its compose plugin.
const INSTALL: &str = "curl -fsSL https://get.docker.com | sh";
/// An engine that is there answers at once; one elsewhere may be silent.
const ANSWER: Duration = Duration::from_secs(10);

/// A docker whose compose plugin and engine answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docker {
    program: PathBuf,
}

impl Docker {
    /// Looks once for the program, its compose plugin and a running engine.
    ///
    /// # Errors
    /// One of them is missing; says which, and the command that helps.
    pub fn find(who: &str) -> Result<Self, Missing> {
        static FOUND: OnceLock<Result<Docker, (String, String)>> = OnceLock::new();
        let found = FOUND.get_or_init(look);
        found.clone().map_err(|(why, remedy)| Missing {
            who: who.into(),
            what: "engine",
            why,
            remedy,
            instead: Some("--env local".into()),
        })
    }

    /// The program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Runs it and gives what it says on standard output.
    ///
    /// # Errors
    /// It fails, with what it says on standard error, or takes too long.
    pub(crate) fn ask(&self, words: &[&str], within: Duration) -> Result<String> {
        self.ask_with(words, &[], within)
    }

    /// The same with variables in its environment.
    pub(crate) fn ask_with(
        &self,
        words: &[&str],
        env: &[(String, String)],
        within: Duration,
    ) -> Result<String> {
        said(&self.program, words, env, within).map_err(|why| {
            // The verb is the first word after the options; they hold no secret.
            Error::Unfit(format!("{} {}: {why}", self.program.display(), words.join(" ")))
        })
    }
}

fn look() -> Result<Docker, (String, String)> {
    let named = std::env::var_os(PROGRAM_ENV).filter(|path| !path.is_empty());
    let program = PathBuf::from(named.unwrap_or_else(|| "docker".into()));
    let missing = |why: &str, remedy: &str| (why.to_owned(), remedy.to_owned());
    match said(&program, &["--version"], &[], ANSWER) {
        Ok(_) => {}
        Err(Why::NotThere) => {
            let why = format!("{} is not installed.", program.display());
            return Err((why, INSTALL.to_owned()));
        }
        Err(why) => return Err((format!("{} fails: {why}.", program.display()), INSTALL.into())),
    }
    if said(&program, &["compose", "version"], &[], ANSWER).is_err() {
        let why = "docker has no compose plugin (docker compose, version 2).";
        return Err(missing(why, "apt-get install docker-compose-plugin"));
    }
    match said(&program, &["version", "--format", "{{.Server.Version}}"], &[], ANSWER) {
        Ok(version) if !version.trim().is_empty() => Ok(Docker { program }),
        Ok(_) => Err(missing("No Docker engine answers.", "systemctl start docker")),
        Err(why) => {
            let first = why.to_string();
            let first = first.lines().next().unwrap_or_default().trim_end_matches('.');
            Err((format!("No Docker engine answers ({first})."), "systemctl start docker".into()))
        }
    }
}

/// Why a program did not say anything useful.
#[derive(Debug)]
enum Why {
    NotThere,
    Slow(Duration),
    Failed(String),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotThere => f.write_str("there is no such program"),
            Self::Slow(within) => write!(f, "no answer within {} s", within.as_secs()),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

fn said(
    program: &Path,
    words: &[&str],
    env: &[(String, String)],
    within: Duration,
) -> Result<String, Why> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Why::NotThere,
        _ => Why::Failed(error.to_string()),
    };
    let mut process = Command::new(program)
        .args(words)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    // Read beside the wait: a pipe that nobody reads would hold it up.
    let (out, err) = (drain(process.stdout.take()), drain(process.stderr.take()));
    let deadline = Instant::now() + within;
    let status = loop {
        match process.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(Why::Slow(within));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = |thread: std::thread::JoinHandle<String>| thread.join().unwrap_or_default();
    let (out, err) = (text(out), text(err));
    if status.success() {
        return Ok(out);
    }
    let why = if err.trim().is_empty() { status.to_string() } else { err.trim().to_owned() };
    Err(Why::Failed(why))
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
