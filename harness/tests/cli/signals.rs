//! SIGINT and SIGTERM in the middle of a run.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use schedbench_reports::outcome::{Ended, Outcome};

use crate::harness::{Running, cells_of};
use crate::place::{Place, postgres_stand_in, redis_server, small, stand_in};
use crate::processes::{is_listened_on, redis_servers, send, wait_for, workers};

/// More repeats than any test waits for.
fn long_run(place: &Place, system: &str) -> Command {
    let scenario = place.file("small.toml", small(system));
    place.schedbench(&["run", scenario.to_str().expect("UTF-8"), "--repeats", "500"])
}

/// What an interrupted run leaves: a partial outcome that says so, its page,
/// and where it is in the last line.
fn assert_partial(place: &Place, running: &Running<'_>, signal: &str) -> Outcome {
    let results = place.results().expect("results");
    let outcome = results.outcome();
    assert_eq!(outcome.ended, Ended::Interrupted(signal.to_owned()));
    assert!(outcome.cells.len() < outcome.plan.planned as usize);
    for cell in &outcome.cells {
        assert!(cell.counts.balances, "{:?}: {:?}", cell.validity, cell.counts);
        assert_eq!(cell.error, None);
    }
    let stderr = running.stderr();
    let last = stderr.lines().last().expect("a line");
    let named = std::fs::read_link(results.path()).expect("a link");
    assert!(last.ends_with(&format!("results/small/{}", named.display())), "{last}");
    let page = std::fs::read_to_string(results.at("report.html")).expect("a page");
    assert!(page.to_lowercase().contains("interrupted"));
    place.wait_until_nothing_is_left("after a signal");
    let text = place.says(&["report", "results/small/latest/result.json", "--format", "text"]);
    assert!(text.ends(0).stdout.to_lowercase().contains("interrupted"));
    outcome
}

#[test]
fn ctrl_c_ends_a_run_in_order() {
    let place = Place::new();
    let mut running = Running::beside(&place, long_run(&place, "\"wheel\""));
    running.wait_for_cells(3);
    running.send(Signal::INT);
    assert_eq!(running.end().code(), Some(130), "{}", running.stderr());
    let outcome = assert_partial(&place, &running, "SIGINT");
    let whole = cells_of(&outcome, "noop");
    assert!(whole.iter().any(|cell| cell.counts.window.done > 0));
    let stdout = running.stdout();
    assert!(stdout.lines().last().is_some_and(|line| line.starts_with("Report: ")), "{stdout}");
}

#[test]
fn sigterm_ends_a_run_with_a_broker_in_order() {
    redis_server();
    let place = Place::new();
    let mut running = Running::beside(&place, long_run(&place, "\"redis-asynq/memory\""));
    running.wait_until("a worker", |pid| !workers(pid).is_empty());
    let servers = redis_servers(running.pid());
    running.send(Signal::TERM);
    assert_eq!(running.end().code(), Some(143), "{}", running.stderr());
    assert_partial(&place, &running, "SIGTERM");
    for (_, port) in servers {
        wait_for("a free port", || !is_listened_on(port));
    }
}

#[test]
fn two_signals_of_one_moment_are_one() {
    let place = Place::new();
    let mut running = Running::beside(&place, long_run(&place, "\"wheel\""));
    running.wait_for_cells(1);
    // As `timeout` does, but of two kinds, which the kernel never merges.
    running.send(Signal::INT);
    running.send(Signal::TERM);
    let ended = running.end();
    let first = match ended.code() {
        Some(130) => "SIGINT",
        Some(143) => "SIGTERM",
        _ => panic!("{ended}\n{}", running.stderr()),
    };
    assert_partial(&place, &running, first);
}

/// Runs a scenario whose broker hangs in its start, and stops it there.
fn stop_a_start(place: &Place, command: Command, log: &str) {
    let mut running = Running::start(place, command);
    running.wait_until("the start of a broker", |_| {
        let log = place.at("results/small/latest/logs").join(log);
        std::fs::read_to_string(log).is_ok_and(|said| said.contains("a planted wait"))
    });
    let began = Instant::now();
    running.send(Signal::INT);
    assert_eq!(running.end().code(), Some(130), "{}", running.stderr());
    // Of the minute or more that a broker has for its start.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let outcome = assert_partial(place, &running, "SIGINT");
    assert!(outcome.cells.iter().all(|cell| cell.key.system == "noop"));
}

#[test]
fn ctrl_c_ends_the_start_of_a_broker() {
    let place = Place::new();
    let mut command = long_run(&place, "\"redis-asynq/memory\"");
    command.env("SCHEDBENCH_REDIS_SERVER", stand_in("redis-that-hangs"));
    stop_a_start(&place, command, "redis-1.log");
    for program in ["initdb", "postgres"] {
        let place = Place::for_everybody();
        let mut command = long_run(&place, "\"postgres\"");
        command.env("SCHEDBENCH_POSTGRES", postgres_stand_in(&place)).env("HANGS", program);
        stop_a_start(&place, command, "postgres-1.log");
    }
}

#[test]
fn a_second_ctrl_c_ends_a_run_at_once() {
    redis_server();
    let place = Place::new();
    let mut running = Running::start(&place, long_run(&place, "\"redis-asynq/memory\""));
    running.wait_until("a worker", |pid| !workers(pid).is_empty());
    let [(redis, port)] = redis_servers(running.pid())[..] else { panic!("one Redis") };
    // A broker that answers nothing holds up an orderly end for half a minute.
    send(redis, Signal::STOP);
    let began = Instant::now();
    let mut next = began;
    let ended = running.end_while(|running| {
        // Signals within 200 ms are one request; hence apart.
        if Instant::now() >= next {
            running.send(Signal::INT);
            next += Duration::from_millis(200);
        }
    });
    assert_eq!(ended.signal(), Some(Signal::INT.as_raw()), "{ended}\n{}", running.stderr());
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
    let outcome = place.results().expect("results").outcome();
    assert_eq!(outcome.ended, Ended::Running, "a trace of a run that was cut off");
    wait_for("a free port", || !is_listened_on(port));
    place.wait_until_nothing_is_left("after a second signal");
}
