use std::sync::atomic::{AtomicU64, Ordering};

/// What a generator tells of itself while it drives, for whoever watches: one
/// writer, once a batch, without a lock or a clock of its own. No figure of the
/// judge comes from here.
#[derive(Debug, Default)]
pub struct Pulse {
    offered: AtomicU64,
    latest_ns: AtomicU64,
}

impl Pulse {
    /// A cell begins.
    pub fn reset(&self) {
        self.offered.store(0, Ordering::Relaxed);
        self.latest_ns.store(0, Ordering::Relaxed);
    }

    /// Tasks offered so far.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.offered.load(Ordering::Relaxed)
    }

    /// The largest lateness since this was last asked, ns.
    #[must_use]
    pub fn take_latest_ns(&self) -> u64 {
        self.latest_ns.swap(0, Ordering::Relaxed)
    }

    pub(super) fn has_offered(&self, in_all: u64) {
        self.offered.store(in_all, Ordering::Relaxed);
    }

    /// More tasks were offered, each so late, ns.
    pub(super) fn offers(&self, late_ns: impl ExactSizeIterator<Item = u64>) {
        self.has_offered(self.offered() + late_ns.len() as u64);
        let latest = late_ns.max().unwrap_or(0);
        if latest > self.latest_ns.load(Ordering::Relaxed) {
            self.latest_ns.store(latest, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_lateness_counts_once() {
        let pulse = Pulse::default();
        pulse.offers([3, 9, 4].into_iter());
        pulse.offers([5].into_iter());
        assert_eq!((pulse.offered(), pulse.take_latest_ns()), (4, 9));
        pulse.offers([1].into_iter());
        assert_eq!((pulse.offered(), pulse.take_latest_ns()), (5, 1));
        pulse.has_offered(40);
        assert_eq!((pulse.offered(), pulse.take_latest_ns()), (40, 0));
    }
}
