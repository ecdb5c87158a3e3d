//! RabbitMQ: started by us, or an existing one.

mod node;

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_adapters::amqp::Amqp;
use schedbench_adapters::tls;
use schedbench_contract::{Address, Broker, DurabilityClass};

use crate::environment::broker::{Entry, Ground, Leftovers, Need, Running, UrlForm};
use crate::environment::{Child, Error, Result, Spawner, disk, ports, rooms};
use node::{Node, STOP, start_mapper};

/// What the harness knows of it.
pub(crate) const ENTRY: Entry = Entry {
    broker: Broker::RabbitMq,
    program: "rabbitmq-server",
    program_env: "SCHEDBENCH_RABBITMQ_SERVER",
    remedy: "apt-get install rabbitmq-server",
    url_env: "AMQP_URL",
    url: UrlForm { scheme: "amqp", port: 5672, numbered_database: false, tls: tls::IS_HERE },
    oldest: (3, 8),
    find: || Some(PathBuf::from(DEBIAN)).filter(|path| path.exists()),
    version: version_of,
    ask,
    start,
    reach,
    leftovers,
    remove,
};

/// The server's own script in Debian's package. What that package has on PATH
/// is a wrapper that becomes another user and stays between us and the server.
const DEBIAN: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// Every queue of ours is named so, and no other.
const QUEUE: &str = "schedbench.";
/// One login.
const ANSWER: Duration = Duration::from_secs(5);

/// The server's own script behind Debian's wrapper; the program itself otherwise.
fn behind_wrapper(program: &Path) -> PathBuf {
    let real = program.canonicalize().unwrap_or_else(|_| program.into());
    let is_wrapper = real.file_name() == Some(OsStr::new("rabbitmq-script-wrapper"));
    let script = real.with_file_name("rabbitmq-server");
    if is_wrapper && script.exists() { script } else { program.into() }
}

/// The version of a `rabbitmq-server` script, read from the names of the
/// server's own parts: asking it would start an Erlang machine for seconds.
fn version_of(program: &Path) -> Option<String> {
    // <home>/sbin/rabbitmq-server, <home>/plugins/rabbit-3.10.8 (or …8.ez)
    let script = behind_wrapper(program).canonicalize().ok()?;
    let plugins = script.parent()?.parent()?.join("plugins");
    let names = std::fs::read_dir(plugins).ok()?.flatten();
    names.filter_map(|entry| version_in(entry.file_name().to_str()?)).next()
}

fn version_in(plugin: &str) -> Option<String> {
    let version = plugin.strip_prefix("rabbit-")?;
    let version = version.strip_suffix(".ez").unwrap_or(version);
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
}

/// Starts one of our own: a port mapper and a node.
fn start(program: &Path, ground: &Ground<'_>, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let program = behind_wrapper(program);
    let keeper = ground.keeper.spawner();
    let mut tries = 0;
    loop {
        tries += 1;
        // A new one for each try: a node that died half-way may have left half a database.
        let room = ground.rooms.room("rabbitmq")?;
        if need.profile.claims.durability == DurabilityClass::PowerLoss {
            disk::refuse_memory(&room, need)?;
        }
        let log = ground.logs.join(room.file_name().unwrap_or_default()).with_extension("log");
        let address = Address {
            host: "127.0.0.1".into(),
            port: ports::free()?,
            user: Some("schedbench".into()),
            password: Some(rooms::password()?),
            database: None,
            tls: false,
        };
        let node = Node {
            program: program.clone(),
            who: need.who.into(),
            log: log.clone(),
            room: room.clone(),
            address,
            mapper: ports::free()?,
            distribution: ports::free()?,
            settings: need.profile.broker_settings,
        };
        node.furnish()?;
        let mapper = match start_mapper(&keeper, need.who, &log, node.mapper) {
            Ok(mapper) => mapper,
            Err(Error::Died(_)) if tries < 5 => continue,
            Err(error) => return Err(error),
        };
        match node.start(&keeper) {
            Ok((child, version)) => {
                return Ok(Box::new(Own { node, keeper, mapper, child, version }));
            }
            Err(error) => {
                mapper.kill();
                // Somebody took a port between our look and its bind.
                match &error {
                    Error::Died(_) if tries < 5 && is_port_taken(&log) => {}
                    _ => return Err(error),
                }
            }
        }
    }
}

fn is_port_taken(log: &Path) -> bool {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("eaddrinuse")
}

/// A RabbitMQ of our own.
struct Own {
    node: Node,
    keeper: Spawner,
    mapper: Child,
    child: Child,
    version: String,
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.node.address
    }

    fn child(&self) -> Option<&Child> {
        Some(&self.child)
    }

    fn describe(&self) -> String {
        let Address { host, port, .. } = &self.node.address;
        format!("rabbitmq {} started on {host}:{port}", self.version)
    }

    fn restart(&mut self) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        if self.mapper.ended().is_some() {
            let Node { who, log, mapper, .. } = &self.node;
            self.mapper = start_mapper(&self.keeper, who, log, *mapper)?;
        }
        let (child, version) = self.node.start(&self.keeper)?;
        self.child = child;
        self.version = version;
        Ok(())
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        self.mapper.terminate(Instant::now() + STOP);
        let room = &self.node.room;
        match std::fs::remove_dir_all(room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}

/// The version of an existing one.
fn ask(address: &Address) -> std::io::Result<String> {
    let amqp = Amqp::sign_in(address, Instant::now() + ANSWER)?;
    let server = amqp.server().clone();
    let _ = amqp.close();
    if server.product != "RabbitMQ" {
        return Err(std::io::Error::other(format!("it is {:?}, not RabbitMQ", server.product)));
    }
    Ok(server.version)
}

/// Reaches an existing one. What its `rabbitmq.conf` says cannot be asked over
/// AMQP, so a profile that needs settings there is refused.
fn reach(address: Address, url_env: &str, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let place = format!("the RabbitMQ of {url_env} ({}:{})", address.host, address.port);
    if let Some((key, value)) = need.profile.broker_settings.first() {
        return Err(Error::Unfit(format!(
            "{}: this profile needs {key} = {value}, and {place} does not say over AMQP what it \
             has\n  Let schedbench start its own (apt-get install rabbitmq-server, no url_env)",
            need.who
        )));
    }
    let asked = ask(&address);
    let version = asked.map_err(Error::io(format!("{}: asking {place}", need.who)))?;
    if ENTRY.is_too_old(&version) {
        let (major, minor) = ENTRY.oldest;
        return Err(Error::Unfit(format!(
            "{}: {place} is {version}; {major}.{minor} or later is needed",
            need.who
        )));
    }
    Ok(Box::new(Existing { address, version, url_env: url_env.into() }))
}

/// A RabbitMQ that is not ours: used, never signalled or changed.
struct Existing {
    address: Address,
    version: String,
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
        let Self { address: Address { host, port, .. }, version, url_env } = self;
        format!("rabbitmq {version} of {url_env} at {host}:{port}, not ours")
    }

    fn restart(&mut self) -> Result<()> {
        Err(Error::Unfit(format!("the RabbitMQ of {} is not ours to restart", self.url_env)))
    }

    fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// AMQP has no way to list queues, and the management plugin is not on everywhere.
fn leftovers(_: &Address) -> std::io::Result<Leftovers> {
    Err(std::io::Error::new(
        ErrorKind::Unsupported,
        "queues cannot be listed over AMQP; on its host: \
         rabbitmqctl list_queues name | grep '^schedbench[.]'",
    ))
}

/// Deletes the queues of that names.
fn remove(address: &Address, found: &Leftovers) -> std::io::Result<()> {
    let mut amqp = Amqp::sign_in(address, Instant::now() + ANSWER)?;
    for queue in found.keys().filter(|queue| queue.starts_with(QUEUE)) {
        amqp.delete_queue(queue)?;
    }
    amqp.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_took_is_seen_in_the_log() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        let said = "[error] <0.659.0> Failed to start Ranch listener {acceptor,{127,0,0,1},21998} \
                    in ranch_tcp:listen(#{…}) for reason eaddrinuse (address already in use)";
        assert!(!is_port_taken(&log));
        std::fs::write(&log, said).expect("a file");
        assert!(is_port_taken(&log));
    }

    #[test]
    fn the_version_is_in_the_name_of_the_servers_main_part() {
        assert_eq!(version_in("rabbit-3.10.8").as_deref(), Some("3.10.8"));
        assert_eq!(version_in("rabbit-3.8.9.ez").as_deref(), Some("3.8.9"));
        for other in ["rabbit_common-3.10.8", "rabbitmq_prelaunch-3.10.8", "rabbit-", "rabbit"] {
            assert_eq!(version_in(other), None, "{other}");
        }
    }
}
