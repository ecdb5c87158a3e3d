//! Processes as `/proc` shows them.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes on a busy machine; only a failure waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Waits for a condition.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(2);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(pause);
        // What is looked at, a result or all of `/proc`, is work for a core that
        // others need; what lasts long is known soon enough.
        pause = (pause * 5 / 4).min(Duration::from_millis(30));
    }
}

/// Sends a signal; a process that is gone gets none.
pub(crate) fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// The arguments of a process, separated by blanks; empty once it is gone.
pub(crate) fn arguments(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Living processes that run in a directory or have it in their environment.
/// A Redis shows no environment, but it runs in its room.
pub(crate) fn processes_of(dir: &Path) -> Vec<i32> {
    let text = dir.display().to_string();
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse::<i32>().ok()?;
        let belongs = || {
            let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
            let runs_in = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            runs_in.starts_with(dir) || String::from_utf8_lossy(&environ).contains(&text)
        };
        (is_alive(pid) && belongs()).then_some(pid)
    })
    .collect()
}

/// Kills whatever [`processes_of`] finds, until it finds nothing.
pub(crate) fn end_all_of(dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let left = processes_of(dir);
        if left.is_empty() {
            return;
        }
        for pid in left {
            send(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process's living descendants.
pub(crate) fn descendants(root: i32) -> Vec<i32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        next += 1;
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists: Vec<String> =
            tasks.flat_map(|task| fs::read_to_string(task.path().join("children"))).collect();
        let children = lists.iter().flat_map(|list| list.split_whitespace());
        found.extend(children.filter_map(|child| child.parse::<i32>().ok()));
    }
    found.remove(0);
    found
}

/// Those of its descendants that are Redis servers, and the port of each:
/// a Redis that listens names it in its arguments.
pub(crate) fn redis_servers(root: i32) -> Vec<(i32, u16)> {
    let servers = descendants(root).into_iter().filter_map(|pid| {
        let arguments = arguments(pid);
        let (_, port) = arguments.split_once("redis-server 127.0.0.1:")?;
        Some((pid, port.split_whitespace().next()?.parse().ok()?))
    });
    servers.collect()
}

/// Those of its descendants that are workers.
pub(crate) fn workers(root: i32) -> Vec<i32> {
    descendants(root).into_iter().filter(|&pid| arguments(pid).ends_with(" worker")).collect()
}

/// Whether somebody listens on a port of the loopback.
pub(crate) fn is_listened_on(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
