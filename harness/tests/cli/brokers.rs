//! Brokers that are missing, not reached, or that die: each ends its own cells
//! with a clear word, and never the run.

use std::net::TcpListener;
use std::process::Command;

use rustix::process::Signal;
use schedbench_reports::outcome::{Ended, Outcome, Validity};

use crate::harness::{Running, cells_of};
use crate::place::{Place, Said, redis_server, small, stand_in};
use crate::processes::{is_listened_on, redis_servers, send, wait_for, workers};
use crate::secrets::Locked;
use crate::strangers::Stranger;

/// `run` of a scenario with this text.
fn run(place: &Place, text: &str, more: &[&str]) -> Command {
    let scenario = place.file("small.toml", text);
    place.schedbench(&[&["run", scenario.to_str().expect("UTF-8")], more].concat())
}

fn without_redis(mut command: Command) -> Said {
    command.env("SCHEDBENCH_REDIS_SERVER", "/nonexistent/redis-server").env("PATH", "/nonexistent");
    Said::of(command.output().expect("a run"))
}

/// Asserts that all of Redis's cells failed with a message that has these
/// words, and that the wheel's stand.
fn assert_only_redis_failed(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.ended, Ended::Complete);
    let failed = cells_of(outcome, "redis-asynq");
    assert_eq!(failed.len(), 2);
    for cell in failed {
        assert!(matches!(cell.validity, Validity::Incomplete(_)), "{:?}", cell.validity);
        let error = cell.error.as_ref().expect("an error");
        let text = format!("{}\n{}", error.message, error.log.join("\n"));
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
    }
    let stand = cells_of(outcome, "wheel");
    assert_eq!(stand.len(), 2);
    assert!(stand.iter().all(|cell| cell.error.is_none() && cell.counts.window.done > 0));
}

#[test]
fn one_that_is_missing_is_found_before_the_run() {
    let place = Place::new();
    let said = without_redis(run(&place, &small("\"wheel\", \"redis-asynq\""), &[])).refused(2);
    said.complains_of(&[
        "error: redis-asynq/everysec: no broker here\n",
        "apt-get install redis-server",
        "(or: --env compose, or REDIS_URL)",
        "--skip-missing",
    ]);
    assert!(!place.at("results").exists(), "nothing was started");
    place.wait_until_nothing_is_left("after a refusal");
}

#[test]
fn one_that_is_too_old_is_found_before_the_run() {
    let place = Place::new();
    let mut command = run(&place, &small("\"wheel\", \"redis-asynq\""), &[]);
    command.env("SCHEDBENCH_REDIS_SERVER", stand_in("redis-too-old"));
    command.env("STARTED", place.at("started"));
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["redis 6.0.16 is too old: expected 6.2 or later.", "apt-get install"]);
    assert!(!place.at("started").exists() && !place.at("results").exists());
    place.wait_until_nothing_is_left("after a refusal");
}

#[test]
fn one_that_is_missing_can_be_skipped() {
    let place = Place::new();
    let text = small("\"wheel\", \"redis-asynq\"");
    let said = without_redis(run(&place, &text, &["--skip-missing"])).ends_well();
    let said = said.complains_of(&["skipped: redis-asynq/everysec: "]);
    assert!(said.stdout.contains("redis-asynq"), "{}", said.stdout);
    let results = place.results().expect("results");
    let outcome = results.outcome();
    let [skipped] = outcome.skipped.as_slice() else { panic!("{:?}", outcome.skipped) };
    assert_eq!(skipped.target, "redis-asynq/everysec");
    assert_eq!(skipped.remedy.as_deref(), Some("apt-get install redis-server"));
    assert!(cells_of(&outcome, "redis-asynq").is_empty());
    let page = std::fs::read_to_string(results.at("report.html")).expect("a page");
    assert!(page.contains("redis-asynq/everysec"), "the page says what was skipped");
}

#[test]
fn one_whose_variable_is_not_set_is_missing() {
    let place = Place::new();
    let text = small("\"redis-asynq\"") + "[brokers.redis]\nurl_env = \"NO_SUCH_REDIS\"\n";
    let said = Said::of(run(&place, &text, &[]).output().expect("a run")).refused(2);
    said.complains_of(&["NO_SUCH_REDIS is not set", "export NO_SUCH_REDIS=redis://"]);
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn one_that_cannot_start_fails_its_cells() {
    let place = Place::new();
    let mut command = run(&place, &small("\"redis-asynq\", \"wheel\""), &[]);
    command.env("SCHEDBENCH_REDIS_SERVER", stand_in("redis-that-cannot-start"));
    let said = Said::of(command.output().expect("a run")).ends(1);
    let said = said.complains_of(&["(exit 3); full log: logs/redis-1.log", "a planted fault"]);
    let told = said.stderr.matches("redis-asynq/everysec: broker died ").count();
    assert_eq!(told, 2, "once for each cell\n{}", said.stderr);
    let logs = place.results().expect("results").at("logs/redis-1.log");
    assert!(std::fs::read_to_string(logs).expect("a log").contains("a planted fault"));
    assert!(said.stdout.contains("Report: "), "{}", said.stdout);
    let outcome = place.results().expect("results").outcome();
    let words = ["redis-asynq/everysec: broker died ", "reading the settings", "planted fault"];
    assert_only_redis_failed(&outcome, &words);
    place.wait_until_nothing_is_left("after a failed start");
}

#[test]
fn one_that_nobody_listens_for_is_found_before_the_run() {
    let place = Place::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let url = format!("redis://:hunter2@127.0.0.1:{port}");
    let said = with_url(&place, &url).refused(2);
    let said = said.complains_of(&["Connection refused", "MY_REDIS", &port.to_string()]);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    assert!(!place.at("results").exists(), "nothing was started");
}

/// A Redis of a version that will not do, spoken to by a URL.
#[test]
fn an_existing_one_that_is_too_old_is_found_before_the_run() {
    let place = Place::new();
    let old = Stranger::answering(|heard| {
        let info = "# Server\r\nredis_version:6.0.16\r\nredis_mode:standalone\r\n";
        match String::from_utf8_lossy(heard).contains("INFO") {
            true => format!("${}\r\n{info}\r\n", info.len()).into_bytes(),
            false => b"+OK\r\n".to_vec(),
        }
    });
    let said = with_url(&place, &format!("redis://:hunter2@{}", old.place())).refused(2);
    let said = said.complains_of(&["6.0.16", "too old", "correct MY_REDIS"]);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn what_is_no_redis_is_found_before_the_run() {
    let postgres = Locked::postgres();
    let hangs_up = Stranger::saying(b"");
    let babbles = Stranger::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    // The kernel takes connections for it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().map(|at| (silent, at)).expect("its port");
    let place = Place::new();
    for (at, words) in [
        (postgres.place(), "the answer is not Redis's"),
        (hangs_up.place(), "the answer is not Redis's"),
        (babbles.place(), "the answer is not Redis's"),
        (silent.1.to_string(), "no answer in time"),
    ] {
        let said = with_url(&place, &format!("redis://:hunter2@{at}")).refused(2);
        let said = said.complains_of(&["asking the redis of MY_REDIS", &at, words]);
        assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn one_with_another_password_is_found_before_the_run() {
    let locked = Locked::new();
    let place = Place::new();
    let said = with_url(&place, &locked.url("hunter2")).refused(2);
    let said = said.complains_of(&["WRONGPASS", "correct MY_REDIS"]);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    assert!(!place.at("results").exists(), "nothing was started");
}

/// Runs `redis-asynq/memory` on the Redis with that URL, and the wheel.
fn with_url(place: &Place, url: &str) -> Said {
    let text = small("\"redis-asynq/memory\", \"wheel\"");
    let mut command = run(place, &(text + "[brokers.redis]\nurl_env = \"MY_REDIS\"\n"), &[]);
    Said::of(command.env("MY_REDIS", url).output().expect("a run"))
}

#[test]
fn one_that_dies_in_the_middle_ends_its_cells_only() {
    redis_server();
    let place = Place::new();
    let text = small("\"redis-asynq/memory\", \"wheel\"");
    let mut running = Running::beside(&place, run(&place, &text, &["--duration", "1500ms"]));
    running.wait_until("a Redis with a worker", |pid| {
        !redis_servers(pid).is_empty() && !workers(pid).is_empty()
    });
    let servers = redis_servers(running.pid());
    let [(redis, port)] = servers.as_slice() else { panic!("{servers:?}") };
    send(*redis, Signal::KILL);
    let code = running.end().code();
    assert_eq!(code, Some(1), "{}", running.stderr());
    assert!(running.stderr().contains("broker died "), "{}", running.stderr());
    let outcome = place.results().expect("results").outcome();
    let words = ["redis-asynq/memory: broker died ", "(signal 9", "Ready to accept connections"];
    assert_only_redis_failed(&outcome, &words);
    assert!(outcome.cells.iter().all(|cell| cell.counts.balances));
    wait_for("a free port", || !is_listened_on(*port));
    place.wait_until_nothing_is_left("after the broker's death");
}
