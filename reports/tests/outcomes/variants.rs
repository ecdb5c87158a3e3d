//! Cells that differ in something else than their rate: in flight, and delayed.

use schedbench_reports::outcome::*;

use super::*;

/// So many in flight, instead of rates.
pub fn in_flight() -> Outcome {
    let mut outcome = empty();
    outcome.plan.scenario = "ramp-inflight".into();
    outcome.plan.arrivals = "in flight".into();
    let models = [noop(), wheel(), tokio(), asynq_rust(), kafka()];
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for model in &models {
        for n in [1_000_u64, 10_000, 100_000] {
            number += 1;
            let mut cell = cell(model, Load::Rate(model.capacity * 0.9), 1, number);
            cell.key.load = Load::InFlight(n);
            cell.held = Held::NotJudged("in flight".into());
            let saturation = n as f64 / (n as f64 + 900.0);
            cell.metrics.insert("throughput".into(), Value::Is(model.capacity * saturation));
            outcome.cells.push(cell);
        }
    }
    outcome.plan.planned = number;
    outcome
}

/// Delayed tasks: variants.
pub fn delays() -> Outcome {
    let mut outcome = empty();
    outcome.plan.scenario = "delays".into();
    let models = [noop(), wheel(), tokio(), asynq_rust()];
    outcome.systems = models.iter().map(system).collect();
    let mut number = 0;
    for model in &models {
        for (variant, factor) in [("delay 1 s", 1.3), ("delay 10 ms", 1.0), ("delay 60 s", 4.0)] {
            for rate in [1e3, 5e3, 20e3] {
                number += 1;
                let slow = Model { latency: model.latency * factor, ..model.clone() };
                let mut cell = cell(&slow, Load::Rate(rate), 1, number);
                cell.key.variant = Some(variant.into());
                if let Some(h) = cell.histograms.remove("start_latency") {
                    cell.histograms.insert("firing_error".into(), h);
                }
                outcome.cells.push(cell);
            }
        }
    }
    outcome.plan.planned = number;
    outcome
}
