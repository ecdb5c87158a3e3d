//! Redis: one, a primary with replicas and sentinels, or masters that divide the
//! keys among them, started by us; or an existing one.

mod cluster;
mod config;
mod existing;
mod member;
mod own;
mod shards;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use schedbench_adapters::tls;
use schedbench_contract::{Address, Broker, Topology};

use crate::environment::broker::{Entry, Ground, Need, Running, UrlForm};
use crate::environment::resp::Resp;
use crate::environment::{Error, Result, disk, leftovers};

/// What the harness knows of it.
pub(crate) const ENTRY: Entry = Entry {
    broker: Broker::Redis,
    program: "redis-server",
    program_env: "SCHEDBENCH_REDIS_SERVER",
    remedy: "apt-get install redis-server",
    url_env: "REDIS_URL",
    url: UrlForm { scheme: "redis", port: 6379, numbered_database: true, tls: tls::IS_HERE },
    oldest: (6, 2),
    find: || None,
    version: version_of,
    ask,
    start,
    reach: existing::reach,
    leftovers: leftovers::queues,
    remove: leftovers::remove,
};

/// From its start to its first PONG; a long AOF is read before that.
const START: Duration = Duration::from_secs(60);
/// From SIGTERM to SIGKILL.
const STOP: Duration = Duration::from_secs(5);
/// One question.
const ANSWER: Duration = Duration::from_secs(5);

/// The version of a `redis-server` program.
pub(crate) fn version_of(program: &Path) -> Option<String> {
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    // Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 …
    let text = String::from_utf8_lossy(&said.stdout);
    text.split_whitespace().find_map(|word| word.strip_prefix("v=")).map(str::to_owned)
}

/// Starts one of our own, or a cluster.
fn start(program: &Path, ground: &Ground<'_>, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let room = ground.rooms.room("redis")?;
    if need.profile.broker_settings.contains(&("appendfsync", "always")) {
        disk::refuse_memory(&room, need)?;
    }
    let log = log_for(&room, ground.logs);
    let mut tries = 0;
    loop {
        tries += 1;
        let place = (room.as_path(), log.as_path());
        let started: Result<Box<dyn Running>> = match need.profile.topology {
            Topology::Single => own::Own::start(program, place, ground, need).map(|it| it as _),
            Topology::Cluster => {
                cluster::Own::start(program, place, ground, need).map(|it| it as _)
            }
            Topology::Shards => shards::Own::start(program, place, ground, need).map(|it| it as _),
        };
        match started {
            // Somebody took the port between our look and its bind.
            Err(Error::Died(died)) if tries < 5 && is_port_taken(&died.log) => {}
            started => return started,
        }
    }
}

/// The log is named like the room, so that restarts append to one file.
fn log_for(room: &Path, logs: &Path) -> PathBuf {
    let name = room.file_name().unwrap_or(OsStr::new("redis"));
    logs.join(name).with_extension("log")
}

fn is_port_taken(log: &[String]) -> bool {
    log.iter().any(|line| line.contains("Address already in use"))
}

/// Signs in, makes sure that it is not still loading, and asks who it is.
fn ask_version(address: &Address, deadline: Instant) -> std::io::Result<String> {
    let mut redis = Resp::connect(address, deadline)?;
    redis.ask_text(&["PING"])?;
    version(&mut redis)
}

/// The version of an existing one.
pub(crate) fn ask(address: &Address) -> std::io::Result<String> {
    ask_version(address, Instant::now() + ANSWER)
}

fn version(redis: &mut Resp) -> std::io::Result<String> {
    let info = redis.ask_text(&["INFO", "server"])?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or("unknown").trim().to_owned())
}
