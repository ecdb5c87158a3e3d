//! `--env compose`, with a program in docker's place: what it is told, and
//! that nothing stays. No engine is needed; what a real one makes of it is not
//! shown here.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use schedbench::environment::compose;
use schedbench_reports::outcome::Validity;

use crate::harness::{Running, cells_of, files_below};
use crate::place::{Place, Said, redis_server, small, stand_in};
use crate::processes::{is_alive, send, wait_for, workers};

/// A command of the program, with our docker.
pub(crate) fn with_docker(place: &Place, args: &[&str]) -> Command {
    let state = place.at("docker");
    fs::create_dir_all(&state).expect("a directory");
    let mut command = place.schedbench(args);
    command
        .env("SCHEDBENCH_DOCKER", stand_in("docker"))
        .env("REAL_REDIS_SERVER", redis_server())
        .env("DOCKER_STATE", state);
    command
}

fn run(place: &Place, systems: &str, more: &[&str]) -> Command {
    let scenario = place.file("small.toml", small(systems));
    let args = ["run", scenario.to_str().expect("UTF-8"), "--env", "compose"];
    with_docker(place, &[&args, more].concat())
}

fn said(mut command: Command) -> Said {
    Said::of(command.output().expect("a run"))
}

fn calls(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(place.at("docker/calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Asserts that the last project was removed, and with it its broker.
#[track_caller]
fn assert_removed(place: &Place) {
    let calls = calls(place);
    let down = calls.iter().rfind(|call| call.contains(" down ")).expect("a down");
    assert!(down.starts_with("compose --project-name schedbench-"), "{down}");
    assert!(down.ends_with(" down --volumes --remove-orphans --timeout=5"), "{down}");
    assert!(!place.at("docker/project").exists(), "{calls:?}");
}

fn pid(place: &Place) -> i32 {
    let text = fs::read_to_string(place.at("docker/pid")).expect("a number");
    text.trim().parse().expect("a number")
}

#[test]
fn a_run_in_a_container() {
    let place = Place::new();
    let said = said(run(&place, "\"redis-asynq\", \"wheel\"", &[])).ends_well();
    let said = said.complains_of(&[" in a container on 127.0.0.1:", "(project schedbench-"]);
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "redis-asynq");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.window.done > 0, "{:?}", cell.error);
        assert!(cell.metrics["cpu.broker"].number().is_none(), "{:?}", cell.metrics);
    }
    let calls = calls(&place);
    let up = calls.iter().find(|call| call.contains(" up ")).expect("an up");
    assert!(up.contains(" --file ") && up.contains(" --profile redis up --detach --wait "), "{up}");
    assert_removed(&place);
    assert_eq!(fs::read_to_string(place.at("docker/file")).expect("a file"), compose::FILE);
    // The default profile's settings reached the broker, which was asked.
    let told = &outcome.systems.iter().find(|it| it.system == "redis-asynq").expect("it").server;
    let settings = &told.as_ref().expect("a server").settings;
    assert!(settings.iter().any(|(key, value)| key == "appendfsync" && value == "everysec"));

    let password = fs::read_to_string(place.at("docker/password")).expect("a password");
    assert_eq!(password.len(), 32);
    assert!(!said.stderr.contains(&password) && !calls.join("\n").contains(&password));
    for file in files_below(&place.at("results")) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
    }
    place.wait_until_nothing_is_left("after a run in a container");
}

#[test]
fn what_is_missing_is_said_before_the_run() {
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Variables<'_>, &str, &str); 3] = [
        (&[("SCHEDBENCH_DOCKER", "/nonexistent/docker")], "is not installed.", "get.docker.com"),
        (&[("DOCKER_LACKS", "compose")], "no compose plugin", "apt-get install docker-compose"),
        (&[("DOCKER_LACKS", "engine")], "No Docker engine answers", "systemctl start docker"),
    ];
    for (env, why, remedy) in cases {
        let place = Place::new();
        let mut command = run(&place, "\"redis-asynq\"", &[]);
        let said = said_with(&mut command, env).refused(2);
        said.complains_of(&[
            "redis-asynq/everysec: no engine here",
            why,
            remedy,
            "(or: --env local)",
        ]);
        assert!(!place.at("results").exists(), "nothing was started");

        let mut doctor = with_docker(&place, &["doctor", "--env", "compose"]);
        let said = said_with(&mut doctor, env).ends(0);
        assert!(said.stdout.contains("missing") && said.stdout.contains(remedy), "{}", said.stdout);
        // Without an engine there is nothing to remove.
        said_with(&mut with_docker(&place, &["clean"]), env).ends(0);
    }
}

fn said_with(command: &mut Command, env: &[(&str, &str)]) -> Said {
    Said::of(command.envs(env.iter().copied()).output().expect("a run"))
}

#[test]
fn doctor_is_content_with_an_engine() {
    let place = Place::new();
    let said = said(with_docker(&place, &["doctor", "--env", "compose"])).ends(0);
    assert!(said.stdout.contains("redis in a container of docker compose"), "{}", said.stdout);
}

#[test]
fn one_that_is_not_healthy_fails_its_cells() {
    let place = Place::new();
    let mut command = run(&place, "\"redis-asynq\", \"wheel\"", &[]);
    let said = said_with(&mut command, &[("DOCKER_UP", "fails")]).ends(1);
    said.complains_of(&["docker compose died ", "(exit 1)", "is unhealthy", "a planted fault"]);
    let outcome = place.results().expect("results").outcome();
    let failed = cells_of(&outcome, "redis-asynq");
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|cell| matches!(cell.validity, Validity::Incomplete(_))));
    assert!(cells_of(&outcome, "wheel").iter().all(|cell| cell.error.is_none()));
    assert_removed(&place);
    place.wait_until_nothing_is_left("after a failed start");
}

#[test]
fn ctrl_c_ends_the_wait_for_it() {
    let place = Place::new();
    let mut command = run(&place, "\"redis-asynq\"", &[]);
    command.env("DOCKER_UP", "hangs");
    let mut running = Running::beside(&place, command);
    running.wait_until("docker compose up", |_| place.at("docker/password").exists());
    running.send(Signal::INT);
    assert_eq!(running.end().code(), Some(130), "{}", running.stderr());
    assert_removed(&place);
    place.wait_until_nothing_is_left("after Ctrl-C");
}

#[test]
fn it_is_removed_after_a_kill() {
    let place = Place::new();
    let mut running = Running::beside(&place, run(&place, "\"redis-asynq\"", &["--repeats", "50"]));
    running.wait_until("a worker", |pid| !workers(pid).is_empty());
    let redis = pid(&place);
    running.kill();
    wait_for("its removal by the watchdog", || !place.at("docker/project").exists());
    wait_for("its end", || !is_alive(redis));
    assert_removed(&place);
    place.wait_until_nothing_is_left("after a kill");
}

#[test]
fn one_that_dies_in_the_middle_ends_its_cells_only() {
    let place = Place::new();
    let command = run(&place, "\"redis-asynq\", \"wheel\"", &["--duration", "1500ms"]);
    let mut running = Running::beside(&place, command);
    running.wait_until("a worker", |pid| !workers(pid).is_empty());
    send(pid(&place), Signal::KILL);
    assert_eq!(running.end().code(), Some(1), "{}", running.stderr());
    assert!(running.stderr().contains("broker died in its container"), "{}", running.stderr());
    assert!(running.stderr().contains("a planted fault"), "{}", running.stderr());
    let outcome = place.results().expect("results").outcome();
    assert!(cells_of(&outcome, "redis-asynq").iter().all(|cell| cell.error.is_some()));
    assert!(cells_of(&outcome, "wheel").iter().all(|cell| cell.error.is_none()));
    assert_removed(&place);
    place.wait_until_nothing_is_left("after the broker's death");
}

#[test]
fn clean_finds_what_was_left() {
    let place = Place::new();
    let left = |name: &str| fs::write(place.at("docker/project"), name).expect("a file");
    let clean = |more: &[&str]| {
        let args = [&["clean"], more].concat();
        said(with_docker(&place, &args)).ends(0).stdout
    };
    fs::create_dir_all(place.at("docker")).expect("a directory");
    left("schedbench-4711-9f3a01bc-redis-1\n");
    let found = clean(&[]);
    assert!(found.contains("found    containers of schedbench-4711-9f3a01bc-redis-1"), "{found}");
    assert!(found.contains("clean --yes") && Path::new(&place.at("docker/project")).exists());
    let removed = clean(&["--yes"]);
    assert!(removed.contains("removed  containers of schedbench-4711-9f3a01bc-redis-1"));
    assert_removed(&place);
    // Somebody's own, by the same file, is theirs.
    left("schedbench\n");
    assert!(!clean(&["--yes"]).contains("containers"));
    assert!(place.at("docker/project").exists());
}
