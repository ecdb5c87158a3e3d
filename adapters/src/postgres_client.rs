//! Connections to PostgreSQL, encrypted where its address says so: the
//! system's own, and those of the few questions that the harness itself asks.

use std::future::poll_fn;
use std::io;

use schedbench_contract::Address;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};

use crate::tls;

#[cfg(feature = "tls")]
type Greeter = tokio_postgres_rustls::MakeRustlsConnect;
/// A build without TLS refuses such an address before it would need one.
#[cfg(not(feature = "tls"))]
type Greeter = NoTls;

/// How to reach one server.
pub struct Dialer {
    config: Config,
    /// None where nothing is encrypted.
    greeter: Option<Greeter>,
}

// Neither part of it is for a log: one holds a password, the other keys.
impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("tls", &self.greeter.is_some()).finish_non_exhaustive()
    }
}

impl Dialer {
    /// `name` is what the server calls our connections; `more` sets what else
    /// they need.
    ///
    /// # Errors
    /// The authorities to trust cannot be read, or this build has no TLS.
    pub fn to(at: &Address, name: &str, more: impl FnOnce(&mut Config)) -> io::Result<Self> {
        let mut config = Config::new();
        config.host(&at.host).port(at.port).application_name(name);
        config.user(at.user.as_deref().unwrap_or("postgres"));
        if let Some(password) = &at.password {
            config.password(&password.0);
        }
        if let Some(database) = &at.database {
            config.dbname(database);
        }
        // Never the mode between the two, which goes on unencrypted with a
        // server that says it has no TLS.
        config.ssl_mode(if at.tls { SslMode::Require } else { SslMode::Disable });
        more(&mut config);
        let greeter = if at.tls { Some(greeter()?) } else { None };
        Ok(Self { config, greeter })
    }

    /// Connects and signs in. `hear` is given what the server says unasked,
    /// from the runtime, on which the connection then lives.
    ///
    /// # Errors
    /// The server is not there, is not who it should be, or refuses us.
    pub async fn connect(
        &self,
        hear: impl Fn(AsyncMessage) + Send + 'static,
    ) -> Result<Client, Error> {
        match &self.greeter {
            Some(greeter) => {
                let (client, connection) = self.config.connect(greeter.clone()).await?;
                tokio::spawn(live(connection, hear));
                Ok(client)
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(live(connection, hear));
                Ok(client)
            }
        }
    }
}

/// Ends when the client is dropped or the connection breaks; who waits for an
/// answer then hears of it.
async fn live<T>(mut connection: Connection<Socket, T>, hear: impl Fn(AsyncMessage))
where
    T: TlsStream + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        hear(message);
    }
}

/// What went wrong with the certificate or the greeting before it, where that
/// is why there is no connection.
#[must_use]
pub fn tls_failure(error: &Error) -> Option<String> {
    let cause = std::error::Error::source(error)?.to_string();
    // The kind of an error is told by its text only.
    let is_tls = error.to_string() == "error performing TLS handshake";
    is_tls.then(|| tls::remedy(&cause).unwrap_or_else(|| format!("TLS: {cause}")))
}

#[cfg(feature = "tls")]
fn greeter() -> io::Result<Greeter> {
    tls::trusting().map(Greeter::new)
}

#[cfg(not(feature = "tls"))]
fn greeter() -> io::Result<Greeter> {
    Err(tls::missing())
}
