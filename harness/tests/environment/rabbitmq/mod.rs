//! A real RabbitMQ: started, asked, hurt and ended by the harness.

mod cluster;
mod one;
mod paused;

use std::fs;
use std::path::{Path, PathBuf};

use schedbench::environment::{Entry, Ground, Need, Running};
use schedbench_contract::{Broker, Profile, Topology};

use crate::ground::{is_alive, profile};

/// What every profile asks for: nothing.
static PLAIN: Profile = profile(&[]);
/// What `quorum-3` asks for.
static THREE: Profile = Profile { topology: Topology::Cluster, ..profile(&[]) };

fn need(profile: &Profile) -> Need<'_> {
    Need { who: "rabbitmq/test", profile, url_env: None, by_proxies: false }
}

fn start(at: &Ground<'_>) -> Box<dyn Running> {
    Entry::of(Broker::RabbitMq).have(at, &need(&PLAIN)).expect("a rabbitmq")
}

/// Keeper, logs and rooms, and the ground on them.
macro_rules! stand {
    ($ground:ident, $logs:ident, $rooms:ident) => {
        let (keeper, $logs, root) = ground::stand();
        let $rooms = Rooms::open_in(root.path(), None).expect("rooms");
        let $ground = Ground { keeper: &keeper, rooms: &$rooms, logs: $logs.path() };
    };
}
pub(crate) use stand;

/// Processes whose environment or command line names that directory.
fn of_room(room: &Path) -> Vec<i32> {
    let room = room.display().to_string();
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse::<i32>().ok()?;
        let names = |file: &str| {
            let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(&room)
        };
        (names("environ") || names("cmdline")).then_some(pid)
    })
    .filter(|&pid| is_alive(pid))
    .collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Addresses on which a process listens, IPv4 and IPv6, as the kernel prints
/// them: each of its sockets' inodes is looked for among the listening ones.
fn listened_on_by(pid: i32) -> Vec<String> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten();
    let inodes: Vec<String> = descriptors
        .filter_map(|descriptor| {
            let link = fs::read_link(descriptor.path()).ok()?;
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words[3] == "0A" && inodes.iter().any(|inode| inode == words[9]) {
                found.push(words[1].to_owned());
            }
        }
    }
    found
}
