//! The scorecard's run, made up: all that its items are read from, in one.

use schedbench_reports::outcome::*;

use super::*;

/// Immediate and delayed tasks, backlogs and faults.
pub fn whole() -> Outcome {
    let mut outcome = piled();
    for other in [ramp(), delays(), drill()] {
        for system in other.systems {
            let is_it =
                |one: &System| (&one.system, &one.profile) == (&system.system, &system.profile);
            if !outcome.systems.iter().any(is_it) {
                outcome.systems.push(system);
            }
        }
        outcome.cells.extend(other.cells.into_iter().filter(|cell| cell.key.system != "noop"));
    }
    let of_a_rate =
        |cell: &&mut Cell| matches!(cell.key.load, Load::Rate(_)) && !cell.key.is_of_a_trial();
    for cell in outcome.cells.iter_mut().filter(of_a_rate) {
        let handed_over = histogram(10_000, || Some(150e-6)).0;
        cell.histograms.insert("enqueue_latency".to_owned(), handed_over);
    }
    outcome.plan.scenario = "scorecard".into();
    outcome
}
