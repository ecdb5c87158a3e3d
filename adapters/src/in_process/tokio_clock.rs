use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// Converts the run's monotonic ns to tokio's instants, which read the same
/// clock.
#[derive(Clone, Copy)]
pub(super) struct TokioClock {
    monotonic: u64,
    instant: Instant,
}

impl TokioClock {
    /// The instant is read second, so that a converted time is late by the
    /// some 30 ns between the two readings and never early.
    pub(super) fn read() -> Self {
        let monotonic = clock::now();
        Self { monotonic, instant: Instant::now() }
    }

    pub(super) fn instant(self, monotonic: u64) -> Instant {
        self.instant + Duration::from_nanos(monotonic.saturating_sub(self.monotonic))
    }
}
