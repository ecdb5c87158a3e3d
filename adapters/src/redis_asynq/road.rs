//! The way to a Redis: to the one that is there, to the primary of several, or
//! to the one of several that has a slot.

use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, Value,
};
use schedbench_contract::{Address, Error, Result};

use super::connect::Line;
use super::masters::{Map, Masters};
use super::scripts;
use super::sentinels::{Reach, Sentinels};
use crate::tls;

/// A connection attempt, greeting included, takes at most this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// An answer takes at most this long. An AOF may hold a write up for 2 s, and
/// a server that was stopped for 5 s answers after them: giving up sooner
/// would call those tasks unknown. A black hole is noticed this late.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Who is asked where another server is answers, and is reached, within this
/// time each.
const KNOWS_WITHIN: Duration = Duration::from_secs(1);
/// Requests that wait for the socket; the client's own default is 50.
const QUEUED_REQUESTS: usize = 4_096;

/// Host and port.
pub(super) type Place = (String, u16);

/// How to reach a server: always the same one, or whichever is the primary, or
/// has the slot.
#[derive(Debug)]
pub(super) struct Road {
    whom: Whom,
    config: AsyncConnectionConfig,
    place: String,
    /// Whether what is asked on it proves something: then the sentinels are
    /// asked before each question, and must agree.
    is_for_proof: bool,
}

#[derive(Debug)]
enum Whom {
    One(Client),
    /// Whom these name, to be signed in to so.
    Primary(Sentinels, RedisConnectionInfo),
    /// Who has this slot, as these say.
    Owner(Masters, u16, RedisConnectionInfo),
}

impl Road {
    /// # Errors
    /// The address asks for what this build has not.
    pub(super) fn to(address: &Address, reach: Reach) -> Result<Self> {
        let unsupported =
            |what, why: &str| Error::Unsupported { system: super::NAME, what, why: why.to_owned() };
        if address.tls && !tls::IS_HERE {
            return Err(unsupported("TLS", "this build has none; build it with --features tls"));
        }
        if address.tls && reach != Reach::Itself {
            return Err(unsupported("TLS", "servers name each other by their IP addresses"));
        }
        let mut login = RedisConnectionInfo::default();
        if let Some(user) = &address.user {
            login = login.set_username(user);
        }
        if let Some(password) = &address.password {
            login = login.set_password(&password.0);
        }
        let place = format!("{}:{}", address.host, address.port);
        let broken =
            |why: &dyn std::fmt::Display| Error::Broken(format!("redis at {place}: {why}"));
        let authorities = match address.tls {
            true => tls::authorities().map_err(|error| broken(&error))?,
            false => None,
        };
        let database = address.database.as_deref().map(str::parse).transpose();
        let database =
            database.map_err(|_| unsupported("a named database", "Redis numbers its databases"))?;
        let in_database = |login: RedisConnectionInfo| match database {
            Some(number) => login.set_db(number),
            None => login,
        };
        let whom = match reach {
            Reach::Itself => {
                let login = in_database(login);
                open(at(address), login, authorities).map(Whom::One)
            }
            Reach::Sentinels => {
                let first = (address.host.clone(), address.port);
                let sentinels = Sentinels::at(first, login.clone());
                Ok(Whom::Primary(sentinels, in_database(login)))
            }
            Reach::Master(slot) => {
                let masters = Masters::at(address, login.clone());
                Ok(Whom::Owner(masters, slot, login))
            }
        };
        let whom = whom.map_err(|error| broken(&error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_pipeline_buffer_size(QUEUED_REQUESTS);
        Ok(Self { whom, config, place, is_for_proof: false })
    }

    /// The same, for questions whose answers prove something.
    pub(super) fn for_proof(self) -> Self {
        Self { is_for_proof: true, ..self }
    }

    /// `host:port`, of the first sentinel where there are some.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether a connection serves one question only: what a former primary
    /// says of its queues, before it has been told, is no proof.
    pub(super) fn asks_each_time(&self) -> bool {
        self.is_for_proof && matches!(self.whom, Whom::Primary(..))
    }

    /// How the sentinels are set, if there are some.
    pub(super) async fn settings_of_sentinels(&self) -> Vec<(String, String)> {
        match &self.whom {
            Whom::One(_) | Whom::Owner(..) => Vec::new(),
            Whom::Primary(sentinels, _) => sentinels.settings().await,
        }
    }

    /// Who has which slots, where several divide them.
    ///
    /// # Errors
    /// None of them answers.
    pub(super) async fn map(&self) -> Result<Option<Map>> {
        let Whom::Owner(masters, ..) = &self.whom else { return Ok(None) };
        let map = masters.map().await;
        map.map(Some).map_err(|error| self.broken("asking who has which slot", &error.to_string()))
    }

    /// Connects, to the primary as the sentinels name it now or to the master
    /// of the slot, and teaches the server our scripts.
    ///
    /// # Errors
    /// The server is not there or refuses us, is no primary, or does not serve
    /// its slots.
    pub(super) async fn connect(&self) -> Result<Line> {
        let mut first = scripts::load_all();
        let (client, place) = match &self.whom {
            Whom::One(client) => (client.clone(), self.place.clone()),
            Whom::Primary(sentinels, login) => {
                // One that has been asked to serve another may not know it yet.
                first.push(redis::cmd("ROLE"));
                self.to_the_primary(sentinels, login).await?
            }
            Whom::Owner(masters, slot, login) => {
                // One that came back serves nobody for a while.
                let mut info = redis::cmd("CLUSTER");
                info.arg("INFO");
                first.push(info);
                self.to_the_owner(masters, *slot, login).await?
            }
        };
        let connection = client
            .get_multiplexed_async_connection_with_config(&self.config)
            .await
            .map_err(|error| self.connect_error(&error))?;
        let line = Line::new(connection, place);
        let replies = line
            .send(first)
            .await
            .map_err(|failure| self.broken("loading scripts", failure.text()))?;
        replies.iter().try_for_each(|reply| self.accepts(reply))?;
        let lacks = match (&self.whom, replies.last()) {
            (Whom::Primary(..), Some(Value::Array(role))) if !says_primary(role) => "is no primary",
            (Whom::Owner(..), Some(said)) if !says_ok(said) => "does not serve its slots",
            _ => return Ok(line),
        };
        Err(self.broken("connecting", &format!("{} {lacks}", line.place())))
    }

    async fn to_the_primary(
        &self,
        sentinels: &Sentinels,
        login: &RedisConnectionInfo,
    ) -> Result<(Client, String)> {
        let named = match self.is_for_proof {
            true => sentinels.agreed_primary().await,
            false => sentinels.primary().await.map(Some),
        };
        let asking = "asking its sentinels for the primary";
        let (host, port) = named
            .map_err(|error| self.broken(asking, &error.to_string()))?
            .ok_or_else(|| self.broken(asking, "they do not agree"))?;
        self.at_place((host, port), login)
    }

    async fn to_the_owner(
        &self,
        masters: &Masters,
        slot: u16,
        login: &RedisConnectionInfo,
    ) -> Result<(Client, String)> {
        let asking = "asking who has a slot";
        let place = masters.owner(slot).await;
        let place = place
            .map_err(|error| self.broken(asking, &error.to_string()))?
            .ok_or_else(|| self.broken(asking, &format!("nobody has {slot}")))?;
        self.at_place(place, login)
    }

    fn at_place(
        &self,
        (host, port): Place,
        login: &RedisConnectionInfo,
    ) -> Result<(Client, String)> {
        let place = format!("{host}:{port}");
        let client = open(ConnectionAddr::Tcp(host, port), login.clone(), None)
            .map_err(|error| self.broken("connecting", &error.to_string()))?;
        Ok((client, place))
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
pub(super) fn open(
    at: ConnectionAddr,
    login: RedisConnectionInfo,
    authorities: Option<String>,
) -> Result<Client, RedisError> {
    let tcp = TcpSettings::default().set_nodelay(true);
    let info = at.into_connection_info()?.set_redis_settings(login).set_tcp_settings(tcp);
    #[cfg(feature = "tls")]
    if let Some(text) = authorities {
        let root_cert = Some(text.into_bytes());
        let certificates = redis::TlsCertificates { client_tls: None, root_cert };
        return Client::build_with_tls(info, certificates);
    }
    let _ = authorities;
    Client::open(info)
}

/// Asks one question of a server that knows where another is.
pub(super) async fn ask<T: FromRedisValue>(
    (host, port): &Place,
    login: &RedisConnectionInfo,
    question: &Cmd,
) -> RedisResult<T> {
    let client = open(ConnectionAddr::Tcp(host.clone(), *port), login.clone(), None)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(KNOWS_WITHIN))
        .set_response_timeout(Some(KNOWS_WITHIN));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    question.query_async(&mut connection).await
}

/// Whether `CLUSTER INFO` was answered by a master that serves its slots.
fn says_ok(info: &Value) -> bool {
    let Value::BulkString(text) = info else { return false };
    String::from_utf8_lossy(text).lines().any(|line| line == "cluster_state:ok")
}

/// Whether `ROLE` was answered by a primary.
fn says_primary(role: &[Value]) -> bool {
    match role.first() {
        Some(Value::BulkString(name)) => name == b"master",
        Some(Value::SimpleString(name)) => name == "master",
        _ => false,
    }
}
