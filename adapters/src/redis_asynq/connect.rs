//! Connections to Redis, and what goes wrong with them in our own words.

use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use schedbench_contract::{Address, Error, Result};
use tokio::sync::Mutex;

use super::scripts;
use crate::tls;

/// A connection attempt, greeting included, takes at most this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// An answer takes at most this long. An AOF may hold a write up for 2 s, and
/// a server that was stopped for 5 s answers after them: giving up sooner
/// would call those tasks unknown. A black hole is noticed this late.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Requests that wait for the socket; the client's own default is 50.
const QUEUED_REQUESTS: usize = 4_096;
/// The first wait before connecting again; it doubles up to the longest.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(10);
/// The longest wait before connecting again.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How to reach one server.
#[derive(Debug)]
pub(super) struct Road {
    client: Client,
    config: AsyncConnectionConfig,
    place: String,
}

/// Why there are no replies.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection broke; what was sent may have been carried out.
    Lost(String),
    /// No reply in time; the connection must be replaced, for a connection
    /// that swallows everything is not noticed otherwise.
    Timeout,
}

impl Failure {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Lost(why) => why,
            Self::Timeout => "no answer in time",
        }
    }
}

impl Road {
    /// # Errors
    /// The address asks for what this build has not.
    pub(super) fn to(address: &Address) -> Result<Self> {
        let unsupported =
            |what, why: &str| Error::Unsupported { system: super::NAME, what, why: why.to_owned() };
        if address.tls && !tls::IS_HERE {
            return Err(unsupported("TLS", "this build has none; build it with --features tls"));
        }
        let mut redis = RedisConnectionInfo::default();
        if let Some(user) = &address.user {
            redis = redis.set_username(user);
        }
        if let Some(password) = &address.password {
            redis = redis.set_password(&password.0);
        }
        if let Some(database) = &address.database {
            let number = database
                .parse()
                .map_err(|_| unsupported("a named database", "Redis numbers its databases"))?;
            redis = redis.set_db(number);
        }
        let place = format!("{}:{}", address.host, address.port);
        let tcp = TcpSettings::default().set_nodelay(true);
        let broken =
            |why: &dyn std::fmt::Display| Error::Broken(format!("redis at {place}: {why}"));
        let authorities = match address.tls {
            true => tls::authorities().map_err(|error| broken(&error))?,
            false => None,
        };
        let client = at(address)
            .into_connection_info()
            .map(|info| info.set_redis_settings(redis).set_tcp_settings(tcp))
            .and_then(|info| open(info, authorities))
            .map_err(|error| broken(&error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_pipeline_buffer_size(QUEUED_REQUESTS);
        Ok(Self { client, config, place })
    }

    /// `host:port`.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Connects and teaches the server our scripts.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(super) async fn connect(&self) -> Result<Line> {
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&self.config)
            .await
            .map_err(|error| self.connect_error(&error))?;
        let line = Line(connection);
        let replies = line
            .send(scripts::load_all())
            .await
            .map_err(|failure| self.broken("loading scripts", failure.text()))?;
        replies.iter().try_for_each(|reply| self.accepts(reply)).map(|()| line)
    }

    fn connect_error(&self, error: &RedisError) -> Error {
        if let Some(remedy) = tls::remedy(&error.to_string()) {
            return self.refused(&remedy);
        }
        if error.kind() == ErrorKind::AuthenticationFailed {
            return self.refused("it does not accept the user or the password");
        }
        self.broken("connecting", &error.to_string())
    }

    /// Whether a reply is not an error.
    ///
    /// # Errors
    /// The server's error, in a sentence.
    pub(super) fn accepts(&self, reply: &Value) -> Result<()> {
        let Value::ServerError(error) = reply else { return Ok(()) };
        let details = error.details().unwrap_or_default();
        Err(match error.code() {
            "NOAUTH" => self.refused("it wants a password and none was given"),
            "WRONGPASS" => self.refused("it does not accept the user or the password"),
            "NOPERM" => self.refused(&format!("this user may not do that: {details}")),
            code => self.broken("it answered", &format!("{code} {details}")),
        })
    }

    fn refused(&self, why: &str) -> Error {
        Error::Credentials(format!("redis at {} refuses us: {why}", self.place))
    }

    pub(super) fn broken(&self, doing: &str, why: &str) -> Error {
        Error::Broken(format!("redis at {}: {doing}: {why}", self.place))
    }
}

/// Where a server is, in the client's own words.
fn at(address: &Address) -> ConnectionAddr {
    let (host, port) = (address.host.clone(), address.port);
    if address.tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

/// A client; one for TLS that trusts these authorities only, where there are any.
fn open(info: ConnectionInfo, authorities: Option<String>) -> Result<Client, RedisError> {
    #[cfg(feature = "tls")]
    if let Some(text) = authorities {
        let root_cert = Some(text.into_bytes());
        let certificates = redis::TlsCertificates { client_tls: None, root_cert };
        return Client::build_with_tls(info, certificates);
    }
    let _ = authorities;
    Client::open(info)
}

/// One connection; clones share it.
#[derive(Clone)]
pub(super) struct Line(MultiplexedConnection);

impl Line {
    /// Sends all commands in one write and waits for all replies, in order.
    /// A script that the server has forgotten is loaded and called again; a
    /// command that came back with that error had no effect.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, Failure> {
        let pipeline = pipeline(commands);
        let mut replies = self.send_once(&pipeline).await?;
        if replies.iter().any(is_forgotten) {
            self.send_once(&self::pipeline(scripts::load_all())).await?;
            let (places, again): (Vec<usize>, Vec<Cmd>) = pipeline
                .cmd_iter()
                .enumerate()
                .filter(|(place, _)| is_forgotten(&replies[*place]))
                .map(|(place, command)| (place, command.clone()))
                .unzip();
            let second = self.send_once(&self::pipeline(again)).await?;
            for (place, reply) in places.into_iter().zip(second) {
                replies[place] = reply;
            }
        }
        Ok(replies)
    }

    async fn send_once(&self, pipeline: &redis::Pipeline) -> Result<Vec<Value>, Failure> {
        let mut connection = self.0.clone();
        let replies = connection.send_packed_commands(pipeline, 0, pipeline.len()).await;
        let replies = replies.map_err(|error| {
            if error.is_timeout() { Failure::Timeout } else { Failure::Lost(error.to_string()) }
        })?;
        if replies.len() == pipeline.len() {
            return Ok(replies);
        }
        Err(Failure::Lost(format!("{} replies to {} commands", replies.len(), pipeline.len())))
    }
}

fn pipeline(commands: Vec<Cmd>) -> redis::Pipeline {
    let mut pipeline = redis::Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command);
    }
    pipeline
}

fn is_forgotten(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Whether the server has become a replica: its address leads elsewhere after
/// a failover, this connection never will.
pub(super) fn is_demoted(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}

/// A connection that is made when it is needed and again after it was lost.
#[derive(Debug)]
pub(super) struct Steady {
    pub(super) road: Road,
    line: Mutex<Option<Line>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Steady {
    /// Connects.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(super) async fn open(road: Road) -> Result<Self> {
        let line = road.connect().await?;
        Ok(Self { road, line: Mutex::new(Some(line)) })
    }

    /// Sends commands, connecting first where there is no connection. A
    /// failure drops the connection; nothing is sent twice.
    ///
    /// # Errors
    /// There is no connection, or it broke. An error among the replies is a
    /// reply.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        let line = {
            // Held while connecting: the others want that connection too.
            let mut place = self.line.lock().await;
            match &*place {
                Some(line) => line.clone(),
                None => place.insert(self.road.connect().await?).clone(),
            }
        };
        match line.send(commands).await {
            Ok(replies) => Ok(replies),
            Err(failure) => {
                *self.line.lock().await = None;
                Err(self.road.broken("asking", failure.text()))
            }
        }
    }

    /// Sends one command; an error reply is an error.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value> {
        let reply = self.send(vec![command.clone()]).await?.pop().unwrap_or_default();
        self.road.accepts(&reply).map(|()| reply)
    }
}
