//! Coordinated omission, once for real: an open loop sees a stall as the
//! formula has it, with tasks in flight it all but vanishes.
//!
//! A server of capacity μ at rate λ = ρμ that stalls once for D in a window
//! of length T has `p_q = base + max(0, D − (1 − ρ)(1 − q) T)`. Proved on a
//! simulated clock in `tests/judge/omission.rs`.

use schedbench::plan::{CellPlan, Load};
use schedbench_adapters::fake_plan;

use crate::S;
use crate::play::{Staging, plan, play};
use crate::systems::{Lane, fake};

/// T, seconds.
const WINDOW_S: u64 = 3;

fn stalling() -> CellPlan {
    // Half of what it serves; the stall comes a second after the first probe.
    let capacity = fake_plan::capacity_per_s("stalls").expect("it has one");
    let rate = capacity / 2;
    let plan = plan(fake("stalls"), WINDOW_S * rate, rate);
    CellPlan { horizon_ns: 2 * S, ..plan }
}

#[test]
fn an_open_loop_sees_a_stall_as_the_formula_has_it() {
    let _lane = Lane::enter(fake("honest"));
    let plan = stalling();
    let played = play(&plan, &Staging::default());
    played.balances(played.taken, 0, 0);
    let stall_s = fake_plan::STALL_NS as f64 / 1e9;
    for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let expected = f64::max(0.0, stall_s - 0.5 * (1.0 - q) * WINDOW_S as f64);
        let found = played.metric(&format!("start_latency.{name}"));
        // Omission makes it less; a machine that puts a generator aside adds to it.
        let (least, most) = (expected - 0.1 * stall_s, expected + 0.5 * stall_s);
        assert!((least..most).contains(&found), "{name}: {found} s, not {expected} s");
    }
}

#[test]
fn with_tasks_in_flight_the_stall_vanishes_from_the_percentiles() {
    let _lane = Lane::enter(fake("honest"));
    let tasks = 20;
    let load = Load::InFlight { tasks, window_ns: WINDOW_S * S, most_tasks: 200_000 };
    let played = play(&CellPlan { load, ..stalling() }, &Staging::default());
    played.balances(played.taken, 0, 0);
    let stall_s = fake_plan::STALL_NS as f64 / 1e9;
    // The stall was there, and N tasks met it: of thousands, no percentile.
    assert!(played.metric("start_latency.max") > 0.9 * stall_s);
    let long = |sequence: &u64| {
        let entry = played.log.ledger().entry(*sequence as usize);
        entry.first_end.is_some_and(|end| {
            let batch = played
                .hand_overs
                .partition_point(|batch| batch.first + schedbench::run::PROBE_ROOM <= *sequence);
            batch > 0 && end - played.hand_overs[batch - 1].at > (0.5 * stall_s * 1e9) as u64
        })
    };
    let met = played.sequences().skip(played.probes as usize).filter(long).count() as u64;
    assert!((1..=tasks).contains(&met), "{met} met the stall");
    assert!(played.taken > 100 * 3 * tasks, "{}", played.taken);
    assert!(played.metric("start_latency.p99") < 0.2 * stall_s);
}
