//! What the tests of the environment stand on.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use schedbench::environment::Keeper;
use schedbench_contract::{
    AckMode, Address, Broker, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends,
    Retries, Topology,
};
use tempfile::TempDir;

pub(crate) const fn profile(settings: &'static [(&'static str, &'static str)]) -> Profile {
    Profile {
        name: "test",
        summary: "for tests",
        broker: Some(Broker::Redis),
        broker_settings: settings,
        topology: Topology::Single,
        claims: Claims {
            durability: DurabilityClass::BrokerMemory,
            ack: AckMode::Late,
            confirms: ConfirmMode::Confirmed,
            delay: Delay::Unsupported("a test"),
            order: Order::None,
            cancel: false,
            retries: Retries::Unsupported("a test"),
            resends: Resends::Noted,
            largest_body: 1,
        },
    }
}

/// Nothing on disk.
pub(crate) static MEMORY: Profile = profile(&[("appendonly", "no")]);
/// Everything on disk at once.
pub(crate) static AOF_ALWAYS: Profile =
    profile(&[("appendonly", "yes"), ("appendfsync", "always")]);
/// Redis ends at once when it reads this.
pub(crate) static BROKEN: Profile = profile(&[("appendonly", "perhaps")]);

/// A deadline far enough for a busy machine.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(120)
}

/// Waits for a condition; what it was is said by the caller's `expect`.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = soon();
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A keeper without a watchdog, a directory for logs and one for rooms, both
/// on a disk.
pub(crate) fn stand() -> (Keeper, TempDir, TempDir) {
    let keeper = Keeper::start(None).expect("a keeper");
    let logs = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    (keeper, logs, root())
}

/// A directory for rooms that brokers of other users may pass, where runs have
/// theirs: what is built may lie in a home that nobody else may enter.
pub(crate) fn root() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let passable = std::fs::Permissions::from_mode(0o711);
    let mut root = tempfile::Builder::new();
    root.permissions(passable)
        .tempdir_in(schedbench::environment::rooms::root())
        .expect("a directory")
}

/// A connection to a Redis, spoken to in lines.
pub(crate) struct Asked(BufReader<TcpStream>);

/// Connects without a password.
pub(crate) fn stranger(at: &Address) -> Asked {
    let stream = TcpStream::connect((at.host.as_str(), at.port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    Asked(BufReader::new(stream))
}

/// Connects and signs in, to the primary where sentinels are asked for it.
pub(crate) fn aim(at: &Address) -> Asked {
    let mut asked = sign_in(at);
    let name = schedbench_adapters::WATCHED_BY_SENTINELS;
    let said = asked.ask(&format!("SENTINEL GET-MASTER-ADDR-BY-NAME {name}"));
    match said.split_once(' ').map(|(host, port)| (host, port.parse())) {
        Some((host, Ok(port))) => sign_in(&Address { host: host.into(), port, ..at.clone() }),
        _ => asked,
    }
}

/// Connects and signs in, there.
pub(crate) fn sign_in(at: &Address) -> Asked {
    let mut asked = stranger(at);
    let password = at.password.as_ref().expect("a password");
    assert_eq!(asked.ask(&format!("AUTH {}", password.0)), "OK");
    asked
}

impl Asked {
    /// Sends a line.
    pub(crate) fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("a write");
    }

    /// Sends a line and reads the answer; many words are joined by spaces.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// Whether something is to be heard in this time.
    pub(crate) fn hears_within(&mut self, time: Duration) -> bool {
        let stream = self.0.get_ref();
        stream.set_read_timeout(Some(time)).expect("a time-out");
        let heard = stream.peek(&mut [0]).is_ok_and(|count| count > 0);
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        heard
    }

    /// Reads an answer of many texts.
    pub(crate) fn hear_many(&mut self) -> Vec<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer");
        let count = line.trim_end().strip_prefix('*').expect("many").parse().expect("a count");
        (0..count).map(|_: usize| self.hear()).collect()
    }

    /// Reads an answer.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer");
        let (kind, rest) = line.trim_end().split_at(1);
        match (kind, rest) {
            ("$", "-1") => "nothing".into(),
            ("$", length) => {
                let mut bytes = vec![0; length.parse::<usize>().expect("a length") + 2];
                self.0.read_exact(&mut bytes).expect("a text");
                String::from_utf8(bytes).expect("UTF-8").trim_end_matches("\r\n").into()
            }
            ("*", count) => {
                let count = count.parse::<usize>().expect("a count");
                (0..count).map(|_| self.hear()).collect::<Vec<_>>().join(" ")
            }
            (_, rest) => rest.into(),
        }
    }
}

/// Asks a PostgreSQL: the first column of each row, and the rows changed.
pub(crate) fn sql(at: &Address, question: &str) -> (Vec<String>, u64) {
    use tokio_postgres::{Config, NoTls, SimpleQueryMessage};
    let mut config = Config::new();
    config.host(&at.host).port(at.port);
    config.user(at.user.as_deref().expect("a user"));
    config.password(&at.password.as_ref().expect("a password").0);
    config.dbname(at.database.as_deref().expect("a database"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.expect("a runtime").block_on(async {
        let (client, connection) = config.connect(NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client.simple_query(question).await.expect("an answer")
    });
    let (mut rows, mut changed) = (Vec::new(), 0);
    for message in answer {
        match message {
            SimpleQueryMessage::Row(row) => rows.push(row.get(0).unwrap_or_default().to_owned()),
            SimpleQueryMessage::CommandComplete(count) => changed = count,
            _ => {}
        }
    }
    (rows, changed)
}

/// Local addresses of listening IPv4 sockets, as `/proc/net/tcp` has them.
pub(crate) fn listening() -> Vec<(u32, u16)> {
    let text = std::fs::read_to_string("/proc/net/tcp").expect("/proc/net/tcp");
    let sockets = text.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (address, port) = words.next()?.split_once(':')?;
        let state = words.nth(1)?;
        let address = u32::from_str_radix(address, 16).ok()?.swap_bytes();
        (state == "0A").then_some((address, u16::from_str_radix(port, 16).ok()?))
    });
    sockets.collect()
}

/// Whether somebody listens on the port.
pub(crate) fn is_listened_on(port: u16) -> bool {
    listening().iter().any(|(_, listened)| *listened == port)
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Sets a variable while `body` runs. Names must differ between tests, which
/// run side by side.
pub(crate) fn with_env(name: &str, value: &str, body: impl FnOnce()) {
    // SAFETY: whoever reads or sets the environment at the same time goes
    // through std, which locks.
    unsafe { std::env::set_var(name, value) };
    body();
    // SAFETY: as above.
    unsafe { std::env::remove_var(name) };
}

/// Processes with that text in their environment.
pub(crate) fn processes_with(text: &str) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse::<i32>().ok()?;
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environ).contains(text).then_some(pid)
    })
    .collect()
}
