//! Real Redises, a primary and its replicas, with sentinels: formed, hurt and
//! ended by the harness.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench::environment::{Entry, Ground, Need, Rooms, Running};
use schedbench_contract::{Address, Broker, Profile, Topology};

use crate::ground::{self, aim, is_listened_on, listening, sign_in};

/// Sentinels that act soon.
static CLUSTER: Profile = Profile {
    topology: Topology::Cluster,
    ..ground::profile(&[
        ("appendonly", "yes"),
        ("sentinel down-after-milliseconds", "1000"),
        ("sentinel failover-timeout", "10000"),
    ])
};
/// A busy machine may take so long to fail over, or to take a former primary back.
const PATIENCE: Duration = Duration::from_secs(150);

/// Keeper, logs and rooms, and a cluster on them.
macro_rules! stand {
    ($redis:ident, $rooms:ident) => {
        let (keeper, logs, root) = ground::stand();
        let $rooms = Rooms::open_in(root.path(), None).expect("rooms");
        let ground = Ground { keeper: &keeper, rooms: &$rooms, logs: logs.path() };
        let need =
            Need { who: "redis-asynq/test", profile: &CLUSTER, url_env: None, by_proxies: false };
        let $redis = Entry::of(Broker::Redis).have(&ground, &need).expect("a cluster");
    };
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a process has open to be called at.
fn port_of(pid: i32) -> u16 {
    let text = fs::read_to_string(format!("/proc/{pid}/cmdline")).expect("it lives");
    // redis-server 127.0.0.1:21734
    let port = text.rsplit(':').next().expect("a port");
    port.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a port")
}

/// The nodes' addresses, in their order.
fn nodes(redis: &dyn Running) -> Vec<Address> {
    let at = |pid| Address { port: port_of(pid), ..redis.address().clone() };
    redis.children().into_iter().map(|child| at(child.pid())).collect()
}

fn says(at: &Address, section: &str, line: &str) -> bool {
    sign_in(at).ask(&format!("INFO {section}")).lines().any(|said| said == line)
}

#[test]
fn it_forms_is_closed_to_others_and_leaves_nothing() {
    stand!(redis, rooms);
    let said = redis.describe();
    assert!(
        said.starts_with("redis ") && said.contains(" started on 127.0.0.1: a primary with its "),
        "{said}"
    );
    redis.check().expect("all live");
    let nodes = nodes(&*redis);
    assert_eq!((nodes.len(), redis.leader("any").expect("a primary")), (3, 0));
    assert!(says(&nodes[0], "replication", "connected_slaves:2"));
    for replica in &nodes[1..] {
        assert!(says(replica, "replication", "master_link_status:up"));
        assert!(ground::stranger(replica).ask("PING").starts_with("NOAUTH"));
    }
    assert!(says(redis.address(), "server", "redis_mode:sentinel"));
    assert!(ground::stranger(redis.address()).ask("PING").starts_with("NOAUTH"));
    assert_eq!(aim(redis.address()).ask("SET it stays"), "OK", "the sentinels say where");
    for replica in &nodes[1..] {
        wait("a copy", || sign_in(replica).ask("GET it") == "stays");
    }

    let password = redis.address().password.clone().expect("a password").0;
    let mut seen = 0;
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        for file in ["cmdline", "environ"] {
            let text = fs::read(process.path().join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&password), "{}/{file}", process.path().display());
            seen += usize::from(text.contains("[sentinel]"));
        }
    }
    assert!(seen >= 3, "the sentinels themselves were looked at");
    // Each reads its own, and nobody else reads it.
    let mut ports = Vec::new();
    for file in files(rooms.path()) {
        let text = String::from_utf8_lossy(&fs::read(&file).expect("a file")).into_owned();
        if text.contains(&password) {
            let dir = file.parent().expect("a directory");
            let mode = dir.metadata().expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is for nobody else", dir.display());
            let port = text.lines().find_map(|line| line.strip_prefix("port "));
            ports.push(port.expect("a port").parse::<u16>().expect("a number"));
        }
    }
    assert_eq!(ports.len(), 6);
    assert!(nodes.iter().chain([redis.address()]).all(|known| ports.contains(&known.port)));
    for port in &ports {
        let heard: Vec<_> = listening().into_iter().filter(|(_, on)| on == port).collect();
        assert_eq!(heard, [(0x7f00_0001, *port)]);
    }
    redis.stop().expect("it ends");
    assert!(!ports.into_iter().any(is_listened_on));
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_primary_that_is_killed_is_replaced_and_follows_when_it_is_back() {
    stand!(redis, rooms);
    let mut redis = redis;
    let nodes = nodes(&*redis);
    let first = redis.leader("any").expect("a primary");
    assert_eq!(aim(redis.address()).ask("SET it stays"), "OK");
    assert_eq!(aim(redis.address()).ask("WAIT 2 10000"), "2");
    assert_eq!(redis.children()[first].kill().signal, Some(9));
    let died = redis.check().expect_err("one is dead").to_string();
    assert!(died.contains("node 1: broker died"), "{died}");
    assert!(redis.leader("any").is_err(), "the dead one leads nothing");
    wait("another to be promoted", || redis.leader("any").is_ok_and(|place| place != first));
    let second = redis.leader("any").expect("a primary");
    assert_eq!(aim(redis.address()).ask("GET it"), "stays");
    assert_eq!(aim(redis.address()).ask("SET it changed"), "OK");

    redis.restart_nodes(&[first]).expect("it comes back");
    redis.check().expect("all live");
    wait("it to follow", || {
        says(&nodes[first], "replication", "role:slave")
            && says(&nodes[first], "replication", "master_link_status:up")
    });
    assert_eq!(sign_in(&nodes[first]).ask("GET it"), "changed");

    // All at once; they know what they were.
    for child in redis.children() {
        child.kill();
    }
    redis.restart().expect("they come back");
    redis.check().expect("all live");
    wait("a primary", || redis.leader("any").is_ok());
    assert_eq!(aim(redis.address()).ask("GET it"), "changed");
    println!("{second} led after {first}, then {:?}", redis.leader("any"));
    redis.stop().expect("it ends");
    assert_eq!(fs::read_dir(rooms.path()).expect("the directory").count(), 1);
}
