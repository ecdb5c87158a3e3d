use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use schedbench_contract::Task;

use super::attempt::Attempt;
use super::locked;
use super::pen::Pen;
use super::system::Hand;
use crate::clock;

/// What producers have handed over and the scheduling thread has not seen yet:
/// one lock per batch on either side, and no copy on the far one.
pub(super) struct HandOver {
    inner: Mutex<Inner>,
    arrived: Condvar,
    /// Tells a scheduling thread that spins what the condition tells a
    /// sleeping one.
    urgent: AtomicBool,
    window: usize,
}

struct Inner {
    waiting: Vec<Attempt>,
    retries: usize,
    /// When the first of those waiting is due.
    earliest: u64,
    /// Until when the scheduling thread sleeps; 0 while it is awake.
    sleeps_until: u64,
    /// Producers that found no room.
    producers: Vec<Waker>,
}

impl HandOver {
    /// Room for `window` tasks.
    pub(super) fn new(window: usize) -> Self {
        let inner = Inner {
            waiting: Vec::new(),
            retries: 0,
            earliest: u64::MAX,
            sleeps_until: 0,
            producers: Vec::new(),
        };
        let window = window.max(1);
        Self { inner: Mutex::new(inner), arrived: Condvar::new(), urgent: false.into(), window }
    }

    /// Takes the delayed tasks at the front of `offered` as far as there is
    /// room, and with `all` the others too; the rest of `hand` is the
    /// caller's to place.
    pub(super) fn offer(
        &self,
        offered: &[Task<'_>],
        all: bool,
        log: &Pen,
        hand: &mut Hand,
        cx: &mut Context<'_>,
    ) -> Poll<usize> {
        let mut inner = locked(&self.inner);
        let room = self.window.saturating_sub(inner.waiting.len());
        let batch = if all { &offered[..offered.len().min(room)] } else { offered };
        let taken = hand.sort(batch, log, room);
        if taken == 0 && !offered.is_empty() {
            if !inner.producers.iter().any(|known| known.will_wake(cx.waker())) {
                inner.producers.push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        if all {
            inner.add(&hand.immediate);
            hand.immediate.clear();
        }
        inner.add(&hand.delayed);
        self.wake_if_pressing(inner);
        Poll::Ready(taken)
    }

    /// Takes attempts that follow failures. The window does not hold them
    /// back: a worker that waited here could no longer make room.
    pub(super) fn again(&self, attempts: &[Attempt]) {
        let mut inner = locked(&self.inner);
        inner.retries += attempts.len();
        inner.add(attempts);
        self.wake_if_pressing(inner);
    }

    /// Gives what waits to the scheduling thread, which brings an empty `into`.
    pub(super) fn take(&self, into: &mut Vec<Attempt>) {
        let mut inner = locked(&self.inner);
        std::mem::swap(&mut inner.waiting, into);
        inner.retries = 0;
        inner.earliest = u64::MAX;
        let producers = std::mem::take(&mut inner.producers);
        drop(inner);
        producers.into_iter().for_each(Waker::wake);
    }

    /// Lets the scheduling thread sleep until `until`, spinning for the last
    /// `spin_ns`, or until something arrives that is due sooner.
    pub(super) fn wait(&self, until: Option<u64>, spin_ns: u64, stop: &AtomicBool) {
        let until = until.unwrap_or(u64::MAX);
        let mut inner = locked(&self.inner);
        inner.sleeps_until = until;
        self.urgent.store(false, Ordering::Relaxed);
        while inner.sleeps_until > 0 && !inner.presses(self.window) && !stop.load(Ordering::Acquire)
        {
            if until == u64::MAX {
                inner = self.arrived.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let now = clock::now();
            let sleep = until.saturating_sub(now).saturating_sub(spin_ns);
            if sleep == 0 {
                drop(inner);
                self.spin(until, stop);
                inner = locked(&self.inner);
                break;
            }
            let sleep = Duration::from_nanos(sleep);
            let woken = self.arrived.wait_timeout(inner, sleep);
            inner = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.sleeps_until = 0;
    }

    /// Makes a sleeping or spinning scheduling thread look at its `stop`.
    pub(super) fn wake_all(&self) {
        drop(locked(&self.inner));
        self.arrived.notify_all();
    }

    /// How many first runs and how many retries wait here.
    pub(super) fn waiting(&self) -> (u64, u64) {
        let inner = locked(&self.inner);
        ((inner.waiting.len() - inner.retries) as u64, inner.retries as u64)
    }

    fn spin(&self, until: u64, stop: &AtomicBool) {
        while clock::now() < until
            && !self.urgent.load(Ordering::Acquire)
            && !stop.load(Ordering::Relaxed)
        {
            std::hint::spin_loop();
        }
    }

    fn wake_if_pressing(&self, mut inner: MutexGuard<'_, Inner>) {
        if !inner.presses(self.window) {
            return;
        }
        // Once is enough: it takes all that waits here before it sleeps again.
        inner.sleeps_until = 0;
        self.urgent.store(true, Ordering::Release);
        drop(inner);
        self.arrived.notify_one();
    }
}

impl Inner {
    fn add(&mut self, attempts: &[Attempt]) {
        self.waiting.extend_from_slice(attempts);
        let earliest = attempts.iter().map(|attempt| attempt.due).min();
        self.earliest = self.earliest.min(earliest.unwrap_or(u64::MAX));
    }

    /// Whether the scheduling thread must not sleep on: something here is due
    /// before it would wake by itself, or room runs out.
    const fn presses(&self, window: usize) -> bool {
        self.earliest < self.sleeps_until
            || (self.sleeps_until > 0 && self.waiting.len() >= window.div_ceil(2))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use schedbench_contract::ledger::Ledger;
    use schedbench_contract::{Recorder, TaskId};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_full_window_pends_until_the_scheduling_thread_takes() {
        let now = clock::now();
        let task = |sequence, delay| Task {
            id: TaskId::new(1, sequence),
            intended: now,
            due: now + delay,
            key: None,
            body: &[],
        };
        let hour = 3_600_000_000_000;
        let batch = [task(0, 0), task(1, hour), task(2, hour), task(3, 0), task(4, hour)];
        let log = Recorder::new(Ledger::new(1, 10, now, hour));
        let pen = Pen::Ledger(log.clone());
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let (hand_over, mut hand) = (HandOver::new(2), Hand::default());

        // Two delayed tasks fit, and the immediate ones around them need no room.
        assert_eq!(hand_over.offer(&batch, false, &pen, &mut hand, &mut cx), Poll::Ready(4));
        assert_eq!(hand.immediate.len(), 2);
        assert_eq!(hand_over.offer(&batch[4..], false, &pen, &mut hand, &mut cx), Poll::Pending);
        assert_eq!((log.counts().taken, hand_over.waiting()), (4, (2, 0)));

        let mut taken = Vec::new();
        hand_over.take(&mut taken);
        assert_eq!((taken.len(), wakes.0.load(Ordering::Relaxed)), (2, 1));
        assert_eq!(hand_over.offer(&batch[4..], false, &pen, &mut hand, &mut cx), Poll::Ready(1));
        assert_eq!(hand_over.offer(&[], false, &pen, &mut hand, &mut cx), Poll::Ready(0));
    }
}
