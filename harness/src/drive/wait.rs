use rustix::io::Errno;
use rustix::thread::{ClockId, Timespec, clock_nanosleep_absolute};
use schedbench_adapters::clock;

use crate::plan::Pacing;

/// Distance of the grid on which broker cells are paced, ns. Measured beside
/// Redis on two cores at 100k/s: lateness P99 0.12–0.15 ms, mean batch 12.
const GRID_NS: u64 = 100_000;
/// A spinning pacer gives its core up for this long …
const REST_NS: u64 = 50_000;
/// … in each period of this length; without it the kernel puts a spinning
/// SCHED_FIFO thread aside for about 50 ms each second.
const REST_EVERY_NS: u64 = 1_000_000;
/// An idle spinning pacer sleeps until this long before the next task.
const SPIN_BEFORE_NS: u64 = 120_000;

/// Waits for instants in one of the two ways of pacing.
#[derive(Debug)]
pub struct Waiter {
    how: Pacing,
    origin: u64,
    rested: u64,
    spun_ns: u64,
}

impl Waiter {
    /// A waiter whose grid begins at `origin` (monotonic ns).
    #[must_use]
    pub const fn new(how: Pacing, origin: u64) -> Self {
        Self { how, origin, rested: origin, spun_ns: 0 }
    }

    /// Waits until `instant` or the first grid point after it.
    pub fn until(&mut self, instant: u64) {
        match self.how {
            Pacing::Grid => sleep_until(self.grid_at_or_after(instant)),
            Pacing::Spin => self.spin_until(instant),
        }
    }

    /// Waits for the next occasion to look again when nothing says when.
    pub fn a_moment(&mut self) {
        let now = clock::now();
        match self.how {
            Pacing::Grid => sleep_until(self.grid_at_or_after(now + 1)),
            Pacing::Spin => self.spin_until(now + 5_000),
        }
    }

    /// Time on a core that did nothing but look at the clock: it counts as
    /// idle (`docs/measurement.md` §2).
    #[must_use]
    pub const fn spun_ns(&self) -> u64 {
        self.spun_ns
    }

    fn grid_at_or_after(&self, instant: u64) -> u64 {
        self.origin + instant.saturating_sub(self.origin).div_ceil(GRID_NS) * GRID_NS
    }

    fn spin_until(&mut self, instant: u64) {
        let mut before = None;
        loop {
            let now = clock::now();
            if let Some(before) = before.take() {
                self.spun_ns += now - before;
            }
            if now >= instant {
                // Behind schedule or just in time: rest only when it is owed.
                if now.saturating_sub(self.rested) > REST_EVERY_NS {
                    sleep_until(now + REST_NS);
                    self.rested = clock::now();
                }
                return;
            }
            if instant - now > SPIN_BEFORE_NS {
                sleep_until(instant - SPIN_BEFORE_NS);
                self.rested = clock::now();
            } else if now.saturating_sub(self.rested) > REST_EVERY_NS {
                sleep_until(now + REST_NS);
                self.rested = clock::now();
            } else {
                before = Some(now);
                std::hint::spin_loop();
            }
        }
    }
}

/// Sleeps until a monotonic instant; returns at once when it has passed.
pub fn sleep_until(instant: u64) {
    let request = Timespec {
        tv_sec: (instant / 1_000_000_000) as i64,
        tv_nsec: (instant % 1_000_000_000) as i64,
    };
    while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_met_at_or_after() {
        let waiter = Waiter::new(Pacing::Grid, 1_000);
        assert_eq!(waiter.grid_at_or_after(1_000), 1_000);
        assert_eq!(waiter.grid_at_or_after(1_001), 101_000);
        assert_eq!(waiter.grid_at_or_after(5), 1_000);
    }

    #[test]
    fn neither_way_returns_before_its_instant() {
        for how in [Pacing::Grid, Pacing::Spin] {
            let mut waiter = Waiter::new(how, clock::now());
            for distance in [0, 10_000, 99_999, 300_000, 2_000_000] {
                let instant = clock::now() + distance;
                waiter.until(instant);
                assert!(clock::now() >= instant, "{how:?} {distance}");
            }
        }
    }
}
