//! The runs word: written by whoever hears of handlers.

use std::sync::atomic::Ordering;

use super::word::{CORRUPT, DEAD, FAILURES, FLOAT, STARTED, SUCCESSES, TIME_MASK};
use super::{Extra, ExtraKind, Ledger};
use crate::{SmallFloat, TaskId};

/// How a run of a handler changed what is known of its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    FirstSuccess { finishes: bool },
    Repeated,
    FailedAttempt,
    Dead { finishes: bool },
    Elsewhere,
}

impl Ledger {
    /// A handler completed.
    pub(crate) fn completed(&self, id: TaskId, start: u64, end: u64, intact: bool) -> Effect {
        let Some(place) = self.place(id) else { return self.elsewhere(id, start, end) };
        let (Some(start_units), Some(end_units)) = (self.units(start), self.units(end)) else {
            return Effect::Elsewhere;
        };
        let before = self.change_runs(place, |word| {
            let word = if intact { word } else { word | CORRUPT };
            let word = first_start(word, start_units);
            if SUCCESSES.get(word) > 0 {
                return SUCCESSES.bump(word);
            }
            let ran = end_units.saturating_sub(word & TIME_MASK);
            SUCCESSES.set(FLOAT.set(word, u64::from(SmallFloat::new(ran).bits())), 1)
        });
        if SUCCESSES.get(before) > 0 {
            self.aside(Extra { id, kind: ExtraKind::Repeated, start, end });
            return Effect::Repeated;
        }
        Effect::FirstSuccess { finishes: before & DEAD == 0 }
    }

    /// A handler failed; `finally` when no attempt will follow.
    pub(crate) fn failed(&self, id: TaskId, start: u64, end: u64, finally: bool) -> Effect {
        let Some(place) = self.place(id) else { return self.elsewhere(id, start, end) };
        let Some(start_units) = self.units(start) else { return Effect::Elsewhere };
        let before = self.change_runs(place, |word| {
            let word = FAILURES.bump(first_start(word, start_units));
            if finally { word | DEAD } else { word }
        });
        if finally {
            return Effect::Dead { finishes: before & DEAD == 0 && SUCCESSES.get(before) == 0 };
        }
        Effect::FailedAttempt
    }

    fn change_runs(&self, place: usize, change: impl Fn(u64) -> u64) -> u64 {
        self.runs[place]
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(change(word)))
            .unwrap_or_else(|word| word)
    }

    fn elsewhere(&self, id: TaskId, start: u64, end: u64) -> Effect {
        let kind = if id.cell() < self.cell { ExtraKind::Leftover } else { ExtraKind::Foreign };
        self.aside(Extra { id, kind, start, end });
        Effect::Elsewhere
    }
}

/// Keeps the earliest start. When an earlier one is heard of after the first
/// success, the run time grows by the difference so that the end stays.
const fn first_start(word: u64, start_units: u64) -> u64 {
    let known = word & TIME_MASK;
    if word & STARTED != 0 && known <= start_units {
        return word;
    }
    let moved = word & !TIME_MASK | start_units | STARTED;
    if SUCCESSES.get(word) == 0 {
        return moved;
    }
    let ran = SmallFloat::from_bits(FLOAT.get(word) as u16).get() + (known - start_units);
    FLOAT.set(moved, SmallFloat::new(ran).bits() as u64)
}
