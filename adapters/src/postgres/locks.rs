//! Locks in a Redis beside PostgreSQL, as who polls from several processes
//! often has them: one `SET NX` with an expiry for each row, never released.

use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo,
    RedisResult, Value, aio::MultiplexedConnection, cmd,
};
use schedbench_contract::{Address, Error, Result};
use tokio::sync::Mutex;

use super::NAME;
use super::connect::ANSWER_WITHIN;

/// The article's 10 s. A lock is not released: who read the row before it was
/// deleted would find it free.
pub(super) const LOCKED_FOR: Duration = Duration::from_secs(10);
/// Keys looked at per `SCAN`, and deleted per `UNLINK`.
const KEYS_PER_SCAN: usize = 1_000;

/// The locks of one queue.
pub(super) struct Locks {
    client: Client,
    place: String,
    prefix: String,
    /// None after it was lost.
    line: Mutex<Option<MultiplexedConnection>>,
}

impl std::fmt::Debug for Locks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Locks").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Locks {
    /// Connects.
    ///
    /// # Errors
    /// There is no Redis, or it refuses us.
    pub(super) async fn open(at: Option<&Address>, queue: &str) -> Result<Self> {
        let unsupported =
            |what, why: &str| Error::Unsupported { system: NAME, what, why: why.to_owned() };
        let at = at.ok_or_else(|| unsupported("locks", "no address of Redis was given"))?;
        if at.tls {
            return Err(unsupported("TLS", "this build's Redis client has none compiled in"));
        }
        let mut redis = RedisConnectionInfo::default();
        if let Some(user) = &at.user {
            redis = redis.set_username(user);
        }
        if let Some(password) = &at.password {
            redis = redis.set_password(&password.0);
        }
        let place = format!("{}:{}", at.host, at.port);
        let tcp = TcpSettings::default().set_nodelay(true);
        let broken = |error| Error::Broken(format!("redis at {place}: connecting: {error}"));
        let client = (at.host.clone(), at.port)
            .into_connection_info()
            .map(|info| info.set_redis_settings(redis).set_tcp_settings(tcp))
            .and_then(Client::open)
            .map_err(broken)?;
        let prefix = format!("{queue}:lock:");
        let locks = Self { client, place: place.clone(), prefix, line: Mutex::new(None) };
        locks.ask::<String>(&cmd("PING")).await.map_err(broken)?;
        Ok(locks)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
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
        // One that failed is replaced at the next question.
        *line = Some(connection);
        Ok(answer)
    }

    /// Whether the row is ours alone for the next 10 s. Nobody's where Redis
    /// does not answer.
    pub(super) async fn take(&self, id: i64, holder: i64) -> bool {
        let mut set = cmd("SET");
        set.arg(format!("{}{id}", self.prefix)).arg(holder);
        set.arg("NX").arg("PX").arg(LOCKED_FOR.as_millis() as u64);
        matches!(self.ask::<Value>(&set).await, Ok(Value::Okay))
    }

    /// Removes all locks of the queue.
    ///
    /// # Errors
    /// Redis does not answer.
    pub(super) async fn remove(&self) -> Result<()> {
        let broken = |error| Error::Broken(format!("redis at {}: asking: {error}", self.place));
        let mut cursor = 0;
        loop {
            let mut scan = cmd("SCAN");
            // Names of queues hold nothing that a pattern would take for its own.
            scan.arg(cursor).arg("MATCH").arg(format!("{}*", self.prefix));
            scan.arg("COUNT").arg(KEYS_PER_SCAN);
            let (next, keys): (u64, Vec<String>) = self.ask(&scan).await.map_err(broken)?;
            if !keys.is_empty() {
                let _: u64 = self.ask(cmd("UNLINK").arg(keys)).await.map_err(broken)?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}
