//! A Redis that holds no queue: locks, or results. It is asked by plain
//! commands, and what a cell left in it is found by the name of its keys.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, cmd,
};
use schedbench_contract::{Address, Error, Result};
use tokio::sync::Mutex;

/// A connection and an answer take at most this long.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Keys looked at per `SCAN`, and removed per `UNLINK`.
const KEYS_PER_SCAN: usize = 1_000;

/// One server; connected to when it is asked, and again after that was lost.
pub(crate) struct PlainRedis {
    client: Client,
    place: String,
    line: Mutex<Option<MultiplexedConnection>>,
}

impl std::fmt::Debug for PlainRedis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PlainRedis").field(&self.place).finish()
    }
}

impl PlainRedis {
    /// Connects.
    ///
    /// # Errors
    /// No address was given for `what`, nobody is there, or it refuses us.
    pub(crate) async fn open(
        system: &'static str,
        what: &'static str,
        at: Option<&Address>,
    ) -> Result<Self> {
        let unsupported = |what, why: &str| Error::Unsupported { system, what, why: why.into() };
        let at = at.ok_or_else(|| unsupported(what, "no address of a Redis was given"))?;
        if at.tls {
            return Err(unsupported("TLS", "its Redis is spoken to without; use a URL without it"));
        }
        let mut login = RedisConnectionInfo::default();
        if let Some(user) = &at.user {
            login = login.set_username(user);
        }
        if let Some(password) = &at.password {
            login = login.set_password(&password.0);
        }
        if let Some(database) = &at.database {
            let number = database
                .parse()
                .map_err(|_| unsupported("a named database", "Redis numbers its databases"))?;
            login = login.set_db(number);
        }
        let place = format!("{}:{}", at.host, at.port);
        let tcp = TcpSettings::default().set_nodelay(true);
        let client = (at.host.clone(), at.port)
            .into_connection_info()
            .map(|info| info.set_redis_settings(login).set_tcp_settings(tcp))
            .and_then(Client::open)
            .map_err(|error| broken(&place, &error))?;
        let redis = Self { client, place, line: Mutex::new(None) };
        redis.must::<String>(&cmd("PING")).await?;
        Ok(redis)
    }

    /// Asks. A connection that failed is replaced at the next question.
    ///
    /// # Errors
    /// There is no connection, it broke, or the server says no.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut line = self.line.lock().await;
        let mut connection = match line.take() {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(ANSWER_WITHIN))
                    .set_response_timeout(Some(ANSWER_WITHIN));
                self.client.get_multiplexed_async_connection_with_config(&config).await?
            }
        };
        let answer = command.query_async(&mut connection).await?;
        *line = Some(connection);
        Ok(answer)
    }

    /// Asks, and says in a sentence what went wrong.
    async fn must<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.ask(command).await.map_err(|error| match error.kind() {
            ErrorKind::AuthenticationFailed => Error::Credentials(format!(
                "redis at {} refuses us: it does not accept the user or the password",
                self.place
            )),
            _ => broken(&self.place, &error),
        })
    }

    /// A connection of its own for subscriptions.
    ///
    /// # Errors
    /// Nobody is there.
    pub(crate) async fn subscriptions(&self) -> RedisResult<PubSub> {
        self.client.get_async_pubsub().await
    }

    /// Its version.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(crate) async fn version(&self) -> Result<String> {
        let info: String = self.must(cmd("INFO").arg("server")).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        version
            .map(|version| version.trim().to_owned())
            .ok_or_else(|| Error::Version(format!("{} does not say which Redis it is", self.place)))
    }

    /// Refuses names that are in use.
    ///
    /// # Errors
    /// A key begins so, or it cannot be asked.
    pub(crate) async fn must_be_unused(&self, prefix: &str) -> Result<()> {
        let mut cursor = 0;
        loop {
            let (next, keys) = self.some(prefix, cursor).await?;
            if let Some(key) = keys.first() {
                return Err(Error::NotOurs(format!("the key {key}")));
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Removes every key that begins so.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(crate) async fn remove(&self, prefix: &str) -> Result<()> {
        let mut cursor = 0;
        loop {
            let (next, keys) = self.some(prefix, cursor).await?;
            if !keys.is_empty() {
                let _: u64 = self.must(cmd("UNLINK").arg(keys)).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// The next keys that begin so, and where to go on; 0 for the end. Names
    /// of queues hold nothing that a pattern would take for its own.
    async fn some(&self, prefix: &str, cursor: u64) -> Result<(u64, Vec<String>)> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(KEYS_PER_SCAN);
        self.must(&scan).await
    }
}

fn broken(place: &str, error: &RedisError) -> Error {
    Error::Broken(format!("redis at {place}: {error}"))
}
