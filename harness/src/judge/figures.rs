//! The named figures of a cell; names are those of the table of metrics.

use std::collections::BTreeMap;

use schedbench_contract::{ConfirmMode, Delay as Claimed};
use schedbench_reports::outcome::{self, Value, WindowCounts};

use super::backlog::Slope;
use super::cost::{allocations, busy, cost, pauses};
use super::floor::Floor;
use super::latency::{Distribution, QUANTILES};
use super::limit::window_full;
use super::limits::Limits;
use super::little::Little;
use super::sums::Sums;
use super::window::failure_rate;
use crate::plan::Load;
use crate::record::Evidence;

/// What the figures are made from.
#[derive(Debug)]
pub(super) struct Figures<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) sums: &'a Sums,
    pub(super) counts: &'a WindowCounts,
    pub(super) lateness: &'a Distribution,
    pub(super) back_pressure: &'a Distribution,
    pub(super) floor: &'a Floor<'a>,
    pub(super) slope: Slope,
    pub(super) little: Little,
    pub(super) limits: &'a Limits,
}

/// Which floor lies under a latency.
#[derive(Clone, Copy)]
enum Counts {
    FromHandOver,
    FromDue,
    FromDueDelayed,
    /// It is the generator's own, or lies before the due time.
    Bare,
}

impl Figures<'_> {
    /// Every metric that belongs to one cell.
    pub(super) fn metrics(&self) -> BTreeMap<String, Value> {
        let mut metrics = BTreeMap::new();
        self.rates(&mut metrics);
        for (name, distribution, counts) in self.latencies() {
            for (suffix, q) in QUANTILES.into_iter().chain([("max", 1.0)]) {
                let name = format!("{name}.{suffix}");
                // The table has no P90 of earliness.
                if schedbench_reports::metrics::find(&name).is_some() {
                    metrics.insert(name, self.latency(distribution, q, counts));
                }
            }
        }
        let broker = self.evidence.plan.target.profile.broker.is_some();
        let flow = &self.sums.flow;
        cost(&self.evidence.usage, broker, flow.done_in_window(), &mut metrics);
        busy(&self.evidence.usage, flow.grid.seconds(), &mut metrics);
        pauses(&self.evidence.usage, self.evidence.plan.target, &mut metrics);
        allocations(&self.evidence.usage, flow.done_in_window(), &mut metrics);
        self.surroundings(&mut metrics);
        metrics
    }

    /// The distributions as the outcome keeps them.
    pub(super) fn histograms(&self) -> BTreeMap<String, outcome::Histogram> {
        self.latencies().into_iter().map(|(name, of, _)| (name.into(), of.exported())).collect()
    }

    /// Those that apply: firing errors where tasks are delayed, enqueues where
    /// the system confirms.
    fn latencies(&self) -> Vec<(&'static str, &Distribution, Counts)> {
        let latencies = &self.sums.latencies;
        let mut all = vec![
            ("start_latency", &latencies.start, Counts::FromDue),
            ("completion_latency", &latencies.completion, Counts::FromDue),
            ("enqueue_latency", &latencies.enqueue, Counts::FromHandOver),
            ("pacing_lateness", self.lateness, Counts::Bare),
            ("back_pressure", self.back_pressure, Counts::Bare),
        ];
        if self.evidence.plan.longest_delay_ns() > 0 {
            all.push(("firing_error", &latencies.firing, Counts::FromDueDelayed));
            all.push(("earliness", &latencies.earliness, Counts::Bare));
        }
        all
    }

    fn latency(&self, of: &Distribution, q: f64, counts: Counts) -> Value {
        let claims = &self.evidence.plan.target.profile.claims;
        if let (Counts::FromHandOver, ConfirmMode::Unconfirmed) = (counts, claims.confirms) {
            return Value::Unsupported("the profile does not confirm".into());
        }
        if let (Counts::FromDueDelayed, Claimed::Unsupported(why)) = (counts, claims.delay) {
            return Value::Unsupported(why.into());
        }
        let value = of.value(q, self.limits.beyond, self.evidence.plan.horizon_ns);
        match counts {
            Counts::FromHandOver => self.floor.under(value, q),
            Counts::FromDue => self.floor.under_due(value, q),
            Counts::FromDueDelayed => self.floor.under_delayed(value, q),
            Counts::Bare => value,
        }
    }

    fn rates(&self, metrics: &mut BTreeMap<String, Value>) {
        let flow = &self.sums.flow;
        let seconds = flow.grid.seconds();
        let mut is = |name: &str, value: f64| metrics.insert(name.into(), Value::Is(value));
        if matches!(self.evidence.plan.load, Load::Open { .. }) {
            is("planned_rate", self.sums.window.intended as f64 / seconds);
        }
        is("offered_rate", flow.offered_in_window() as f64 / seconds);
        is("throughput", flow.done_in_window() as f64 / seconds);
        is("backlog_at_start", flow.owed_at_start as f64);
        is("backlog_slope", self.slope.per_s);
        is("mean_in_flight", self.little.mean_in_flight);
        metrics.insert("little_error".into(), self.little.value(self.limits.little));
        let failures = failure_rate(self.counts).map_or_else(
            || Value::NotMeasured("no task in the window could fail".into()),
            Value::Is,
        );
        metrics.insert("failure_rate".into(), failures);
    }

    fn surroundings(&self, metrics: &mut BTreeMap<String, Value>) {
        let (pacing, host) = (&self.evidence.pacing, &self.evidence.host);
        let batch = if pacing.batches > 0 {
            Value::Is(pacing.tasks as f64 / pacing.batches as f64)
        } else {
            Value::NotMeasured("nothing was handed over in the window".into())
        };
        let told = |value: Option<f64>| {
            value.map_or_else(|| Value::NotMeasured("the kernel does not tell".into()), Value::Is)
        };
        let full = window_full(self.evidence).map_or_else(
            || Value::NotMeasured("no broker's confirmations to wait for, or in flight".into()),
            Value::Is,
        );
        metrics.extend([
            ("mean_batch".into(), batch),
            ("window_full".into(), full),
            ("foreign_cpu".into(), told(host.foreign_cores)),
            ("unattributed_cpu".into(), told(host.unattributed_cores)),
            ("steal".into(), told(host.steal)),
            ("clock_drift".into(), Value::Is(host.clock_drift_ns as f64 / 1e9)),
            ("settle_wait".into(), Value::Is(host.settle_wait_ns as f64 / 1e9)),
        ]);
    }
}
