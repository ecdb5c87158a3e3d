//! RabbitMQ: started by us, or an existing one.

mod cluster;
mod disk_limit;
mod effective;
mod erlang;
mod existing;
mod leader;
mod mirrors;
mod node;
mod place;

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schedbench_adapters::tls;
use schedbench_contract::{Address, Broker, DurabilityClass, Profile};

use crate::environment::broker::{Entry, Ground, Need, Running, UrlForm};
use crate::environment::{Died, Error, Network, Result, disk, ports, rooms};
use cluster::Own;
use existing::{ask, leftovers, reach, remove};
use node::{MAPPER, Node};
use place::Place;

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

/// Why a server of that version cannot be what a profile needs.
pub(crate) fn lacks(version: &str, profile: &Profile) -> Option<String> {
    let is_in_vain =
        mirrors::are_asked_for(profile.broker_settings) && !mirrors::are_known_to(version);
    is_in_vain
        .then(|| format!("rabbitmq {version} has no mirrored classic queues: 4.0 removed them."))
}

/// Starts one of our own: port mappers and as many nodes as the profile needs.
fn start(program: &Path, ground: &Ground<'_>, need: &Need<'_>) -> Result<Box<dyn Running>> {
    if let Some(why) = version_of(program).and_then(|version| lacks(&version, need.profile)) {
        return Err(Error::Unfit(format!("{}: {}: {why}", need.who, program.display())));
    }
    let program = behind_wrapper(program);
    let mut tries = 0;
    loop {
        tries += 1;
        // A new one for each try: a node that died half-way may have left half a database.
        let room = ground.rooms.room("rabbitmq")?;
        // Quorum queues, which fsync before they confirm.
        let fsyncs = [DurabilityClass::PowerLoss, DurabilityClass::Replicated];
        if fsyncs.contains(&need.profile.claims.durability) {
            disk::refuse_memory(&room, need)?;
        }
        let log = ground.logs.join(room.file_name().unwrap_or_default()).with_extension("log");
        let network = ground.keeper.spawner().network();
        let nodes = nodes(&program, &room, &log, need, network)?;
        match Own::start(need.who, nodes, (&room, &log), ground.keeper.spawner()) {
            Ok(own) => return Ok(Box::new(own)),
            Err(Error::Died(died)) if tries < 5 && lost_a_port(&died) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The nodes to be: one in the room itself, or several in directories below.
fn nodes(
    program: &Path,
    room: &Path,
    log: &Path,
    need: &Need<'_>,
    network: Option<Arc<Network>>,
) -> Result<Vec<Node>> {
    let count = need.profile.topology.nodes();
    let mut ports = distinct_ports(1 + 2 * count)?.into_iter();
    let mut port = || ports.next().unwrap_or_default();
    let mapper = port();
    let (password, cookie) = (rooms::password()?, rooms::password()?);
    let id = rooms::number()?;
    let places: Vec<Place> = (0..count).map(|at| Place::of(network.as_ref(), at)).collect();
    let name = |(at, place): (usize, &Place)| format!("b{}-{id:08x}@{}", at + 1, place.host());
    let names: Vec<String> = places.iter().enumerate().map(name).collect();
    let cluster = if count == 1 { Vec::new() } else { names.clone() };
    let node = |(index, (name, place)): (usize, (String, Place))| {
        let part = format!("node-{}", index + 1);
        let mut node = Node {
            program: program.into(),
            who: need.who.into(),
            name,
            cluster: cluster.clone(),
            cookie: cookie.clone(),
            log: log.into(),
            room: room.into(),
            address: Address {
                host: place.address.to_string(),
                port: port(),
                user: Some("schedbench".into()),
                password: Some(password.clone()),
                database: None,
                tls: false,
                others: Vec::new(),
            },
            mapper,
            distribution: port(),
            settings: need.profile.broker_settings,
            place,
        };
        if count > 1 {
            node.who = format!("{} {part}", need.who);
            node.log = log.with_extension(format!("{part}.log"));
            node.room = room.join(&part);
            let made = DirBuilder::new().mode(0o700).create(&node.room);
            made.map_err(Error::io(format!("making {}", node.room.display())))?;
        }
        Ok(node)
    };
    let named = names.into_iter().zip(places).enumerate();
    let mut nodes: Vec<Node> = named.map(node).collect::<Result<_>>()?;
    let addresses: Vec<(String, u16)> =
        nodes.iter().map(|node| (node.address.host.clone(), node.address.port)).collect();
    for (at, node) in nodes.iter_mut().enumerate() {
        let others = addresses.iter().enumerate().filter(|(other, _)| *other != at);
        node.address.others = others.map(|(_, address)| address.clone()).collect();
    }
    Ok(nodes)
}

/// Free ports, no two of them the same.
fn distinct_ports(count: usize) -> Result<Vec<u16>> {
    let mut ports = Vec::with_capacity(count);
    while ports.len() < count {
        let port = ports::free()?;
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    Ok(ports)
}

/// Whether somebody took a port between our look and its bind.
fn lost_a_port(died: &Died) -> bool {
    died.what == MAPPER || is_port_taken(&died.full_log)
}

fn is_port_taken(log: &Path) -> bool {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("eaddrinuse")
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
