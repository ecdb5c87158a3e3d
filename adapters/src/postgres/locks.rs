//! Locks in a Redis beside PostgreSQL, as who polls from several processes
//! often has them: one `SET NX` with an expiry for each row, never released.

use std::time::Duration;

use redis::{Value, cmd};
use schedbench_contract::{Address, Result};

use super::NAME;
use crate::plain_redis::PlainRedis;

/// The article's 10 s. A lock is not released: who read the row before it was
/// deleted would find it free.
pub(super) const LOCKED_FOR: Duration = Duration::from_secs(10);

/// The locks of one queue.
#[derive(Debug)]
pub(super) struct Locks {
    redis: PlainRedis,
    prefix: String,
}

impl Locks {
    /// Connects.
    ///
    /// # Errors
    /// There is no Redis, or it refuses us.
    pub(super) async fn open(at: Option<&Address>, queue: &str) -> Result<Self> {
        let redis = PlainRedis::open(NAME, "locks", at).await?;
        Ok(Self { redis, prefix: format!("{queue}:lock:") })
    }

    /// Whether the row is ours alone for the next 10 s. Nobody's where Redis
    /// does not answer.
    pub(super) async fn take(&self, id: i64, holder: i64) -> bool {
        let mut set = cmd("SET");
        set.arg(format!("{}{id}", self.prefix)).arg(holder);
        set.arg("NX").arg("PX").arg(LOCKED_FOR.as_millis() as u64);
        matches!(self.redis.ask::<Value>(&set).await, Ok(Value::Okay))
    }

    /// Removes all locks of the queue.
    ///
    /// # Errors
    /// Redis does not answer.
    pub(super) async fn remove(&self) -> Result<()> {
        self.redis.remove(&self.prefix).await
    }
}
