//! A real PostgreSQL: started, asked, hurt and ended by the harness.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use schedbench::environment::{Entry, Error, Ground, Need, Rooms, Running};
use schedbench_contract::{Broker, Claims, DurabilityClass, Profile, Topology};

use crate::ground::{self, MEMORY, is_alive, is_listened_on, listening, sql, wait_for};

const fn profile(settings: &'static [(&'static str, &'static str)]) -> Profile {
    Profile {
        name: "test",
        summary: "for tests",
        broker: Some(Broker::Postgres),
        broker_settings: settings,
        topology: Topology::Single,
        claims: Claims { durability: DurabilityClass::PowerLoss, ..MEMORY.claims },
    }
}

static FLUSHED: Profile = profile(&[("synchronous_commit", "on")]);
static ASYNC: Profile = profile(&[("synchronous_commit", "off")]);
static BROKEN: Profile = profile(&[("synchronous_commit", "perhaps")]);

fn need(profile: &Profile) -> Need<'_> {
    Need { who: "postgres/test", profile, url_env: None, by_proxies: false }
}

fn start(at: &Ground<'_>, profile: &Profile) -> Box<dyn Running> {
    let started = Entry::of(Broker::Postgres).have(at, &need(profile));
    started.unwrap_or_else(|error| panic!("{error}"))
}

fn one(at: &dyn Running, question: &str) -> String {
    sql(at.address(), question).0.concat()
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
    let mut postgres = start(&at, &FLUSHED);
    let said = postgres.describe();
    assert!(said.starts_with("postgres ") && said.ends_with("(synchronous_commit on)"), "{said}");
    postgres.check().expect("alive");
    for (setting, value) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("autovacuum_naptime", "1s"),
        ("unix_socket_directories", ""),
    ] {
        assert_eq!(one(&*postgres, &format!("SHOW {setting}")), value, "{setting}");
    }
    sql(postgres.address(), "CREATE TABLE it (word text); INSERT INTO it VALUES ('stays')");

    let child = postgres.child().expect("a child").clone();
    let servers = child.processes();
    assert!(servers.len() > 4, "a writer, a checkpointer, …: {servers:?}");
    assert_eq!(child.kill().signal, Some(9));
    wait_for("all servers to end", || !servers.iter().any(|&pid| is_alive(pid)));
    let died = postgres.check().expect_err("it is dead").to_string();
    assert!(died.contains("broker died") && died.contains("signal 9"), "{died}");
    assert!(died.contains(&logs.path().display().to_string()), "{died}");
    postgres.restart().expect("it comes back");
    assert_ne!(postgres.child().expect("a child").pid(), child.pid());
    assert_eq!(one(&*postgres, "SELECT word FROM it"), "stays");
    assert_eq!(segments(&postgres.child().expect("a child").processes()), 0);

    let port = postgres.address().port;
    postgres.stop().expect("it ends");
    assert!(!is_listened_on(port));
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
    let path = rooms.path().to_owned();
    drop(rooms);
    assert!(!path.exists());
}

/// System V's segments that outlive their makers, made by one of these.
fn segments(pids: &[i32]) -> usize {
    const DESTROYED_WITH_ITS_LAST_USER: u32 = 0o1000;
    let all = fs::read_to_string("/proc/sysvipc/shm").expect("segments");
    let stay = all.lines().skip(1).filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mode = u32::from_str_radix(words[2], 8).expect("a mode");
        pids.contains(&words[4].parse().expect("a pid")) && mode & DESTROYED_WITH_ITS_LAST_USER == 0
    });
    stay.count()
}

/// Each of PostgreSQL's servers leads a session, and so a group, of its own.
#[test]
fn a_pause_stops_every_server_and_clients_are_answered_later() {
    stand!(at, _logs, _rooms);
    let postgres = start(&at, &FLUSHED);
    let child = postgres.child().expect("a child");
    let is_stopped = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
    };
    child.pause();
    wait_for("all servers to stop", || child.processes().iter().all(is_stopped));
    postgres.check().expect("it lives");
    child.resume();
    assert_eq!(one(&*postgres, "SELECT 7"), "7");
    wait_for("all servers to go on", || !child.processes().iter().any(is_stopped));
    // A paused one can be ended too, in order.
    child.pause();
    assert_eq!(child.interrupt(ground::soon()).code, Some(0));
    postgres.stop().expect("it ends");
}

/// A client that stays connected holds nothing up.
#[test]
fn it_ends_in_order_while_clients_are_connected() {
    stand!(at, logs, _rooms);
    let postgres = start(&at, &ASYNC);
    assert_eq!(one(&*postgres, "SHOW synchronous_commit"), "off");
    let address = postgres.address().clone();
    let client = std::thread::spawn(move || {
        // Ends with an error when the server does.
        std::panic::catch_unwind(|| sql(&address, "SELECT pg_sleep(60)")).is_err()
    });
    wait_for("the client to be there", || {
        one(&*postgres, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(60)'")
            != "0"
    });
    postgres.stop().expect("it ends");
    assert!(client.join().expect("a client"), "it was cut off");
    let log = fs::read_to_string(logs.path().join("postgres-1.log")).expect("a log");
    assert!(log.contains("database system is shut down"), "{log}");
}

#[test]
fn it_listens_on_loopback_only_and_its_password_is_nowhere() {
    stand!(at, logs, rooms);
    let postgres = start(&at, &FLUSHED);
    sql(postgres.address(), "CREATE TABLE it (word text); CHECKPOINT");
    let port = postgres.address().port;
    assert!(port < 32_768);
    let heard: Vec<_> = listening().into_iter().filter(|(_, on)| *on == port).collect();
    assert_eq!(heard, [(0x7f00_0001, port)]);
    // None of its servers listens anywhere else, nor on IPv6.
    let ours = sockets(&postgres.child().expect("a child").processes());
    assert!(!ours.is_empty());
    let mut listens = 0;
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(file).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words[3] == "0A" && ours.contains(&words[9].to_owned()) {
                assert_eq!((file, words[1]), ("/proc/net/tcp", &*format!("0100007F:{port:04X}")));
                listens += 1;
            }
        }
    }
    assert_eq!(listens, 1);

    let password = postgres.address().password.clone().expect("a password").0;
    assert_eq!(password.len(), 32);
    let mut seen = 0;
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let is_process = process.file_name().to_string_lossy().parse::<i32>().is_ok();
        for file in ["cmdline", "environ"].into_iter().filter(|_| is_process) {
            let text = fs::read(process.path().join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&password), "{}/{file}", process.path().display());
            seen += usize::from(text.contains("schedbench.conf"));
        }
    }
    assert!(seen > 0, "the server itself was looked at");
    let log = logs.path().join("postgres-1.log");
    assert!(!fs::read_to_string(log).expect("a log").contains(&password));
    assert!(!format!("{:?} {}", postgres.address(), postgres.describe()).contains(&password));
    let mut looked_at = 0;
    for file in files(rooms.path()) {
        let Ok(bytes) = fs::read(&file) else { continue };
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
        looked_at += 1;
    }
    assert!(looked_at > 100, "{looked_at} files");
    let mode = |path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let room = rooms.path().join("postgres-1");
    assert_eq!(mode(&room), 0o700);
    assert_eq!(mode(&room.join("data")), 0o700);
    let owner = fs::metadata(&room).expect("it is there").uid();
    assert_ne!(owner, 0, "PostgreSQL does not run as root");
    postgres.stop().expect("it ends");
}

/// Inodes of the sockets that these processes have open.
fn sockets(pids: &[i32]) -> Vec<String> {
    let links = pids.iter().flat_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok());
    links
        .flat_map(Iterator::flatten)
        .filter_map(|entry| {
            let link = fs::read_link(entry.path()).ok()?;
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect()
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_death_at_the_start_shows_the_last_lines_of_its_log() {
    stand!(at, logs, _rooms);
    let died = Entry::of(Broker::Postgres).have(&at, &need(&BROKEN)).err().expect("no postgres");
    let Error::Died(died) = died else { panic!("{died}") };
    assert_eq!(died.exit.code, Some(1));
    assert!(died.log.iter().any(|line| line.contains("synchronous_commit")), "{:?}", died.log);
    let text = died.to_string();
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("postgres/test: broker died "), "{text}");
    assert!(first.ends_with("s after it started (exit 1)"), "{text}");
    let log = logs.path().join("postgres-1.log").display().to_string();
    assert!(text.ends_with(&format!("\n  full log: {log}")), "{text}");
}

/// Between a broker's end and its return somebody else takes its port.
#[test]
fn a_port_that_was_taken_meanwhile_is_said() {
    stand!(at, _logs, _rooms);
    let mut postgres = start(&at, &FLUSHED);
    let port = postgres.address().port;
    postgres.child().expect("a child").kill();
    let thief = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let said = postgres.restart().expect_err("its port is taken").to_string();
    assert!(said.contains("broker died") && said.contains("Address already in use"), "{said}");
    drop(thief);
    postgres.restart().expect("it comes back");
    postgres.stop().expect("it ends");
}

#[test]
fn an_existing_one_is_used_as_it_is_or_not_at_all() {
    stand!(at, _logs, _rooms);
    let theirs = start(&at, &FLUSHED);
    let address = theirs.address();
    let password = address.password.clone().expect("a password").0;
    let entry = Entry::of(Broker::Postgres);
    let need = |profile| Need {
        who: "postgres/test",
        profile,
        url_env: Some("TEST_POSTGRES_URL"),
        by_proxies: false,
    };
    let url = |scheme: &str, password: &str| {
        format!("{scheme}://schedbench:{password}@127.0.0.1:{}/postgres", address.port)
    };
    for scheme in ["postgres", "postgresql"] {
        ground::with_env("TEST_POSTGRES_URL", &url(scheme, &password), || {
            let mut ours = entry.have(&at, &need(&FLUSHED)).expect("it fits");
            let said = ours.describe();
            assert!(said.ends_with("(synchronous_commit on), not ours"), "{said}");
            assert!(ours.child().is_none() && ours.check().is_ok() && ours.restart().is_err());
            assert_eq!(ours.address().password, address.password);
            ours.stop().expect("nothing to do");
            let version = entry.ask("TEST_POSTGRES_URL").expect("it answers");
            assert!(
                said.contains(&format!("postgres {version} of TEST_POSTGRES_URL")),
                "{said} {version}"
            );
            assert!(!entry.is_too_old(&version) && entry.is_too_old("11.22"));

            let misfit = entry.have(&at, &need(&ASYNC)).err().expect("it does not fit");
            let text = misfit.to_string();
            assert!(text.contains("has synchronous_commit = 'on'"), "{text}");
            assert!(text.contains("needs synchronous_commit = 'off'"), "{text}");
            assert!(!text.contains(&password), "{text}");
        });
    }
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let nobody = format!("postgres://u:wrong-word@{}/x", nobody.expect("a free port"));
    for (wrong, said) in [
        (url("postgres", "wrong-word"), "password authentication failed"),
        (nobody, "refused"),
        (format!("{password}@127.0.0.1"), "postgres://"),
        ("postgres://".into(), "no host"),
        ("mysql://u:wrong-word@h".into(), "not a postgres:// URL"),
    ] {
        ground::with_env("TEST_POSTGRES_URL", &wrong, || {
            let refused = entry.have(&at, &need(&FLUSHED)).err().expect("no such postgres");
            let text = refused.to_string();
            assert!(text.contains("TEST_POSTGRES_URL") && text.contains(said), "{text}");
            assert!(!text.contains(&password) && !text.contains("wrong-word"), "{text}");
        });
    }
    theirs.check().expect("nobody touched it");
    theirs.stop().expect("it ends");
}

#[test]
fn what_earlier_runs_left_is_found_and_nothing_else_is_removed() {
    stand!(at, _logs, _rooms);
    let theirs = start(&at, &FLUSHED);
    let address = theirs.address();
    let ours = "schedbench.0\"1'2.3";
    let name = ours.replace('"', "\"\"");
    sql(
        address,
        &format!(
            "CREATE SCHEMA \"{name}\"; CREATE TABLE \"{name}\".tasks (id int);
             CREATE SCHEMA \"schedbench\"; CREATE SCHEMA \"other.schedbench.\""
        ),
    );
    let password = address.password.clone().expect("a password").0;
    let url = format!("postgres://schedbench:{password}@127.0.0.1:{}/postgres", address.port);
    ground::with_env("LEFT_URL", &url, || {
        let entry = Entry::of(Broker::Postgres);
        let found = entry.leftovers("LEFT_URL").expect("an answer");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(ours.to_owned(), 1)]);
        let mut all = entry.leftovers("LEFT_URL").expect("an answer");
        // Who asks for more than ours does not get it.
        all.insert("schedbench".into(), 0);
        entry.remove("LEFT_URL", &all).expect("they go");
        assert!(entry.leftovers("LEFT_URL").expect("an answer").is_empty());
    });
    let left = sql(address, "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%schedbench%'").0;
    assert_eq!(left.len(), 2, "{left:?}");
    theirs.stop().expect("it ends");
}
