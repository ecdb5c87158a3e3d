//! Connections to PostgreSQL, and what goes wrong with them in our own words.

use std::error::Error as _;
use std::time::Duration;

use schedbench_contract::{Address, Error, Result};
use tokio::time::timeout;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{AsyncMessage, Client};

use crate::postgres_client::{Dialer, tls_failure};

/// A connection attempt, greeting included, takes at most this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// An answer takes at most this long: a server that was stopped for 5 s
/// answers after them, and giving up sooner would call those tasks unknown. A
/// black hole is noticed this late.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The first wait before connecting again; it doubles up to the longest.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(10);
/// The longest wait before connecting again.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How to reach one server.
#[derive(Debug)]
pub(super) struct Road {
    dialer: Dialer,
    place: String,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection broke; what was sent may have been carried out.
    Lost(String),
    /// No answer in time; the connection must be replaced, for one that
    /// swallows everything is not noticed otherwise.
    Timeout,
    /// The server refused the statement, which then had no effect.
    Refused(String),
}

impl Failure {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Lost(why) | Self::Refused(why) => why,
            Self::Timeout => "no answer in time",
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let refused = error.as_db_error().is_some_and(|said| {
            // FATAL and PANIC end the session; a commit may have gone before.
            said.parsed_severity() == Some(Severity::Error)
        });
        if refused { Self::Refused(text(&error)) } else { Self::Lost(text(&error)) }
    }
}

/// The server's own words, or the cause of having none.
pub(super) fn text(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// Waits for an answer, but not for ever.
///
/// # Errors
/// There is none, or the server refuses.
pub(super) async fn answer<T>(
    question: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    match timeout(ANSWER_WITHIN, question).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::Timeout),
    }
}

impl Road {
    /// `name` is what the server calls our connections.
    ///
    /// # Errors
    /// The address asks for what this build has not, or the authorities to
    /// trust cannot be read.
    pub(super) fn to(address: &Address, name: &str) -> Result<Self> {
        let place = format!("{}:{}", address.host, address.port);
        let dialer = Dialer::to(address, name, |config| {
            config.connect_timeout(CONNECT_WITHIN);
            config.tcp_user_timeout(ANSWER_WITHIN).keepalives_idle(ANSWER_WITHIN);
        });
        let broken = |error| Error::Broken(format!("postgres at {place}: {error}"));
        let dialer = dialer.map_err(broken)?;
        Ok(Self { dialer, place })
    }

    /// `host:port`.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Connects. `rung` is called for each notification, from the runtime.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(super) async fn connect(&self, rung: impl Fn() + Send + 'static) -> Result<Client> {
        let connecting = self.dialer.connect(move |message| {
            if let AsyncMessage::Notification(_) = message {
                rung();
            }
        });
        match timeout(CONNECT_WITHIN, connecting).await {
            Ok(connected) => connected.map_err(|error| self.connect_error(&error)),
            Err(_) => Err(self.broken("connecting", "no answer in time")),
        }
    }

    fn connect_error(&self, error: &tokio_postgres::Error) -> Error {
        if let Some(why) = tls_failure(error) {
            return self.broken("connecting", &why);
        }
        let refused =
            |why: &str| Error::Credentials(format!("postgres at {} refuses us: {why}", self.place));
        match error.code() {
            Some(&(SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION)) => {
                refused("it does not accept the user or the password")
            }
            None if text(error).contains("password missing") => {
                refused("it wants a password and none was given")
            }
            _ => self.broken("connecting", &text(error)),
        }
    }

    pub(super) fn broken(&self, doing: &str, why: &str) -> Error {
        Error::Broken(format!("postgres at {}: {doing}: {why}", self.place))
    }
}
