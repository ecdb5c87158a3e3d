//! The keys of a cell's locks in Redis: none before it, none after it.

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo, cmd};
use schedbench_contract::{Address, Endpoints, Error, Result};

/// Keys looked at per `SCAN`.
const KEYS_PER_SCAN: usize = 1_000;

/// The locks of one cell, seen from the control road.
#[derive(Debug)]
pub(super) struct Locks {
    connection: MultiplexedConnection,
    place: String,
    /// What all their keys begin with.
    prefix: String,
}

impl Locks {
    /// Connects.
    ///
    /// # Errors
    /// No address of a Redis was given, it is not there or refuses us, or a
    /// lock of that name exists.
    pub(super) async fn open(at: &Endpoints) -> Result<Self> {
        let address = at.control.as_ref().ok_or_else(|| Error::Unsupported {
            system: super::NAME,
            what: "a lock without a broker",
            why: "no address of Redis was given for control".to_owned(),
        })?;
        let place = format!("{}:{}", address.host, address.port);
        let connection = connect(address, &place).await?;
        let locks = Self { connection, place, prefix: format!("{}.lock.", at.prefix) };
        match locks.keys().await?.first() {
            Some(key) => Err(Error::NotOurs(format!("the key {key}"))),
            None => Ok(locks),
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.map_err(|error| broken(&self.place, &error))
    }

    /// Name and version of the server.
    pub(super) async fn version(&self) -> Result<String> {
        let info: String = self.ask(cmd("INFO").arg("server")).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        version
            .map(|version| version.trim().to_owned())
            .ok_or_else(|| Error::Version(format!("{} does not say which Redis it is", self.place)))
    }

    async fn keys(&self) -> Result<Vec<String>> {
        let (mut cursor, mut keys) = (0_u64, Vec::new());
        loop {
            let mut scan = cmd("SCAN");
            let pattern = format!("{}*", self.prefix);
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(KEYS_PER_SCAN);
            let (next, found): (u64, Vec<String>) = self.ask(&scan).await?;
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                return Ok(keys);
            }
        }
    }

    /// Removes what is left of them.
    pub(super) async fn remove(&self) -> Result<()> {
        match self.keys().await? {
            keys if keys.is_empty() => Ok(()),
            keys => self.ask(cmd("UNLINK").arg(keys)).await,
        }
    }
}

async fn connect(address: &Address, place: &str) -> Result<MultiplexedConnection> {
    let unsupported =
        |what, why: &str| Error::Unsupported { system: super::NAME, what, why: why.to_owned() };
    if address.tls {
        return Err(unsupported("TLS", "this build's Redis client has none compiled in"));
    }
    let mut login = RedisConnectionInfo::default();
    if let Some(user) = &address.user {
        login = login.set_username(user);
    }
    if let Some(password) = &address.password {
        login = login.set_password(&password.0);
    }
    if let Some(database) = &address.database {
        let number = database
            .parse()
            .map_err(|_| unsupported("a named database", "Redis numbers its databases"))?;
        login = login.set_db(number);
    }
    let info = (address.host.clone(), address.port).into_connection_info();
    let client = info.and_then(|info| Client::open(info.set_redis_settings(login)));
    let client = client.map_err(|error| broken(place, &error))?;
    let connection = client.get_multiplexed_async_connection().await;
    connection.map_err(|error| match error.kind() {
        redis::ErrorKind::AuthenticationFailed => Error::Credentials(format!(
            "redis at {place} refuses us: it does not accept the user or the password"
        )),
        _ => broken(place, &error),
    })
}

fn broken(place: &str, error: &redis::RedisError) -> Error {
    Error::Broken(format!("redis at {place}: {error}"))
}
