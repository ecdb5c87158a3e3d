//! Inversions among first starts (`docs/measurement.md`; fault research §1).

use schedbench_contract::Order as Claimed;

use super::tasks::Task;
use crate::plan::{CellPlan, Delay};

/// Counts first starts that came before the first start of an earlier task of
/// the same key, or of the same queue where the system claims its order.
///
/// In sequence order one number per key is enough: a task is an inversion
/// when it started before the latest start among the earlier ones. Repeated
/// deliveries do not enter, they have no first start.
#[derive(Debug)]
pub(super) struct Order {
    scope: Scope,
    latest: Vec<u64>,
    /// Whether tasks with a delay take part: where all have the same, due
    /// times stand in the order of sequence numbers, else they do not.
    delayed: bool,
    inversions: u64,
    looked_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Nothing,
    Queue,
    Key,
}

impl Order {
    pub(super) fn of(plan: &CellPlan) -> Self {
        let scope = match plan.target.profile.claims.order {
            Claimed::Queue => Scope::Queue,
            Claimed::Key | Claimed::None if plan.keys > 0 => Scope::Key,
            Claimed::Key | Claimed::None => Scope::Nothing,
        };
        let places = match scope {
            Scope::Nothing => 0,
            Scope::Queue => 1,
            Scope::Key => plan.keys as usize,
        };
        let delayed = matches!(plan.delay, Delay::None | Delay::Fixed(_));
        Self { scope, latest: vec![0; places], delayed, inversions: 0, looked_at: 0 }
    }

    pub(super) fn see(&mut self, task: &Task) {
        let Some(start) = task.entry.first_start else { return };
        if self.scope == Scope::Nothing || (task.is_delayed() && !self.delayed) {
            return;
        }
        let place = if self.scope == Scope::Queue { 0 } else { task.key.unwrap_or(0) as usize };
        if let Some(latest) = self.latest.get_mut(place) {
            self.inversions += u64::from(start < *latest);
            *latest = start.max(*latest);
            self.looked_at += 1;
        }
    }

    pub(super) const fn inversions(&self) -> u64 {
        self.inversions
    }

    /// First starts that took part: without any, no inversion means nothing.
    pub(super) const fn looked_at(&self) -> u64 {
        self.looked_at
    }
}
