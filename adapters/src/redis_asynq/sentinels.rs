//! The primary of a cluster: the server that its sentinels send clients to.

use std::collections::HashMap;

use redis::{FromRedisValue, RedisConnectionInfo, RedisResult, cmd};
use schedbench_contract::{Profile, Topology};

use super::road::{self, Place};
use crate::WATCHED_BY_SENTINELS;

/// What of a sentinel's view decides how a failover goes.
const SETTINGS: &[&str] =
    &["down-after-milliseconds", "failover-timeout", "quorum", "num-slaves", "num-other-sentinels"];

/// Whom the address of a profile leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The one Redis itself.
    Itself,
    /// Sentinels, which know the primary.
    Sentinels,
    /// Masters, which know who of them has which slot; the one of this slot.
    Master(u16),
}

impl Reach {
    /// Of that profile; of several masters the first one.
    pub(crate) fn of(profile: &Profile) -> Self {
        match profile.topology {
            Topology::Single => Self::Itself,
            Topology::Cluster => Self::Sentinels,
            Topology::Shards => Self::Master(0),
        }
    }
}

/// Sentinels of one cluster.
#[derive(Debug)]
pub(super) struct Sentinels {
    /// Where one of them is; it knows the others.
    first: Place,
    /// How to sign in to each.
    login: RedisConnectionInfo,
}

impl Sentinels {
    pub(super) fn at(first: Place, login: RedisConnectionInfo) -> Self {
        Self { first, login }
    }

    /// Where the primary is, as the first of them says: what every client of
    /// Sentinel's does.
    pub(super) async fn primary(&self) -> RedisResult<Place> {
        self.named_by(&self.first).await
    }

    /// The same as more than half of them say, if they do. One that was not
    /// reached when a replica was promoted may send us to the former primary,
    /// which would tell of tasks that the new one never had.
    pub(super) async fn agreed_primary(&self) -> RedisResult<Option<Place>> {
        let mut all = vec![self.first.clone()];
        let others: Vec<HashMap<String, String>> = self.ask(&self.first, "SENTINELS").await?;
        all.extend(others.iter().filter_map(|other| {
            let port = other.get("port")?.parse().ok()?;
            Some((other.get("ip")?.clone(), port))
        }));
        let mut said: Vec<(Place, usize)> = Vec::new();
        for sentinel in &all {
            let Ok(place) = self.named_by(sentinel).await else { continue };
            match said.iter_mut().find(|(known, _)| *known == place) {
                Some((_, votes)) => *votes += 1,
                None => said.push((place, 1)),
            }
        }
        let most = said.into_iter().find(|(_, votes)| votes * 2 > all.len());
        Ok(most.map(|(place, _)| place))
    }

    /// What decides how they act, as the first has it.
    pub(super) async fn settings(&self) -> Vec<(String, String)> {
        let all = self.ask::<Vec<(String, String)>>(&self.first, "MASTER").await;
        let decide = all.into_iter().flatten().filter(|(key, _)| SETTINGS.contains(&key.as_str()));
        decide.map(|(key, value)| (format!("sentinel {key}"), value)).collect()
    }

    async fn named_by(&self, sentinel: &Place) -> RedisResult<Place> {
        self.ask(sentinel, "GET-MASTER-ADDR-BY-NAME").await
    }

    async fn ask<T: FromRedisValue>(&self, sentinel: &Place, what: &str) -> RedisResult<T> {
        let mut question = cmd("SENTINEL");
        question.arg(what).arg(WATCHED_BY_SENTINELS);
        road::ask(sentinel, &self.login, &question).await
    }
}
