//! Redis: started by us, or an existing one.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use schedbench_adapters::tls;
use schedbench_contract::{Address, Broker, Secret};

use crate::environment::broker::{Entry, Ground, Need, Running, UrlForm};
use crate::environment::healthy::{Patience, last_lines};
use crate::environment::resp::{Reply, Resp};
use crate::environment::{Child, Error, Result, Spawner, Spec, disk, leftovers, ports, rooms};

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
    reach,
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

/// Starts one of our own.
pub(crate) fn start(
    program: &Path,
    ground: &Ground<'_>,
    need: &Need<'_>,
) -> Result<Box<dyn Running>> {
    let room = ground.rooms.room("redis")?;
    if need.profile.broker_settings.contains(&("appendfsync", "always")) {
        disk::refuse_memory(&room, need)?;
    }
    let log = log_for(&room, ground.logs);
    let mut tries = 0;
    loop {
        tries += 1;
        let address = Address {
            host: "127.0.0.1".into(),
            port: ports::free()?,
            user: None,
            password: Some(rooms::password()?),
            database: None,
            tls: false,
            others: Vec::new(),
        };
        let config = config(&address, &room, program, need);
        let how = How { program: program.into(), name: need.who.into(), log: log.clone(), config };
        match how.start(&ground.keeper.spawner(), &address) {
            Ok((child, version)) => {
                let aof = aof_in_words(need);
                let keeper = ground.keeper.spawner();
                return Ok(Box::new(Own { how, keeper, room, address, child, version, aof }));
            }
            // Somebody took the port between our look and its bind.
            Err(Error::Died(died)) if tries < 5 && is_port_taken(&died.log) => {}
            Err(error) => return Err(error),
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

/// The whole configuration, for standard input: the password is in no argument
/// list and no file.
fn config(address: &Address, room: &Path, program: &Path, need: &Need<'_>) -> Secret {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| {
        lines.retain(|(known, _)| known != key);
        lines.push((key.into(), value));
    };
    set("daemonize", "no".into());
    // Standard output, which the keeper writes to the log.
    set("logfile", quoted(b""));
    set("save", quoted(b""));
    set("appendonly", "no".into());
    for (key, value) in need.profile.broker_settings {
        set(key, quoted(value.trim_matches('"').as_bytes()));
    }
    set("bind", address.host.clone());
    set("port", address.port.to_string());
    set("dir", quoted(room.as_os_str().as_bytes()));
    set("requirepass", address.password.as_ref().map_or_else(String::new, |word| word.0.clone()));
    let major = version_of(program).and_then(|v| v.split('.').next()?.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 7) {
        set("enable-debug-command", "no".into());
    }
    Secret(lines.iter().map(|(key, value)| format!("{key} {value}\n")).collect())
}

/// In Redis's double quotes any byte can be written as `\xhh`.
fn quoted(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let inner: String = bytes
        .iter()
        .map(|&byte| if plain(byte) { char::from(byte).into() } else { format!("\\x{byte:02x}") })
        .collect();
    format!("\"{inner}\"")
}

fn aof_in_words(need: &Need<'_>) -> String {
    let find = |wanted| need.profile.broker_settings.iter().find(|(key, _)| *key == wanted);
    match (find("appendonly"), find("appendfsync")) {
        (Some((_, "yes")), Some((_, fsync))) => format!("AOF {fsync}"),
        (Some((_, "yes")), None) => "AOF everysec".into(),
        _ => "no AOF".into(),
    }
}

/// How it is started, the first time and again.
struct How {
    program: PathBuf,
    name: String,
    log: PathBuf,
    config: Secret,
}

impl How {
    /// Starts it and waits until it answers with its version.
    fn start(&self, keeper: &Spawner, address: &Address) -> Result<(Child, String)> {
        let mut spec = Spec::new(&self.name, &self.program, self.log.clone());
        spec.args.push("-".into());
        spec.stdin = self.config.0.clone().into_bytes();
        let start = Patience { what: "broker", within: START, told: last_lines };
        // Only ours knows the password, so an answer is ours.
        start.until_it_answers(keeper, spec, |by| ask_version(address, by).ok())
    }
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

/// A Redis of our own.
struct Own {
    how: How,
    keeper: Spawner,
    room: PathBuf,
    address: Address,
    child: Child,
    version: String,
    aof: String,
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        Some(&self.child)
    }

    fn describe(&self) -> String {
        let Address { host, port, .. } = &self.address;
        format!("redis {} started on {host}:{port} ({})", self.version, self.aof)
    }

    fn restart(&mut self) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        let (child, version) = self.how.start(&self.keeper, &self.address)?;
        self.child = child;
        self.version = version;
        Ok(())
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        match std::fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", self.room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}

/// Reaches an existing one and makes sure that it is configured as needed: a
/// result is never measured under a class that its broker does not have.
pub(crate) fn reach(address: Address, url_env: &str, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let place = format!("the Redis of {url_env} ({}:{})", address.host, address.port);
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
