//! A trial as a cell has it.

use super::CellPlan;
use crate::scenario::Nanos;

/// Which of the scenario's trials a cell is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its name.
    pub name: String,
    /// Where nothing is done: when it is judged as though something were.
    pub control: Option<Control>,
}

/// The time of a control: from the first fault of the other trials to the last
/// one's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// From when on, ns from the window's start.
    pub at_ns: u64,
    /// For how long, ns.
    pub for_ns: u64,
}

impl Control {
    /// `no fault, as a control, at 10 s for 5 s`.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("no fault, as a control, at {} for {}", Nanos(self.at_ns), Nanos(self.for_ns))
    }
}

impl CellPlan {
    /// The time in which it is judged without being hurt, if it is a control.
    #[must_use]
    pub fn control(&self) -> Option<Control> {
        self.trial.as_ref()?.control
    }

    /// The name of its trial.
    #[must_use]
    pub fn trial_name(&self) -> Option<&str> {
        self.trial.as_ref().map(|trial| trial.name.as_str())
    }
}
