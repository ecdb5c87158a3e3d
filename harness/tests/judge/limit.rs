//! Who limited the rate: planted CPU and windows with known answers.

use schedbench::plan::{CellPlan, Target};
use schedbench_adapters::System;
use schedbench_contract::{
    Broker, Handler, Language, Profile, RunEnd, Runtime, Topology, WorkerSource, WorkersShape,
};
use schedbench_reports::outcome::{Limit, Value};

use crate::generators::slow_system;
use crate::stage::{CLAIMS, MS, START, Stage, metric, plan};

const PYTHON: WorkerSource =
    WorkerSource { name: "planted", language: Language::Python, files: &[] };

/// A target with that broker and runtime; leaked, since a registry is static.
fn target(broker: Option<Broker>, runtime: Runtime) -> Target {
    let profiles: &'static [Profile] = Box::leak(Box::new([Profile {
        name: "planted",
        summary: "exists only on the stage",
        broker,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    }]));
    let comparable = schedbench_contract::Comparable::Always;
    let system = System {
        name: "stage",
        profiles,
        runtime,
        comparable,
        second: |_| None,
        only_for_tests: true,
    };
    Target { system: Box::leak(Box::new(system)), profile: &profiles[0] }
}

/// A healthy second of that rate beside a Redis.
pub(crate) fn redis(rate: f64) -> Stage {
    let target = target(Some(Broker::Redis), Runtime::Rust);
    let mut stage = Stage::new(CellPlan { target, ..plan(rate, 1) });
    stage.run_all(|_| MS);
    stage
}

/// A system of 1,000/s under 2,000/s that takes all it is given: the backlog
/// is the broker's. It has that target and two of the machine's two cores.
fn behind(target: Target) -> Stage {
    let mut stage = Stage::new(CellPlan { target, ..plan(2_000.0, 2) });
    for task in stage.tasks() {
        let start = START + MS * (task.arrival.index + 1);
        stage.hand_over(&task, 1_000, 0);
        stage.ran(task.id, start, 1_000, RunEnd::Done);
    }
    stage.about.cores = Some(2);
    stage
}

/// CPU in cores: generator, client, broker, workers.
fn busy(stage: &mut Stage, cores: [f64; 4]) {
    let [generator, client, broker, workers] = cores.map(|cores| Some(cores * 2.0));
    stage.usage.generator_cpu_s = generator;
    stage.usage.client_cpu_s = client;
    stage.usage.broker_cpu_s = broker;
    stage.usage.workers_cpu_s = workers;
}

fn beside_redis() -> Target {
    target(Some(Broker::Redis), Runtime::Rust)
}

#[test]
fn a_load_that_was_held_has_no_limit_and_says_what_was_used() {
    let mut stage = redis(2_000.0);
    stage.about.cores = Some(2);
    stage.usage.broker_cpu_s = Some(0.99);
    stage.usage.workers_cpu_s = Some(0.99);
    stage.pacing.pending_share = 0.01;
    let cell = stage.judge();
    let expected = "broker 0.99, workers 0.99 of 2 cores; window full 1 % of the time";
    assert_eq!(cell.limit, Limit::NotSaturated(expected.into()));
    assert_eq!(metric(&cell, "busy.broker"), &Value::Is(0.99));
    assert_eq!(metric(&cell, "window_full"), &Value::Is(0.01));
}

/// The rate was kept up with, only late: no rate was limited.
#[test]
fn a_latency_beyond_the_objective_is_no_limit_of_the_rate() {
    let mut stage = redis(2_000.0);
    stage.limits.objective_p99_ns = MS / 2;
    let limit = stage.judge().limit;
    assert!(matches!(&limit, Limit::NotSaturated(why) if why.starts_with("the rate was kept up")));
}

#[test]
fn with_all_cores_busy_who_has_half_of_them_is_named() {
    let mut stage = behind(beside_redis());
    let mut limit_of = |cores: [f64; 4]| {
        busy(&mut stage, cores);
        stage.judge().limit
    };
    let figures = "generator 0.1, client 0.1, broker 0.3, workers 1.5 of 2 cores";
    assert_eq!(
        limit_of([0.1, 0.1, 0.3, 1.5]),
        Limit::Workers(format!("all 2 cores busy; {figures}; window full 0 % of the time"))
    );
    assert!(matches!(limit_of([0.2, 0.2, 1.2, 0.4]), Limit::Broker(_)));
    assert!(matches!(limit_of([0.1, 1.1, 0.3, 0.5]), Limit::Client(_)));
    assert!(matches!(limit_of([1.1, 0.1, 0.3, 0.5]), Limit::Generator(_)));
    assert!(matches!(limit_of([0.5, 0.5, 0.5, 0.5]), Limit::Machine(_)));
}

/// 8 cores, of which 4 are the system's: they are used up, the machine is not.
#[test]
fn with_a_split_the_systems_own_cores_count() {
    let mut stage = behind(target(Some(Broker::Redis), Runtime::Rust));
    stage.about.cores = Some(8);
    stage.about.system_cores = Some(4);
    busy(&mut stage, [0.5, 0.2, 0.8, 3.1]);
    let limit = stage.judge().limit;
    assert!(
        matches!(&limit, Limit::Workers(why) if why.starts_with("all 4 cores of the system busy")),
        "{limit:?}"
    );
}

#[test]
fn one_thread_of_redis_is_a_core() {
    let mut stage = behind(beside_redis());
    stage.about.cores = Some(8);
    busy(&mut stage, [0.1, 0.2, 0.97, 0.4]);
    let limit = stage.judge().limit;
    assert!(matches!(&limit, Limit::Broker(why) if why.starts_with("one core busy")), "{limit:?}");
    // Without a broker a busy core of the system says nothing of the kind.
    let mut stage = behind(target(None, Runtime::Rust));
    stage.about.cores = Some(8);
    busy(&mut stage, [0.1, 0.2, 0.97, 0.4]);
    assert!(matches!(stage.judge().limit, Limit::Waiting(_)));
}

/// Three masters, or a primary and its replicas, with 0.31 of a core each: 0.93
/// in the sum, and none of them busy.
#[test]
fn one_thread_of_each_of_several_redis_is_not_their_sum() {
    for topology in [Topology::Shards, Topology::Cluster] {
        let mut stage = behind(beside_redis());
        let several = Profile { topology, ..*stage.plan.target.profile };
        stage.plan.target.profile = Box::leak(Box::new(several));
        stage.about.cores = Some(8);
        busy(&mut stage, [0.1, 0.2, 3.0 * 0.31, 0.4]);
        let limit = stage.judge().limit;
        assert!(
            matches!(&limit, Limit::Delivery(why) if why.contains("broker 0.93")),
            "{topology:?}: {limit:?}"
        );
    }
}

#[test]
fn python_has_a_core_per_process_at_most() {
    let mut stage = behind(target(Some(Broker::Redis), Runtime::Source(&PYTHON)));
    stage.about.cores = Some(8);
    stage.about.shape =
        Some(WorkersShape { processes: 1, concurrency: 2, prefetch: 1, connections: 1, window: 1 });
    busy(&mut stage, [0.1, 0.1, 0.3, 1.9]);
    let limit = stage.judge().limit;
    assert!(
        matches!(&limit, Limit::Workers(why) if why.starts_with("2 interpreters busy")),
        "{limit:?}"
    );
    busy(&mut stage, [0.1, 0.1, 0.3, 1.0]);
    assert!(matches!(stage.judge().limit, Limit::Delivery(_)), "it has CPU to spare");
}

/// The same shortfall with CPU to spare: a full window is the road into the
/// broker, an empty one with a backlog the road out of it.
#[test]
fn a_full_window_and_an_empty_one_are_told_apart() {
    let mut stage = slow_system();
    stage.plan.target = beside_redis();
    stage.about.cores = Some(2);
    busy(&mut stage, [0.1, 0.1, 0.3, 0.2]);
    let Limit::Broker(why) = stage.judge().limit else { panic!("{:?}", stage.judge().limit) };
    assert!(why.starts_with("the producer waited for confirmations"), "{why}");
    assert!(why.ends_with("window full 70 % of the time"), "{why}");

    let mut stage = behind(beside_redis());
    busy(&mut stage, [0.1, 0.1, 0.3, 0.2]);
    let Limit::Delivery(why) = stage.judge().limit else { panic!("{:?}", stage.judge().limit) };
    assert!(why.starts_with("accepted and not delivered in time (backlog grows by 1"), "{why}");
}

#[test]
fn handlers_without_a_free_slot_are_the_workers() {
    let mut stage = behind(beside_redis());
    stage.plan.handler = Handler::SleepNs(4 * MS);
    stage.about.shape =
        Some(WorkersShape { processes: 1, concurrency: 4, prefetch: 1, connections: 1, window: 1 });
    let limit = stage.judge().limit;
    assert!(
        matches!(&limit, Limit::Workers(why) if why.starts_with("4 handlers of 4 ms do at most 1000/s")),
        "{limit:?}"
    );
}

#[test]
fn what_cannot_be_told_is_not_told() {
    let mut stage = behind(beside_redis());
    let limit = stage.judge().limit;
    assert_eq!(limit, Limit::Unknown("CPU by role is not known".into()));
    busy(&mut stage, [0.1, 0.1, 0.3, 1.5]);
    stage.host.foreign_cores = Some(1.0);
    assert_eq!(stage.judge().limit, Limit::Unknown("the cell is disturbed".into()));
}
