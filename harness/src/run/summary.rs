//! What a finished run says in its last lines, and its exit code.

use std::process::ExitCode;

use schedbench_reports::analysis::{Analysis, Met};
use schedbench_reports::outcome::{Ended, Outcome, Validity};

/// How the program ends, as `docs/cli.md` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything went as asked.
    Good,
    /// A system failed all its cells, or a runtime error.
    Failed,
    /// Usage, scenario, or a missing broker without `--skip-missing`.
    Usage,
    /// An objective was not met.
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
