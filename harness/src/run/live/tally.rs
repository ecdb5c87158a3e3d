//! What was counted of a cell so far.

use schedbench_contract::Counts;

/// Where a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Load before the window.
    WarmUp,
    /// The window.
    Window,
    /// After the last hand-over: the last tasks are waited for.
    Drain,
    /// Of a backlog: it is handed over.
    BuildUp,
    /// Of a backlog: it rests, and the broker is hurt.
    Rest,
}

impl Phase {
    /// As a label has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Window => "window",
            Self::Drain => "drain",
            Self::BuildUp => "build-up",
            Self::Rest => "rest",
        }
    }
}

/// Which cell is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The system.
    pub system: String,
    /// Its profile.
    pub profile: String,
    /// The load, as in `20k/s`.
    pub load: String,
    /// What else tells it from cells of one load, its trial among it; may be
    /// empty.
    pub variant: String,
    /// Which repeat.
    pub repeat: u32,
    /// Which cell of the run, from 1.
    pub cell: u32,
}

/// Tasks of a cell since its generator began: probes are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The generator tried to hand them over.
    pub offered: u64,
    /// The system's client took them.
    pub accepted: u64,
    /// The system vouched for them.
    pub confirmed: u64,
    /// They completed for the first time.
    pub done: u64,
    /// The system refused them.
    pub refused: u64,
    /// The client gave them up: nobody knows whether the system has them.
    pub unknown: u64,
    /// Attempts of handlers that failed.
    pub failed_attempts: u64,
    /// Taken and neither completed, set aside, cancelled nor refused.
    pub backlog: u64,
}

impl Tally {
    /// What came between two counts.
    #[must_use]
    pub fn of(before: &Counts, now: &Counts, offered: u64) -> Self {
        let since = |of: fn(&Counts) -> u64| of(now).saturating_sub(of(before));
        // What is unknown no longer was confirmed, or is among the refused.
        let vouched_for = |counts: &Counts| {
            let settled = counts.settled + counts.came_to_light;
            settled.saturating_sub(counts.refused + counts.unknown)
        };
        Self {
            offered,
            accepted: since(|counts| counts.taken),
            confirmed: vouched_for(now).saturating_sub(vouched_for(before)),
            done: since(|counts| counts.succeeded),
            refused: since(|counts| counts.refused),
            unknown: since(|counts| counts.unknown),
            failed_attempts: since(|counts| counts.failed_attempts),
            backlog: now.taken.saturating_sub(now.finished + now.refused),
        }
    }

    /// What came after an earlier one; the backlog is what it is now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            offered: self.offered.saturating_sub(earlier.offered),
            accepted: self.accepted.saturating_sub(earlier.accepted),
            confirmed: self.confirmed.saturating_sub(earlier.confirmed),
            done: self.done.saturating_sub(earlier.done),
            refused: self.refused.saturating_sub(earlier.refused),
            unknown: self.unknown.saturating_sub(earlier.unknown),
            failed_attempts: self.failed_attempts.saturating_sub(earlier.failed_attempts),
            backlog: self.backlog,
        }
    }

    /// Both together; the backlog is the other's.
    #[must_use]
    pub const fn and(&self, other: &Self) -> Self {
        Self {
            offered: self.offered + other.offered,
            accepted: self.accepted + other.accepted,
            confirmed: self.confirmed + other.confirmed,
            done: self.done + other.done,
            refused: self.refused + other.refused,
            unknown: self.unknown + other.unknown,
            failed_attempts: self.failed_attempts + other.failed_attempts,
            backlog: other.backlog,
        }
    }

    /// Whatever went wrong: refused, unknown, and attempts that failed.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.refused + self.unknown + self.failed_attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_not_counted_and_unknown_is_not_confirmed() {
        let before =
            Counts { taken: 4, settled: 4, succeeded: 4, finished: 4, ..Counts::default() };
        let now = Counts {
            taken: 104,
            settled: 90,
            refused: 5,
            unknown: 2,
            came_to_light: 0,
            succeeded: 64,
            finished: 65,
            failed_attempts: 3,
        };
        let tally = Tally::of(&before, &now, 120);
        let expected = Tally {
            offered: 120,
            accepted: 100,
            confirmed: 79,
            done: 60,
            refused: 5,
            unknown: 2,
            failed_attempts: 3,
            backlog: 34,
        };
        assert_eq!(tally, expected);
        assert_eq!(tally.failed(), 10);
        let half = Tally { done: 20, backlog: 7, ..Tally::default() };
        assert_eq!(tally.since(&half).and(&half), Tally { backlog: 7, ..expected });
        // One of the two was confirmed after all; then the other was refused.
        let now = Counts { came_to_light: 1, ..now };
        assert_eq!(Tally::of(&before, &now, 120), Tally { confirmed: 80, ..expected });
        let now = Counts { came_to_light: 2, refused: 6, ..now };
        let tally = Tally::of(&before, &now, 120);
        assert_eq!((tally.confirmed, tally.refused, tally.unknown), (80, 6, 2));
    }
}
