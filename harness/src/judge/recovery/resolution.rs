//! How fine the figures of a trial are.

use super::alarm;
use super::detector::RUN;
use super::lasting::LASTING;
use super::series::{Interval, Series};

/// Printed beside every figure of a trial. Seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Δ, the length of an interval.
    pub interval_s: f64,
    /// The longest stretch that an L of the baseline, or the one at r, is
    /// made from: 1,000 completions in whole intervals. A latency that is well
    /// again shows after that only.
    pub latency_window_s: f64,
    /// Steps of the detection by alarm.
    pub alarm_s: f64,
    /// Three intervals: what bad is over sooner is no impact.
    pub shortest_impact_s: f64,
    /// 50 intervals: how long a recovery must have been watched to be one.
    pub lasting_s: f64,
}

impl Resolution {
    pub(super) fn of(series: &Series, at_recovery: Option<&Interval>) -> Self {
        let windows = series.baseline().iter().chain(at_recovery).map(|i| i.window);
        let widest = windows.max().unwrap_or(0).max(1);
        let intervals = |count: usize| count as f64 * series.interval_s;
        Self {
            interval_s: intervals(1),
            latency_window_s: intervals(widest),
            alarm_s: alarm::STEP_S,
            shortest_impact_s: intervals(RUN),
            lasting_s: intervals(LASTING),
        }
    }

    /// ± of impact, recovery and drain: Δ, or L's window where that is longer.
    #[must_use]
    pub fn recovery_s(&self) -> f64 {
        self.interval_s.max(self.latency_window_s)
    }
}
