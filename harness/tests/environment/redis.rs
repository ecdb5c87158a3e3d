//! A real `redis-server`: started, asked, hurt and ended by the harness.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use schedbench::environment::{Entry, Error, Ground, Need, Rooms, Running};
use schedbench_adapters::slots;
use schedbench_contract::{Address, Broker, Profile, Topology};

use crate::ground::{
    self, AOF_ALWAYS, BROKEN, MEMORY, aim, is_listened_on, listening, sign_in, soon,
};

/// More than one Redis can be.
static CLUSTER: Profile =
    Profile { topology: Topology::Cluster, ..ground::profile(&[("appendonly", "yes")]) };

/// Masters that divide the keys among them.
static SHARDS: Profile = Profile {
    topology: Topology::Shards,
    ..ground::profile(&[("appendonly", "yes"), ("cluster-require-full-coverage", "no")])
};

fn need(profile: &Profile) -> Need<'_> {
    Need { who: "redis-asynq/test", profile, url_env: None, by_proxies: false }
}

fn start(at: &Ground<'_>, profile: &Profile) -> Box<dyn Running> {
    Entry::of(Broker::Redis).have(at, &need(profile)).expect("a redis")
}

/// Keeper, logs and rooms, and the ground on them.
macro_rules! stand {
    ($ground:ident, $logs:ident, $rooms:ident) => {
        let (keeper, $logs, root) = ground::stand();
        let $rooms = Rooms::open_in(root.path(), None).expect("rooms");
        let $ground = Ground { keeper: &keeper, rooms: &$rooms, logs: $logs.path() };
    };
}

#[test]
fn it_starts_survives_a_kill_and_leaves_nothing() {
    stand!(at, logs, rooms);
    let mut redis = start(&at, &AOF_ALWAYS);
    assert!(redis.describe().starts_with("redis ") && redis.describe().ends_with("(AOF always)"));
    redis.check().expect("alive");

    let mut asked = aim(redis.address());
    assert_eq!(asked.ask("SET it stays"), "OK");
    assert_eq!(asked.ask("CONFIG GET appendfsync"), "appendfsync always");
    assert_eq!(asked.ask("CONFIG GET save"), "save ");

    let child = redis.child().expect("a child").clone();
    let exit = child.kill();
    assert_eq!(exit.signal, Some(9));
    assert!(exit.cpu.is_some_and(|cpu| !cpu.is_zero()));
    let died = redis.check().expect_err("it is dead").to_string();
    assert!(died.contains("broker died") && died.contains("signal 9"), "{died}");
    assert!(died.contains(&logs.path().display().to_string()), "{died}");
    redis.restart().expect("it comes back");
    assert_ne!(redis.child().expect("a child").pid(), child.pid());
    assert_eq!(aim(redis.address()).ask("GET it"), "stays");

    let port = redis.address().port;
    redis.stop().expect("it ends");
    assert!(!is_listened_on(port));
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
    let path = rooms.path().to_owned();
    drop(rooms);
    assert!(!path.exists());
}

#[test]
fn it_listens_on_loopback_only_and_its_password_is_nowhere() {
    stand!(at, logs, rooms);
    let redis = start(&at, &AOF_ALWAYS);
    aim(redis.address()).ask("SET it stays");
    let port = redis.address().port;
    assert!(port < 32_768);
    let heard: Vec<_> = listening().into_iter().filter(|(_, on)| *on == port).collect();
    assert_eq!(heard, [(0x7f00_0001, port)]);
    let six = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    assert!(!six.contains(&format!(":{port:04X} ")), "{six}");

    let password = redis.address().password.clone().expect("a password").0;
    assert_eq!(password.len(), 32);
    let mut seen = 0;
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let is_process = process.file_name().to_string_lossy().parse::<i32>().is_ok();
        for file in ["cmdline", "environ"].into_iter().filter(|_| is_process) {
            let text = fs::read(process.path().join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&password), "{}/{file}", process.path().display());
            seen += usize::from(text.contains("redis-server"));
        }
    }
    assert!(seen > 0, "the server itself was looked at");
    let log = logs.path().join("redis-1.log");
    assert!(!fs::read_to_string(log).expect("a log").contains(&password));
    assert!(!format!("{:?} {}", redis.address(), redis.describe()).contains(&password));
    for file in files(rooms.path()) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
    }
    redis.stop().expect("it ends");
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn who_does_not_know_the_password_is_sent_away() {
    stand!(at, _logs, _rooms);
    let redis = start(&at, &MEMORY);
    let mut stranger = ground::stranger(redis.address());
    assert!(stranger.ask("PING").starts_with("NOAUTH"));
    assert_eq!(aim(redis.address()).ask("PING"), "PONG");
    redis.stop().expect("it ends");
}

#[test]
fn a_death_at_the_start_shows_the_last_lines_of_its_log() {
    stand!(at, logs, _rooms);
    let died = Entry::of(Broker::Redis).have(&at, &need(&BROKEN)).err().expect("no redis");
    let Error::Died(died) = died else { panic!("{died}") };
    assert_eq!(died.exit.code, Some(1));
    assert!(died.log.iter().any(|line| line.contains("'appendonly")), "{:?}", died.log);
    let text = died.to_string();
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("redis-asynq/test: broker died "), "{text}");
    assert!(first.ends_with("s after it started (exit 1)"), "{text}");
    assert!(text.contains("\n  last lines of its log:  "), "{text}");
    let log = logs.path().join("redis-1.log").display().to_string();
    assert!(text.ends_with(&format!("\n  full log: {log}")), "{text}");
}

/// Between a broker's end and its return somebody else takes its port.
#[test]
fn a_port_that_was_taken_meanwhile_is_said() {
    stand!(at, _logs, _rooms);
    let mut redis = start(&at, &MEMORY);
    redis.child().expect("a child").kill();
    let thief = TcpListener::bind(("127.0.0.1", redis.address().port)).expect("the port is free");
    let said = redis.restart().expect_err("its port is taken").to_string();
    assert!(said.contains("broker died") && said.contains("Address already in use"), "{said}");
    drop(thief);
    redis.restart().expect("it comes back");
    redis.stop().expect("it ends");
}

#[test]
fn a_paused_one_takes_connections_and_answers_later() {
    stand!(at, _logs, _rooms);
    let redis = start(&at, &MEMORY);
    let mut asked = aim(redis.address());
    let child = redis.child().expect("a child");
    child.pause();
    let address = (redis.address().host.as_str(), redis.address().port);
    TcpStream::connect(address).expect("the kernel still takes connections");
    asked.say("PING");
    assert!(!asked.hears_within(Duration::from_millis(300)));
    redis.check().expect("it lives");
    child.resume();
    assert_eq!(asked.hear(), "PONG");
    // A paused one can be ended too, and by SIGTERM.
    child.pause();
    assert_eq!(child.terminate(soon()).code, Some(0));
    redis.stop().expect("it ends");
}

/// One that is gone takes its keys with it and no other, and brings them back.
#[test]
fn masters_divide_the_keys_and_one_that_is_gone_stops_its_own() {
    stand!(at, _logs, rooms);
    let mut redis = start(&at, &SHARDS);
    let said = redis.describe();
    assert!(
        said.contains(" started on 127.0.0.1: 3 masters on ") && redis.check().is_ok(),
        "{said}"
    );
    let nodes: Vec<Address> = redis.address().each().collect();
    assert_eq!((nodes.len(), redis.children().len()), (3, 3));
    for node in &nodes {
        let info = sign_in(node).ask("CLUSTER INFO");
        assert!(info.contains("cluster_state:ok\r\ncluster_slots_assigned:16384\r"), "{info}");
        assert!(ground::stranger(node).ask("PING").starts_with("NOAUTH"));
    }

    let queues = slots::queues("cell", 12, 3);
    let keys: Vec<String> = queues.iter().map(|queue| format!("asynq:{{{queue}}}:it")).collect();
    for (queue, key) in queues.iter().zip(&keys) {
        let master = slots::master_of(queue, 3).expect("one of three");
        let slot = slots::of_key(key).to_string();
        for (place, node) in nodes.iter().enumerate() {
            let mut asked = sign_in(node);
            assert_eq!(asked.ask(&format!("CLUSTER KEYSLOT {key}")), slot);
            // With everysec a kill may take what the file has not got for up to 2 s.
            assert_eq!(asked.ask("CONFIG SET appendfsync always"), "OK");
            let said = asked.ask(&format!("SET {key} stays"));
            let sent_to = format!("MOVED {slot} 127.0.0.1:{}", nodes[master].port);
            assert_eq!(said, if place == master { "OK" } else { &sent_to });
        }
    }
    let gone = redis.leader("cell").expect("the first queue's master");
    assert_eq!(Some(gone), slots::master_of(&queues[0], 3));
    assert_eq!(redis.queues_at("cell", &[gone]), Some((4, 12)));
    assert_eq!(redis.children()[gone].kill().signal, Some(9));
    let dead = redis.leader("cell").expect_err("dead").to_string();
    assert!(dead.contains("its first queue is dead, and nobody replaces it"), "{dead}");
    assert!(redis.check().is_err() && redis.check_all_but(&[gone]).is_ok());
    let serves = |place: usize| {
        let its = queues.iter().zip(&keys);
        let mut its = its.filter(|(queue, _)| slots::master_of(queue, 3) == Some(place));
        let mut asked = sign_in(&nodes[place]);
        its.all(|(_, key)| asked.ask(&format!("GET {key}")) == "stays")
    };
    assert!((0..3).filter(|place| *place != gone).all(serves));
    redis.restart_nodes(&[gone]).expect("it comes back");
    assert!((0..3).all(serves));
    redis.restart().expect("all of them");
    assert!((0..3).all(serves));
    redis.stop().expect("they end");
    assert!(nodes.iter().all(|node| !is_listened_on(node.port)));
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
}

/// Clients are told of the proxies, of which the masters know nothing.
#[test]
fn masters_behind_proxies_send_clients_there() {
    stand!(at, _logs, _rooms);
    let behind = Need { by_proxies: true, ..need(&SHARDS) };
    let redis = Entry::of(Broker::Redis).have(&at, &behind).expect("three masters");
    let direct: Vec<u16> = redis.address().each().map(|node| node.port).collect();
    let key = "asynq:{cell.0}:it";
    for node in redis.address().each() {
        let said = sign_in(&node).ask(&format!("SET {key} stays"));
        let Some(port) = said.strip_prefix("MOVED ").and_then(|it| it.rsplit(':').next()) else {
            assert_eq!(said, "OK");
            continue;
        };
        let port = port.parse().expect("a port");
        assert!(!direct.contains(&port), "{said}");
        let there = Address { port, others: Vec::new(), ..node };
        assert_eq!(sign_in(&there).ask(&format!("SET {key} stays")), "OK");
    }
    redis.stop().expect("they end");
}

#[test]
fn an_existing_one_is_used_as_it_is_or_not_at_all() {
    stand!(at, _logs, _rooms);
    let theirs = start(&at, &AOF_ALWAYS);
    let address = theirs.address();
    let password = address.password.clone().expect("a password").0;
    let entry = Entry::of(Broker::Redis);
    let need = |profile| Need {
        who: "redis-asynq/test",
        profile,
        url_env: Some("TEST_REDIS_URL"),
        by_proxies: false,
    };
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/0", address.port);

    ground::with_env("TEST_REDIS_URL", &url(&password), || {
        let mut ours = entry.have(&at, &need(&AOF_ALWAYS)).expect("it fits");
        assert!(ours.describe().ends_with("(AOF always), not ours"), "{}", ours.describe());
        assert!(ours.child().is_none() && ours.check().is_ok() && ours.restart().is_err());
        assert_eq!(ours.address().password, address.password);
        ours.stop().expect("nothing to do");

        let misfit = entry.have(&at, &need(&MEMORY)).err().expect("it does not fit");
        let text = misfit.to_string();
        assert!(text.contains("has appendonly = \"yes\""), "{text}");
        assert!(text.contains("needs appendonly = \"no\"") && !text.contains(&password), "{text}");

        for (several, needs) in [(&CLUSTER, "replicas and sentinels"), (&SHARDS, "three masters")] {
            let alone = entry.have(&at, &need(several)).err().expect("it is one").to_string();
            assert!(alone.contains(&format!("needs {needs}")), "{alone}");
        }
    });
    for wrong in [url("wrong-word"), format!("{password}@127.0.0.1"), "redis://".into()] {
        ground::with_env("TEST_REDIS_URL", &wrong, || {
            let refused = entry.have(&at, &need(&AOF_ALWAYS)).err().expect("no such redis");
            let text = refused.to_string();
            assert!(text.contains("TEST_REDIS_URL"), "{text}");
            assert!(!text.contains(&password) && !text.contains("wrong-word"), "{text}");
        });
    }
    let missing = entry.have(&at, &need(&AOF_ALWAYS)).err().expect("not set").to_string();
    assert!(missing.contains("TEST_REDIS_URL is not set") && missing.contains("--skip-missing"));
    theirs.check().expect("nobody touched it");
    theirs.stop().expect("it ends");
}
