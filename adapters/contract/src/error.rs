use thiserror::Error;

/// Why a system cannot go on. Its text is one sentence that names what was
/// tried and what came back; it never holds a password.
#[derive(Debug, Error)]
pub enum Error {
    /// The system does not do what was asked, and says why.
    #[error("{system} does not support {what}: {why}")]
    Unsupported {
        /// The system.
        system: &'static str,
        /// What was asked of it.
        what: &'static str,
        /// Its reason.
        why: String,
    },
    /// A queue, topic, key or table of our name is there already and is not ours.
    #[error("{0} exists already and is not this run's; remove it, or choose another prefix")]
    NotOurs(String),
    /// The server refuses the credentials.
    #[error("{0}")]
    Credentials(String),
    /// The server is too old, or not the one expected.
    #[error("{0}")]
    Version(String),
    /// The server or the connection to it is unusable.
    #[error("{0}")]
    Broken(String),
}

/// What an adapter returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
