//! The state the system was in: a finding, no fault of the measurement
//! (`docs/measurement.md` §4).

use schedbench_reports::outcome::State;

use super::generator::Offered;
use super::held::Kept;
use super::latency::{Distribution, Point};
use super::limits::Limits;
use super::words::{number, time};

impl Kept<'_> {
    /// Overloaded, not steady, or steady. In flight the load follows the
    /// system, which is never overloaded there.
    pub(super) fn state(&self, offered: &Offered, limits: &Limits) -> State {
        if !self.in_flight {
            // Who keeps pace is not overloaded, however much it owes: that is
            // its latency at this rate. One that looks for work once a second
            // owes a second's worth now and then.
            let falls_behind = self.slope.lower_per_s > 0.0 || self.failing(limits).is_some();
            let owed = self.flow.owed_at_start as f64;
            let seconds = owed / self.due_rate().max(f64::MIN_POSITIVE);
            if falls_behind && self.flow.due > 0 && seconds > limits.backlog_at_start_s {
                return State::Overloaded(format!(
                    "overloaded from warm-up: {} tasks were owed at the window's start, {} s' worth",
                    number(owed),
                    number(seconds)
                ));
            }
            if let Offered::HeldBack(why) = offered {
                return State::Overloaded(why.clone());
            }
            if let Some(why) = self.too_few_done(limits).filter(|_| falls_behind) {
                return State::Overloaded(why);
            }
            if let Some(why) = self.growing(limits).filter(|_| self.grows(limits)) {
                return State::NotSteady(why);
            }
        }
        match self.trend(limits) {
            Some(why) => State::NotSteady(why),
            None => State::Steady,
        }
    }

    /// The median start latency of the window's first third against that of
    /// its last: a factor of 2 and 1 % of the objective apart is a trend.
    fn trend(&self, limits: &Limits) -> Option<String> {
        let median = |part: &Distribution| {
            if part.beyond(0.5) < limits.beyond {
                return None;
            }
            match part.quantile(0.5)? {
                Point::At(ns) => Some(ns as f64),
                Point::Infinity => Some(f64::INFINITY),
            }
        };
        let (first, last) = (median(self.thirds.0)?, median(self.thirds.1)?);
        let (low, high) = (first.min(last), first.max(last));
        let apart = limits.trend_share * limits.objective_p99_ns as f64;
        (high > limits.trend_factor * low && high - low > apart).then(|| {
            let shown = |ns: f64| {
                if ns.is_finite() {
                    time(ns)
                } else {
                    format!("> {}", time(self.horizon_ns as f64))
                }
            };
            format!(
                "P50 start latency went from {} in the first third to {} in the last",
                shown(first),
                shown(last)
            )
        })
    }
}
