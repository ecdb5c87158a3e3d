//! Outcomes of which something was demanded.

use schedbench_reports::outcome::{Comparison, Demand, DemandedAt, Load, Outcome, Validity, Value};

use super::{Model, RATES, asynq_rust, noop, ramp_of, wheel};

/// `metric comparison bound`, with the words that a scenario has for it.
pub fn demand(
    text: &str,
    metric: &str,
    comparison: Comparison,
    bound: f64,
    at: DemandedAt,
) -> Demand {
    Demand {
        text: text.into(),
        metric: metric.into(),
        comparison,
        bound,
        at,
        system: None,
        profile: None,
        trial: None,
        part: None,
        targets: Vec::new(),
    }
}

/// Five repeats of three systems, of which six things were demanded: passed,
/// failed, close to the bound, beyond T, and not judged.
pub fn demanded() -> Outcome {
    use Comparison::{AtLeast, AtMost, Below, Is};

    let slow = Model { profile: "always", capacity: 12e3, ..asynq_rust() };
    let mut outcome = ramp_of(&[noop(), wheel(), asynq_rust(), slow], &RATES, 5);
    let at = |rate| DemandedAt::Load(Load::Rate(rate));
    let p99 = "start_latency.p99";
    outcome.plan.objectives = vec![
        demand("p99 < 50 ms at 10k", p99, Below, 0.05, at(10e3)),
        demand("failures <= 0.1 % at 50k", "failure_rate", AtMost, 0.001, at(50e3)),
        demand("capacity >= 20k", "capacity", AtLeast, 20e3, DemandedAt::Each),
        demand("lost == 0", "lost", Is, 0.0, DemandedAt::Each),
        demand("p99 < 1 s at 100k", p99, Below, 1.0, at(100e3)),
        Demand {
            system: Some("kafka".into()),
            ..demand("p95 < 1 s of kafka", "start_latency.p95", Below, 1.0, DemandedAt::Each)
        },
    ];
    for cell in &mut outcome.cells {
        let key = &cell.key;
        if key.system == "wheel" && key.load == Load::Rate(100e3) {
            cell.validity = Validity::GeneratorLimited("lateness P99 3.1 ms".into());
        }
        if key.profile == "everysec" && key.load == Load::Rate(50e3) && key.repeat == 2 {
            cell.counts.lost = 12;
        }
        // Late beyond T, with and without its histogram.
        if key.profile == "always" && key.load == Load::Rate(100e3) {
            cell.histograms.clear();
            cell.metrics.insert(p99.into(), Value::AtLeast(2.0));
        }
    }
    outcome
}
