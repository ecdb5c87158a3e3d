//! Why a cell must stop before its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use schedbench_reports::outcome::CellError;

use super::staff::Staff;
use super::stage::Stage;

/// Set when the run is being stopped, or when what the cell needs has died.
#[derive(Debug)]
pub struct Halt<'a> {
    run: &'a AtomicBool,
    cell: AtomicBool,
    reason: Mutex<Option<CellError>>,
}

/// An error without a log.
#[must_use]
pub fn failure(message: impl Into<String>) -> CellError {
    CellError { message: message.into(), log: Vec::new() }
}

impl<'a> Halt<'a> {
    /// Nothing has happened yet; `run` is set when the run is being stopped.
    #[must_use]
    pub const fn new(run: &'a AtomicBool) -> Self {
        Self { run, cell: AtomicBool::new(false), reason: Mutex::new(None) }
    }

    /// What the generator looks at.
    #[must_use]
    pub const fn flag(&self) -> &AtomicBool {
        &self.cell
    }

    /// Whether the cell must stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.cell.load(Ordering::Relaxed)
    }

    /// Looks whether the run is being stopped, and whether broker and workers
    /// live.
    pub fn look(&self, staff: &mut Staff, stage: &mut Stage<'_>) {
        if self.is_set() {
            return;
        }
        if self.run.load(Ordering::Relaxed) {
            self.set(failure("the run was stopped"));
        } else if let Some(death) = stage.broker_death() {
            self.set(death);
        } else if let Some(death) = staff.death() {
            self.set(stage.behind(death));
        }
    }

    /// Ends the cell, for this reason. The first one stays: what fails later
    /// may fail because of it.
    pub(super) fn set(&self, why: CellError) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.cell.store(true, Ordering::Release);
    }

    /// Why the cell must stop, if it must.
    #[must_use]
    pub fn reason(&self) -> Option<CellError> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An error seen by a client, or the death behind it where one is known.
    #[must_use]
    pub fn explain(&self, error: &str) -> CellError {
        self.reason().unwrap_or_else(|| failure(error))
    }
}
