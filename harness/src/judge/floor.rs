//! What the generator's own lateness leaves unknown: a latency below five
//! times the pacing lateness at the same percentile reads "≤ x"
//! (`docs/measurement.md` §4).

use schedbench_reports::outcome::Value;

use super::latency::{Distribution, Point};
use crate::plan::{CellPlan, Delay, Load};

/// The grey line under every latency: the generator's lateness.
#[derive(Debug)]
pub(super) struct Floor<'a> {
    lateness: Option<&'a Distribution>,
    resolved: f64,
    /// Tasks held back at least this long start when they are due, however
    /// late they were handed over; ns.
    shortest_delay_ns: u64,
    all_delayed: bool,
}

impl<'a> Floor<'a> {
    /// There is none in flight, where a task is intended when it is handed over.
    pub(super) fn of(plan: &CellPlan, lateness: &'a Distribution, resolved: f64) -> Self {
        let generators = matches!(plan.load, Load::Open { .. }) && lateness.len() > 0;
        let delays: Vec<u64> = match &plan.delay {
            Delay::None => vec![0],
            Delay::Fixed(ns) | Delay::Uniform(ns, _) => vec![*ns],
            Delay::Mix(parts) => parts.iter().map(|(ns, _)| *ns).collect(),
        };
        Self {
            lateness: generators.then_some(lateness),
            resolved,
            shortest_delay_ns: delays.iter().copied().filter(|&ns| ns > 0).min().unwrap_or(0),
            all_delayed: delays.iter().all(|&ns| ns > 0),
        }
    }

    /// A latency that counts from the hand-over, at quantile `q`.
    pub(super) fn under(&self, value: Value, q: f64) -> Value {
        let floor = self.lateness.and_then(|lateness| lateness.quantile(q));
        match (value, floor) {
            (Value::Is(x), Some(Point::At(floor))) if x < self.resolved * floor as f64 / 1e9 => {
                Value::AtMost(x)
            }
            (value, _) => value,
        }
    }

    /// A latency that counts from the due time, of all tasks.
    pub(super) fn under_due(&self, value: Value, q: f64) -> Value {
        if self.all_delayed { self.under_delayed(value, q) } else { self.under(value, q) }
    }

    /// A latency that counts from the due time, of delayed tasks only: what
    /// was handed over before it was due is not late for that.
    pub(super) fn under_delayed(&self, value: Value, q: f64) -> Value {
        let lateness = self.lateness.and_then(|lateness| lateness.quantile(q));
        match lateness {
            Some(Point::At(late)) if late < self.shortest_delay_ns as i64 => value,
            _ => self.under(value, q),
        }
    }
}
