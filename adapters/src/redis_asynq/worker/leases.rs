//! What a worker process holds, so that its leases are extended and it can
//! say what it runs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Seconds for which a task belongs to who dequeued it (protocol §4.1).
pub(super) const LEASE_S: u64 = 30;

#[derive(Clone, Copy, Debug)]
struct Lease {
    until_s: u64,
    taken_ns: u64,
}

/// Leases of tasks that wait for a thread or run on one.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<String, Lease>>);

impl Leases {
    fn held(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(&self, id: &str, until_s: u64, taken_ns: u64) {
        self.held().insert(id.to_owned(), Lease { until_s, taken_ns });
    }

    /// Lets go of a task; the Unix second at which its lease ends.
    pub(super) fn release(&self, id: &str) -> Option<u64> {
        self.held().remove(id).map(|lease| lease.until_s)
    }

    /// Ids whose lease has not run out at `now_s`. The others belong to the
    /// recoverer.
    pub(super) fn alive(&self, now_s: u64) -> Vec<String> {
        let held = self.held();
        held.iter().filter(|(_, lease)| lease.until_s > now_s).map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn extend(&self, ids: &[String], until_s: u64) {
        let mut held = self.held();
        for id in ids {
            if let Some(lease) = held.get_mut(id) {
                lease.until_s = until_s;
            }
        }
    }

    /// The `most` tasks held longest, with when they were taken in Unix ns.
    /// They are the ones that run: threads take the oldest first.
    pub(super) fn longest(&self, most: usize) -> Vec<(String, u64)> {
        let held = self.held();
        let mut all: Vec<_> = held.iter().map(|(id, lease)| (id.clone(), lease.taken_ns)).collect();
        drop(held);
        all.sort_unstable_by_key(|(_, taken)| *taken);
        all.truncate(most);
        all
    }
}
