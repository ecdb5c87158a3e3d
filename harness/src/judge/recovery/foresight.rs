//! What can be told of a trial, before it is run.

use super::baseline::FEWEST;
use super::detector::RUN;
use super::grid::Grid;
use super::lasting::RECOVERED;
use super::times::Times;

/// Of the goodput that is expected, what a baseline's intervals must still be
/// enough at: a trial whose baseline just fills them is measured or not by how
/// many tasks were in flight when the fault took effect.
const SURE: f64 = 0.96;

/// What a trial at a steady rate can tell. Seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foresight {
    /// Δ.
    pub interval_s: f64,
    /// Intervals that its baseline has.
    pub baseline: usize,
    /// Whether that is surely enough for any time to be told.
    pub is_measured: bool,
    /// Bad for a shorter time is no impact.
    pub shortest_impact_s: f64,
    /// The latest recovery that is a number, from the healing on; below 0 it
    /// has to come before that, and what is later reads `> x`.
    pub latest_recovery_s: f64,
}

impl Foresight {
    /// Of a fault, at the moments at which it is planned.
    #[must_use]
    pub fn of(times: &Times, per_second: f64) -> Self {
        let grid = Grid::of(times, per_second);
        let interval_s = grid.interval_s();
        let until_recovered = (grid.len - grid.before) as f64 - RECOVERED as f64;
        let healed = times.cleared.unwrap_or(times.ended);
        Self {
            interval_s,
            baseline: grid.before,
            is_measured: Grid::of(times, SURE * per_second).before >= FEWEST,
            shortest_impact_s: RUN as f64 * interval_s,
            latest_recovery_s: until_recovered * interval_s - times.since_effect_s(healed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn of(at: u64, until: u64, window: u64, per_second: f64) -> Foresight {
        let times = Times {
            steady_from: 0,
            took_effect: at * S,
            cleared: Some(until * S),
            ended: window * S,
        };
        Foresight::of(&times, per_second)
    }

    #[test]
    fn a_window_leaves_room_for_a_recovery_that_lasts() {
        let fast = of(10, 15, 30, 10_000.0);
        assert_eq!((fast.interval_s, fast.baseline, fast.is_measured), (0.2, 50, true));
        assert!((fast.shortest_impact_s - 0.6).abs() < 1e-9);
        // 100 intervals from t_f on, of which the last 45 have to be ok.
        assert!((fast.latest_recovery_s - 6.0).abs() < 1e-9, "{fast:?}");
        let slow = of(12, 17, 32, 2_000.0);
        assert!((slow.latest_recovery_s + 30.0).abs() < 1e-9, "{slow:?}");
        assert!((of(12, 17, 70, 2_000.0).latest_recovery_s - 8.0).abs() < 1e-9);
    }

    #[test]
    fn a_baseline_that_just_fills_ten_intervals_is_not_sure() {
        assert_eq!(of(10, 15, 60, 2_000.0).baseline, 10);
        assert!(!of(10, 15, 60, 2_000.0).is_measured);
        assert!(of(11, 15, 60, 2_000.0).is_measured);
        assert!(!of(20, 25, 60, 900.0).is_measured);
    }
}
