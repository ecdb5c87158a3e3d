use procfs::{CurrentSI, KernelStats};
use schedbench_adapters::clock;

/// The machine's CPU time, all cores together, in seconds.
///
/// Busy is what was not idle. The kernel's own busy columns are sampled by the
/// tick, and a pacer that wakes in step with the tick is sampled wrongly; idle
/// time is taken at each entry and exit of the idle loop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    /// Cores × time.
    all: f64,
    idle: f64,
    steal: f64,
}

impl Machine {
    pub(crate) fn read() -> Option<Self> {
        let at = clock::now() as f64 / 1e9;
        let stats = KernelStats::current().ok()?;
        let second = procfs::ticks_per_second() as f64;
        let total = &stats.total;
        Some(Self {
            all: at * stats.cpu_time.len() as f64,
            idle: (total.idle + total.iowait.unwrap_or(0)) as f64 / second,
            steal: total.steal.unwrap_or(0) as f64 / second,
        })
    }

    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            all: self.all - earlier.all,
            idle: self.idle - earlier.idle,
            steal: self.steal - earlier.steal,
        }
    }

    /// CPU-seconds that somebody used here.
    pub(crate) fn busy_s(&self) -> f64 {
        self.all - self.idle - self.steal
    }

    /// Share that the hypervisor gave to others.
    pub(crate) fn steal(&self) -> Option<f64> {
        (self.all > 0.0).then(|| self.steal / self.all)
    }
}
