//! What the trials of a system, profile, fault and load showed, in sums.

use super::kills::Kills;
use crate::outcome::{Cell, Counts, Reading};

/// Sums over the trials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Trials in which the fault was done.
    pub trials: u32,
    /// Trials of which it is known whether they lost something: nothing is
    /// missing at their end, or what is missing was proved to be gone. One that
    /// was cut short is none of them unless it lost something.
    pub decided: Kills,
    /// Tasks lost, a lower bound where the system still held some.
    pub lost: u64,
    /// Whether it is a lower bound.
    pub at_least: bool,
    /// How long before the fault the oldest of them had been acknowledged,
    /// seconds, where that is known.
    pub loss_window_s: Option<f64>,
    /// Trials in which tasks are missing and none was proved lost: without
    /// confirmation, those in which any is missing.
    pub missing_in: u32,
    /// Tasks missing, without a proof.
    pub missing: u64,
    /// Enqueue unknown, and not run: no loss.
    pub vanished: u64,
    /// Confirmed tasks that completed more than once.
    pub again: u64,
    /// Tasks of unknown enqueue that completed more than once.
    pub again_unknown: u64,
    /// Of all that completed more than once, those sent once: redelivered.
    pub redelivered: u64,
    /// Those that their producer had sent again.
    pub sent_again: u64,
    /// Refused tasks that ran.
    pub phantoms: u64,
    /// First starts out of order.
    pub reordered: u64,
    /// First starts of which the order was looked at.
    pub ordered: u64,
    /// Set aside after the last attempt.
    pub dead: u64,
    /// Trials whose ledger does not balance: they say nothing.
    pub unbalanced: u32,
    /// Trials that count here and not for times, by the verdict's word.
    pub not_valid: Vec<(&'static str, u32)>,
    /// Cells that ended before the fault was done.
    pub not_done: u32,
}

impl Seen {
    /// Tasks that completed more than once, refused ones left out.
    #[must_use]
    pub const fn repeated(&self) -> u64 {
        self.again.saturating_add(self.again_unknown)
    }

    /// Those of them of which it is not known who did it. The outcome of an
    /// earlier version says it of none.
    #[must_use]
    pub const fn not_told(&self) -> u64 {
        self.repeated().saturating_sub(self.redelivered.saturating_add(self.sent_again))
    }

    /// The same by who did it, each with its words.
    #[must_use]
    pub const fn ran_again(&self) -> [(u64, &'static str); 3] {
        [
            (self.redelivered, "redelivered"),
            (self.sent_again, "sent again by the client"),
            (self.not_told(), "ran again, by whom is not told apart"),
        ]
    }

    pub(super) fn see(&mut self, cell: &Cell, unconfirmed: bool) {
        if cell.trials.is_empty() {
            self.not_done += 1;
            return;
        }
        self.see_ledger(cell, unconfirmed);
    }

    /// Of a cell to which nothing was to be done as well.
    pub(super) fn see_ledger(&mut self, cell: &Cell, unconfirmed: bool) {
        let counts = &cell.counts;
        if !counts.balances {
            self.unbalanced += 1;
            return;
        }
        self.trials += 1;
        if !cell.validity.is_valid() {
            let word = cell.validity.word();
            match self.not_valid.iter_mut().find(|(known, _)| *known == word) {
                Some((_, n)) => *n += 1,
                None => self.not_valid.push((word, 1)),
            }
        }
        let Counts { grid, lost, residual, .. } = *counts;
        let is_whole = cell.is_whole();
        let missing = if unconfirmed { grid.unknown[0].saturating_add(residual) } else { residual };
        if lost == 0 && missing > 0 {
            self.missing_in += 1;
            self.missing = self.missing.saturating_add(missing);
        } else if lost > 0 || is_whole {
            self.decided.kills += 1;
            self.decided.losing += u32::from(lost > 0);
            // In a cell with several faults, before each of them.
            let exposed = cell.trials.iter().map(|trial| trial.exposed);
            self.decided.exposed = exposed.fold(self.decided.exposed, u64::saturating_add);
            self.at_least |= lost > 0 && residual > 0;
        }
        let windows = cell.trials.iter().filter_map(|trial| trial.readings.get("loss.window"));
        let known = windows.filter_map(Reading::number).filter(|window| window.is_finite());
        self.loss_window_s = known.chain(self.loss_window_s).reduce(f64::max);
        for (sum, more) in [
            (&mut self.lost, lost),
            (&mut self.vanished, grid.unknown[0]),
            (&mut self.again, grid.ok[2]),
            (&mut self.again_unknown, grid.unknown[2]),
            (&mut self.redelivered, counts.again.redelivered),
            (&mut self.sent_again, counts.again.sent_again),
            (&mut self.phantoms, grid.fail[1].saturating_add(grid.fail[2])),
            (&mut self.reordered, counts.inversions),
            (&mut self.ordered, counts.ordered),
            (&mut self.dead, counts.dead),
        ] {
            // A file may hold anything: sums stop at the largest number.
            *sum = sum.saturating_add(more);
        }
    }
}
