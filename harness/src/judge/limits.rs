//! From which figure on a cell gets which verdict.

/// The thresholds of the verdicts. The defaults are those of
/// `docs/measurement.md` §§2–4; a test or a scenario may set others, and the
/// reasons quote whichever was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// P99 start latency up to which a load counts as held, ns (§3: 1 s).
    pub objective_p99_ns: u64,
    /// Share of the planned tasks by which the offered ones may differ (§4: 1 %).
    pub offered: f64,
    /// P99 pacing lateness that is never held against a generator, ns: 1 ms.
    /// A sound pacer stays at 0.12–0.15 ms beside a busy broker on two cores
    /// (§2), so this is several times what it needs.
    pub lateness_ns: u64,
    /// Beyond that, how many times its lateness the P99 start latency must be:
    /// 5, the same factor as in §4. A latency of 800 ms is not blurred by a
    /// lateness of 3 ms, one of 4 ms is.
    pub resolved: f64,
    /// Share of the window that a client thread of ours may be busy (§4: 90 %).
    pub client_thread: f64,
    /// Cores' worth of CPU that others may take (§4: 0.1).
    pub foreign_cores: f64,
    /// Most CPU that was in no process's time, in cores. Waking a scheduler
    /// 160,000 times a second takes 0.14 of the kernel's; a build beside us,
    /// whose processes come and go, takes a core and more.
    pub unattributed_cores: f64,
    /// Share of CPU time that the hypervisor may take (§4: 1 %).
    pub steal: f64,
    /// How far the two clocks may drift apart, ns (§4: 1 ms).
    pub clock_drift_ns: u64,
    /// Relative disagreement with Little's law (§2: 2 %).
    pub little: f64,
    /// Share of the tasks due in the window that must be done in it (§3: 99 %).
    pub done: f64,
    /// Growth of the backlog per second, as a share of the rate (§3: 1 %).
    pub slope: f64,
    /// Failure rate from which a load is not held (§3: 0.1 %).
    pub failures: f64,
    /// How often the tasks in flight must be replaced in a window (§2: 3 times).
    pub turnover: u64,
    /// Tasks that must lie beyond a percentile for it to be shown (§3: 10).
    pub beyond: u64,
    /// Seconds' worth of backlog at the window's start from which the cell
    /// was overloaded from its warm-up on (§3: 1 s).
    pub backlog_at_start_s: f64,
    /// Factor between the median start latencies of the window's first and
    /// last third from which the latency is said to trend: 2.
    pub trend_factor: f64,
    /// The same, as a share of the objective: 1 %. A median that went from
    /// 5 µs to 12 µs trends, but nobody's decision turns on it.
    pub trend_share: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objective_p99_ns: 1_000_000_000,
            offered: 0.01,
            lateness_ns: 1_000_000,
            resolved: 5.0,
            client_thread: 0.9,
            foreign_cores: 0.1,
            unattributed_cores: 0.4,
            steal: 0.01,
            clock_drift_ns: 1_000_000,
            little: 0.02,
            done: 0.99,
            slope: 0.01,
            failures: 0.001,
            turnover: 3,
            beyond: 10,
            backlog_at_start_s: 1.0,
            trend_factor: 2.0,
            trend_share: 0.01,
        }
    }
}
