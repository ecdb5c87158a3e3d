//! Three nodes that are one cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use schedbench::environment::{Child, Entry, Ground, Rooms};
use schedbench_adapters::amqp::Amqp;
use schedbench_contract::{Address, Broker, Profile, Topology};

use super::{THREE, files, listened_on_by, need, of_room, stand};
use crate::ground::{self, is_alive, wait_for};

const QUEUE: &str = "schedbench.test.1";

/// A variable in a process's environment.
pub(crate) fn variable(child: &Child, name: &str) -> String {
    let environment = fs::read(format!("/proc/{}/environ", child.pid())).expect("it lives");
    let environment = String::from_utf8(environment).expect("UTF-8");
    let mut all = environment.split('\0').filter_map(|variable| variable.split_once('='));
    all.find(|(key, _)| *key == name).expect("it is set").1.to_owned()
}

/// The port mapper on that port: its process.
fn mapper(port: &str) -> Option<i32> {
    let arguments = format!("epmd\0-address\0127.0.0.1\0-port\0{port}\0");
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse::<i32>().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        (String::from_utf8_lossy(&line) == arguments && is_alive(pid)).then_some(pid)
    })
    .next()
}

/// The time is for all that is done with it.
fn sign_in(at: &Address) -> std::io::Result<Amqp> {
    Amqp::sign_in(at, Instant::now() + Duration::from_secs(5))
}

/// The same where nothing is wrong and nothing is tried again.
fn sign_in_patiently(at: &Address) -> Amqp {
    Amqp::sign_in(at, ground::soon()).expect("a login")
}

/// Publishes through that node until it is confirmed; how often it was tried.
fn publish(at: &Address) -> usize {
    let mut tries = 0;
    wait_for("a confirmed publish", || {
        tries += 1;
        sign_in(at).and_then(|mut amqp| amqp.publish_confirmed(QUEUE)).is_ok()
    });
    tries
}

/// Takes messages through that node until there are none; how many there were.
/// A queue that elects a leader does not answer for a moment.
fn take_all(at: &Address) -> usize {
    let mut taken = 0;
    wait_for("an empty queue", || {
        let Ok(mut amqp) = sign_in(at) else { return false };
        loop {
            match amqp.take(QUEUE) {
                Ok(true) => taken += 1,
                Ok(false) => return true,
                Err(_) => return false,
            }
        }
    });
    taken
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn three_nodes_go_on_without_one_come_back_and_leave_nothing() {
    stand!(at, logs, rooms);
    let began = Instant::now();
    let mut rabbit = Entry::of(Broker::RabbitMq).have(&at, &need(&THREE)).expect("a cluster");
    println!("three nodes serve after {:.1} s", began.elapsed().as_secs_f64());
    let text = rabbit.describe();
    assert!(text.contains(" started as a cluster of 3 on 127.0.0.1:"), "{text}");
    rabbit.check().expect("alive");

    let children: Vec<Child> = rabbit.children().into_iter().cloned().collect();
    assert_eq!(children.len(), 3);
    assert_eq!(rabbit.child().expect("a child").pid(), children[0].pid());
    let addresses: Vec<Address> = children
        .iter()
        .map(|child| {
            let port = variable(child, "RABBITMQ_NODE_PORT").parse().expect("a port");
            Address { port, ..rabbit.address().clone() }
        })
        .collect();
    assert_eq!(addresses[0].port, rabbit.address().port);
    let names: Vec<String> =
        children.iter().map(|child| variable(child, "RABBITMQ_NODENAME")).collect();
    assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");

    // One room, nobody else's, and a directory in it for each.
    let room = rooms.path().join("rabbitmq-1");
    assert_eq!(mode(&room), 0o700);
    for number in 1..=3 {
        assert_eq!(mode(&room.join(format!("node-{number}"))), 0o700);
        assert!(logs.path().join(format!("rabbitmq-1.node-{number}.log")).exists());
    }
    let port = variable(&children[0], "ERL_EPMD_PORT");
    let mapper = mapper(&port).expect("one port mapper");

    // Loopback only: AMQP and the distribution of each, and the port mapper.
    let mut ours = 0;
    for pid in of_room(&room) {
        for address in listened_on_by(pid) {
            assert!(address.starts_with("0100007F:"), "process {pid} listens on {address}");
            let port = address.split_once(':').expect("a port").1;
            assert!(u16::from_str_radix(port, 16).expect("a port") < 32_768);
            ours += 1;
        }
    }
    assert_eq!(ours, 6, "AMQP and the distribution");
    let of_mapper = listened_on_by(mapper);
    let loopback = |address: &String| {
        address.starts_with("0100007F:") || address.starts_with("00000000000000000000000001000000:")
    };
    assert!(!of_mapper.is_empty() && of_mapper.iter().all(loopback), "{of_mapper:?}");

    let password = rabbit.address().password.clone().expect("a password").0;
    for file in files(rooms.path()).into_iter().chain(files(logs.path())) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
    }

    // A queue with a member on each, and one that has fewer.
    let mut amqp = sign_in_patiently(&addresses[0]);
    amqp.declare_quorum_queue(QUEUE, 3).expect("a queue");
    amqp.declare_quorum_queue("schedbench.test.2", 1).expect("a queue");
    rabbit.check_queue(QUEUE).expect("three members");
    let misfit = rabbit.check_queue("schedbench.test.2").expect_err("one member").to_string();
    assert!(misfit.contains("schedbench.test.2 is on 1 of 3 nodes"), "{misfit}");
    let mut amqp = sign_in_patiently(&addresses[2]);
    amqp.delete_queue("schedbench.test.2").expect("it is deleted");
    let mut tries = publish(&addresses[0]);

    // Without the leader, which is where the queue was declared.
    assert_eq!(rabbit.leader(QUEUE).expect("a leader"), 0);
    let unknown = rabbit.leader("schedbench.test.2").expect_err("no such queue").to_string();
    assert!(unknown.contains("asking who leads the queue schedbench.test.2"), "{unknown}");
    assert_eq!(children[0].kill().signal, Some(9));
    let killed = Instant::now();
    let died = rabbit.check().expect_err("one is dead").to_string();
    assert!(died.contains("node-1: broker died") && died.contains("signal 9"), "{died}");
    tries += publish(&addresses[1]);
    println!("a survivor confirms {:.2} s after the kill", killed.elapsed().as_secs_f64());
    assert_ne!(rabbit.leader(QUEUE).expect("another leader"), 0);
    assert!(children[1..].iter().all(|child| child.ended().is_none()));
    let taken = take_all(&addresses[2]);
    assert!((2..=tries).contains(&taken), "what the dead one confirmed is there: {taken}");
    tries = publish(&addresses[2]);

    let began = Instant::now();
    rabbit.restart().expect("they come back");
    println!("three nodes serve again after {:.1} s", began.elapsed().as_secs_f64());
    rabbit.check().expect("all live");
    rabbit.check_queue(QUEUE).expect("three members");
    let again: Vec<Child> = rabbit.children().into_iter().cloned().collect();
    for place in 0..3 {
        assert_ne!(again[place].pid(), children[place].pid());
        assert_eq!(variable(&again[place], "RABBITMQ_NODENAME"), names[place]);
        let port = variable(&again[place], "RABBITMQ_NODE_PORT");
        assert_eq!(port, addresses[place].port.to_string());
    }

    // Who leads now is killed, and it alone is started again.
    wait_for("a leader", || rabbit.leader(QUEUE).is_ok());
    let leader = rabbit.leader(QUEUE).expect("a leader");
    assert_eq!(again[leader].kill().signal, Some(9));
    rabbit.check_all_but(&[leader]).expect("only that one is dead");
    tries += publish(&addresses[(leader + 1) % 3]);
    assert_ne!(rabbit.leader(QUEUE).expect("another leader"), leader);
    rabbit.restart_nodes(&[leader]).expect("it comes back");
    rabbit.check().expect("all live");
    let whole: Vec<Child> = rabbit.children().into_iter().cloned().collect();
    for place in 0..3 {
        assert_eq!(whole[place].pid() == again[place].pid(), place != leader);
    }

    // Nobody is left who could tell the others.
    for child in &whole {
        assert_eq!(child.kill().signal, Some(9));
    }
    rabbit.restart().expect("they come back");
    let taken = take_all(&addresses[1]);
    assert!((2..=tries).contains(&taken), "what was confirmed is there: {taken}");

    rabbit.stop().expect("they end");
    wait_for("the helpers' end", || of_room(&room).is_empty());
    assert!(!is_alive(mapper), "the port mapper ended with them");
    assert!(!room.exists());
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
}

#[test]
fn a_node_that_cannot_boot_ends_the_others() {
    static BROKEN: Profile =
        Profile { topology: Topology::Cluster, ..ground::profile(&[("no_such_setting", "1")]) };
    stand!(at, logs, rooms);
    let died = Entry::of(Broker::RabbitMq).have(&at, &need(&BROKEN)).err().expect("no rabbitmq");
    let text = died.to_string();
    assert!(text.contains("node-") && text.contains("no_such_setting"), "{text}");
    assert!(logs.path().join("rabbitmq-1.node-1.log").exists());
    wait_for("the others' end", || of_room(rooms.path()).is_empty());
}
