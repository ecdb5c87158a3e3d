//! Known answers for backlog, Little's law and the series.

use schedbench::plan::{CellPlan, Delay, Load, Spacing, Stage as Rate};
use schedbench_contract::RunEnd;
use schedbench_reports::outcome::{Cell, Validity};

use crate::stage::{MS, S, START, Stage, close, number, plan};

/// A server that takes `service_ns` for each task, one at a time, in order.
fn served(plan: CellPlan, service_ns: u64) -> Cell {
    let mut stage = Stage::new(plan);
    let mut free = 0;
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        let start = task.due.max(free);
        free = start + service_ns;
        stage.ran(task.id, start, service_ns, RunEnd::Done);
    }
    stage.judge()
}

/// Pollaczek and Khinchine for M/D/1 at ρ = 0.8: L = ρ + ρ²/(2(1 − ρ)) = 2.4.
#[test]
fn mean_in_flight_is_that_of_an_m_d_1_queue() {
    let poisson = Load::Open {
        spacing: Spacing::Poisson,
        stages: vec![Rate { rate: 10_000.0, duration_ns: 60 * S }],
    };
    let cell = served(CellPlan { load: poisson, warmup_ns: S, ..plan(1.0, 1) }, 80_000);
    let found = number(&cell, "mean_in_flight");
    assert!(close(found, 2.4, 0.03), "{found}");
    assert!(number(&cell, "little_error") < 0.02);
    assert_eq!(cell.validity, Validity::Valid);
    let throughput = number(&cell, "throughput");
    assert!(close(throughput, 10_000.0, 0.005), "{throughput}");
}

/// 2,000/s into a server of 1,000/s for 10 s: in flight grows from 0 to
/// 10,000, 5,000 in the mean, and by 1,000/s. Little's law holds all the same.
#[test]
fn an_overloaded_cell_is_not_unbalanced() {
    let cell = served(plan(2_000.0, 10), 1_000_000);
    assert_eq!(cell.validity, Validity::Valid);
    assert!(close(number(&cell, "mean_in_flight"), 5_000.0, 0.001));
    assert!(number(&cell, "little_error") < 0.001);
    assert!(close(number(&cell, "backlog_slope"), 1_000.0, 0.001));
    assert!(close(number(&cell, "throughput"), 1_000.0, 0.001));
}

/// 20,000/s that each stay 1 ns: less than the grid resolves.
#[test]
fn a_system_that_does_nothing_obeys_littles_law() {
    let mut stage = Stage::new(plan(20_000.0, 1));
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        stage.ran(task.id, task.due, 1, RunEnd::Done);
    }
    let cell = stage.judge();
    assert!(cell.validity.is_valid(), "{:?}", cell.validity);
    let error = &cell.metrics["little_error"];
    assert!(error.number().is_none_or(|error| error <= 0.02), "{error:?}");
}

/// A task that is not due is in flight, but no backlog.
#[test]
fn what_is_not_due_is_not_owed() {
    let delayed = CellPlan { delay: Delay::Fixed(500 * MS), warmup_ns: S, ..plan(10_000.0, 2) };
    let cell = served(delayed, 1_000);
    assert!(close(number(&cell, "mean_in_flight"), 5_000.0, 0.001));
    assert!(number(&cell, "backlog_at_start") <= 1.0);
    assert_eq!(cell.held, schedbench_reports::outcome::Held::Yes);
}

#[test]
fn series_show_rates_and_widen_for_percentiles() {
    // 12,000 tasks: 200 to a bin, a P99 needs 1,000.
    let mut stage = Stage::new(plan(12_000.0, 1));
    stage.run_all(|task| if task.intended < START + S / 2 { MS } else { 3 * MS });
    let series = stage.judge().series;
    assert!((series.bin_s - 1.0 / 60.0).abs() < 1e-12);
    for column in series.columns.values() {
        assert_eq!(column.len(), 60);
    }
    let at = |name: &str, bin: usize| series.columns[name][bin].unwrap_or(f64::NAN);
    for bin in 1..59 {
        assert!(close(at("offered", bin), 12_000.0, 0.01), "{bin}: {}", at("offered", bin));
    }
    assert!(close(at("throughput", 10), 12_000.0, 0.01));
    assert!(close(at("backlog", 10), 12.0, 0.02));
    assert!(close(at("backlog", 50), 36.0, 0.02));
    assert!(close(at("p50", 29), 1e-3, 1e-3) && close(at("p50", 30), 3e-3, 1e-3));
    // 1,000 tasks are just over five bins: six of them show one value.
    assert!(close(at("p99", 0), 1e-3, 1e-3) && close(at("p99", 59), 3e-3, 1e-3));
    assert!(series.columns["p99"].iter().all(Option::is_some));
}

#[test]
fn series_say_nothing_where_nothing_can_be_said() {
    let mut stage = Stage::new(plan(500.0, 1));
    stage.run_all(|_| MS);
    let series = stage.judge().series;
    assert_eq!(series.columns["p99"], vec![None; 20], "499 tasks have no P99 at all");
    assert!(series.columns["p50"].iter().all(Option::is_some));
}

#[test]
fn a_quantile_at_infinity_stands_at_t_and_is_marked() {
    let mut stage = Stage::new(plan(12_000.0, 1));
    for task in stage.tasks() {
        stage.hand_over(&task, 0, 0);
        if task.intended < START + S / 2 {
            stage.ran(task.id, task.due, 1_000, RunEnd::Done);
        }
    }
    let columns = stage.judge().series.columns;
    assert_eq!(columns["p50"][45], Some(2.0));
    assert_eq!(columns["at_infinity"][45], Some(200.0));
    assert_eq!(columns["at_infinity"][15], Some(0.0));
}
