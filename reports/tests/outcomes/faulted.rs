//! Ramps whose broker was killed in the window, with a figure of each kind.

use std::collections::BTreeMap;

use schedbench_reports::outcome::*;

use super::*;

/// A broker killed 3 s into the window; a figure of each kind.
pub fn trial(after: f64) -> Trial {
    let readings = [
        ("detection.impact", Reading::Is(after)),
        ("detection.client", Reading::Is(0.004)),
        ("detection.alarm", Reading::NoImpact),
        ("recovery.from_fault", Reading::MoreThan(6.5)),
        ("recovery.from_heal", Reading::Is(-0.5)),
        ("drain", Reading::NotSteady("goodput scatters by 80 %".into())),
        ("lost_goodput", Reading::Is(12_345.0)),
        ("served.in_fault", Reading::Is(0.081)),
        ("loss.window", Reading::NotMeasured("nothing was lost".into())),
    ];
    Trial {
        fault: "kill broker at 3 s for 2 s".into(),
        took_effect_s: 3.0,
        cleared_s: Some(5.0),
        ended_s: 10.0,
        interval_s: 0.1,
        resolution_s: 0.1,
        readings: readings.map(|(name, reading)| (name.to_owned(), reading)).into(),
        lost: 7,
        exposed: 1_000,
        done: Vec::new(),
        drained_at: Some(520.0),
        series: Series {
            bin_s: 0.25,
            start_s: 0.0,
            columns: BTreeMap::from([
                (
                    "throughput".to_owned(),
                    (0..40)
                        .map(|bin| Some(if (12..22).contains(&bin) { 0.0 } else { 1e4 }))
                        .collect(),
                ),
                // Fewer than 1,000 tasks were due in some bins, none in one.
                (
                    "p99".to_owned(),
                    (0..40).map(|bin| (bin % 5 > 0 && bin != 21).then_some(0.004)).collect(),
                ),
                (
                    "largest".to_owned(),
                    (0..40).map(|bin| (bin % 5 == 0).then_some(0.011)).collect(),
                ),
            ]),
        },
    }
}

/// Two systems whose broker was killed in their only load.
pub fn faulted() -> Outcome {
    let mut outcome = ramp_of(&[noop(), asynq_rust(), rabbit()], &[10e3], 1);
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system != "noop") {
        cell.trials.push(trial(0.2));
        cell.key.fault = Some(cell.trials[0].fault.clone());
        cell.counts.lost = 7;
        cell.counts.grid.ok[0] += 7;
        cell.counts.grid.ok[1] -= 7;
        cell.held = Held::NotJudged("a fault was done to it meanwhile".into());
    }
    outcome
}

/// Two faults that overlap, noticed and over in a crowd of moments.
pub fn overlapping() -> Outcome {
    let mut outcome = faulted();
    let faults = ["delay links 20 ms at 3 s for 2 s", "kill worker:1 at 3.5 s for 1 s"];
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.fault.is_some()) {
        cell.key.fault = Some(faults.join(", "));
        let trial = &mut cell.trials[0];
        trial.fault = faults.join(", ");
        let done = |fault: &str, from, to| Done {
            fault: fault.into(),
            took_effect_s: from,
            cleared_s: Some(to),
        };
        trial.done = vec![done(faults[0], 3.0, 5.0), done(faults[1], 3.5, 4.5)];
        for (name, after) in [
            ("detection.client", 0.54),
            ("detection.alarm", 0.9),
            ("recovery.from_fault", 2.2),
            ("drain", 0.4),
        ] {
            trial.readings.insert(name.into(), Reading::Is(after));
        }
    }
    outcome
}
