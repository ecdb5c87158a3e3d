//! What the judge of a trial is told about each task.

use schedbench_contract::ledger::Enqueue;

/// What became of a task by the end of the watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its handler completed, for the first time at this instant.
    Completed(u64),
    /// Nothing yet; the system may still hold it.
    Open,
    /// The system gave it up and says so (dead letters).
    Dead,
    /// Acknowledged, not completed, and proved not to be in the system.
    Lost,
    /// It never entered the system, or nobody knows and it is not there:
    /// refused, unsent, vanished.
    Never,
}

/// One task of the trial. Instants are monotonic ns.
///
/// From the ledger: `intended` and `due` are the plan's, `enqueue` and
/// `answered` the entry's state and its `confirmed_at`, the ending its
/// `first_end`, its `dead` flag, or the proof of loss. Tasks that the plan
/// itself lets die and those taken back are not told: they say nothing about
/// the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// When it was to be handed over.
    pub intended: u64,
    /// When its handler was to start.
    pub due: u64,
    /// What the enqueue came to.
    pub enqueue: Enqueue,
    /// When the system confirmed or refused it.
    pub answered: Option<u64>,
    /// What became of it.
    pub ending: Ending,
}

impl Fact {
    /// Its first completion.
    pub(super) const fn completed(&self) -> Option<u64> {
        match self.ending {
            Ending::Completed(at) => Some(at),
            _ => None,
        }
    }

    /// When the system refused it.
    pub(super) const fn refused(&self) -> Option<u64> {
        match self.enqueue {
            Enqueue::Refused => self.answered,
            _ => None,
        }
    }

    /// Whether its enqueue failed or is unknown, whatever became of it later.
    /// What was never handed over failed; what was never answered is unknown.
    /// (Without confirmations all are, before the fault and after it: then e
    /// says nothing, and goodput and latency decide.)
    pub(super) const fn is_error(&self) -> bool {
        !matches!(self.enqueue, Enqueue::Confirmed)
    }

    /// Whether it completed within the objective `s_ns` of its due time.
    pub(super) fn within(&self, s_ns: u64) -> bool {
        self.completed().is_some_and(|at| at <= self.due.saturating_add(s_ns))
    }
}

/// Tells every task of a trial, in any order, as often as it is asked. A
/// ledger tells them by making its arrivals again, so that nothing has to be
/// collected.
pub trait Facts {
    /// Shows each task once.
    fn each(&self, see: &mut dyn FnMut(&Fact));
}

impl Facts for [Fact] {
    fn each(&self, see: &mut dyn FnMut(&Fact)) {
        self.iter().for_each(see);
    }
}
