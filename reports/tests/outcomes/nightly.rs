//! Nightly runs of one plan, in which one system became slower.

use schedbench_reports::outcome::Outcome;

use super::*;

/// A nightly run of November; from the 16th on `redis-asynq` is slower.
pub fn nightly(day: u32) -> Outcome {
    let latency = if day < 16 { 0.9e-3 } else { 1.15e-3 };
    let models = [noop(), Model { latency, ..asynq_rust() }, rabbit()];
    let mut outcome = ramp_from(&models, &[1e3, 5e3, 10e3, 20e3], 2, 1_000 * day);
    outcome.run.id = format!("{day:04x}");
    outcome.run.started = format!("2026-11-{day:02}T02:00:00Z");
    outcome.run.commit = Some(format!("{day:02}c0ffee"));
    outcome
}
