//! The one clock of a run: `CLOCK_MONOTONIC`, comparable between the processes
//! of one machine.

use rustix::time::{ClockId, Timespec, clock_gettime};

fn ns(time: Timespec) -> u64 {
    // Neither clock is negative on a running Linux, and 2^64 ns are 584 years.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Now, in monotonic ns. Costs 27–33 ns (vDSO).
#[must_use]
pub fn now() -> u64 {
    ns(clock_gettime(ClockId::Monotonic))
}

/// Now, in ns since the Unix epoch; only for what a system stores as wall time.
#[must_use]
pub fn wall() -> u64 {
    ns(clock_gettime(ClockId::Realtime))
}

/// A monotonic and a wall-clock reading of the same instant, to convert due
/// times for systems that take wall-clock time.
#[derive(Clone, Copy, Debug)]
pub struct ClockPair {
    /// Monotonic ns.
    pub monotonic: u64,
    /// Unix ns at that instant.
    pub wall: u64,
}

impl ClockPair {
    /// Reads both. The wall clock is read between two monotonic readings and
    /// set against their middle, so that the error is half their distance.
    #[must_use]
    pub fn read() -> Self {
        let before = now();
        let wall = wall();
        let after = now();
        Self { monotonic: before + (after - before) / 2, wall }
    }

    /// The wall-clock time of a monotonic instant, Unix ns.
    #[must_use]
    pub const fn to_wall(self, monotonic: u64) -> u64 {
        self.wall.wrapping_add(monotonic.wrapping_sub(self.monotonic))
    }

    /// How far two pairs disagree about the wall clock, ns.
    #[must_use]
    pub const fn drift_from(self, earlier: Self) -> u64 {
        earlier.to_wall(self.monotonic).abs_diff(self.wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_converts_by_the_same_distance() {
        let pair = ClockPair { monotonic: 1_000, wall: 5_000 };
        assert_eq!(pair.to_wall(1_500), 5_500);
        assert_eq!(pair.to_wall(400), 4_400);
        let later = ClockPair { monotonic: 2_000, wall: 6_007 };
        assert_eq!(later.drift_from(pair), 7);
    }
}
