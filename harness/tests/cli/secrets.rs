//! No password is in an argument list or in a file that stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use schedbench::environment::{Entry, Ground, Keeper, Need, Rooms, Running as Broker};
use schedbench_contract::Secret;

use crate::harness::{Running, files_below};
use crate::place::{Place, redis_server, small, stand_in};
use crate::processes::{arguments, descendants, redis_servers, workers};

/// A broker of the test's own that wants a password.
pub(crate) struct Locked {
    broker: Box<dyn Broker>,
    _keeper: Keeper,
    rooms: Rooms,
    _dir: Place,
}

impl Locked {
    /// A Redis; it ends with this value, or with the test.
    pub(crate) fn new() -> Self {
        Self::start(Place::new(), "redis-asynq", "memory")
    }

    /// A PostgreSQL.
    pub(crate) fn postgres() -> Self {
        Self::start(Place::for_everybody(), "postgres", "skip-locked")
    }

    fn start(dir: Place, system: &str, profile: &str) -> Self {
        let keeper = Keeper::start(None).expect("a keeper");
        let rooms = Rooms::open_in(dir.path(), None).expect("rooms");
        let ground = Ground { keeper: &keeper, rooms: &rooms, logs: dir.path() };
        let system = schedbench_adapters::find(system).expect("a system");
        let profile = system.profile(Some(profile)).expect("a profile");
        let need = Need { who: "test", profile, url_env: None, by_proxies: false };
        let kind = profile.broker.expect("a broker");
        let broker = Entry::of(kind).have(&ground, &need).expect("it starts");
        Self { broker, _keeper: keeper, rooms, _dir: dir }
    }

    /// Its URL with a password.
    pub(crate) fn url(&self, password: &str) -> String {
        let at = self.broker.address();
        match &at.user {
            Some(user) => format!("postgres://{user}:{password}@{}/postgres", self.place()),
            None => format!("redis://:{password}@{}", self.place()),
        }
    }

    /// `host:port`.
    pub(crate) fn place(&self) -> String {
        let at = self.broker.address();
        format!("{}:{}", at.host, at.port)
    }

    /// Where it has its own directory, and its process.
    pub(crate) fn room(&self) -> (PathBuf, i32) {
        let child = self.broker.child().expect("a child");
        let name = child.log().file_stem().expect("named like its room").to_owned();
        (self.rooms.path().join(name), child.pid())
    }

    /// Its log.
    pub(crate) fn log(&self) -> PathBuf {
        self.broker.child().expect("a child").log().to_owned()
    }

    /// Its password.
    pub(crate) fn password(&self) -> &Secret {
        self.broker.address().password.as_ref().expect("a password")
    }
}

/// Runs a command until a worker works, looks at every argument list, waits
/// for its end and looks at every file.
fn look(place: &Place, command: Command, password: impl FnOnce() -> String) {
    let mut running = Running::beside(place, command);
    running.wait_until("a worker", |pid| !workers(pid).is_empty());
    let password = password();
    assert!(password.len() >= 16, "{password}");
    let pids = descendants(running.pid());
    assert!(pids.len() >= 2, "{pids:?}");
    for pid in pids.into_iter().chain([running.pid()]) {
        assert!(!arguments(pid).contains(&password), "{}", arguments(pid));
    }
    // Neither where results go nor where brokers write.
    let clean = |dir: &Path| {
        for file in files_below(dir) {
            // A file that is gone meanwhile holds nothing.
            let text = fs::read(&file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&password), "{}", file.display());
        }
    };
    clean(&place.at("tmp"));
    let code = running.end().code();
    assert!(matches!(code, Some(0 | 4)), "{}", running.stderr());
    clean(&place.at("results"));
    for said in [running.stdout(), running.stderr()] {
        assert!(!said.contains(&password), "{said}");
    }
}

fn run(place: &Place, more: &str) -> Command {
    let text = small("\"redis-asynq/memory\"") + more;
    let scenario = place.file("small.toml", text);
    place.schedbench(&[
        "run",
        scenario.to_str().expect("UTF-8"),
        "-vv",
        "--duration",
        "1s",
        "--loads",
        "1k",
    ])
}

#[test]
fn of_a_redis_that_is_started() {
    let place = Place::new();
    let mut command = run(&place, "");
    let copy = place.at("settings");
    command
        .env("SCHEDBENCH_REDIS_SERVER", stand_in("redis-that-tells-its-settings"))
        .env("REAL_REDIS_SERVER", redis_server())
        .env("SETTINGS_COPY", &copy);
    look(&place, command, || {
        let settings = fs::read_to_string(&copy).expect("settings");
        let word = settings.lines().find_map(|line| line.strip_prefix("requirepass "));
        word.expect("a password").to_owned()
    });
}

#[test]
fn of_a_redis_that_is_there_already() {
    let locked = Locked::new();
    let place = Place::new();
    let mut command = run(&place, "[brokers.redis]\nurl_env = \"MY_REDIS\"\n");
    let password = locked.password().0.clone();
    command.env("MY_REDIS", locked.url(&password));
    look(&place, command, || password);
    let ours = i32::try_from(std::process::id()).expect("a number");
    assert!(!redis_servers(ours).is_empty(), "one that is not the run's lives on");
}

#[test]
fn a_secret_in_a_scenario_is_refused() {
    let place = Place::new();
    let text = small("\"wheel\"") + "# redis://me:hunter2@example.org\n";
    let scenario = place.file("small.toml", text);
    for verb in ["run", "check"] {
        let said = place.says(&[verb, scenario.to_str().expect("UTF-8")]).refused(2);
        let said = said.complains_of(&["url_env", "small.toml"]);
        assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    }
    assert!(!place.at("results").exists(), "nothing was started");
}
