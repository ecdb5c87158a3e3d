//! Connections to RabbitMQ, and what goes wrong with them in our own words.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::types::LongString;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Connection, ConnectionProperties, ErrorKind};
use schedbench_contract::{Address, Error, Result};
use tokio::time::timeout;

use crate::tls;

/// A connection attempt, login included, takes at most this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Silence is noticed after twice this many seconds. RabbitMQ proposes 60.
const HEARTBEAT_S: u16 = 10;
/// The first wait before connecting again; it doubles up to the longest.
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(10);
/// The longest wait before connecting again.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Reply codes of AMQP.
const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const NOT_ALLOWED: u16 = 530;

/// How to reach one server, or any node of a cluster.
pub(crate) struct Road {
    pub(crate) address: Address,
    /// The nodes, each with `host:port`.
    nodes: Vec<(AMQPUri, String)>,
    /// Which of them was tried last: the next attempt begins there.
    at: AtomicUsize,
}

/// From then on each goes its own way.
impl Clone for Road {
    fn clone(&self) -> Self {
        let (address, nodes) = (self.address.clone(), self.nodes.clone());
        Self { address, nodes, at: AtomicUsize::new(self.at.load(Ordering::Relaxed)) }
    }
}

impl std::fmt::Debug for Road {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Road").field(&self.place()).finish()
    }
}

impl Road {
    /// The way of a system's clients to that address.
    ///
    /// # Errors
    /// The address asks for what this build has not.
    pub(crate) fn to(system: &'static str, address: &Address) -> Result<Self> {
        if address.tls && !tls::IS_HERE {
            return Err(Error::Unsupported {
                system,
                what: "TLS",
                why: "this build has none; build it with --features tls".into(),
            });
        }
        let text = |text: Option<&str>| text.unwrap_or("guest").to_owned();
        let uri = |Address { host, port, .. }: &Address| AMQPUri {
            scheme: if address.tls { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo {
                    username: text(address.user.as_deref()),
                    password: text(address.password.as_ref().map(|secret| secret.0.as_str())),
                },
                host: host.clone(),
                port: *port,
            },
            vhost: address.database.clone().unwrap_or_else(|| "/".into()),
            query: AMQPQueryString {
                heartbeat: Some(HEARTBEAT_S),
                connection_timeout: Some(CONNECT_WITHIN.as_millis() as u64),
                ..AMQPQueryString::default()
            },
        };
        let node = |node: Address| (uri(&node), format!("{}:{}", node.host, node.port));
        let nodes = address.each().map(node).collect();
        Ok(Self { address: address.clone(), nodes, at: AtomicUsize::new(0) })
    }

    fn node(&self) -> &(AMQPUri, String) {
        &self.nodes[self.at.load(Ordering::Relaxed) % self.nodes.len()]
    }

    /// `host:port` of the node that was tried last.
    pub(crate) fn place(&self) -> &str {
        &self.node().1
    }

    /// Connects to the node that it was connected to, or to the next that is
    /// there; `name` is what the server's own tools show. The client's
    /// recovery stays off: it hides outages, and they are what is measured.
    ///
    /// # Errors
    /// No node is there, or it refuses us.
    pub(crate) async fn connect(&self, name: &str) -> Result<Connection> {
        let mut connected = self.connect_here(name).await;
        for _ in 1..self.nodes.len() {
            if connected.is_ok() {
                break;
            }
            self.at.fetch_add(1, Ordering::Relaxed);
            connected = self.connect_here(name).await;
        }
        connected
    }

    async fn connect_here(&self, name: &str) -> Result<Connection> {
        let properties =
            ConnectionProperties::default().with_connection_name(LongString::from(name));
        let connecting = self.client(properties);
        match timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.error("connecting", &error)),
            Err(_) => Err(self.broken("connecting", "no answer in time")),
        }
    }

    async fn client(&self, properties: ConnectionProperties) -> lapin::Result<Connection> {
        #[cfg(feature = "tls")]
        if self.address.tls {
            // Without one of its `rustls-…-certs` features this client speaks
            // plain AMQP, password included, to an `amqps` address: a test
            // holds that it does not. It trusts the system's authorities too;
            // the harness, which asks first, does not.
            let cert_chain = tls::authorities()?;
            let config = lapin::tcp::OwnedTLSConfig { identity: None, cert_chain };
            let runtime = lapin::runtime::default_runtime()?;
            let uri = self.node().0.clone();
            return Connection::connect_uri_with_config(uri, properties, config, runtime).await;
        }
        Connection::connect_uri(self.node().0.clone(), properties).await
    }

    /// A client's error in a sentence.
    pub(crate) fn error(&self, doing: &str, error: &lapin::Error) -> Error {
        match reply_code(error) {
            Some(ACCESS_REFUSED | NOT_ALLOWED) => {
                Error::Credentials(format!("rabbitmq at {} refuses us: {error}", self.place()))
            }
            _ => self.broken(doing, &error.to_string()),
        }
    }

    pub(crate) fn broken(&self, doing: &str, why: &str) -> Error {
        Error::Broken(format!("rabbitmq at {}: {doing}: {why}", self.place()))
    }
}

/// The code of what the server answered, if that is what went wrong.
fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

/// Whether the server has no such queue.
pub(crate) fn is_not_found(error: &lapin::Error) -> bool {
    reply_code(error) == Some(NOT_FOUND)
}
