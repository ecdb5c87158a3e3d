use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::attempt::Attempt;
use super::locked;

/// What is due and waits for a worker: first in, first out, one lock per batch.
///
/// It has no bound: what cannot be run at once is the system's backlog, which
/// a cell measures, and not a reason to hold the producer back.
pub(super) struct RunQueue {
    inner: Mutex<Inner>,
    arrived: Condvar,
    held: AtomicU64,
}

struct Inner {
    waiting: VecDeque<Attempt>,
    /// Workers that wait on the condition.
    idle: usize,
    /// A worker has been woken and is not here yet; waking another one before
    /// that costs a system call and gains nothing, since the woken one passes
    /// the word on when it leaves something behind.
    waking: bool,
}

/// How much one worker takes at a time.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// Never more than this.
    pub(super) at_most: usize,
    /// Workers among which a backlog is divided.
    pub(super) workers: usize,
}

impl Share {
    /// Of `waiting` tasks, so that a short queue keeps all workers busy.
    pub(super) fn of(self, waiting: usize) -> usize {
        waiting.div_ceil(self.workers).clamp(1, self.at_most)
    }
}

impl RunQueue {
    pub(super) fn new() -> Self {
        let inner = Inner { waiting: VecDeque::with_capacity(4_096), idle: 0, waking: false };
        Self { inner: Mutex::new(inner), arrived: Condvar::new(), held: AtomicU64::new(0) }
    }

    /// Adds a batch at the end and wakes a worker if one sleeps.
    pub(super) fn push(&self, batch: &[Attempt]) {
        if batch.is_empty() {
            return;
        }
        let mut inner = locked(&self.inner);
        inner.waiting.extend(batch);
        let wake = inner.wants_waking();
        drop(inner);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// Takes a share into `batch`, waiting for something to take; `false`
    /// when `stop` is set.
    ///
    /// What is taken counts as held until [`finished`](Self::finished).
    pub(super) fn take(&self, batch: &mut Vec<Attempt>, share: Share, stop: &AtomicBool) -> bool {
        let mut inner = locked(&self.inner);
        loop {
            if stop.load(Ordering::Acquire) {
                return false;
            }
            let waiting = inner.waiting.len();
            if waiting > 0 {
                let taken = share.of(waiting).min(waiting);
                batch.extend(inner.waiting.drain(..taken));
                self.held.fetch_add(taken as u64, Ordering::Relaxed);
                let wake = taken < waiting && inner.wants_waking();
                drop(inner);
                if wake {
                    self.arrived.notify_one();
                }
                return true;
            }
            inner.idle += 1;
            inner = self.arrived.wait(inner).unwrap_or_else(PoisonError::into_inner);
            inner.idle -= 1;
            inner.waking = false;
        }
    }

    /// Takes what is there, at most `at_most`, without waiting.
    pub(super) fn try_take(&self, batch: &mut Vec<Attempt>, at_most: usize) {
        let mut inner = locked(&self.inner);
        let taken = at_most.min(inner.waiting.len());
        batch.extend(inner.waiting.drain(..taken));
        self.held.fetch_add(taken as u64, Ordering::Relaxed);
    }

    /// That many of those taken have run, and what follows them is noted.
    pub(super) fn finished(&self, runs: usize) {
        self.held.fetch_sub(runs as u64, Ordering::Release);
    }

    /// Makes every waiting worker look at its `stop` again.
    pub(super) fn wake_all(&self) {
        // The lock orders this after a worker's look at `stop`: it then either
        // waits already or sees it set.
        drop(locked(&self.inner));
        self.arrived.notify_all();
    }

    /// Drops what waits.
    pub(super) fn purge(&self) {
        locked(&self.inner).waiting.clear();
    }

    /// How many wait, and how many are in workers' hands, at one instant.
    pub(super) fn ready_and_held(&self) -> (u64, u64) {
        let inner = locked(&self.inner);
        (inner.waiting.len() as u64, self.held.load(Ordering::Acquire))
    }
}

impl Inner {
    const fn wants_waking(&mut self) -> bool {
        let wake = self.idle > 0 && !self.waking;
        self.waking |= wake;
        wake
    }
}
