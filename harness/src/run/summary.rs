//! What a finished run says in its last lines, and its exit code.

use std::process::ExitCode;

use schedbench_reports::analysis::{Analysis, Met};
use schedbench_reports::outcome::{Ended, Outcome, Validity};

/// How the program ends, as the README lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything went as asked.
    Good,
    /// A system failed all its cells, or a runtime error.
    Failed,
    /// Usage, scenario, or a missing broker without `--skip-missing`.
    Usage,
    /// An objective failed, or nothing valid says whether it was met.
    Objective,
    /// An unbalanced ledger, or a requested system without one valid cell.
    Invalid,
    /// After a signal.
    Signal(u8),
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Objective => 3,
            Self::Invalid => 4,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// What an outcome means for a script that ran it.
#[must_use]
pub fn exit(outcome: &Outcome, analysis: &Analysis) -> Exit {
    match &outcome.ended {
        Ended::Interrupted(signal) if signal == "SIGTERM" => return Exit::Signal(15),
        Ended::Interrupted(_) => return Exit::Signal(2),
        Ended::Failed(_) | Ended::Running => return Exit::Failed,
        Ended::Complete => {}
    }
    if outcome.cells.iter().any(|cell| matches!(cell.validity, Validity::Unbalanced(_))) {
        return Exit::Invalid;
    }
    let mut exit = Exit::Good;
    // `noop` is in every run; nobody asked for it.
    for system in outcome.systems.iter().filter(|system| system.system != "noop") {
        let mut cells = outcome
            .cells
            .iter()
            .filter(|cell| cell.key.system == system.system && cell.key.profile == system.profile);
        let ran: Vec<_> = cells.by_ref().collect();
        if !ran.is_empty() && ran.iter().all(|cell| cell.error.is_some()) {
            return Exit::Failed;
        }
        let counts = |validity: &Validity| {
            validity.is_valid() || matches!(validity, Validity::NotComparable(_))
        };
        if !ran.iter().any(|cell| counts(&cell.validity)) {
            exit = Exit::Invalid;
        }
    }
    // A measurement that cannot be believed outweighs what it seems to say.
    if exit == Exit::Good && analysis.objectives.iter().any(|one| one.met != Met::Yes) {
        exit = Exit::Objective;
    }
    exit
}

#[cfg(test)]
mod tests {
    use schedbench_adapters::find;
    use schedbench_reports::analysis::analyse;
    use schedbench_reports::outcome::{self, Comparison, Demand, DemandedAt, System};
    use serde_json::json;

    use super::*;
    use crate::plan::Target;
    use crate::run::describe;

    /// Without a cell, of these systems, with one objective or none.
    fn code(systems: Vec<System>, ended: Ended, is_demanded: bool) -> u8 {
        let lost = Demand {
            text: "lost == 0".to_owned(),
            metric: "lost".to_owned(),
            comparison: Comparison::Is,
            bound: 0.0,
            at: DemandedAt::Each,
            system: None,
            profile: None,
            trial: None,
            part: None,
            targets: Vec::new(),
        };
        let outcome: Outcome = serde_json::from_value(json!({
            "schema_version": outcome::SCHEMA_VERSION,
            "run": {
                "id": "1", "tool": "0", "commit": null, "started": "", "elapsed_s": 0.0,
                "command": [],
            },
            "plan": {
                "scenario": "x", "summary": "", "text": "", "overrides": [], "hash": "", "seed": 7,
                "repeats": 1, "planned": 0, "body_bytes": 0, "handler": "", "arrivals": "",
                "shape": {
                    "processes": 1, "concurrency": 1, "prefetch": 1, "connections": 1, "window": 1,
                },
                "objective_p99_s": 1.0,
                "objectives": if is_demanded { vec![lost] } else { Vec::new() },
            },
            "host": {
                "cpu": "", "cores": 1, "memory_bytes": 0, "kernel": "", "os": "",
                "clock_source": "", "clock_read_ns": 0.0, "placement": "", "fifo": false,
                "timer_slack_ns": 1,
            },
            "systems": systems, "skipped": [], "cells": [], "ended": ended,
        }))
        .expect("an outcome");
        exit(&outcome, &analyse(&outcome)).number()
    }

    #[test]
    fn an_objective_speaks_last() {
        let system = find("wheel").expect("in every build");
        let wheel = || {
            let target = Target { system, profile: &system.profiles[0] };
            vec![describe::system(target, None)]
        };
        assert_eq!(code(Vec::new(), Ended::Complete, false), 0);
        // Nobody is there to meet it.
        assert_eq!(code(Vec::new(), Ended::Complete, true), 3);
        // A system without a valid cell.
        assert_eq!(code(wheel(), Ended::Complete, true), 4);
        assert_eq!(code(wheel(), Ended::Failed("no room".to_owned()), true), 1);
        assert_eq!(code(wheel(), Ended::Interrupted("SIGTERM".to_owned()), true), 143);
    }
}
