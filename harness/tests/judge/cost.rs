//! CPU and memory, and what they say of the limit.

use schedbench::plan::{CellPlan, Target};
use schedbench::record::{Allocated, Memory, Usage};
use schedbench_reports::outcome::Value;

use crate::limit::redis;
use crate::stage::{MS, Stage, metric, plan};

#[test]
fn cpu_counts_per_million_done_and_memory_by_role() {
    let mut stage = Stage::new(plan(2_001.0, 1));
    stage.run_all(|_| 0);
    stage.usage = Usage {
        generator_cpu_s: Some(0.004),
        client_cpu_s: None,
        broker_cpu_s: Some(0.01),
        workers_cpu_s: Some(0.006),
        broker: Some(Memory { rss: 1_000, pss: Some(800) }),
        workers: Some(Memory { rss: 3_000, pss: None }),
        rss_per_worker: Some(1_500),
        ..Usage::default()
    };
    let cell = stage.judge();
    let is = |name: &str, expected: f64| {
        let found = crate::stage::number(&cell, name);
        assert!(crate::stage::close(found, expected, 1e-9), "{name}: {found}");
    };
    is("cpu.generator", 2.0);
    is("cpu.broker", 5.0);
    is("cpu.workers", 3.0);
    is("cpu.total", 10.0);
    is("rss.workers", 3_000.0);
    is("rss.per_worker", 1_500.0);
    is("pss.broker", 800.0);
    for name in ["cpu.client", "rss.harness", "pss.workers", "pss.system"] {
        assert!(matches!(metric(&cell, name), Value::NotMeasured(_)), "{name}");
    }
}

#[test]
fn memory_in_process_is_the_difference_to_noop() {
    let mut stage = Stage::new(plan(2_000.0, 1));
    stage.run_all(|_| MS);
    stage.usage.allocated = Some(Allocated { here: 1_000, noop: Some(1_200), calls: 500 });
    let cell = stage.judge();
    assert_eq!(metric(&cell, "pss.system"), &Value::Is(-200.0));
    // 2,000 tasks in its second, of which the last may end after it.
    let each = crate::stage::number(&cell, "allocations.per_task");
    assert!(crate::stage::close(each, 0.25, 1e-2), "{each}");
    stage.usage.allocated = Some(Allocated { here: 1_000, noop: None, calls: 0 });
    let cell = stage.judge();
    assert_eq!(
        metric(&cell, "pss.system"),
        &Value::NotMeasured("no noop cell at this load".into())
    );
    let nobody = Value::NotMeasured("no process or thread of its own".into());
    assert_eq!(metric(&cell, "rss.per_worker"), &nobody, "its workers are threads");
    assert_eq!(metric(&cell, "allocations.per_task"), &Value::Is(0.0));
    stage.usage.allocated = None;
    let elsewhere = Value::NotMeasured("another process's allocations are not counted".into());
    assert_eq!(metric(&stage.judge(), "allocations.per_task"), &elsewhere);
}

#[test]
fn the_longest_pause_is_that_of_programs_with_a_collector() {
    let cell = redis(2_000.0).judge();
    let none = Value::Unsupported("its workers have no garbage collector".into());
    assert_eq!(metric(&cell, "pause.workers"), &none);
    let none = Value::Unsupported("its broker does not run in a JVM".into());
    assert_eq!(metric(&cell, "pause.broker"), &none);
    for name in ["asynq", "go-timers", "celery"] {
        let system = schedbench_adapters::find(name).expect("a system of this build");
        let target = Target { system, profile: &system.profiles[0] };
        let mut stage = Stage::new(CellPlan { target, ..plan(2_000.0, 1) });
        stage.run_all(|_| MS);
        stage.usage.longest_pause_ns = Some(2_500_000);
        assert_eq!(metric(&stage.judge(), "pause.workers"), &Value::Is(0.0025), "{name}");
        stage.usage.longest_pause_ns = None;
        let cell = stage.judge();
        let found = metric(&cell, "pause.workers");
        assert_eq!(found, &Value::NotMeasured("no pause was reported".into()), "{name}");
    }
}

#[test]
fn the_brokers_pause_is_that_of_a_jvm() {
    let system = schedbench_adapters::find("kafka").expect("a system of this build");
    let target = Target { system, profile: &system.profiles[0] };
    let mut stage = Stage::new(CellPlan { target, ..plan(2_000.0, 1) });
    stage.run_all(|_| MS);
    let none = Value::NotMeasured("no pause was reported".into());
    assert_eq!(metric(&stage.judge(), "pause.broker"), &none);
    stage.usage.broker_pause_ns = Some(7_500_000);
    assert_eq!(metric(&stage.judge(), "pause.broker"), &Value::Is(0.0075));

    let mut stage = Stage::new(plan(2_000.0, 1));
    stage.run_all(|_| MS);
    let none = Value::Unsupported("it has no broker".into());
    assert_eq!(metric(&stage.judge(), "pause.broker"), &none);
}

#[test]
fn every_metric_of_the_table_has_a_value_or_does_not_apply() {
    let mut stage = Stage::new(plan(2_000.0, 1));
    stage.run_all(|_| MS);
    let cell = stage.judge();
    for metric in schedbench_reports::metrics::METRICS {
        let elsewhere =
            metric.name == "preceding_cell_effect" || metric.name.starts_with("backlog.");
        let delayed = ["firing_error.", "earliness."].iter().any(|of| metric.name.starts_with(of));
        assert_eq!(
            cell.metrics.contains_key(metric.name),
            !elsewhere && !delayed,
            "{}",
            metric.name
        );
    }
    for name in cell.metrics.keys() {
        assert!(schedbench_reports::metrics::find(name).is_some(), "{name}");
    }
}

#[test]
fn a_sum_without_the_broker_is_none() {
    let mut stage = redis(2_000.0);
    stage.usage = Usage {
        generator_cpu_s: Some(0.004),
        workers_cpu_s: Some(0.006),
        workers: Some(Memory { rss: 3_000, pss: Some(2_000) }),
        ..Usage::default()
    };
    let cell = stage.judge();
    let expected = Value::NotMeasured("the broker's CPU is not known".into());
    assert_eq!(metric(&cell, "cpu.total"), &expected);
    assert!(matches!(metric(&cell, "pss.system"), Value::NotMeasured(_)));
    assert_eq!(metric(&cell, "busy.workers"), &Value::Is(0.006));
}
