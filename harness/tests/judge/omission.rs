//! Coordinated omission: an open loop must reproduce the formula of a stall,
//! a closed loop must not see it.
//!
//! A server of capacity μ takes tasks in order at rate λ = ρμ and stalls once
//! for D in a window of length T. What arrives x after the stall's start waits
//! D − (1 − ρ)x, so that
//!
//! ```text
//! p_q   = base + max(0, D − (1 − ρ)(1 − q) T)
//! drain = D ρ / (1 − ρ)    after the stall's end
//! ```

use std::ops::Range;

use schedbench::plan::{CellPlan, Load};
use schedbench::record::HandOver;
use schedbench_contract::{RunEnd, Task};
use schedbench_reports::outcome::{Cell, Held, Value};

use crate::stage::{MS, S, START, Stage, close, metric, number, plan};

const T: u64 = 60;
/// Start latency of an idle server.
const BASE: u64 = 2 * MS;
const STALL_AT: u64 = START + 10 * S;

/// A server that works on one task at a time and not at all during a stall.
struct Server {
    service_ns: u64,
    stall: Range<u64>,
    free: u64,
}

impl Server {
    /// When it starts a task that comes at `at`.
    fn start(&mut self, at: u64) -> u64 {
        let mut start = at.max(self.free);
        if self.stall.contains(&start) {
            start = self.stall.end;
        }
        self.free = start + self.service_ns;
        start
    }
}

fn open_loop(rho: f64, stall_ns: u64, rate: f64) -> Cell {
    let mut stage = Stage::new(CellPlan { horizon_ns: 10 * S, ..plan(rate, T) });
    let service_ns = (rho * 1e9 / rate) as u64;
    let mut server = Server { service_ns, stall: STALL_AT..STALL_AT + stall_ns, free: 0 };
    for task in stage.tasks() {
        stage.hand_over(&task, 10_000, 0);
        let start = server.start(task.intended) + BASE;
        stage.ran(task.id, start, service_ns, RunEnd::Done);
    }
    stage.judge()
}

#[test]
fn an_open_loop_shows_the_stall_as_the_formula_has_it() {
    for (rho, stall_s) in [(0.5, 2.0), (0.5, 0.2), (0.8, 1.0), (0.9, 2.0), (0.2, 3.0)] {
        let cell = open_loop(rho, (stall_s * 1e9) as u64, 1_000.0);
        for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            let expected = 2e-3 + f64::max(0.0, stall_s - (1.0 - rho) * (1.0 - q) * T as f64);
            let found = number(&cell, &format!("start_latency.{name}"));
            // Within the histogram's digits and one arrival's distance.
            let allowed = 2e-3 * expected + 1e-3;
            assert!(
                (found - expected).abs() < allowed,
                "ρ {rho} D {stall_s} {name}: {found}, not {expected}"
            );
        }
        let p999 = number(&cell, "start_latency.p999");
        let expected = 2e-3 + stall_s - (1.0 - rho) * 0.001 * T as f64;
        assert!((p999 - expected).abs() < 2e-3 * expected + 1e-3, "ρ {rho} D {stall_s}: {p999}");
        assert!(cell.validity.is_valid(), "{:?}", cell.validity);
    }
}

#[test]
fn the_backlog_drains_in_d_rho_over_one_minus_rho() {
    for (rho, stall_s) in [(0.5, 3.0), (0.8, 2.0)] {
        let cell = open_loop(rho, (stall_s * 1e9) as u64, 1_000.0);
        let backlog = &cell.series.columns["backlog"];
        // A bin is one second here. At rest, 2 ms and the service are in it.
        let at_rest = 1_000.0 * 2e-3 + rho;
        let raised = |value: &Option<f64>| value.is_some_and(|value| value > at_rest + 1.0);
        let last = backlog.iter().rposition(raised).expect("the stall shows") as f64;
        let drained = last + 1.0 - 10.0 - stall_s;
        let expected = stall_s * rho / (1.0 - rho);
        assert!((drained - expected).abs() <= 1.0, "ρ {rho}: {drained} s, not {expected}");
        let peak = backlog.iter().flatten().fold(0.0, |most: f64, &value| most.max(value));
        assert!(peak > 0.8 * 1_000.0 * stall_s && peak <= 1_000.0 * stall_s + at_rest);
    }
}

#[test]
fn the_stall_decides_whether_the_load_was_held() {
    assert!(
        matches!(&open_loop(0.5, 2 * S, 1_000.0).held, Held::No(why) if why.contains("P99 start latency 1.7 s"))
    );
    assert_eq!(open_loop(0.5, 300 * MS, 1_000.0).held, Held::Yes);
}

/// The same server and stall with N = 10 tasks in flight: the tasks that
/// would have arrived during the stall are not sent, and no percentile tells.
#[test]
fn a_closed_loop_does_not_see_it() {
    const N: u64 = 10;
    let service_ns = MS / 2;
    let most_tasks = T * S / service_ns;
    let load = Load::InFlight { tasks: N, window_ns: T * S, most_tasks };
    let mut stage = Stage::new(CellPlan { load, horizon_ns: 10 * S, ..plan(1.0, 1) });
    let mut server = Server { service_ns, stall: STALL_AT..STALL_AT + 2 * S, free: 0 };
    let mut ends: Vec<u64> = Vec::new();
    let mut handed_over = 0;
    for index in 0..most_tasks {
        let at = if index < N { START } else { ends[(index - N) as usize] };
        if at >= stage.window.end {
            break;
        }
        let id = stage.id(index);
        let task = Task { id, intended: at, due: at, key: None, body: &[] };
        stage.hand_overs.push(HandOver { first: index, at });
        stage.log.taken_and_confirmed(&task, at);
        let start = server.start(at);
        stage.ran(id, start, service_ns, RunEnd::Done);
        ends.push(start + service_ns);
        handed_over = index + 1;
    }
    stage.arrivals = handed_over;
    let cell = stage.judge();
    assert!(cell.validity.is_valid(), "{:?}", cell.validity);
    assert!(matches!(cell.held, Held::NotJudged(_)));
    // N − 1 services are before each task, stall or no stall.
    for name in ["p50", "p90", "p99", "p999"] {
        let found = number(&cell, &format!("start_latency.{name}"));
        assert!(close(found, 4.5e-3, 0.002), "{name}: {found}");
    }
    // Only the largest of 116,000 tells, and the throughput a little.
    assert!(matches!(metric(&cell, "start_latency.max"), Value::Is(x) if *x > 1.9));
    assert!(close(number(&cell, "throughput"), 2_000.0 * 58.0 / 60.0, 0.001));
}
