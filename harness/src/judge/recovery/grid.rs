//! The grid of intervals Δ, laid so that t_f is one of its lines.

use super::times::Times;

/// Tasks that an interval holds at the baseline's goodput, at least. Counts of
/// a Poisson process scatter by their root: 2.2 % of 2,000, so that 10 % less
/// stands 4.5 standard deviations off. With fixed intervals of 100 ms, 30 % of
/// them would be "bad" at 1,000/s by chance alone.
pub(super) const TASKS: f64 = 2_000.0;

/// Shortest interval, ns.
const SHORTEST_NS: u64 = 100_000_000;

/// Most intervals that are kept: 29 h of the shortest. What lies beyond is
/// not watched, so that no instant, however wrong, asks for all memory.
const MOST: u64 = 1 << 20;

/// Equal intervals before and after t_f.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// Where the first interval begins, monotonic ns.
    from: u64,
    pub(super) interval_ns: u64,
    /// Intervals of the baseline: the first one after t_f has this number.
    pub(super) before: usize,
    /// Whole intervals that were watched, the baseline's among them.
    pub(super) len: usize,
}

impl Grid {
    /// Intervals of Δ = max(100 ms, 2000/G0), `per_second` being G0.
    pub(super) fn of(times: &Times, per_second: f64) -> Self {
        // A conversion to an integer saturates: no rate at all is one interval
        // longer than any trial.
        Self::with(times, SHORTEST_NS.max((TASKS / per_second * 1e9).round() as u64))
    }

    /// Intervals of a given length.
    pub(super) fn with(times: &Times, interval_ns: u64) -> Self {
        let before = times.baseline_ns() / interval_ns;
        let after = times.ended.saturating_sub(times.took_effect) / interval_ns;
        Self {
            from: times.took_effect - before * interval_ns,
            interval_ns,
            before: before as usize,
            len: (before + after).min(MOST) as usize,
        }
    }

    /// The interval that holds an instant, if it is watched.
    pub(super) fn place(&self, instant: u64) -> Option<usize> {
        let place = instant.checked_sub(self.from)? / self.interval_ns;
        usize::try_from(place).ok().filter(|&place| place < self.len)
    }

    /// Whether an instant lies before the first interval.
    pub(super) const fn precedes(&self, instant: u64) -> bool {
        instant < self.from
    }

    pub(super) fn interval_s(&self) -> f64 {
        self.interval_ns as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn times() -> Times {
        Times { steady_from: 5 * S, took_effect: 100 * S, cleared: None, ended: 250 * S }
    }

    #[test]
    fn an_interval_holds_two_thousand_tasks_and_is_never_below_100_ms() {
        let interval = |rate| Grid::of(&times(), rate).interval_s();
        assert_eq!(interval(500.0), 4.0);
        assert_eq!(interval(2_000.0), 1.0);
        assert_eq!(interval(20_000.0), 0.1);
        assert_eq!(interval(100_000.0), 0.1);
    }

    #[test]
    fn the_fault_takes_effect_on_a_line() {
        let grid = Grid::of(&times(), 500.0);
        assert_eq!((grid.before, grid.len), (15, 15 + 37));
        assert_eq!(grid.place(100 * S), Some(15));
        assert_eq!(grid.place(100 * S - 1), Some(14));
        assert_eq!(grid.place(40 * S), Some(0));
        assert_eq!(grid.place(40 * S - 1), None);
        assert!(grid.precedes(40 * S - 1) && !grid.precedes(40 * S));
        assert_eq!(grid.place(249 * S), None, "the last interval is not whole");
    }

    #[test]
    fn no_rate_and_no_end_are_survived() {
        let nothing = Grid::of(&times(), 0.0);
        assert_eq!((nothing.before, nothing.len), (0, 0));
        let endless = Grid::of(&Times { ended: u64::MAX, ..times() }, 1e9);
        assert_eq!(endless.len, 1 << 20);
    }
}
