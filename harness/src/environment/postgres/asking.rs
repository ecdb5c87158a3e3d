//! A few questions to a PostgreSQL, with a deadline.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use schedbench_adapters::postgres_client::{Dialer, tls_failure};
use schedbench_contract::Address;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

/// What is said of who answers otherwise.
const STRANGE: &str = "it does not answer as a PostgreSQL does";

/// A connection that is signed in. Everything asked on it must be answered by
/// its deadline.
pub(super) struct Asking {
    client: Client,
    deadline: Instant,
    runtime: Runtime,
}

impl Asking {
    /// Connects and signs in.
    pub(super) fn begin(at: &Address, deadline: Instant) -> io::Result<Self> {
        let dialer = Dialer::to(at, "schedbench", |_| {})?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The connection moves as long as a question waits for its answer.
        let connecting = async { dialer.connect(|_| {}).await.map_err(|error| greeting(&error)) };
        let client = runtime.block_on(within(deadline, connecting))?;
        Ok(Self { client, deadline, runtime })
    }

    /// The first column of each row.
    pub(super) fn ask(&self, question: &str) -> io::Result<Vec<String>> {
        let answer =
            async { self.client.simple_query(question).await.map_err(|error| plain(&error)) };
        let rows = self.runtime.block_on(within(self.deadline, answer))?;
        let first = rows.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(first.collect())
    }

    /// As in `15.18`.
    pub(super) fn version(&self) -> io::Result<String> {
        // "15.18 (Debian 15.18-0+deb12u1)"
        let said = self.ask("SHOW server_version")?;
        let version = said.first().and_then(|said| said.split_whitespace().next());
        Ok(version.unwrap_or("unknown").to_owned())
    }

    /// A setting as the server says it; `None` for one that it has not.
    pub(super) fn setting(&self, name: &str) -> io::Result<Option<String>> {
        let question = format!("SELECT current_setting({}, true)", literal(name));
        Ok(self.ask(&question)?.into_iter().next())
    }
}

/// The version of the server at that address.
pub(super) fn version(at: &Address) -> io::Result<String> {
    Asking::begin(at, Instant::now() + super::ANSWER)?.version()
}

async fn within<T>(
    deadline: Instant,
    answer: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    match tokio::time::timeout(left, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(io::Error::new(ErrorKind::TimedOut, format!("{STRANGE}: nothing in time"))),
    }
}

/// Why nobody is greeted: what is at that place may be something else.
fn greeting(error: &tokio_postgres::Error) -> io::Error {
    let plain = plain(error);
    // The kind of an error is told by its text only.
    let strange = ["communicating with", "connection closed", "unexpected message", "parsing"];
    let text = error.to_string();
    match strange.iter().any(|sign| text.contains(sign)) {
        true => io::Error::new(plain.kind(), format!("{STRANGE}: {plain}")),
        false => plain,
    }
}

/// The server's own words, or the cause of having none.
fn plain(error: &tokio_postgres::Error) -> io::Error {
    if let Some(why) = tls_failure(error) {
        return io::Error::new(ErrorKind::PermissionDenied, why);
    }
    let kind = match error.code() {
        Some(&(SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION)) => {
            ErrorKind::PermissionDenied
        }
        _ => ErrorKind::Other,
    };
    let text = match (error.as_db_error(), error.source()) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(cause)) => cause.to_string(),
        (None, None) => error.to_string(),
    };
    io::Error::new(kind, text)
}

/// A text as SQL writes it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as SQL writes it.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
