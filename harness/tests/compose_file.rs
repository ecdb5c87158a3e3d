//! `docker-compose.yml` against what the harness starts itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use schedbench::environment::{Entry, Ground, Need, Rooms, compose, ports};
use schedbench_contract::{Address, Broker, Secret};
use serde_json::Value;

#[path = "environment/ground.rs"]
mod ground;
use ground::{AOF_ALWAYS, MEMORY, aim, wait_for};

fn file() -> Value {
    serde_saphyr::from_str(compose::FILE).expect("YAML")
}

fn service(name: &str) -> Value {
    let service = file()["services"][name].clone();
    assert!(service.is_object(), "no service {name}");
    service
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|item| item.as_str().expect("a text").to_owned()).collect()
}

#[test]
fn every_broker_has_its_service_and_no_other_is_there() {
    let file = file();
    let services = file["services"].as_object().expect("services");
    let mut names: Vec<&str> = services.keys().map(String::as_str).collect();
    let mut brokers: Vec<&str> = Broker::ALL.iter().map(|broker| broker.name()).collect();
    names.sort_unstable();
    brokers.sort_unstable();
    assert_eq!(names, brokers);
    assert_eq!(file["name"], "schedbench");
    assert!(file.get("version").is_none(), "obsolete, and warned of");
    let keys: Vec<&String> = file.as_object().expect("a file").keys().collect();
    assert_eq!(keys.len(), 2, "no networks, volumes or secrets to leave behind: {keys:?}");
}

#[test]
fn every_service_is_pinned_watched_bounded_and_on_the_loopback() {
    for broker in Broker::ALL {
        let name = broker.name();
        let service = service(name);
        assert_eq!(service["profiles"], serde_json::json!([name]));
        let image = service["image"].as_str().expect("an image");
        let (_, tag) = image.rsplit_once(':').expect("a tag");
        let parts: Vec<Option<u32>> = tag.split('.').map(|part| part.parse().ok()).collect();
        let is_release = parts.len() >= 2 && parts.iter().all(Option::is_some);
        assert!(is_release, "{image} is pinned to a release");
        let version = format!("{}.{}", parts[0].expect("a number"), parts[1].expect("a number"));
        assert!(!Entry::of(*broker).is_too_old(&version), "{image}");

        let upper = name.to_uppercase();
        let default = Entry::of(*broker).url.port;
        let published = format!("127.0.0.1:${{SCHEDBENCH_{upper}_PORT:-{default}}}:{default}");
        assert_eq!(texts(&service["ports"]), [published]);
        let check = &service["healthcheck"];
        for key in ["test", "start_period", "start_interval", "interval", "timeout", "retries"] {
            assert!(!check[key].is_null(), "{name}: no {key}");
        }
        assert_eq!(check["interval"], "1h", "{name}: not during a measurement");
        for key in ["cpus", "memory", "pids"] {
            assert!(!service["deploy"]["resources"]["limits"][key].is_null(), "{name}: no {key}");
        }
        assert!(!service["stop_grace_period"].is_null(), "{name}");
        let settings = format!("${{SCHEDBENCH_{upper}_SETTINGS:-}}");
        assert_eq!(service["environment"]["SETTINGS"], settings.as_str(), "{name}");
        // `--env compose` removes volumes of containers; a named one would stay.
        assert!(service["volumes"].is_null() && service["restart"].is_null(), "{name}");
        assert!(service["network_mode"].is_null() && service["privileged"].is_null(), "{name}");
    }
}

/// Runs the compose file's own command for Redis as a process of this machine
/// and asks both for every setting they have.
#[test]
fn redis_in_a_container_is_set_as_ours() {
    let (keeper, logs, root) = ground::stand();
    let rooms = Rooms::open_in(root.path(), None).expect("rooms");
    let ground = Ground { keeper: &keeper, rooms: &rooms, logs: logs.path() };
    for (profile, settings) in
        [(&MEMORY, "appendonly no"), (&AOF_ALWAYS, "appendonly yes\nappendfsync always")]
    {
        let need = Need { who: "test", profile, url_env: None, by_proxies: false };
        let ours = Entry::of(Broker::Redis).have(&ground, &need).expect("a redis");
        let port = ports::free().expect("a port");
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let mut theirs = from_the_file(port, settings, dir.path());
        let address = Address {
            host: "127.0.0.1".into(),
            port,
            user: None,
            password: Some(Secret("hunter2".into())),
            database: None,
            tls: false,
            others: Vec::new(),
        };
        wait_for("the redis of the file", || {
            assert!(theirs.try_wait().expect("a child").is_none(), "it died");
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let (ours_set, theirs_set) = (settings_of(ours.address()), settings_of(&address));
        let _ = theirs.kill();
        let _ = theirs.wait();
        // Where it listens, where its files are, who may sign in.
        let overlay = ["bind", "port", "dir", "requirepass", "pidfile"];
        for (key, value) in &ours_set {
            if !overlay.contains(&key.as_str()) {
                assert_eq!(theirs_set.get(key), Some(value), "{key}, {settings}");
            }
        }
        assert_eq!(ours_set.len(), theirs_set.len());
        assert_eq!(theirs_set["requirepass"], "hunter2");
        assert!(ours_set.len() > 50, "{}", ours_set.len());
        ours.stop().expect("it ends");
    }
}

/// The file's command, with compose's `$$` resolved, on another port.
fn from_the_file(port: u16, settings: &str, dir: &Path) -> std::process::Child {
    let words = texts(&service("redis")["command"]);
    let words: Vec<String> = words.iter().map(|word| word.replace("$$", "$")).collect();
    let program = Entry::of(Broker::Redis).find().expect("redis-server");
    let path = program.parent().expect("a directory").display().to_string();
    let variable = std::env::var("PATH").unwrap_or_default();
    Command::new(&words[0])
        .args(&words[1..])
        .env("PATH", format!("{path}:{variable}"))
        .env("PASSWORD", "hunter2")
        .env("SETTINGS", format!("{settings}\nport {port}\nbind 127.0.0.1"))
        .current_dir(dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("sh")
}

fn settings_of(address: &Address) -> BTreeMap<String, String> {
    let mut asked = aim(address);
    asked.say("CONFIG GET *");
    let pairs = asked.hear_many();
    pairs.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// What Kafka of our own is set to, by the configuration that it is given.
#[test]
fn kafka_in_a_container_is_set_as_ours() {
    let environment = service("kafka")["environment"].clone();
    let has = |key: &str| {
        let name = format!("KAFKA_{}", key.replace('.', "_").to_uppercase());
        match &environment[&name] {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    };
    // Who may come in by which door, which a container needs differently.
    let overlay = ["listener", "sasl", "advertised"];
    let mut compared = 0;
    for (key, value) in schedbench::environment::kafka::SETTINGS {
        if !overlay.iter().any(|part| key.contains(part)) {
            assert_eq!(has(key).as_deref(), Some(*value), "{key}");
            compared += 1;
        }
    }
    assert!(compared >= 9, "{compared}");
    let heap: Vec<&str> =
        environment["KAFKA_HEAP_OPTS"].as_str().expect("a heap").split(' ').collect();
    for option in heap {
        assert!(schedbench::environment::kafka::JVM.contains(&option), "{option}");
    }
}

/// Neither has a variable that decides a result but what a profile says, and
/// PostgreSQL's server is set as ours, before that.
#[test]
fn rabbitmq_and_postgres_have_only_what_ours_have() {
    for (name, allowed) in [
        ("rabbitmq", ["RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS", "SETTINGS", ""]),
        ("postgres", ["POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"]),
    ] {
        let environment = service(name)["environment"].clone();
        for key in environment.as_object().expect("variables").keys() {
            assert!(key == "SETTINGS" || allowed.contains(&key.as_str()), "{name}: {key}");
        }
    }
    let command = texts(&service("postgres")["command"]);
    let tuning = schedbench::environment::postgres::TUNING.iter();
    let tuning: String = tuning.map(|(key, value)| format!("-c {key}={value} ")).collect();
    let words = format!("exec docker-entrypoint.sh postgres {tuning}$$SETTINGS");
    assert_eq!(command.last(), Some(&words));
}

/// Where the real thing is, it reads the file too.
#[test]
fn docker_compose_reads_it_where_it_is_installed() {
    let asked = Command::new("docker").args(["compose", "version"]).output();
    if !asked.is_ok_and(|said| said.status.success()) {
        println!("not run: there is no docker compose here");
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker-compose.yml");
    let said = Command::new("docker")
        .args(["compose", "--profile", "*", "--file"])
        .arg(fs::canonicalize(path).expect("a file"))
        .args(["config", "--format", "json"])
        .env("SCHEDBENCH_REDIS_PORT", "12345")
        .output()
        .expect("docker compose config");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    let read: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(read["services"].as_object().expect("services").len(), Broker::ALL.len());
    assert_eq!(read["services"]["redis"]["ports"][0]["published"], "12345");
}
