//! What became of the tasks intended in the window, and the failure rate
//! (`docs/measurement.md` §3).

use schedbench_contract::ledger::{Cancel, Enqueue};
use schedbench_reports::outcome::WindowCounts;

use super::grid::Loss;
use super::tasks::Task;

/// Sums over the tasks intended in the window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Tasks intended in it.
    pub(super) intended: u64,
    /// Tasks without an end that were not watched for all of T.
    pub(super) unwatched: u64,
    /// Tasks that the system's client never took, whatever the plan had for
    /// them.
    pub(super) never_accepted: u64,
    parts: WindowCounts,
    /// Confirmed and neither completed nor dead: late or lost.
    missing: u64,
}

impl Window {
    /// Sorts a task into exactly one part. The plan decides first (planned
    /// deaths, cancelled), then success within T, whatever the enqueue came
    /// to: a phantom that ran in time did its work and is told in the grid.
    pub(super) fn see(&mut self, task: &Task, horizon_ns: u64, ended: u64) {
        self.intended += 1;
        let entry = &task.entry;
        // Of a cell that ended before its time the rest was never offered.
        let was_offered = task.intended < ended;
        self.never_accepted += u64::from(was_offered && !task.was_sent());
        let parts = &mut self.parts;
        if task.fate.dies {
            parts.planned_dead += 1;
        } else if entry.cancel == Cancel::Cancelled {
            parts.cancelled += 1;
        } else if task.done_within(horizon_ns).is_some() {
            parts.done += 1;
        } else {
            match entry.enqueue {
                Enqueue::Refused => parts.refused += 1,
                Enqueue::Unsent => parts.unsent += 1,
                Enqueue::Taken | Enqueue::Unknown => parts.unknown += 1,
                Enqueue::Confirmed if entry.successes == 0 && !entry.dead => self.missing += 1,
                // Too late, or dead although the plan let it succeed.
                Enqueue::Confirmed => parts.late += 1,
            }
            let expected =
                matches!(entry.enqueue, Enqueue::Confirmed | Enqueue::Taken | Enqueue::Unknown)
                    && entry.successes == 0
                    && !entry.dead;
            let watched = task.deadline(horizon_ns) <= ended;
            self.unwatched += u64::from(expected && !watched);
        }
    }

    /// The parts, with the missing split by what was proved: of m missing and
    /// k that the system may still hold, at least m − k are lost.
    pub(super) fn counts(&self, loss: &Loss) -> WindowCounts {
        let lost = loss.may_hold.map_or(0, |held| self.missing.saturating_sub(held));
        WindowCounts {
            intended: self.intended,
            lost,
            late: self.parts.late + self.missing - lost,
            ..self.parts
        }
    }
}

/// Failures / tasks that could fail; `None` when there were none.
///
/// failures = intended − done − planned dead − cancelled.
pub(super) fn failure_rate(counts: &WindowCounts) -> Option<f64> {
    let judged = judged(counts);
    (judged > 0).then(|| (judged - counts.done) as f64 / judged as f64)
}

/// Tasks in the failure rate's denominator.
pub(super) const fn judged(counts: &WindowCounts) -> u64 {
    counts.intended - counts.planned_dead - counts.cancelled
}
