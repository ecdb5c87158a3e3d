//! Whether the system kept up with the load (`docs/measurement.md` §3).

use schedbench_reports::outcome::{Held, Validity, WindowCounts};

use super::backlog::Slope;
use super::flow::Flow;
use super::latency::{Distribution, Point};
use super::limits::Limits;
use super::window::failure_rate;
use super::words::{number, percent, time};

/// What the two answers are made from.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    pub(super) flow: &'a Flow,
    pub(super) slope: Slope,
    pub(super) counts: &'a WindowCounts,
    pub(super) start: &'a Distribution,
    /// Start latencies of the window's first and last third, by due time.
    pub(super) thirds: (&'a Distribution, &'a Distribution),
    pub(super) horizon_ns: u64,
    pub(super) in_flight: bool,
}

impl Kept<'_> {
    /// Tasks due in the window per second: the rate that had to be kept up
    /// with. It is counted by due time, not by hand-over: of tasks delayed by
    /// 10 s, those handed over in a 10 s window are none of its business. The
    /// plan decides it, so that a system that pushes back gains nothing.
    pub(super) fn due_rate(&self) -> f64 {
        self.flow.due as f64 / self.flow.grid.seconds()
    }

    /// done ≥ 99 % of due, but for the tasks that happened to straddle the
    /// window's edges: the difference of two independent backlogs b₀ and b₁ of
    /// a system that keeps up has a standard deviation of √(b₀ + b₁), so 1.64
    /// times that is allowed (one-sided 95 %). At 10k/s and a few ms it is
    /// less than 20 tasks of 100,000.
    pub(super) fn too_few_done(&self, limits: &Limits) -> Option<String> {
        let (due, done) = (self.flow.due as f64, self.flow.due_done as f64);
        let straddling =
            self.flow.backlog.at_start.max(0) as f64 + self.flow.backlog.at_end().max(0) as f64;
        (done + 1.64 * straddling.sqrt() < limits.done * due).then(|| {
            format!(
                "done {} of the {} due in the window ({} needed)",
                percent(done / due),
                self.flow.due,
                percent(limits.done)
            )
        })
    }

    /// Growth beyond what is allowed is not ruled out.
    pub(super) fn growing(&self, limits: &Limits) -> Option<String> {
        let limit = limits.slope * self.due_rate();
        (self.slope.upper_per_s > limit).then(|| {
            format!(
                "backlog grows by {}/s, at most {}/s (95 %), {}/s allowed",
                number(self.slope.per_s),
                number(self.slope.upper_per_s),
                number(limit)
            )
        })
    }

    /// Growth beyond what is allowed, with standing still ruled out. A wider
    /// interval can only undo that: what is less certain is no finding.
    pub(super) fn grows(&self, limits: &Limits) -> bool {
        self.slope.lower_per_s > 0.0 && self.slope.per_s > limits.slope * self.due_rate()
    }

    /// Whether the rate was kept up with: as much was done as was due, and the
    /// backlog did not grow. `None` where growth is neither shown nor ruled
    /// out.
    pub(super) fn kept_up(&self, limits: &Limits) -> Option<bool> {
        if self.too_few_done(limits).is_some() || self.grows(limits) {
            return Some(false);
        }
        self.growing(limits).is_none().then_some(true)
    }

    pub(super) fn failing(&self, limits: &Limits) -> Option<String> {
        let rate = failure_rate(self.counts)?;
        (rate >= limits.failures).then(|| {
            format!(
                "failures {} (D {} s, T {}; below {} needed)",
                percent(rate),
                number(self.flow.grid.seconds()),
                time(self.horizon_ns as f64),
                percent(limits.failures)
            )
        })
    }

    fn late(&self, limits: &Limits) -> Option<String> {
        let objective = time(limits.objective_p99_ns as f64);
        match self.start.quantile(0.99)? {
            Point::At(ns) if ns <= limits.objective_p99_ns as i64 => None,
            Point::At(ns) => {
                Some(format!("P99 start latency {} (objective {objective})", time(ns as f64)))
            }
            Point::Infinity => Some(format!(
                "P99 start latency > {} (objective {objective})",
                time(self.horizon_ns as f64)
            )),
        }
    }

    /// Whether the load was held. All conditions that failed are told.
    pub(super) fn held(&self, validity: &Validity, limits: &Limits) -> Held {
        if let Some(why) = validity.why() {
            return Held::NotJudged(format!("{}: {why}", validity.word()));
        }
        if self.in_flight {
            return Held::NotJudged("in flight: the load follows the system".into());
        }
        if self.flow.due == 0 {
            return Held::NotJudged("no task was due in the window".into());
        }
        let conditions = [
            self.too_few_done(limits),
            self.growing(limits),
            self.failing(limits),
            self.late(limits),
        ];
        let failed: Vec<String> = conditions.into_iter().flatten().collect();
        if failed.is_empty() { Held::Yes } else { Held::No(failed.join("; ")) }
    }
}
