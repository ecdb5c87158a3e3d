//! Known latencies come out of the judge as they were planted.

use schedbench::plan::{CellPlan, Delay};
use schedbench::run::PROBE_ROOM;
use schedbench_adapters::fake_plan;

use crate::play::{Staging, plan, play};
use crate::systems::{Lane, fake};
use crate::{MS, S};

const TASKS: u64 = 20_000;

/// Each quantile, within the three digits of the histogram: which task has
/// which latency is known, so that there is no error of sampling. Tasks are
/// delayed, so that none is handed over after the time at which it starts.
fn quantiles_are_those_planted(profile: &str) {
    let _lane = Lane::enter(fake(profile));
    let delay = Delay::Fixed(700 * MS);
    let plan = CellPlan { delay, horizon_ns: 2 * S, ..plan(fake(profile), TASKS, 20_000) };
    let played = play(&plan, &Staging::default());
    played.balances(TASKS, 0, 0);
    let mut planted: Vec<u64> = (PROBE_ROOM..PROBE_ROOM + TASKS)
        .map(|sequence| fake_plan::latency_ns(profile, played.id(sequence)).expect("known"))
        .collect();
    planted.sort_unstable();
    for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
        let rank = (q * TASKS as f64).round() as usize;
        let expected = planted[rank - 1] as f64;
        let unit = played.log.ledger().unit().ns() as f64;
        let found = played.metric(&format!("firing_error.{name}")) * 1e9;
        assert!(
            (found - expected).abs() <= 1.5e-3 * expected + 2.0 * unit,
            "{profile} {name}: {found} ns, not {expected}"
        );
    }
}

#[test]
fn a_constant_latency_is_found() {
    quantiles_are_those_planted("latency-constant-5ms");
}

#[test]
fn a_bimodal_latency_is_found() {
    quantiles_are_those_planted("latency-bimodal");
}

#[test]
fn an_exponential_latency_is_found() {
    quantiles_are_those_planted("latency-exponential-5ms");
}
