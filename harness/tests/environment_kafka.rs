//! A real Kafka: fetched, started, asked, hurt and ended by the harness, and
//! read by its own console tool and by kcat.
//!
//! Whoever lacks its jars has them fetched by the first test that needs one.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use schedbench::environment::{Entry, Error, Ground, Need, Rooms, Running, kafka};
use schedbench_adapters::{clock, kafka_wire::Wire, visit};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    Adapter, Address, Broker, Endpoints, Producer as _, Profile, Recorder, Task, TaskId, Visit,
    WorkersShape,
};

#[path = "environment_ground/mod.rs"]
mod ground;
use ground::{is_alive, is_listened_on, listening, profile, soon};

/// Nothing but the defaults.
static PLAIN: Profile = profile(&[]);
/// An fsync for each batch.
static FLUSH: Profile = profile(&[("log.flush.interval.messages", "1")]);
/// Kafka ends at once when it reads this.
static BROKEN: Profile = profile(&[("log.flush.interval.messages", "perhaps")]);

/// One JVM at a time: each wants a gigabyte.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn need(profile: &Profile) -> Need<'_> {
    Need { who: "kafka/test", profile, url_env: None }
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
    let mut kafka = start(&at, &FLUSH);
    let said = kafka.describe();
    assert!(said.starts_with("kafka 4.") && said.contains("fsync every 1 records"), "{said}");
    kafka.check().expect("alive");
    let mut asked = wire(kafka.address());
    assert_eq!(asked.release().expect("an answer").as_deref(), Some("4.1"));
    let broker = asked.any_broker().expect("a broker");
    let setting = asked.setting(broker, "log.flush.interval.messages").expect("an answer");
    assert_eq!(setting.as_deref(), Some("1"));

    let child = kafka.child().expect("a child").clone();
    assert_eq!(child.kill().signal, Some(9));
    let died = kafka.check().expect_err("it is dead").to_string();
    assert!(died.contains("broker died") && died.contains("signal 9"), "{died}");
    assert!(died.contains(&logs.path().display().to_string()), "{died}");
    kafka.restart().expect("it comes back");
    assert_ne!(kafka.child().expect("a child").pid(), child.pid());
    assert_eq!(wire(kafka.address()).any_broker().expect("a broker"), broker);

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

#[test]
fn it_listens_on_loopback_only_and_its_password_is_nowhere() {
    stand!(at, logs, rooms);
    let kafka = start(&at, &PLAIN);
    let (port, pid) = (kafka.address().port, kafka.child().expect("a child").pid());
    assert!(port < 32_768);
    assert!(listening().contains(&(0x7f00_0001, port)));
    // The controller's port too: whatever its sockets listen on is loopback.
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
    assert_eq!(heard, 2, "one for clients, one for the controller");

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
    let need = |profile| Need { who: "kafka/test", profile, url_env: Some("TEST_URL") };
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

impl Visit for Look<'_> {
    type Out = ();

    fn visit<A: Adapter>(self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let shape =
            WorkersShape { processes: 1, concurrency: 2, prefetch: 8, connections: 1, window: 64 };
        let log = Recorder::new(Ledger::new(1, 16, clock::now(), 60_000_000_000));
        runtime.block_on(async {
            let system = A::open(self.at, &A::PROFILES[0], &shape).await.expect("it opens");
            let twice = A::open(self.at, &A::PROFILES[0], &shape).await.err().expect("not ours");
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
        let said = match kcat.output() {
            Ok(said) => said,
            // It is a second reader; Kafka's own tool is the first.
            Err(error) => return println!("without kcat: {error}"),
        };
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
    visit("kafka", Look { at: &at, libs: &libs, dir: logs.path() }).expect("in this build");
    kafka.stop().expect("it ends");
}
