use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::environment::{Exit, Missing};

/// Why the ground is not as a run needs it. No text ever holds a password.
#[derive(Debug, Error)]
pub enum Error {
    /// A broker is not here.
    #[error("{0}")]
    Missing(Missing),
    /// A process of ours ended when it should not have.
    #[error("{0}")]
    Died(Box<Died>),
    /// The system said no.
    #[error("{what}: {answer}")]
    Io {
        /// What was tried, on what.
        what: String,
        /// What came back. Not named `source`: it is in the text already, and
        /// would be printed again by whoever prints the chain of causes.
        answer: io::Error,
    },
    /// Something is there, but not as it must be; says what and what to do.
    #[error("{0}")]
    Unfit(String),
}

/// What this module returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl Error {
    /// For `map_err`: puts what was tried before what came back.
    pub(crate) fn io<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |answer| Self::Io { what, answer: answer.into() }
    }
}

/// A process of ours that ended by itself.
#[derive(Debug)]
pub struct Died {
    /// Who, as in `redis-asynq/everysec`.
    pub who: String,
    /// What kind of process: `broker`, `worker`.
    pub what: &'static str,
    /// How long it had lived.
    pub after: Duration,
    /// How it ended.
    pub exit: Exit,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// Where the whole log is.
    pub full_log: PathBuf,
}

impl fmt::Display for Died {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, what, after, exit, log, full_log } = self;
        let after = after.as_secs_f64();
        writeln!(f, "{who}: {what} died {after:.1} s after it started ({exit})")?;
        for (number, line) in log.iter().enumerate() {
            let label = if number == 0 { "last lines of its log:" } else { "" };
            writeln!(f, "  {label:22}  {line}")?;
        }
        if log.is_empty() {
            writeln!(f, "  its log is empty")?;
        }
        write!(f, "  full log: {}", full_log.display())
    }
}
