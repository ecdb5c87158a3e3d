//! Nanoseconds to ticks and back: dues round up, the present rounds down, and
//! so no timer is early.

/// The grid of ticks, counted from the wheel's start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    start_ns: u64,
    resolution_ns: u64,
}

impl Ticks {
    pub(crate) fn new(start_ns: u64, resolution_ns: u64) -> Self {
        Self { start_ns, resolution_ns }
    }

    pub(crate) fn resolution_ns(self) -> u64 {
        self.resolution_ns
    }

    /// The first tick that is not before `ns`; 0 for a time before the start.
    pub(crate) fn at_or_after(self, ns: u64) -> u64 {
        ns.saturating_sub(self.start_ns).div_ceil(self.resolution_ns)
    }

    /// The last tick that is not after `ns`; 0 for a time before the start.
    pub(crate) fn at_or_before(self, ns: u64) -> u64 {
        ns.saturating_sub(self.start_ns) / self.resolution_ns
    }

    /// When `tick` is, in ns; `u64::MAX` for one beyond the end of time.
    pub(crate) fn to_ns(self, tick: u64) -> u64 {
        tick.saturating_mul(self.resolution_ns).saturating_add(self.start_ns)
    }
}
