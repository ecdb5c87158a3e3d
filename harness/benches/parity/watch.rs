//! CPU of processes while something goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schedbench::environment::Child;
use schedbench_adapters::clock;

/// Between looks.
const EVERY: Duration = Duration::from_millis(25);

/// CPU-seconds of some processes together, against monotonic ns.
#[derive(Debug, Default)]
pub(crate) struct Watch(Vec<(u64, f64)>);

impl Watch {
    /// Cores that they kept busy between two instants; `None` where they were
    /// not looked at often enough to tell.
    pub(crate) fn cores(&self, from: u64, to: u64) -> Option<f64> {
        let inside = || self.0.iter().filter(|(at, _)| (from..=to).contains(at));
        let (first, last) = (inside().next()?, inside().next_back()?);
        let seconds = last.0.checked_sub(first.0).filter(|ns| *ns > 0)? as f64 / 1e9;
        Some((last.1 - first.1) / seconds)
    }

    /// The second half of their lives: without what a start costs.
    pub(crate) fn second_half(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.0.first()?.0, self.0.last()?.0);
        Some((first + (last - first) / 2, last))
    }
}

/// Watches processes while `act` goes on.
pub(crate) fn watch<T>(children: &[Child], act: impl FnOnce() -> T) -> (T, Watch) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut watch = Watch::default();
            while !done.load(Ordering::Acquire) {
                let cpu: Option<Duration> = children.iter().map(Child::cpu).sum();
                // One that has ended tells all of its life at once, later than
                // it was.
                let lives = children.iter().all(|child| child.ended().is_none());
                if let Some(cpu) = cpu.filter(|_| lives) {
                    watch.0.push((clock::now(), cpu.as_secs_f64()));
                }
                std::thread::sleep(EVERY);
            }
            watch
        });
        let outcome = act();
        done.store(true, Ordering::Release);
        (outcome, watcher.join().unwrap_or_default())
    })
}
