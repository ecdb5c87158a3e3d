//! The keys of a cell's locks in Redis: none before it, none after it.

use schedbench_contract::{Endpoints, Result};

use crate::plain_redis::PlainRedis;

/// The locks of one cell, seen from the control road.
#[derive(Debug)]
pub(super) struct Locks {
    redis: PlainRedis,
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
        let redis = PlainRedis::open(super::NAME, "a lock", at.control.as_ref()).await?;
        let prefix = format!("{}.lock.", at.prefix);
        redis.must_be_unused(&prefix).await?;
        Ok(Self { redis, prefix })
    }

    /// The version of the server.
    pub(super) async fn version(&self) -> Result<String> {
        self.redis.version().await
    }

    /// Removes what is left of them.
    pub(super) async fn remove(&self) -> Result<()> {
        self.redis.remove(&self.prefix).await
    }
}
