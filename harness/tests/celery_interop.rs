//! Celery itself reads our messages: what its worker calls a task with, what
//! `inspect` says of it, and that it is the same as for `apply_async`.
#![cfg(feature = "celery")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use schedbench::environment::{Entry, Ground, Need, Rooms, Workshop, source_of};
use schedbench::run::hold;
use schedbench_adapters::{clock, find};
use schedbench_contract::ledger::{Enqueue, Ledger};
use schedbench_contract::{
    Address, Broker, Endpoints, Fill, Handler, Launch, Profile, Recorder, Retry, Task, TaskId,
    Work, WorkersShape, seeded,
};
use serde_json::Value;

#[path = "environment/ground.rs"]
mod ground;

const BODY: &[u8] = b"the same for both";
const BASE64: &str = "dGhlIHNhbWUgZm9yIGJvdGg=";
/// Longer than a worker takes to start on a busy machine, `inspect` included.
const DELAY: Duration = Duration::from_secs(30);
/// Ours and theirs, at once and delayed.
const TASKS: usize = 4;

/// Opens the system, publishes one task at once and one delayed, and runs the
/// peer on the queue; what that printed.
struct Interop {
    address: Address,
}

impl Interop {
    fn run(self) -> Value {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let at = Endpoints {
            producer: Some(self.address.clone()),
            workers: Some(self.address.clone()),
            control: Some(self.address),
            second: None,
            prefix: "schedbench.test.interop".into(),
        };
        let shape =
            WorkersShape { processes: 1, concurrency: 1, prefetch: 8, connections: 1, window: 8 };
        let profile = find("celery").expect("in this build").profile(None).expect("a profile");
        let opening = hold("celery", &at, profile, &shape).expect("in this build");
        let system = runtime.block_on(opening).expect("it opens");
        let log = Recorder::new(Ledger::new(1, 4, clock::now(), 600_000_000_000));
        let Ok(Launch::Programs(programs)) = system.workers(&work(shape), log.clone()) else {
            panic!("worker processes")
        };
        let mut producer = runtime.block_on(system.producer(log.clone())).expect("a producer");
        let mut due_at = SystemTime::UNIX_EPOCH;
        for (sequence, delay) in [(0, Duration::ZERO), (1, DELAY)] {
            let (id, now) = (TaskId::new(1, sequence), clock::now());
            let due = now + delay.as_nanos() as u64;
            due_at = SystemTime::now() + delay;
            let task = Task { id, intended: now, due, key: None, body: BODY };
            let taken = runtime.block_on(producer.submit(&[task])).expect("it is taken");
            assert_eq!(taken, 1);
        }
        runtime.block_on(producer.settle()).expect("it settles");
        assert!((0..2).all(|place| log.ledger().entry(place).enqueue == Enqueue::Confirmed));

        let (delay, tasks) = (DELAY.as_secs().to_string(), TASKS.to_string());
        let mut said = peer(&programs[0].work, "peer.py", &[BASE64, &delay, &tasks]);
        let due_at = due_at.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        said["due_at"] = due_at.as_secs_f64().into();
        drop(producer);
        runtime.block_on(system.close()).expect("it closes");
        said
    }
}

fn work(shape: WorkersShape) -> Work {
    Work {
        system: "celery".into(),
        profile: "late-ack".into(),
        queue: String::new(),
        cell: 1,
        index: 0,
        at: None,
        second: None,
        shape,
        seed: 7,
        handler: Handler::None,
        fail_ppm: 0,
        retry: Retry { max: 0, backoff_ns: 0 },
        body: Fill { seed: 7, bytes: BODY.len() },
        write_each: false,
        options: Default::default(),
    }
}

/// Runs a peer in the worker's own environment, beside the worker's modules.
fn peer(work: &Work, name: &str, arguments: &[&str]) -> Value {
    let source = source_of(find("celery").expect("in this build")).expect("a source");
    let program = Workshop::open().expect("a place").have(source, &|_| ()).expect("it is made");
    let script = program.args.first().expect("worker.py");
    let sources = std::path::Path::new(script).parent().expect("its directory");
    let mut child = Command::new(&program.program)
        .arg(format!("{}/tests/celery_interop/{name}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .env("PYTHONPATH", sources)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let line = serde_json::to_string(work).expect("JSON");
    writeln!(child.stdin.take().expect("its input"), "{line}").expect("it listens");
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    serde_json::from_str(text.lines().last().expect("a line")).expect("JSON")
}

/// What differs between two messages of the same task by right.
const OWN: [&str; 9] = [
    "correlation_id",
    "delivery_info",
    "delivery_tag",
    "eta",
    "id",
    "origin",
    "properties",
    "reply_to",
    "root_id",
];

#[test]
fn celery_sees_no_difference_between_our_tasks_and_its_own() {
    let (keeper, logs, root) = ground::stand();
    let rooms = Rooms::open_in(root.path(), None).expect("rooms");
    let at = Ground { keeper: &keeper, rooms: &rooms, logs: logs.path() };
    let profile = find("celery").and_then(|system| system.profile(None)).expect("a profile");
    let need = Need { who: "celery/late-ack", profile, url_env: None, by_proxies: false };
    let broker = Entry::of(Broker::RabbitMq).have(&at, &need).expect("a rabbitmq");
    let all = Interop { address: broker.address().clone() }.run();
    broker.stop().expect("it ends");

    let (now, later) = (TaskId::new(1, 0).to_string(), TaskId::new(1, 1).to_string());
    let seen = &all["seen"];
    for (ours, theirs) in [(now.as_str(), "theirs-now"), (later.as_str(), "theirs-later")] {
        let (ours, theirs) = (&seen[ours], &seen[theirs]);
        assert_eq!(ours["args"], serde_json::json!([BASE64]));
        assert_eq!((&ours["args"], &ours["kwargs"]), (&theirs["args"], &theirs["kwargs"]));
        let fields = |task: &Value| {
            let mut fields = task["request"].as_object().expect("its headers").clone();
            fields.retain(|name, _| !OWN.contains(&name.as_str()));
            fields
        };
        assert!(fields(ours).len() > 10, "{ours}");
        assert_eq!(fields(ours), fields(theirs));
        assert_eq!(ours["request"]["root_id"], ours["request"]["id"]);
        assert_eq!(ours["request"]["eta"].is_null(), theirs["request"]["eta"].is_null());
        let routed = |task: &Value| task["request"]["delivery_info"]["routing_key"].clone();
        assert_eq!(routed(ours), routed(theirs));
        for property in ["content_type", "content_encoding", "delivery_mode", "priority"] {
            let of = |task: &Value| task["request"]["properties"][property].clone();
            assert_eq!(of(ours), of(theirs), "{property}");
        }
    }
    // Both delayed ones, with the same form of time, and the worker's own clock
    // kept ours back.
    let started = |id: &str| seen[id]["at"].as_f64().expect("a time");
    assert!(started(&later) - started(&now) > 1.0, "it was held");
    let scheduled = all["said"]["scheduled"]["peer@localhost"].as_array().expect("an answer");
    let is_held = |id: &str| scheduled.iter().any(|task| task["request"]["id"] == id);
    assert!(is_held(&later) && is_held("theirs-later"), "{scheduled:?}");
    let form = |id: &str| seen[id]["request"]["eta"].as_str().expect("a time").len();
    assert_eq!(form(&later), form("theirs-later"));
    // As Celery's own `countdown` is read: the same instant, in the same zone.
    let eta = |id: &str| seen[id]["eta"].as_f64().expect("a time");
    let due_at = all["due_at"].as_f64().expect("a time");
    assert!((eta(&later) - due_at).abs() < 0.1, "{} for {due_at}", eta(&later));
    assert!((0.0..120.0).contains(&(eta("theirs-later") - eta(&later))), "{seen}");
    assert!(started(&later) > eta(&later) - 0.01, "{seen}");
    let stats = &all["said"]["stats"]["peer@localhost"]["total"]["schedbench.run"];
    assert_eq!(stats.as_u64(), Some(TASKS as u64), "{all}");
}

/// Publishes tasks whose results go to Redis, has them run and their results
/// read by Celery, and looks that ours reads all of them too.
struct Results {
    broker: Address,
    second: Address,
    profile: &'static Profile,
}

const RESULTS: u64 = 40;
/// Half of the attempts fail.
const FAIL_PPM: u32 = 500_000;

impl Results {
    fn run(self) -> Value {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let road = Some(self.broker);
        let at = Endpoints {
            producer: road.clone(),
            workers: road.clone(),
            control: road,
            second: Some(self.second.clone()),
            prefix: "schedbench.test.1".into(),
        };
        let shape =
            WorkersShape { processes: 1, concurrency: 2, prefetch: 8, connections: 1, window: 64 };
        let opening = hold("celery", &at, self.profile, &shape).expect("in this build");
        let system = runtime.block_on(opening).expect("it opens");
        let log = Recorder::new(Ledger::new(1, RESULTS as usize, clock::now(), 600_000_000_000));
        let mut work = work(shape);
        work.profile = self.profile.name.into();
        work.second = Some(self.second.clone());
        work.fail_ppm = FAIL_PPM;
        let Ok(Launch::Programs(programs)) = system.workers(&work, log.clone()) else {
            panic!("worker processes")
        };
        let mut producer = runtime.block_on(system.producer(log)).expect("a producer");
        let now = clock::now();
        let task =
            |n| Task { id: TaskId::new(1, n), intended: now, due: now, key: None, body: BODY };
        let tasks: Vec<Task<'_>> = (0..RESULTS).map(task).collect();
        let taken = runtime.block_on(producer.submit(&tasks)).expect("they are taken");
        assert_eq!(taken, tasks.len());
        runtime.block_on(producer.settle()).expect("it settles");

        let mut redis = ground::aim(&self.second);
        let mut awaited = || redis.ask("PUBSUB CHANNELS schedbench.*").split_whitespace().count();
        ground::wait_for("a subscription for each result", || awaited() == RESULTS as usize);
        let said = peer(&programs[0].work, "results.py", &[&RESULTS.to_string()]);
        ground::wait_for("every result to be read", || awaited() == 0);
        let mut left = || redis.ask("KEYS *").split_whitespace().count();
        assert_eq!(left(), RESULTS as usize, "a result for each task, and nothing else");
        drop(producer);
        runtime.block_on(system.close()).expect("it closes");
        assert_eq!(left(), 0);
        said
    }
}

#[test]
fn celery_reads_the_results_of_our_tasks_and_so_do_we() {
    let (keeper, logs, root) = ground::stand();
    let rooms = Rooms::open_in(root.path(), None).expect("rooms");
    let at = Ground { keeper: &keeper, rooms: &rooms, logs: logs.path() };
    let system = find("celery").expect("in this build");
    let profile = system.profile(Some("result-redis")).expect("a profile");
    let second = (system.second)(profile).expect("it needs a Redis");
    let have = |broker, profile| {
        let need = Need { who: "celery/result-redis", profile, url_env: None, by_proxies: false };
        Entry::of(broker).have(&at, &need).expect("a broker")
    };
    let broker = have(Broker::RabbitMq, profile);
    let redis = have(Broker::Redis, second);
    let results =
        Results { broker: broker.address().clone(), second: redis.address().clone(), profile };
    let said = results.run();
    broker.stop().and(redis.stop()).expect("they end");
    let (mut done, mut failed) = (0, 0);
    for sequence in 0..RESULTS {
        let id = TaskId::new(1, sequence);
        let state = said[id.to_string()].as_str().expect("a state");
        let fails = seeded::attempt_fails(7, id, 0, FAIL_PPM);
        assert_eq!(state, if fails { "FAILURE PlannedFailure" } else { "SUCCESS None" }, "{id}");
        *(if fails { &mut failed } else { &mut done }) += 1;
    }
    assert!(done > 0 && failed > 0, "{done} and {failed}");
}
