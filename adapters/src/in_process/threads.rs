use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use schedbench_contract::{Error, InProcessWorkers, Result};

/// The threads of a running system. Dropping it stops and joins them.
pub(crate) struct Threads {
    stop: Arc<AtomicBool>,
    wake: Box<dyn Fn() + Send>,
    running: Vec<JoinHandle<()>>,
}

impl Threads {
    /// None yet. `wake` makes every waiting thread look at `stop` again.
    pub(crate) fn new(wake: impl Fn() + Send + 'static) -> Self {
        Self { stop: Arc::default(), wake: Box::new(wake), running: Vec::new() }
    }

    /// Set once the threads are to end.
    pub(crate) fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Starts one more.
    pub(crate) fn spawn(
        &mut self,
        name: String,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<()> {
        let thread = Builder::new().name(name).spawn(|| {
            sharpen_timers();
            body();
        });
        self.running.push(thread.map_err(|why| Error::Broken(format!("no new thread: {why}")))?);
        Ok(())
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Release);
        (self.wake)();
        for thread in self.running.drain(..) {
            // A panic has been printed by the thread itself, and its tasks are
            // missing from the ledger; nothing is gained by a second panic.
            let _ = thread.join();
        }
    }
}

/// Lets the kernel wake the calling thread 1 ns late instead of 50 µs. Where
/// it refuses, sleeps are as coarse as everybody else's.
pub(crate) fn sharpen_timers() {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

impl InProcessWorkers for Threads {
    fn stop(mut self: Box<Self>) {
        self.halt();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.halt();
    }
}
