//! A Redis that is not ours.

use std::time::Instant;

use schedbench_contract::{Address, Topology};

use super::config::aof_in_words;
use super::{ANSWER, version};
use crate::environment::broker::{Need, Running};
use crate::environment::resp::{Reply, Resp};
use crate::environment::{Child, Error, Result};

/// Reaches an existing one and makes sure that it is configured as needed: a
/// result is never measured under a class that its broker does not have.
pub(super) fn reach(address: Address, url_env: &str, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let place = format!("the Redis of {url_env} ({}:{})", address.host, address.port);
    let several = match need.profile.topology {
        Topology::Single => None,
        Topology::Cluster => Some("replicas and sentinels"),
        Topology::Shards => Some("three masters"),
    };
    if let Some(several) = several {
        return Err(Error::Unfit(format!(
            "{}: this profile needs {several}, and {place} is one server\n  Let schedbench \
             start its own (apt-get install redis-server, no url_env)",
            need.who
        )));
    }
    let broken = |error| Error::io(format!("{}: asking {place}", need.who))(error);
    let deadline = Instant::now() + ANSWER;
    let mut redis = Resp::connect(&address, deadline).map_err(broken)?;
    redis.ask_text(&["PING"]).map_err(broken)?;
    let version = version(&mut redis).map_err(broken)?;
    for (key, wanted) in need.profile.broker_settings {
        let wanted = wanted.trim_matches('"');
        let has = match redis.ask(&["CONFIG", "GET", key]).map_err(broken)? {
            Reply::Many(pair) => pair.get(1).and_then(Reply::text).map(str::to_owned),
            _ => None,
        };
        let problem = match has {
            Some(has) if has == wanted => continue,
            Some(has) => format!("has {key} = \"{has}\""),
            None => format!("does not say what its {key} is"),
        };
        return Err(Error::Unfit(format!(
            "{}: {place} {problem}, and this profile needs {key} = \"{wanted}\"\n  \
             Either there: CONFIG SET {key} \"{wanted}\"   or let schedbench start its own \
             (apt-get install redis-server, no url_env)",
            need.who
        )));
    }
    let aof = aof_in_words(need);
    Ok(Box::new(Existing { address, version, aof, url_env: url_env.into() }))
}

/// A Redis that is not ours: asked and used, never signalled or changed.
struct Existing {
    address: Address,
    version: String,
    aof: String,
    url_env: String,
}

impl Running for Existing {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        None
    }

    fn describe(&self) -> String {
        let Self { address: Address { host, port, .. }, version, aof, url_env } = self;
        format!("redis {version} of {url_env} at {host}:{port} ({aof}), not ours")
    }

    fn restart(&mut self) -> Result<()> {
        Err(Error::Unfit(format!("the Redis of {} is not ours to restart", self.url_env)))
    }

    fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
