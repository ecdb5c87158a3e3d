//! What a cell is run on, as in a run, and that nothing stays behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use schedbench::environment::{Entry, Keeper, Mode, Rooms, Watchdog};
use schedbench::plan::Target;
use schedbench::record::Sampler;
use schedbench::run::{Loudness, Progress, Stage};
use schedbench_adapters::kafka_wire::Wire;
use schedbench_contract::{Address, Broker};
use tempfile::TempDir;

use crate::ground::{aim, root, sql, wait_for};

/// The binary whose `worker` verb runs the tasks of broker systems.
pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_schedbench");

/// A stage with the broker that the target needs, for as long as `act` lasts.
///
/// However that ends, dropping keeper and rooms ends every process and removes
/// every directory.
pub(crate) fn on_stage<T>(target: Target, act: impl FnOnce(&mut Stage<'_>) -> T) -> T {
    on_stage_with(target, Way::Direct, act)
}

/// How the links between a broker's nodes can be hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Not at all.
    Direct,
    /// By the proxies that it puts before its nodes.
    Proxies,
    /// By taking down the links between their network namespaces; as root.
    Namespaces,
}

/// The same on such a broker.
pub(crate) fn on_stage_with<T>(
    target: Target,
    way: Way,
    act: impl FnOnce(&mut Stage<'_>) -> T,
) -> T {
    let logs = Logs(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory"));
    let root = root();
    let rooms = Rooms::open_in(root.path(), None).expect("rooms");
    let mut keeper = Keeper::start(None).expect("a keeper");
    if way == Way::Namespaces {
        let watchdog = Watchdog::start_as(HARNESS.as_ref(), &["reap".into()]);
        keeper = keeper.with_networks(watchdog.expect("a watchdog"));
    }
    let sampler = Sampler::start().expect("a sampler");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("client")
        .enable_all()
        .build()
        .expect("a runtime");
    let stop = AtomicBool::new(false);
    let mut stage = Stage {
        runtime: &runtime,
        keeper: &keeper,
        sampler: &sampler,
        rooms: &rooms,
        logs: logs.0.path().to_owned(),
        // No URL: a broker of our own, whatever REDIS_URL says.
        url_env: &|_| None,
        mode: Mode::Local,
        broker: None,
        second: None,
        progress: Progress::new(1, Duration::from_secs(1), Loudness::Quiet, false),
        stop: &stop,
        settle_wait_ns: 0,
        hurt: Vec::new(),
    };
    if let Err(error) = stage.start_broker(target, way == Way::Proxies) {
        panic!("{}\n{}", error.message, error.log.join("\n"));
    }
    let outcome = act(&mut stage);
    stage.end_broker();
    outcome
}

/// Lines of each log that a failed check shows.
const SHOWN: usize = 40;

/// Where the processes of a check write. What a failure left there is shown
/// before it is removed: on a machine of CI nobody can look afterwards.
struct Logs(TempDir);

impl Drop for Logs {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let files = fs::read_dir(self.0.path()).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
        files.sort();
        for file in files {
            let Ok(bytes) = fs::read(&file) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            let name = file.file_name().unwrap_or_default().display();
            println!("{name}, {} lines, the last ones:\n{}", lines.len(), last.join("\n"));
        }
    }
}

/// That a closed system left no thread, no process and nothing in its broker.
pub(crate) fn nothing_is_left(stage: &Stage<'_>, target: Target) {
    match (target.profile.broker, stage.address()) {
        (Some(Broker::Postgres), Some(address)) => no_schema(&address),
        (Some(Broker::RabbitMq), Some(_)) => no_queue(stage),
        (Some(Broker::Redis), Some(address)) => no_key(&address),
        (Some(Broker::Kafka), Some(address)) => no_topic_and_no_group(&address),
        _ => wait_for("the system's threads to end", || threads().is_empty()),
    }
    if let Some(address) = stage.second_address() {
        no_key(&address);
    }
    wait_for("the worker processes to end", || workers(&stage.logs).is_empty());
}

/// The broker was started for this check, so that any key is a leftover.
fn no_key(redis: &Address) {
    for redis in redis.each() {
        let keys = aim(&redis).ask("KEYS *");
        assert!(keys.is_empty(), "left in Redis: {keys}");
    }
}

/// Kafka's own topics begin with two underscores. Each node of a cluster is
/// asked: it learns a moment later than the others what was deleted, and knows
/// only the groups that it coordinates.
fn no_topic_and_no_group(kafka: &Address) {
    let soon = Instant::now() + Duration::from_secs(20);
    let wire = |at: &Address| Wire::connect(at, soon).expect("a connection");
    for broker in wire(kafka).brokers().expect("brokers") {
        let mut wire = wire(&Address { port: broker.port, ..kafka.clone() });
        wait_for("a Kafka without topics and groups of ours", || {
            let topics = wire.topics().expect("topics").1.into_iter().map(|topic| topic.name);
            let topics: Vec<String> = topics.filter(|name| !name.starts_with("__")).collect();
            let groups = wire.groups().expect("groups");
            topics.is_empty() && groups.is_empty()
        });
    }
}

/// The broker was started for this check: nothing but its own is in it.
fn no_schema(postgres: &Address) {
    let others = "SELECT nspname FROM pg_namespace WHERE nspname NOT IN ('public', \
                  'information_schema') AND nspname NOT LIKE 'pg\\_%'";
    let (left, _) = sql(postgres, others);
    assert!(left.is_empty(), "left in PostgreSQL: {left:?}");
}

/// The broker was started for this check, so that any queue is a leftover.
fn no_queue(stage: &Stage<'_>) {
    let (queues, none) = match stage.keeper.has_networks() {
        true => (erl_call(stage, 0, "rabbit_amqqueue list_names []"), "[]"),
        false => (rabbitmqctl(stage, &["list_queues", "name"]), ""),
    };
    assert_eq!(queues.trim(), none, "left in RabbitMQ");
}

/// What a function of that node returns, asked in its own network.
pub(crate) fn erl_call(stage: &Stage<'_>, node: usize, function: &str) -> String {
    let broker = stage.broker.as_ref().expect("a broker");
    let server = broker.children()[node].pid();
    let environment = fs::read(format!("/proc/{server}/environ")).expect("its environment");
    let environment = String::from_utf8(environment).expect("UTF-8");
    let set = |name: &str| {
        let mut all = environment.split('\0').filter_map(|variable| variable.split_once('='));
        all.find(|(key, _)| *key == name).expect("it is set").1
    };
    let ask = || {
        Command::new("nsenter")
            .arg(format!("--net=/proc/{server}/ns/net"))
            .args(["erl_call", "-r", "-name"])
            .args([set("RABBITMQ_NODENAME"), "-a", function])
            .env("HOME", set("HOME"))
            .env("ERL_EPMD_PORT", set("ERL_EPMD_PORT"))
            .output()
            .expect("nsenter and erl_call")
    };
    // A node on a busy machine may not answer the handshake in time.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let said = ask();
        let answer = String::from_utf8_lossy(&said.stdout);
        if said.status.success() {
            return answer.into_owned();
        }
        let error = String::from_utf8_lossy(&said.stderr);
        assert!(Instant::now() < deadline, "{answer}{error}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the server's own tool says, in the server's own environment: it knows
/// what AMQP does not tell, which queues there are and what consumers hold.
pub(crate) fn rabbitmqctl(stage: &Stage<'_>, words: &[&str]) -> String {
    let broker = stage.broker.as_ref().expect("a broker");
    let server = broker.child().expect("a broker of our own").pid();
    let environment = fs::read(format!("/proc/{server}/environ")).expect("its environment");
    let environment = String::from_utf8(environment).expect("UTF-8");
    let program = Entry::of(Broker::RabbitMq).find().expect("it is running");
    let program = program.canonicalize().expect("a path");
    let said = Command::new(program.with_file_name("rabbitmqctl"))
        .args(["-q", "--no-table-headers"])
        .args(words)
        .env_clear()
        .envs(environment.split('\0').filter_map(|variable| variable.split_once('=')))
        .output()
        .expect("rabbitmqctl");
    let answer = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{answer}{}", String::from_utf8_lossy(&said.stderr));
    answer.into_owned()
}

/// Names of threads of systems in this process.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("threads").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("sched-") || name.starts_with("worker-")).collect()
}

/// Worker processes of a stage, whatever they are made from: those that write
/// their errors into its directory. Another stage may be next to it.
pub(crate) fn workers(logs: &Path) -> Vec<String> {
    let logs = logs.canonicalize().expect("a directory");
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|process| {
        let errors = fs::read_link(process.path().join("fd/2")).ok()?;
        let command = fs::read_to_string(process.path().join("cmdline")).ok()?;
        let works = command.contains("\0worker\0") || command.contains("/schedbench/workers/");
        (errors.starts_with(&logs) && works).then_some(command)
    })
    .collect()
}
