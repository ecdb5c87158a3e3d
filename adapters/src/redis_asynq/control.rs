//! The road of proof: what Redis holds of a queue, and how it is removed.

use prost::Message;
use redis::{Cmd, FromRedisValue, Value, cmd, from_redis_value};
use schedbench_contract::{Backlog, Error, Result, Server};

use super::connect::Steady;
use super::keys::{self, Keys};
use super::message::ServerInfo;
use super::places::Places;
use super::scripts;
use crate::clock;

/// Keys looked at per `SCAN`, and deleted per `UNLINK`.
const KEYS_PER_SCAN: usize = 1_000;
/// Tasks thrown away per call and state.
const PURGED_PER_CALL: usize = 500;
/// The settings that decide a result.
const SETTINGS: &[&str] = &[
    "appendonly",
    "appendfsync",
    "save",
    "maxmemory",
    "maxmemory-policy",
    "io-threads",
    "no-appendfsync-on-rewrite",
    "min-replicas-to-write",
];
/// Those of several masters.
const OF_MASTERS: &[&str] = &["cluster-require-full-coverage", "cluster-node-timeout"];

/// What of Redis we ask for of one queue.
pub(super) struct Control<'a> {
    pub(super) places: &'a Places,
    pub(super) keys: &'a Keys,
}

impl Control<'_> {
    /// The server of the queue.
    fn line(&self) -> &Steady {
        self.places.of(&self.keys.prefix)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        answer(self.line(), command).await
    }

    /// Asks about a key that is none of the queue's.
    async fn ask_of<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T> {
        answer(self.places.of(key), command).await
    }

    /// Name and version, as `INFO` says it.
    pub(super) async fn version(&self) -> Result<(String, String)> {
        let info: String = self.ask(cmd("INFO").arg("server")).await?;
        let field = |name: &str| {
            let mut lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(field, _)| *field == name).map(|(_, value)| value.trim().to_owned())
        };
        let redis = field("redis_version").ok_or_else(|| {
            Error::Version(format!("{} does not say which Redis it is", self.line().road.place()))
        })?;
        // Valkey keeps the last version of Redis that it descends from.
        let fork = field("server_name").zip(field("valkey_version"));
        check_version(self.line().road.place(), &redis)?;
        Ok(fork.unwrap_or(("redis".into(), redis)))
    }

    /// # Errors
    /// Something of this queue exists.
    pub(super) async fn must_be_unused(&self) -> Result<()> {
        let keys = self.keys;
        let mut is_known = cmd("SISMEMBER");
        let known: bool =
            self.ask_of(keys::QUEUES, is_known.arg(keys::QUEUES).arg(&keys.queue)).await?;
        if known {
            return Err(Error::NotOurs(format!("the queue {}", keys.queue)));
        }
        match self.next_keys(&mut Some(0)).await? {
            found if found.is_empty() => Ok(()),
            found => Err(Error::NotOurs(format!("the key {}", found[0]))),
        }
    }

    /// Makes the queue known.
    pub(super) async fn announce(&self) -> Result<()> {
        self.ask_of(keys::QUEUES, cmd("SADD").arg(keys::QUEUES).arg(&self.keys.queue)).await
    }

    /// The next keys of the queue, some or all of the rest; none at the end.
    async fn next_keys(&self, cursor: &mut Option<u64>) -> Result<Vec<String>> {
        let pattern = self.keys.pattern();
        while let Some(from) = *cursor {
            let mut scan = cmd("SCAN");
            scan.arg(from).arg("MATCH").arg(&pattern).arg("COUNT").arg(KEYS_PER_SCAN);
            let (next, found): (u64, Vec<String>) = self.ask(&scan).await?;
            *cursor = (next != 0).then_some(next);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Removes everything of the queue, tasks and servers included.
    pub(super) async fn remove(&self) -> Result<()> {
        let mut cursor = Some(0);
        loop {
            let found = self.next_keys(&mut cursor).await?;
            if found.is_empty() {
                break;
            }
            let _: u64 = self.ask(cmd("UNLINK").arg(found)).await?;
        }
        for server in self.servers(0).await? {
            let workers = server.replacen(keys::SERVERS, keys::WORKERS, 1);
            for (set, key) in [(keys::SERVERS, &server), (keys::WORKERS, &workers)] {
                let _: u64 = self.ask_of(set, cmd("ZREM").arg(set).arg(key)).await?;
            }
            // The server's name is in the braces of both.
            let _: u64 = self.ask_of(&server, cmd("UNLINK").arg(&server).arg(&workers)).await?;
        }
        // Names of servers that died longer ago; Asynq's inspector does the same.
        let now = clock::wall() / 1_000_000_000;
        for set in [keys::SERVERS, keys::WORKERS] {
            let mut forget = cmd("ZREMRANGEBYSCORE");
            let _: u64 = self.ask_of(set, forget.arg(set).arg("-inf").arg(now)).await?;
        }
        self.ask_of(keys::QUEUES, cmd("SREM").arg(keys::QUEUES).arg(&self.keys.queue)).await
    }

    /// Names of the servers of this queue that are expected to live at
    /// `unix_s` and whose keys exist.
    async fn servers(&self, unix_s: u64) -> Result<Vec<String>> {
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(keys::SERVERS).arg(unix_s).arg("+inf");
        let names: Vec<String> = self.ask_of(keys::SERVERS, &range).await?;
        let mut ours = Vec::new();
        for name in names {
            // One by one: each name may be with another master.
            let info: Option<Vec<u8>> = self.ask_of(&name, cmd("GET").arg(&name)).await?;
            let info = info.as_deref().and_then(|info| ServerInfo::decode(info).ok());
            if info.is_some_and(|info| info.queues.contains_key(&self.keys.queue)) {
                ours.push(name);
            }
        }
        Ok(ours)
    }

    /// How many worker processes say that they serve the queue.
    pub(super) async fn consumers(&self) -> Result<u32> {
        let servers = self.servers(clock::wall() / 1_000_000_000).await?;
        Ok(u32::try_from(servers.len()).unwrap_or(u32::MAX))
    }

    /// How many tasks are in each state.
    pub(super) async fn backlog(&self) -> Result<Backlog> {
        let keys = self.keys;
        let count = |command: &str, key: &String| {
            let mut count = cmd(command);
            count.arg(key);
            count
        };
        let counts = vec![
            count("LLEN", &keys.pending),
            count("LLEN", &keys.active),
            count("ZCARD", &keys.scheduled),
            count("ZCARD", &keys.retry),
            count("ZCARD", &keys.archived),
        ];
        let replies = self.line().send(counts).await?;
        replies.iter().try_for_each(|reply| self.line().road.accepts(reply))?;
        let number = |place: usize| match replies.get(place) {
            Some(Value::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        Ok(Backlog {
            ready: number(0),
            held: number(1),
            scheduled: number(2),
            retry: number(3),
            dead: number(4),
        })
    }

    /// Throws away what is pending, scheduled or between attempts.
    pub(super) async fn purge(&self) -> Result<()> {
        let keys = [&*self.keys.pending, &*self.keys.scheduled, &*self.keys.retry];
        let mut call = scripts::call(&scripts::PURGE, &keys, 0);
        call.arg(&self.keys.task).arg(PURGED_PER_CALL);
        while self.ask::<u64>(&call).await? > 0 {}
        Ok(())
    }

    /// Which server it is and how it is set.
    pub(super) async fn server(&self) -> Result<Server> {
        let (name, version) = self.version().await?;
        let mut settings = Vec::new();
        let of_masters = self.places.a_slot_of_each().map_or(&[][..], |_| OF_MASTERS);
        for &setting in SETTINGS.iter().chain(of_masters) {
            // Managed servers refuse CONFIG; then the settings stay unsaid.
            let mut get = cmd("CONFIG");
            get.arg("GET").arg(setting);
            let Ok(found) = self.ask::<Vec<(String, String)>>(&get).await else { continue };
            settings.extend(found);
        }
        settings.extend(self.line().road.settings_of_sentinels().await);
        let year = release_year(&name, &version);
        Ok(Server { name, version, year, settings })
    }
}

async fn answer<T: FromRedisValue>(line: &Steady, command: &Cmd) -> Result<T> {
    let reply = line.ask(command).await?;
    from_redis_value(reply)
        .map_err(|error| line.road.broken("reading an answer", &error.to_string()))
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Asynq's scripts need `ZRANGE … BYSCORE`, ours `RPOP` with a count: both
/// came with 6.2.
fn check_version(place: &str, version: &str) -> Result<()> {
    if major_and_minor(version).is_some_and(|version| version >= (6, 2)) {
        return Ok(());
    }
    Err(Error::Version(format!(
        "redis at {place} is version {version}; Asynq's protocol needs 6.2 or later"
    )))
}

/// The year in which a version line was first released.
fn release_year(name: &str, version: &str) -> Option<u16> {
    Some(match (name, major_and_minor(version)?) {
        ("redis", (6, 2)) => 2021,
        ("redis", (7, 0)) => 2022,
        ("redis", (7, 2)) => 2023,
        ("redis", (7, 4)) => 2024,
        ("redis", (8, 0 | 2 | 4)) => 2025,
        ("valkey", (7, 2) | (8, 0)) => 2024,
        ("valkey", (8, 1) | (9, 0)) => 2025,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_6_2_are_refused_with_what_is_needed() {
        for (version, accepted) in
            [("6.0.16", false), ("5.0.7", false), ("6.2.0", true), ("7.0.15", true), ("10.1", true)]
        {
            assert_eq!(check_version("h:1", version).is_ok(), accepted, "{version}");
        }
        let error = check_version("h:1", "6.0.16").expect_err("too old").to_string();
        assert!(
            error.contains("h:1") && error.contains("6.0.16") && error.contains("6.2"),
            "{error}"
        );
    }

    #[test]
    fn years_are_known_for_released_lines_only() {
        assert_eq!(release_year("redis", "7.0.15"), Some(2022));
        assert_eq!(release_year("valkey", "8.1.3"), Some(2025));
        assert_eq!(release_year("redis", "99.0.0"), None);
    }
}
