//! A Kafka of our own: one node, or a cluster of three.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use schedbench_contract::Address;

use super::java::Java;
use super::jvm::Jvm;
use super::nodes::{Nodes, Plan};
use super::{libs_of, quick, version_of};
use crate::environment::broker::{Ground, Need, Running};
use crate::environment::{Child, Error, Keeper, Result, Rooms, disk, small_disk};
use crate::fault::Doors;

/// How often other ports are tried.
const TRIES: usize = 5;

/// Starts one.
pub(super) fn start(
    program: &Path,
    ground: &Ground<'_>,
    need: &Need<'_>,
) -> Result<Box<dyn Running>> {
    let java = Java::find()?;
    let java_version = java.version.clone();
    let version = version_of(program).ok_or_else(|| {
        let libs = libs_of(program);
        Error::Unfit(format!("{}: there is no Kafka in {}", need.who, libs.display()))
    })?;
    let room = ground.rooms.room("kafka")?;
    if flush_in_words(need) != NO_FLUSH {
        disk::refuse_memory(&room, need)?;
    }
    let log = log_for(&room, ground.logs);
    let jvm = Jvm::new(java, &libs_of(program), &room, ground.keeper.spawner())?;
    let quick = quick::have_or_say(&jvm, &room, &log);
    let plan = Plan {
        jvm: &jvm,
        nodes: need.profile.topology.nodes(),
        who: need.who,
        settings: need.profile.broker_settings,
        room: &room,
        log: &log,
        quick: quick.as_ref(),
        options: &[],
        by_proxies: need.by_proxies,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let mut nodes = Nodes::make(&plan)?;
        match nodes.start() {
            Ok(()) => {
                let flush = flush_in_words(need);
                let (java, address) = (java_version, nodes.address());
                return Ok(Box::new(Own { nodes, address, room, version, java, flush }));
            }
            // Somebody took a port between our look and its bind.
            Err(Error::Died(died)) if tries < TRIES && is_port_taken(&died.full_log) => {
                nodes.forget();
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes what spares every start time, before any run.
///
/// # Errors
/// There is no Java, or no place for a Kafka to run in.
pub(super) fn prepare(
    program: &Path,
    keeper: &Keeper,
    rooms: &Rooms,
    say: &mut dyn FnMut(&str),
) -> Result<()> {
    let room = rooms.room("kafka")?;
    let jvm = Jvm::new(Java::find()?, &libs_of(program), &room, keeper.spawner())?;
    quick::prepare(&jvm, &room, say);
    Ok(())
}

/// The log is named like the room, so that restarts append to one file.
fn log_for(room: &Path, logs: &Path) -> PathBuf {
    let name = room.file_name().unwrap_or(OsStr::new("kafka"));
    logs.join(name).with_extension("log")
}

fn is_port_taken(log: &Path) -> bool {
    let text = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("Address already in use")
}

const NO_FLUSH: &str = "page cache";

pub(super) fn flush_in_words(need: &Need<'_>) -> String {
    let settings = need.profile.broker_settings.iter();
    let every = settings.copied().find(|(key, _)| *key == "log.flush.interval.messages");
    every.map_or_else(|| NO_FLUSH.into(), |(_, every)| format!("fsync every {every} records"))
}

/// A Kafka of our own.
struct Own {
    nodes: Nodes,
    /// Of all nodes.
    address: Address,
    room: PathBuf,
    version: String,
    java: String,
    flush: String,
}

/// A node with nothing to do takes 2 to 3 % of a core for its timers and the
/// quorum's (seen: 3 of 5 cells waited their whole minute for it to take 2 %).
const IDLE_SHARE: f64 = 0.05;

impl Running for Own {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        self.nodes.all()[0].child.as_ref()
    }

    fn children(&self) -> Vec<&Child> {
        self.nodes.all().iter().filter_map(|node| node.child.as_ref()).collect()
    }

    fn doors(&self) -> Option<&Doors> {
        self.nodes.doors()
    }

    fn idle_share(&self) -> f64 {
        IDLE_SHARE
    }

    fn describe(&self) -> String {
        let Self { nodes, version, java, flush, .. } = self;
        let ports: Vec<String> =
            nodes.all().iter().map(|node| node.address.port.to_string()).collect();
        let (host, ports) = (&self.address().host, ports.join(", "));
        let many = match nodes.all().len() {
            1 => String::new(),
            many => format!("{many} nodes, "),
        };
        format!("kafka {version} started on {host}:{ports} ({many}KRaft, {flush}, Java {java})")
    }

    fn check_all_but(&self, hurt: &[usize]) -> Result<()> {
        let nodes = self.nodes.all().iter().enumerate();
        let mut others = nodes.filter(|(place, _)| !hurt.contains(place));
        others.try_for_each(|(_, node)| node.check())
    }

    fn leader(&self, queue: &str) -> Result<usize> {
        self.nodes.leader(queue)
    }

    fn pauses(&self, stretch: &Range<u64>) -> Option<Vec<Range<u64>>> {
        Some(self.nodes.all().iter().flat_map(|node| node.safepoints.within(stretch)).collect())
    }

    fn restart(&mut self) -> Result<()> {
        self.nodes.end(|_| true);
        self.nodes.start()
    }

    fn restart_nodes(&mut self, places: &[usize]) -> Result<()> {
        self.nodes.end(|place| places.contains(&place));
        self.nodes.start_again(places)
    }

    fn move_to_small_disk(&mut self) -> Result<()> {
        self.nodes.end(|_| true);
        self.nodes.move_to_small_disks()?;
        self.nodes.start()
    }

    fn fill_disk(&mut self) -> Result<&'static str> {
        small_disk::fill(self.nodes.disks())
    }

    fn free_disk(&mut self) -> Result<()> {
        small_disk::free(self.nodes.disks())
    }

    /// What they keep goes too, so that they need not say goodbye: three take
    /// 6 s for that.
    fn stop(self: Box<Self>) -> Result<()> {
        self.nodes.kill();
        match fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", self.room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}
