//! What is removed after killed runs, and what never is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use schedbench::environment::rooms::sweep;
use schedbench::environment::{Entry, Ground, Need, Rooms};
use schedbench_contract::Broker;

use crate::ground::{self, MEMORY, aim};

fn make(path: &Path, mode: u32, files: &[&str]) {
    fs::create_dir(path).expect("a directory");
    for file in files {
        fs::write(path.join(file), "").expect("a file");
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn only_directories_of_dead_runs_are_swept() {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let at = |name: &str| root.path().join(name);
    let living = Rooms::open_in(root.path(), None).expect("rooms");
    make(&at("schedbench-1-dead"), 0o700, &["owner"]);
    make(&at("schedbench-1-dead/redis-1"), 0o700, &["appendonly.aof"]);
    make(&at("schedbench-1-unborn"), 0o700, &["owner.new"]);
    make(&at("schedbench-1-empty"), 0o700, &[]);
    let kept = ["schedbench-open", "schedbench-unmarked", "other", "schedbench-link", "precious"];
    make(&at("schedbench-open"), 0o755, &["owner"]);
    make(&at("schedbench-unmarked"), 0o700, &["thesis.tex"]);
    make(&at("other"), 0o700, &["owner"]);
    make(&at("precious"), 0o700, &["owner"]);
    symlink(at("precious"), at("schedbench-link")).expect("a link");
    fs::write(at("schedbench-file"), "").expect("a file");

    let mut removed = sweep(root.path()).expect("a sweep");
    removed.sort();
    let dead = ["schedbench-1-dead", "schedbench-1-empty", "schedbench-1-unborn"].map(at);
    assert_eq!(removed, dead);
    assert!(dead.iter().all(|path| !path.exists()));
    assert!(kept.iter().all(|name| at(name).exists()) && at("schedbench-file").exists());
    assert!(living.path().join("owner").exists());
    let path = living.path().to_owned();
    drop(living);
    assert!(!path.exists());
}

#[test]
fn clean_removes_directories_at_once_and_queues_when_told() {
    let (keeper, logs, root) = ground::stand();
    let rooms = Rooms::open_in(root.path(), None).expect("rooms");
    let ground = Ground { keeper: &keeper, rooms: &rooms, logs: logs.path() };
    let need = Need { who: "test", profile: &MEMORY, url_env: None, by_proxies: false };
    let redis = Entry::of(Broker::Redis).have(&ground, &need).expect("a redis");
    let mut asked = aim(redis.address());
    for number in 0..700 {
        asked.ask(&format!("HSET asynq:{{schedbench.aaa.1}}:t:{number} state pending"));
    }
    asked.ask("LPUSH asynq:{schedbench.aaa.1}:pending x");
    asked.ask("LPUSH asynq:{schedbench.aaa.10}:pending x");
    asked.ask("LPUSH asynq:{default}:pending x");
    asked.ask("SET schedbench.aaa.1 precious");
    asked.ask("SADD asynq:queues schedbench.aaa.1 schedbench.aaa.10 default");
    let tmp = root.path().join("tmp");
    fs::create_dir(&tmp).expect("a directory");
    make(&tmp.join("schedbench-1-dead"), 0o700, &["owner"]);

    let password = &redis.address().password.as_ref().expect("a password").0;
    let clean = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_schedbench"))
            .arg("clean")
            .args(args)
            .env("TMPDIR", &tmp)
            .env("REDIS_URL", format!("redis://:{password}@127.0.0.1:{}", redis.address().port))
            .output()
            .expect("schedbench clean");
        let (out, err) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.status.code(), Some(0), "{out}{err}");
        assert!(!out.contains(password) && !err.contains(password));
        out.into_owned()
    };
    let said = clean(&[]);
    assert!(said.contains("schedbench-1-dead\n") && !tmp.join("schedbench-1-dead").exists());
    assert!(said.contains("found    queue schedbench.aaa.1 in REDIS_URL (701 keys)"), "{said}");
    assert!(said.contains("found    queue schedbench.aaa.10 in REDIS_URL (1 keys)"), "{said}");
    assert!(said.contains("clean --yes") && !said.contains("default"), "{said}");
    assert_eq!(asked.ask("DBSIZE"), "705");

    let said = clean(&["--yes"]);
    assert!(said.contains("removed  queue schedbench.aaa.1 in"), "{said}");
    assert_eq!(asked.ask("DBSIZE"), "3");
    assert_eq!(asked.ask("GET schedbench.aaa.1"), "precious");
    assert_eq!(asked.ask("SMEMBERS asynq:queues"), "default");
    redis.check().expect("it lives");
    redis.stop().expect("it ends");
}

#[test]
fn doctor_says_what_is_missing_and_is_content() {
    let doctor = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_schedbench"))
            .arg("doctor")
            .args(args)
            .env("SCHEDBENCH_REDIS_SERVER", "/nowhere/redis-server")
            .env_remove("REDIS_URL")
            .output()
            .expect("schedbench doctor");
        assert_eq!(done.status.code(), Some(0));
        String::from_utf8(done.stdout).expect("UTF-8")
    };
    let text = doctor(&[]);
    assert!(
        text.contains("wheel") && text.contains("missing   apt-get install redis-server"),
        "{text}"
    );
    assert!(text.contains("  pacing ") && text.contains("  room "), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&doctor(&["--format", "json"])).expect("JSON");
    assert_eq!(json["ready"], false);
    assert!(json["room"]["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
}
