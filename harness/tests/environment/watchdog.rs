//! A harness that is killed at any moment leaves no process, port or file.
//!
//! The harness that is killed is this test's own binary, started again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use schedbench::environment::{Entry, Ground, Keeper, Need, Rooms, Spec, Watchdog};
use schedbench_contract::Broker;

use crate::ground::{AOF_ALWAYS, aim, is_alive, is_listened_on, processes_with, wait_for};

const ROOT: &str = "SCHEDBENCH_TEST_ROOT";

/// A harness in a process of its own, in a group of its own.
fn start_harness(root: &Path) -> Child {
    let myself = std::env::current_exe().expect("this test");
    let mut command = Command::new(myself);
    command.args(["--exact", "watchdog::acts_as_a_harness", "--ignored", "--nocapture"]);
    command.env(ROOT, root).stdin(Stdio::null()).process_group(0);
    let quiet = fs::File::create(root.join("harness.log")).expect("a log");
    command.stderr(quiet.try_clone().expect("a log")).stdout(quiet);
    command.spawn().expect("a harness")
}

/// Its body: a watchdog, a Redis that rewrites its AOF all the time, and a
/// child that ignores everything it can ignore.
#[test]
#[ignore = "started by the other tests"]
fn acts_as_a_harness() {
    let Some(root) = std::env::var_os(ROOT).map(std::path::PathBuf::from) else { return };
    let rooms_root = root.join("rooms");
    let program = Path::new(env!("CARGO_BIN_EXE_schedbench"));
    let watchdog = Watchdog::start_as(program, &["reap".into()]).expect("a watchdog");
    let rooms = Rooms::open_in(&rooms_root, Some(watchdog.clone())).expect("rooms");
    let keeper = Keeper::start(Some(watchdog)).expect("a keeper");
    let mut stubborn = Spec::new("stubborn", "/bin/sh", root.join("stubborn.log"));
    stubborn.args = vec!["-c".into(), "trap '' TERM INT HUP; sleep 1000 & sleep 1000".into()];
    keeper.spawn(stubborn).expect("a child");
    let ground = Ground { keeper: &keeper, rooms: &rooms, logs: &root };
    let need = Need { who: "test", profile: &AOF_ALWAYS, url_env: None, by_proxies: false };
    let redis = Entry::of(Broker::Redis).have(&ground, &need).expect("a redis");
    let mut asked = aim(redis.address());
    for number in 0..200 {
        asked.ask(&format!("SET key{number} {}", "x".repeat(10_000)));
    }
    fs::write(root.join("new-port"), redis.address().port.to_string()).expect("a file");
    fs::rename(root.join("new-port"), root.join("port")).expect("a file");
    loop {
        asked.ask("BGREWRITEAOF");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ends what a failed test would leave: every process that has the mark in its
/// environment was started by that test's harness.
struct EndAll(String);

impl Drop for EndAll {
    fn drop(&mut self) {
        for pid in processes_with(&self.0).into_iter().filter_map(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Starts a harness, lets `end` end it, and makes sure that nothing is left.
fn leaves_nothing(what: &str, end: impl FnOnce(&mut Child, &Path)) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let rooms = dir.path().join("rooms");
    fs::create_dir(&rooms).expect("a directory");
    let mark = format!("{ROOT}={}", dir.path().display());
    let _end_all = EndAll(mark.clone());
    let mut harness = start_harness(dir.path());
    end(&mut harness, dir.path());
    harness.wait().expect("its end");
    wait_for(&format!("no process, {what}"), || processes_with(&mark).is_empty());
    let left: Vec<_> = fs::read_dir(&rooms).expect("the root").flatten().collect();
    assert!(left.is_empty(), "{what}: {left:?}");
    if let Ok(port) = fs::read_to_string(dir.path().join("port")) {
        assert!(!is_listened_on(port.parse().expect("a port")), "{what}: port {port}");
    }
}

fn wait_for_port(dir: &Path) {
    wait_for("the harness's redis", || dir.join("port").exists());
}

#[test]
fn killed_at_random_moments() {
    // How long a whole start takes here and now.
    let before = Instant::now();
    leaves_nothing("killed when it was ready", |harness, dir| {
        wait_for_port(dir);
        harness.kill().expect("a kill");
    });
    let start = before.elapsed();
    let mut seed = u64::from(std::process::id()) << 32 | u64::from(before.elapsed().subsec_nanos());
    for _ in 0..25 {
        // SplitMix64's step; the moment is in the message of a failure.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let moment = start.mul_f64((mixed >> 11) as f64 / (1_u64 << 53) as f64 * 1.2);
        leaves_nothing(&format!("killed after {moment:?}"), |harness, _| {
            std::thread::sleep(moment);
            harness.kill().expect("a kill");
        });
    }
}

#[test]
fn killed_while_its_redis_rewrites() {
    for _ in 0..5 {
        leaves_nothing("killed in a rewrite", |harness, dir| {
            wait_for_port(dir);
            wait_for("a rewrite", || {
                let rooms = fs::read_dir(dir.join("rooms")).expect("rooms").flatten();
                let mut brokers = rooms.flat_map(|room| fs::read_dir(room.path().join("redis-1")));
                brokers.any(|broker| {
                    let mut files = broker.flatten();
                    files.any(|file| file.file_name().to_string_lossy().starts_with("temp-"))
                })
            });
            harness.kill().expect("a kill");
        });
    }
}

#[test]
fn interrupted_from_the_terminal() {
    for signal in [Signal::INT, Signal::HUP, Signal::QUIT] {
        leaves_nothing("interrupted", |harness, dir| {
            wait_for_port(dir);
            kill_process_group(Pid::from_child(harness), signal).expect("a signal");
        });
    }
}

#[test]
fn without_a_watchdog_processes_end_and_the_next_run_removes_the_files() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let rooms = dir.path().join("rooms");
    fs::create_dir(&rooms).expect("a directory");
    let mark = format!("{ROOT}={}", dir.path().display());
    let end_all = EndAll(mark.clone());
    let mut harness = start_harness(dir.path());
    wait_for_port(dir.path());
    let is_watchdog = |pid: &i32| {
        let cmdline = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&cmdline).ends_with("\0reap\0")
    };
    let watchdog = processes_with(&mark).into_iter().find(is_watchdog).expect("a watchdog");
    let pid = Pid::from_raw(watchdog).expect("a number");
    rustix::process::kill_process(pid, Signal::KILL).expect("a signal");
    harness.kill().expect("a kill");
    harness.wait().expect("its end");
    let port = fs::read_to_string(dir.path().join("port")).expect("a port");
    wait_for("the redis's end", || !is_listened_on(port.parse().expect("a port")));
    assert!(!is_alive(watchdog));
    // Members of a child's group get no signal from the kernel; the watchdog
    // would have ended them.
    drop(end_all);
    assert_eq!(fs::read_dir(&rooms).expect("the root").count(), 1);
    let removed = schedbench::environment::rooms::sweep(&rooms).expect("a sweep");
    assert_eq!(removed.len(), 1);
    assert_eq!(fs::read_dir(&rooms).expect("the root").count(), 0);
}

#[test]
fn an_orderly_end_takes_the_watchdog_along() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let program = Path::new(env!("CARGO_BIN_EXE_schedbench"));
    let watchdog = Watchdog::start_as(program, &["reap".into()]).expect("a watchdog");
    let pid = i32::try_from(watchdog.pid()).expect("a number");
    let rooms = Rooms::open_in(dir.path(), Some(watchdog.clone())).expect("rooms");
    let keeper = Keeper::start(Some(watchdog)).expect("a keeper");
    assert!(is_alive(pid));
    drop(keeper);
    drop(rooms);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it has ended and is reaped");
    assert_eq!(fs::read_dir(dir.path()).expect("the root").count(), 0);
}

#[test]
fn a_program_that_does_not_watch_is_found_out() {
    let error = Watchdog::start_as(Path::new("/bin/true"), &[]).expect_err("it says nothing");
    assert!(error.to_string().contains("did not start"), "{error}");
}
