//! A real Kafka, one node or three: fetched, started, asked, hurt and ended by
//! the harness, and read by its own console tool and by kcat.
//!
//! Whoever lacks its jars has them fetched by the first test that needs one.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use schedbench::environment::{Child, Entry, Error, Ground, Need, Rooms, Running, kafka};
use schedbench::run::{Held, hold};
use schedbench_adapters::{clock, find, kafka_wire::Wire};
use schedbench_contract::ledger::{Enqueue, Ledger};
use schedbench_contract::{
    Address, Broker, Endpoints, Profile, Recorder, Result, Task, TaskId, Topology, WorkersShape,
};

#[path = "environment/ground.rs"]
mod ground;
use ground::{is_alive, is_listened_on, listening, profile, soon, wait_for};

/// Nothing but the defaults.
static PLAIN: Profile = profile(&[]);
/// An fsync for each batch.
static FLUSH: Profile = profile(&[("log.flush.interval.messages", "1")]);
/// Kafka ends at once when it reads this.
static BROKEN: Profile = profile(&[("log.flush.interval.messages", "perhaps")]);

/// Three nodes.
static CLUSTER: Profile = Profile { topology: Topology::Cluster, ..profile(&[]) };

/// One JVM at a time: each wants a gigabyte.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn need(profile: &Profile) -> Need<'_> {
    Need { who: "kafka/test", profile, url_env: None, by_proxies: false }
}

fn start(at: &Ground<'_>, profile: &Profile) -> Box<dyn Running> {
    kafka::fetch(|line| println!("{line}")).expect("its jars");
    Entry::of(Broker::Kafka).have(at, &need(profile)).expect("a kafka")
}

/// Keeper, logs and rooms, and the ground on them.
macro_rules! stand {
    ($ground:ident, $logs:ident, $rooms:ident) => {
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (keeper, $logs, root) = ground::stand();
        let $rooms = Rooms::open_in(root.path(), None).expect("rooms");
        let $ground = Ground { keeper: &keeper, rooms: &$rooms, logs: $logs.path() };
    };
}

fn wire(at: &Address) -> Wire {
    Wire::connect(at, soon()).expect("a connection")
}

#[test]
fn it_starts_survives_a_kill_and_leaves_nothing() {
    stand!(at, logs, rooms);
    let began = clock::now();
    let mut kafka = start(&at, &FLUSH);
    let said = kafka.describe();
    assert!(said.starts_with("kafka 4.") && said.contains("fsync every 1 records"), "{said}");
    kafka.check().expect("alive");
    let mut asked = wire(kafka.address());
    assert_eq!(asked.release().expect("an answer").as_deref(), Some("4.1"));
    let broker = asked.this_broker().expect("a broker");
    let setting = asked.setting(broker, "log.flush.interval.messages").expect("an answer");
    assert_eq!(setting.as_deref(), Some("1"));

    // A JVM stands still several times while it starts.
    let of_its_start = kafka.pauses(&(began..clock::now())).expect("a JVM says so");
    assert!(!of_its_start.is_empty());
    for pause in &of_its_start {
        assert!(pause.start >= began && pause.start < pause.end, "{pause:?} after {began}");
    }

    let child = kafka.child().expect("a child").clone();
    assert_eq!(child.kill().signal, Some(9));
    let died = kafka.check().expect_err("it is dead").to_string();
    assert!(died.contains("broker died") && died.contains("signal 9"), "{died}");
    assert!(died.contains(&logs.path().display().to_string()), "{died}");
    let again = clock::now();
    kafka.restart().expect("it comes back");
    assert!(!kafka.pauses(&(again..clock::now())).expect("a JVM says so").is_empty());
    let of_both = kafka.pauses(&(began..clock::now())).expect("a JVM says so");
    assert!(of_both.starts_with(&of_its_start), "{of_both:?} after {of_its_start:?}");
    assert_ne!(kafka.child().expect("a child").pid(), child.pid());
    assert_eq!(wire(kafka.address()).this_broker().expect("a broker"), broker);

    let (port, pid) = (kafka.address().port, kafka.child().expect("a child").pid());
    kafka.stop().expect("it ends");
    assert!(!is_listened_on(port) && !is_alive(pid));
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
}

/// Inodes of the sockets of a process.
fn sockets_of(pid: i32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("its files").flatten();
    let links = files.filter_map(|file| fs::read_link(file.path()).ok());
    let inode = |link: std::path::PathBuf| {
        let text = link.to_string_lossy().into_owned();
        Some(text.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    links.filter_map(inode).collect()
}

/// How many sockets a process listens on; whatever they are is loopback.
fn heard_on_loopback(pid: i32) -> usize {
    let ours = sockets_of(pid);
    let (mut heard, listens) = (0, "0A");
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words[3] == listens && ours.iter().any(|inode| inode == words[9]) {
                heard += 1;
                assert!(words[1].starts_with("0100007F:"), "{table}: {line}");
            }
        }
    }
    heard
}

#[test]
fn it_listens_on_loopback_only_and_its_password_is_nowhere() {
    stand!(at, logs, rooms);
    let kafka = start(&at, &PLAIN);
    let (port, pid) = (kafka.address().port, kafka.child().expect("a child").pid());
    assert!(port < 32_768);
    assert!(listening().contains(&(0x7f00_0001, port)));
    assert_eq!(heard_on_loopback(pid), 2, "one for clients, one for the controller");

    let password = kafka.address().password.clone().expect("a password").0;
    assert_eq!(password.len(), 32);
    for file in ["cmdline", "environ"] {
        let text = fs::read(format!("/proc/{pid}/{file}")).expect("a file");
        assert!(!String::from_utf8_lossy(&text).contains(&password), "{file}");
    }
    for file in files(rooms.path()).into_iter().chain(files(logs.path())) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
    }
    assert!(!format!("{:?} {}", kafka.address(), kafka.describe()).contains(&password));

    // Who does not know it is sent away, in our words.
    let wrong = schedbench_contract::Secret("wrong-word".into());
    let stranger = Address { password: Some(wrong), ..kafka.address().clone() };
    let refused = Wire::connect(&stranger, soon()).err().expect("refused").to_string();
    assert!(refused.contains("does not accept the user or the password"), "{refused}");
    let nobody = Address { user: None, password: None, ..kafka.address().clone() };
    assert!(Wire::connect(&nobody, soon()).and_then(|mut wire| wire.topics()).is_err());
    kafka.stop().expect("it ends");
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_death_at_the_start_shows_the_last_lines_of_its_log() {
    stand!(at, logs, _rooms);
    kafka::fetch(|_| ()).expect("its jars");
    let died = Entry::of(Broker::Kafka).have(&at, &need(&BROKEN)).err().expect("no kafka");
    let Error::Died(died) = died else { panic!("{died}") };
    let text = died.to_string();
    assert!(died.log.iter().any(|line| line.contains("perhaps")), "{text}");
    assert!(died.log.iter().all(|line| !line.starts_with("\tat ")), "{text}");
    assert!(text.starts_with("kafka/test: broker died "), "{text}");
    assert!(text.contains(&logs.path().join("kafka-1.log").display().to_string()), "{text}");
}

#[test]
fn a_port_that_was_taken_meanwhile_is_said() {
    stand!(at, _logs, _rooms);
    let mut kafka = start(&at, &PLAIN);
    kafka.child().expect("a child").terminate(soon());
    let port = kafka.address().port;
    let _taken = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let said = kafka.restart().expect_err("its port is taken").to_string();
    assert!(said.contains("Address already in use"), "{said}");
    kafka.stop().expect("it ends");
}

#[test]
fn an_existing_one_is_used_as_it_is_or_not_at_all() {
    stand!(at, _logs, _rooms);
    let theirs = start(&at, &PLAIN);
    let address = theirs.address();
    let password = address.password.clone().expect("a password").0;
    let entry = Entry::of(Broker::Kafka);
    let need =
        |profile| Need { who: "kafka/test", profile, url_env: Some("TEST_URL"), by_proxies: false };
    let url = |password: &str| format!("kafka://schedbench:{password}@127.0.0.1:{}", address.port);
    ground::with_env("TEST_URL", &url(&password), || {
        let mut ours = entry.have(&at, &need(&PLAIN)).expect("it fits");
        assert!(ours.describe().ends_with("not ours"), "{}", ours.describe());
        assert!(ours.child().is_none() && ours.check().is_ok() && ours.restart().is_err());
        ours.stop().expect("nothing to do");
        assert!(entry.leftovers("TEST_URL").expect("an answer").is_empty());

        let text = entry.have(&at, &need(&FLUSH)).err().expect("it does not fit").to_string();
        assert!(text.contains("needs log.flush.interval.messages=1"), "{text}");
        assert!(!text.contains(&password), "{text}");
    });
    ground::with_env("TEST_URL", &url("wrong-word"), || {
        let text = entry.have(&at, &need(&PLAIN)).err().expect("no such user").to_string();
        assert!(text.contains("does not accept the user or the password"), "{text}");
        assert!(text.contains("TEST_URL") && !text.contains("wrong-word"), "{text}");
    });
    theirs.check().expect("nobody touched it");
    theirs.stop().expect("it ends");
}

/// Produces three tasks with keys, looks at them with other people's programs,
/// and finds a topic of that name refused.
struct Look<'a> {
    at: &'a Endpoints,
    libs: &'a Path,
    dir: &'a Path,
}

/// The adapter, with the profile of that name or its first.
async fn opened(
    at: &Endpoints,
    profile: Option<&str>,
    shape: &WorkersShape,
) -> Result<Box<dyn Held>> {
    let profile = find("kafka").expect("in this build").profile(profile).expect("a profile");
    hold("kafka", at, profile, shape).expect("in this build").await
}

impl Look<'_> {
    fn run(self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let shape =
            WorkersShape { processes: 1, concurrency: 2, prefetch: 8, connections: 1, window: 64 };
        let log = Recorder::new(Ledger::new(1, 16, clock::now(), 60_000_000_000));
        runtime.block_on(async {
            let system = opened(self.at, None, &shape).await.expect("it opens");
            let twice = opened(self.at, None, &shape).await.err().expect("not ours");
            let said = twice.to_string();
            assert!(said.contains("the topic schedbench.test.look exists already"), "{said}");
            let mut producer = system.producer(log.clone()).await.expect("a producer");
            for sequence in 0..3 {
                let (id, now) = (TaskId::new(1, sequence), clock::now());
                let key = Some(0x4142_4344);
                let task = Task { id, intended: now, due: now, key, body: b"hello" };
                assert_eq!(producer.submit(&[task]).await.expect("it is taken"), 1);
            }
            producer.settle().await.expect("it settles");
            self.is_read_by_kcat();
            self.is_read_by_the_console_tool();
            drop(producer);
            system.close().await.expect("it closes");
        });
    }
}

impl Look<'_> {
    fn client_file(&self) -> std::path::PathBuf {
        let at = self.at.producer.as_ref().expect("an address");
        let password = &at.password.as_ref().expect("a password").0;
        let user = at.user.as_deref().expect("a user");
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
        let java = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config={module} \
             required username=\"{user}\" password=\"{password}\";\n"
        );
        let c = format!(
            "security.protocol=sasl_plaintext\nsasl.mechanisms=PLAIN\nsasl.username={user}\n\
             sasl.password={password}\n"
        );
        fs::write(self.dir.join("java.properties"), java).expect("a file");
        let path = self.dir.join("kcat.conf");
        fs::write(&path, c).expect("a file");
        path
    }

    fn bootstrap(&self) -> String {
        let at = self.at.producer.as_ref().expect("an address");
        format!("{}:{}", at.host, at.port)
    }

    fn is_read_by_kcat(&self) {
        let file = self.client_file();
        let mut kcat = Command::new("kcat");
        kcat.arg("-F").arg(file).args(["-b", &self.bootstrap(), "-C", "-e", "-q"]);
        kcat.args(["-t", "schedbench.test.look", "-f", "%k|%h|%s\n"]);
        let said = kcat.output().expect("kcat, which scripts/setup installs");
        let text = String::from_utf8_lossy(&said.stdout);
        let lines: Vec<&str> = text.lines().collect();
        let wanted = |n| format!("ABCD|id=000001000000000{n},attempt=0|hello");
        assert_eq!(lines, [wanted(0), wanted(1), wanted(2)], "{said:?}");
    }

    fn is_read_by_the_console_tool(&self) {
        self.client_file();
        let mut tool = Command::new("java");
        tool.arg("-cp").arg(format!("{}/*", self.libs.display()));
        tool.arg("org.apache.kafka.tools.consumer.ConsoleConsumer");
        tool.args(["--bootstrap-server", &self.bootstrap(), "--topic", "schedbench.test.look"]);
        tool.arg("--consumer.config").arg(self.dir.join("java.properties"));
        tool.args(["--from-beginning", "--max-messages", "3", "--timeout-ms", "60000"]);
        // A group of its own would be a leftover.
        tool.args(["--partition", &self.partition()]);
        for property in ["print.key=true", "print.headers=true", "key.separator=|"] {
            tool.args(["--property", property]);
        }
        let said = tool.output().expect("java");
        let text = String::from_utf8_lossy(&said.stdout);
        let lines: Vec<&str> = text.lines().collect();
        let wanted = |n| format!("id:000001000000000{n},attempt:0|ABCD|hello");
        assert_eq!(lines, [wanted(0), wanted(1), wanted(2)], "{said:?}");
    }

    /// The partition of the key: all records are in one.
    fn partition(&self) -> String {
        // CRC-32 of the key, as librdkafka's default partitioner has it; of two.
        let crc = b"ABCD".iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
            })
        });
        (!crc % 2).to_string()
    }
}

#[test]
fn other_programs_read_our_records_with_keys_and_headers() {
    stand!(at, logs, _rooms);
    let kafka = start(&at, &PLAIN);
    let road = Some(kafka.address().clone());
    let at = Endpoints {
        producer: road.clone(),
        workers: road.clone(),
        control: road,
        second: None,
        prefix: "schedbench.test.look".into(),
    };
    let libs = kafka::fetch(|_| ()).expect("its jars").join("libs");
    Look { at: &at, libs: &libs, dir: logs.path() }.run();
    kafka.stop().expect("it ends");
}

/// What a node was formatted with: lines of `meta.properties`.
fn ids(rooms: &Rooms, node: usize) -> Vec<String> {
    let of_this_node = format!("node-{node}/meta.properties");
    let mut found = files(rooms.path());
    found.retain(|path| path.ends_with(&of_this_node));
    let [path] = found.as_slice() else { panic!("{found:?}") };
    fs::read_to_string(path).expect("a file").lines().map(str::to_owned).collect()
}

fn id<'a>(ids: &'a [String], key: &str) -> &'a str {
    ids.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).expect("an id")
}

#[test]
fn a_start_uses_what_an_earlier_one_has_prepared_and_has_ids_of_its_own() {
    stand!(at, logs, rooms);
    let mut clusters = Vec::new();
    for _ in 0..2 {
        let kafka = start(&at, &PLAIN);
        let pid = kafka.child().expect("a child").pid();
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("its maps");
        assert!(maps.contains("/schedbench/kafka-start-") && maps.contains("/classes.jsa"));
        clusters.push(id(&ids(&rooms, 1), "cluster.id").to_owned());
        kafka.stop().expect("it ends");
    }
    assert_ne!(clusters[0], clusters[1]);
    for log in files(logs.path()) {
        let text = fs::read_to_string(&log).expect("a log");
        assert!(!text.contains("without an archive"), "{}: {text}", log.display());
        assert!(!log.to_string_lossy().contains("training"), "{}", log.display());
    }
}

fn wire_to(kafka: &dyn Running, port: u16) -> Wire {
    wire(&Address { port, ..kafka.address().clone() })
}

/// Its nodes' ports, by node.
fn ports_of(kafka: &dyn Running) -> Vec<u16> {
    let mut brokers = wire(kafka.address()).brokers().expect("brokers");
    brokers.sort_by_key(|broker| broker.number);
    brokers.iter().map(|broker| broker.port).collect()
}

#[test]
fn a_cluster_goes_on_without_its_first_node_and_leaves_nothing() {
    stand!(at, logs, rooms);
    let mut kafka = start(&at, &CLUSTER);
    let ports = ports_of(&*kafka);
    assert!(ports.len() == 3 && ports[0] == kafka.address().port, "{ports:?}");
    let said = kafka.describe();
    assert!(said.contains(&format!("127.0.0.1:{}, {}, {} ", ports[0], ports[1], ports[2])));
    assert!(said.contains("(3 nodes, KRaft, "), "{said}");
    for port in &ports {
        assert!(*port < 32_768 && listening().contains(&(0x7f00_0001, *port)));
        let mut wire = wire_to(&*kafka, *port);
        assert_eq!(wire.brokers().expect("brokers").len(), 3);
        let node = wire.this_broker().expect("it knows itself");
        let factor = wire.setting(node, "offsets.topic.replication.factor").expect("an answer");
        assert_eq!(factor.as_deref(), Some("3"));
    }
    let pids: Vec<i32> = kafka.children().iter().map(|child| child.pid()).collect();
    assert_eq!(pids.iter().map(|pid| heard_on_loopback(*pid)).sum::<usize>(), 6);
    assert_eq!(kafka.child().expect("a child").pid(), pids[0]);
    let [one, two] = [ids(&rooms, 1), ids(&rooms, 2)];
    assert_eq!(id(&one, "cluster.id"), id(&two, "cluster.id"));
    assert_ne!(id(&one, "directory.id"), id(&two, "directory.id"));
    let password = kafka.address().password.clone().expect("a password").0;
    for file in files(rooms.path()).into_iter().chain(files(logs.path())) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
    }

    let road = Some(kafka.address().clone());
    let at = Endpoints {
        producer: road.clone(),
        workers: road.clone(),
        control: road,
        second: None,
        prefix: "schedbench.test.cluster".into(),
    };
    Hurt { at: &at, kafka: &mut *kafka, ports: &ports }.run();

    let pids: Vec<i32> = kafka.children().iter().map(|child| child.pid()).collect();
    kafka.stop().expect("it ends");
    assert!(ports.iter().all(|port| !is_listened_on(*port)));
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
}

/// Kills the node by which every client came in, and brings it back.
struct Hurt<'a> {
    at: &'a Endpoints,
    kafka: &'a mut dyn Running,
    ports: &'a [u16],
}

impl Hurt<'_> {
    fn pids(&self) -> Vec<i32> {
        self.kafka.children().iter().map(|child| child.pid()).collect()
    }

    /// Finds the node that leads, kills it, and starts it and no other again.
    fn hurt_the_leader(&mut self) {
        let topic = &self.at.prefix;
        let unknown = self.kafka.leader("schedbench.test.none").expect_err("no topic").to_string();
        assert!(unknown.contains("there is no such topic"), "{unknown}");
        let first = self.kafka.leader(topic).expect("a leader");
        let before = self.pids();
        let others = |kafka: &dyn Running| -> Vec<Child> {
            let all = kafka.children().into_iter().enumerate();
            all.filter(|(place, _)| *place != first).map(|(_, child)| child.clone()).collect()
        };
        others(self.kafka).iter().for_each(Child::pause);
        let asked = Instant::now();
        let said = self.kafka.leader(topic);
        let took = asked.elapsed();
        others(self.kafka).iter().for_each(Child::resume);
        assert_eq!(said.expect("an answer of the one that goes on"), first);
        assert!(took < Duration::from_secs(4), "the others were waited for");

        assert_eq!(self.kafka.children()[first].kill().signal, Some(9));
        self.kafka.check_all_but(&[first]).expect("only that one is dead");
        assert!(self.kafka.check().is_err());
        // Where it led all partitions, none is led until its session has timed out.
        wait_for("another leader, and never the dead one", || {
            self.kafka.leader(topic).is_ok_and(|place| {
                assert_ne!(place, first);
                true
            })
        });
        self.kafka.restart_nodes(&[first]).expect("it comes back");
        self.kafka.check().expect("all live");
        let after = self.pids();
        let same: Vec<bool> = (0..3).map(|place| before[place] == after[place]).collect();
        let expected: Vec<bool> = (0..3).map(|place| place != first).collect();
        assert_eq!(same, expected, "only it is started again");
        let (brokers, topics) = wire(self.kafka.address()).topics().expect("an answer");
        assert!(brokers == 3 && topics.iter().all(|topic| topic.is_in_sync), "{topics:?}");
    }
}

impl Hurt<'_> {
    fn run(mut self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let shape =
            WorkersShape { processes: 1, concurrency: 6, prefetch: 8, connections: 1, window: 64 };
        let log = Recorder::new(Ledger::new(1, 4_096, clock::now(), 600_000_000_000));
        let system = runtime.block_on(opened(self.at, Some("rf3"), &shape)).expect("it opens");
        let server = runtime.block_on(system.server()).expect("an answer").expect("a server");
        for (key, value) in
            [("nodes", "3"), ("replication.factor", "3"), ("min.insync.replicas", "2")]
        {
            let has = server.settings.iter().find(|(name, _)| name == key);
            assert_eq!(has.map(|(_, value)| value.as_str()), Some(value), "{key}");
        }
        let mut producer = runtime.block_on(system.producer(log.clone())).expect("a producer");
        let mut sent = 0;
        let mut send = |tasks: u64| {
            for _ in 0..tasks {
                let (id, now) = (TaskId::new(1, sent), clock::now());
                let key = Some(sent as u32);
                let task = Task { id, intended: now, due: now, key, body: b"hello" };
                runtime.block_on(producer.submit(&[task])).expect("it is taken");
                sent += 1;
            }
            runtime.block_on(producer.settle()).expect("it settles");
            sent
        };
        let confirmed = |tasks: std::ops::Range<u64>| {
            let is_confirmed =
                |task: &u64| log.ledger().entry(*task as usize).enqueue == Enqueue::Confirmed;
            tasks.filter(is_confirmed).count() as u64
        };
        assert_eq!(send(60), 60);
        assert_eq!(confirmed(0..60), 60);

        let first = self.kafka.child().expect("a child").clone();
        assert_eq!(first.kill().signal, Some(9));
        let died = self.kafka.check().expect_err("one is dead").to_string();
        assert!(died.contains("node 1: broker died") && died.contains("signal 9"), "{died}");
        // Every partition in turn gets a new leader.
        let mut all = 60;
        wait_for("the other two to take everything", || {
            let before = all;
            all = send(30);
            confirmed(before..all) == 30
        });
        let mut other = wire_to(self.kafka, self.ports[1]);
        let (brokers, topics) = other.topics().expect("an answer");
        assert!(topics.iter().all(|topic| topic.is_led && topic.copies == 3), "{topics:?}");
        assert_eq!(brokers, 2);

        self.kafka.restart().expect("all come back");
        self.kafka.check().expect("all live");
        assert_eq!(ports_of(self.kafka), self.ports);
        let (brokers, topics) = wire(self.kafka.address()).topics().expect("an answer");
        assert!(brokers == 3 && topics.iter().all(|topic| topic.is_in_sync), "{topics:?}");
        let ours = topics.iter().filter(|topic| topic.name.starts_with("schedbench."));
        assert_eq!(ours.count(), 3, "{topics:?}");
        self.hurt_the_leader();
        // What was confirmed is there; of the rest, what arrived is too.
        let confirmed = confirmed(0..all);
        let ready = runtime.block_on(system.backlog()).expect("an answer").ready;
        assert!((confirmed..=all).contains(&ready.expect("a number")), "{ready:?} of {confirmed}");
        drop(producer);
        runtime.block_on(system.close()).expect("it closes");
    }
}
