//! The side list: completions that have no place of their own.

use std::sync::{MutexGuard, PoisonError};

use super::Ledger;
use crate::TaskId;

/// A completion that has no place of its own in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Whose.
    pub id: TaskId,
    /// Why it is here.
    pub kind: ExtraKind,
    /// When the handler started, monotonic ns.
    pub start: u64,
    /// When it ended, monotonic ns.
    pub end: u64,
}

/// Why a completion is on the side list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExtraKind {
    /// The task had completed before.
    Repeated,
    /// A task of an earlier cell of this run.
    Leftover,
    /// An id that this run never gave out.
    Foreign,
}

/// Entries of the side list that are kept whole; beyond it they are counted.
const SIDE_CAPACITY: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Side {
    kept: Vec<Extra>,
    repeated: u64,
    leftover: u64,
    foreign: u64,
}

impl Ledger {
    /// Completions without a place, as far as they were kept.
    #[must_use]
    pub fn extras(&self) -> Vec<Extra> {
        self.side().kept.clone()
    }

    /// How many extras of a kind there were, kept or not.
    #[must_use]
    pub fn extra_count(&self, kind: ExtraKind) -> u64 {
        let side = self.side();
        match kind {
            ExtraKind::Repeated => side.repeated,
            ExtraKind::Leftover => side.leftover,
            ExtraKind::Foreign => side.foreign,
        }
    }

    pub(super) fn aside(&self, extra: Extra) {
        let mut side = self.side();
        match extra.kind {
            ExtraKind::Repeated => side.repeated += 1,
            ExtraKind::Leftover => side.leftover += 1,
            ExtraKind::Foreign => side.foreign += 1,
        }
        if side.kept.len() < SIDE_CAPACITY {
            side.kept.push(extra);
        }
    }

    fn side(&self) -> MutexGuard<'_, Side> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
