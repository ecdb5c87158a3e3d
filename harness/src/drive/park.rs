use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use schedbench_adapters::clock;

/// Why a future was not waited for to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The deadline passed.
    Deadline,
    /// The run is being stopped.
    Stopped,
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        // A second wake before the thread looks would be a wasted system call.
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Polls on this thread and parks it while the future pends; one per thread,
/// so that no waker is made per call.
#[derive(Debug)]
pub struct Parker {
    waker: Waker,
    state: Arc<Unpark>,
    /// Time spent parked since the last [`Parker::take_pending_ns`].
    pending_ns: u64,
}

impl std::fmt::Debug for Unpark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unpark")
    }
}

/// How often a parked thread looks whether the run is being stopped.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Parker {
    /// A parker of the calling thread.
    #[must_use]
    pub fn here() -> Self {
        let state =
            Arc::new(Unpark { thread: std::thread::current(), woken: AtomicBool::new(false) });
        Self { waker: Waker::from(Arc::clone(&state)), state, pending_ns: 0 }
    }

    /// Time spent parked since the last call, ns.
    pub fn take_pending_ns(&mut self) -> u64 {
        std::mem::take(&mut self.pending_ns)
    }

    /// Runs a future to its end, to `deadline` (monotonic ns), or until `stop`.
    ///
    /// # Errors
    /// The deadline passed or the run is being stopped; the future is dropped.
    pub fn block_on<F: Future>(
        &mut self,
        future: F,
        deadline: u64,
        stop: &AtomicBool,
    ) -> Result<F::Output, Interrupt> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(&self.waker);
        let mut parked_at = None;
        loop {
            self.state.woken.store(false, Ordering::Release);
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                if let Some(since) = parked_at {
                    self.pending_ns += clock::now() - since;
                }
                return Ok(output);
            }
            let now = clock::now();
            let since = *parked_at.get_or_insert(now);
            if stop.load(Ordering::Relaxed) || now >= deadline {
                self.pending_ns += now - since;
                let stopped = stop.load(Ordering::Relaxed);
                return Err(if stopped { Interrupt::Stopped } else { Interrupt::Deadline });
            }
            if !self.state.woken.load(Ordering::Acquire) {
                std::thread::park_timeout(LOOK_EVERY.min(Duration::from_nanos(deadline - now)));
            }
        }
    }
}

/// [`Parker::block_on`] for a single call, outside the hot path.
///
/// # Errors
/// As [`Parker::block_on`].
pub fn block_on_until<F: Future>(
    future: F,
    deadline: u64,
    stop: &AtomicBool,
) -> Result<F::Output, Interrupt> {
    Parker::here().block_on(future, deadline, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_from_another_thread_is_not_lost() {
        let stop = AtomicBool::new(false);
        for _ in 0..2_000 {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let other = std::thread::spawn(move || sender.send(7));
            let got = block_on_until(receiver, clock::now() + 5_000_000_000, &stop);
            assert_eq!(got, Ok(Ok(7)));
            other.join().expect("the sender ends").expect("the receiver waits");
        }
    }

    #[test]
    fn a_deadline_and_a_stop_end_the_wait() {
        let stop = AtomicBool::new(false);
        let mut parker = Parker::here();
        let before = clock::now();
        let ended = parker.block_on(std::future::pending::<()>(), before + 3_000_000, &stop);
        assert_eq!(ended, Err(Interrupt::Deadline));
        assert!(clock::now() >= before + 3_000_000);
        assert!(parker.take_pending_ns() > 0);
        stop.store(true, Ordering::Relaxed);
        let ended = parker.block_on(std::future::pending::<()>(), u64::MAX, &stop);
        assert_eq!(ended, Err(Interrupt::Stopped));
    }
}
