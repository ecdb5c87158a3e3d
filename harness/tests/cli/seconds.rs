//! What a profile needs beside its broker is known wherever brokers are:
//! `postgres/poll-redis-lock` has its locks in a Redis.

use std::fs;
use std::process::Command;

use schedbench::environment::{Entry, Ground, Keeper, Need, Rooms, Running as Broker};
use schedbench_contract::Address;
use serde_json::Value;

use crate::harness::{cells_of, files_below};
use crate::place::{Place, Said, redis_server, small, stand_in};
use crate::secrets::Locked;

const TARGET: &str = "postgres/poll-redis-lock";

fn run(place: &Place, more: &[&str]) -> Command {
    let scenario = place.file("small.toml", small(&format!("\"{TARGET}\", \"wheel\"")));
    let args = ["run", scenario.to_str().expect("UTF-8")];
    place.schedbench(&[&args, more].concat())
}

fn without_redis(mut command: Command) -> Said {
    command.env("SCHEDBENCH_REDIS_SERVER", "/nonexistent/redis-server");
    Said::of(command.output().expect("a run"))
}

#[test]
fn one_that_is_missing_is_found_before_the_run() {
    let place = Place::new();
    let said = without_redis(run(&place, &[])).refused(2);
    said.complains_of(&[
        "error: postgres/poll-redis-lock: no broker here\n",
        "SCHEDBENCH_REDIS_SERVER = /nonexistent/redis-server is no program.",
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
    let mut command = run(&place, &[]);
    command.env("SCHEDBENCH_REDIS_SERVER", stand_in("redis-too-old"));
    command.env("STARTED", place.at("started"));
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&[TARGET, "redis 6.0.16 is too old: expected 6.2 or later."]);
    assert!(!place.at("started").exists() && !place.at("results").exists());
}

#[test]
fn one_that_is_missing_can_be_skipped() {
    let place = Place::new();
    let said = without_redis(run(&place, &["--skip-missing"])).ends_well();
    said.complains_of(&["skipped: postgres/poll-redis-lock: "]);
    let outcome = place.results().expect("results").outcome();
    let [skipped] = outcome.skipped.as_slice() else { panic!("{:?}", outcome.skipped) };
    assert_eq!(skipped.target, TARGET);
    assert_eq!(skipped.remedy.as_deref(), Some("apt-get install redis-server"));
    assert!(cells_of(&outcome, "postgres").is_empty());
    assert!(cells_of(&outcome, "wheel").iter().all(|cell| cell.error.is_none()));
    place.wait_until_nothing_is_left("after a run without it");
}

#[test]
fn doctor_names_the_profile_that_lacks_it() {
    let place = Place::new();
    let groups = |said: Said| -> Vec<Value> {
        let found: Value = serde_json::from_str(&said.ends(0).stdout).expect("JSON");
        found["groups"].as_array().expect("groups").clone()
    };
    let of = |groups: &[Value], name: &str| -> Value {
        let has = |group: &&Value| {
            group["systems"].as_array().expect("names").iter().any(|one| one == name)
        };
        groups.iter().find(has).unwrap_or_else(|| panic!("no {name} in {groups:?}")).clone()
    };
    let json = ["doctor", "--format", "json"];
    let here = groups(place.says(&json));
    assert_eq!(of(&here, TARGET)["ready"], true);
    let with = of(&here, TARGET)["with"].as_str().expect("what it runs on").to_owned();
    assert!(with.contains("postgres ") && with.contains("redis "), "{with}");
    let without = groups(without_redis(place.schedbench(&json)));
    assert_eq!(of(&without, "postgres")["ready"], true, "it can run without");
    let lacking = of(&without, TARGET);
    assert_eq!(lacking["ready"], false);
    let remedy = lacking["remedy"].as_str().expect("a command");
    assert!(remedy.starts_with("apt-get install redis-server"), "{remedy}");
    let text = without_redis(place.schedbench(&["doctor"])).ends(0).stdout;
    let line = text.lines().find(|line| line.contains(TARGET)).expect("a line");
    assert!(line.contains("missing   apt-get install redis-server"), "{text}");
}

#[test]
fn list_and_check_tell_both() {
    let place = Place::new();
    let list = place.says(&["list", "--format", "json"]).ends(0).stdout;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let profile = |system: &str, name: &str| -> Value {
        let named = |list: &Value, name: &str| {
            let all = list.as_array().expect("a list");
            all.iter().find(|one| one["name"] == name).expect("one of that name").clone()
        };
        named(&named(&list["systems"], system)["profiles"], name)
    };
    for (system, name, broker, second) in [
        ("postgres", "poll-redis-lock", "postgres", Some("redis")),
        ("celery", "result-redis", "rabbitmq", Some("redis")),
        ("postgres", "poll", "postgres", None),
    ] {
        let profile = profile(system, name);
        assert_eq!(profile["broker"], broker, "{system}/{name}");
        assert_eq!(profile["second"].as_str(), second, "{system}/{name}");
    }
    let text = place.says(&["list"]).ends(0).stdout;
    assert!(text.contains("needs postgres and redis"), "{text}");

    let scenario = place.file("small.toml", small(&format!("\"{TARGET}\", \"postgres\"")));
    let scenario = scenario.to_str().expect("UTF-8");
    let text = place.says(&["check", scenario]).ends(0).stdout;
    for line in
        ["postgres for postgres/skip-locked\n", "postgres and redis for postgres/poll-redis-lock\n"]
    {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    let plan = place.says(&["check", scenario, "--json"]).ends(0).stdout;
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let blocks = plan["blocks"].as_array().expect("blocks");
    let of = |profile: &str| {
        let block = blocks.iter().find(|block| block["profile"] == profile).expect("a block");
        block["brokers"].clone()
    };
    assert_eq!(of("poll-redis-lock"), serde_json::json!(["postgres", "redis"]));
    assert_eq!(of("skip-locked"), serde_json::json!(["postgres"]));
    assert_eq!(of("default"), serde_json::json!([]), "noop needs none");
}

/// A PostgreSQL of the test's own.
struct Rows {
    broker: Box<dyn Broker>,
    _keeper: Keeper,
    _rooms: Rooms,
    _dirs: [tempfile::TempDir; 2],
}

impl Rows {
    fn new() -> Self {
        let logs = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let root = passable();
        let keeper = Keeper::start(None).expect("a keeper");
        let rooms = Rooms::open_in(root.path(), None).expect("rooms");
        let ground = Ground { keeper: &keeper, rooms: &rooms, logs: logs.path() };
        let system = schedbench_adapters::find("postgres").expect("a system");
        let profile = system.profile(Some("poll")).expect("a profile");
        let need = Need { who: "test", profile, url_env: None, by_proxies: false };
        let broker = Entry::of(schedbench_contract::Broker::Postgres).have(&ground, &need);
        let broker = broker.expect("a postgres");
        Self { broker, _keeper: keeper, _rooms: rooms, _dirs: [logs, root] }
    }

    fn url(&self) -> String {
        let Address { host, port, user, password, database, .. } = self.broker.address();
        let (user, database) = (user.as_deref().unwrap_or(""), database.as_deref().unwrap_or(""));
        let password = &password.as_ref().expect("a password").0;
        format!("postgres://{user}:{password}@{host}:{port}/{database}")
    }
}

/// Its server runs as another user, who has to pass.
fn passable() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let mut root = tempfile::Builder::new();
    root.permissions(fs::Permissions::from_mode(0o711))
        .tempdir_in(schedbench::environment::rooms::root())
        .expect("a directory")
}

#[test]
fn an_existing_one_has_a_variable_of_its_own() {
    let (rows, locks) = (Rows::new(), Locked::new());
    let place = Place::new();
    let external = |env: &[(&str, &str)]| {
        let mut command = run(&place, &["--env", "external"]);
        command.env_remove("POSTGRES_URL").envs(env.iter().copied());
        Said::of(command.output().expect("a run"))
    };
    let postgres = rows.url();
    external(&[("POSTGRES_URL", &postgres)]).refused(2).complains_of(&[
        TARGET,
        "--env external starts nothing, and REDIS_URL is not set.",
        "export REDIS_URL=redis://user:password@host:6379",
    ]);
    let wrong = locks.url("hunter2");
    let said = external(&[("POSTGRES_URL", &postgres), ("REDIS_URL", &wrong)]).refused(2);
    let said = said.complains_of(&[TARGET, "WRONGPASS", "correct REDIS_URL"]);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    assert!(!place.at("results").exists(), "nothing was started");

    let redis = locks.url(&locks.password().0);
    let said = external(&[("POSTGRES_URL", &postgres), ("REDIS_URL", &redis)]).ends_well();
    let said = said.complains_of(&[" of REDIS_URL at ", " of POSTGRES_URL at "]);
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "postgres");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.grid.ok[1] > 0, "{:?}", cell.error);
        // Neither is a process of the run's.
        assert!(cell.metrics["cpu.broker"].number().is_none(), "{:?}", cell.metrics);
    }
    let secrets = [&locks.password().0, &rows.broker.address().password.as_ref().expect("it").0];
    for secret in secrets {
        assert!(!said.stderr.contains(secret.as_str()), "{}", said.stderr);
        for file in files_below(&place.at("results")) {
            let bytes = fs::read(&file).expect("a file");
            assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{}", file.display());
        }
    }
    place.wait_until_nothing_is_left("after a run on what was there");
}

#[test]
fn containers_are_asked_for_before_the_run() {
    let place = Place::new();
    let with_docker = |args: &[&str]| {
        fs::create_dir_all(place.at("docker")).expect("a directory");
        let mut command = place.schedbench(args);
        command
            .env("SCHEDBENCH_DOCKER", stand_in("docker"))
            .env("REAL_REDIS_SERVER", redis_server())
            .env("DOCKER_STATE", place.at("docker"));
        command
    };
    let doctor = with_docker(&["doctor", "--env", "compose"]).output().expect("doctor");
    let text = Said::of(doctor).ends(0).stdout;
    let line = text.lines().find(|line| line.contains(TARGET)).expect("a line");
    for name in ["postgres in a container", "redis in a container"] {
        assert!(line.contains(name), "{line}");
    }
    let scenario = place.file("small.toml", small(&format!("\"{TARGET}\"")));
    let args = ["run", scenario.to_str().expect("UTF-8"), "--env", "compose"];
    let mut command = with_docker(&args);
    command.env("DOCKER_LACKS", "engine");
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["postgres/poll-redis-lock: no engine here", "No Docker engine answers"]);
    assert!(!place.at("results").exists(), "nothing was started");
}
