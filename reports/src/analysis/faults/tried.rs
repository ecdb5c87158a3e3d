//! Which trials a row is of.

use crate::outcome::{CellKey, Load, Outcome, System};

/// One system, profile, fault and load: what a row of trials has in common.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// `system`, or `system/profile` where a system has more than one.
    pub label: String,
    /// What was done, in words.
    pub fault: String,
    /// The load.
    pub load: Load,
    /// What else differs between cells of one load.
    pub variant: Option<String>,
}

impl Tried {
    pub(super) fn of(outcome: &Outcome, key: &CellKey, fault: &str) -> Self {
        Self {
            system: key.system.clone(),
            profile: key.profile.clone(),
            label: super::super::label(outcome, key),
            fault: fault.to_owned(),
            load: key.load,
            variant: key.variant.clone(),
        }
    }

    /// Whether a cell with this fault belongs to the row.
    pub(super) fn has(&self, key: &CellKey, fault: &str) -> bool {
        (&self.system, &self.profile, &self.variant) == (&key.system, &key.profile, &key.variant)
            && self.fault == fault
            && self.load == key.load
    }

    /// What the outcome says of its system and profile; `None` in damaged
    /// files only.
    pub(super) fn system_of<'a>(&self, outcome: &'a Outcome) -> Option<&'a System> {
        let mut all = outcome.systems.iter();
        all.find(|one| (&one.system, &one.profile) == (&self.system, &self.profile))
    }
}
