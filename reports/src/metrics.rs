//! The one table of metrics: name, title, unit, direction. It serves report,
//! terminal, comparison and export alike.

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Tasks per second.
    PerSecond,
    /// A fraction of one.
    Fraction,
    /// Bytes.
    Bytes,
    /// CPU-seconds per million tasks done, which is µs per task.
    CpuSecondsPerMillion,
    /// Cores.
    Cores,
    /// Tasks.
    Tasks,
    /// A plain number.
    Number,
}

impl Unit {
    /// As exports write it; empty for a plain number.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::PerSecond => "1/s",
            Self::Fraction => "fraction",
            Self::Bytes => "B",
            Self::CpuSecondsPerMillion => "CPU-s per million tasks",
            Self::Cores => "cores",
            Self::Tasks => "tasks",
            Self::Number => "",
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither: it describes the measurement.
    Neither,
}

/// One kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its key in a cell's `metrics`.
    pub name: &'static str,
    /// What a chart or table calls it.
    pub title: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
}

const fn metric(
    name: &'static str,
    title: &'static str,
    unit: Unit,
    direction: Direction,
) -> Metric {
    Metric { name, title, unit, direction }
}

use Direction::{Higher, Lower, Neither};
use Unit::{Bytes, Cores, CpuSecondsPerMillion, Fraction, Number, PerSecond, Seconds, Tasks};

/// Every metric a cell may have. Names of latencies are
/// `<histogram>.<quantile>`, with quantiles `p50 p90 p95 p99 p999 p9999 max`.
pub const METRICS: &[Metric] = &[
    metric("planned_rate", "planned", PerSecond, Neither),
    metric("offered_rate", "offered", PerSecond, Neither),
    metric("throughput", "throughput", PerSecond, Higher),
    metric("failure_rate", "failed", Fraction, Lower),
    metric("start_latency.p50", "P50 start latency", Seconds, Lower),
    metric("start_latency.p90", "P90 start latency", Seconds, Lower),
    metric("start_latency.p95", "P95 start latency", Seconds, Lower),
    metric("start_latency.p99", "P99 start latency", Seconds, Lower),
    metric("start_latency.p999", "P99.9 start latency", Seconds, Lower),
    metric("start_latency.p9999", "P99.99 start latency", Seconds, Lower),
    metric("start_latency.max", "largest start latency", Seconds, Lower),
    metric("completion_latency.p50", "P50 completion latency", Seconds, Lower),
    metric("completion_latency.p90", "P90 completion latency", Seconds, Lower),
    metric("completion_latency.p95", "P95 completion latency", Seconds, Lower),
    metric("completion_latency.p99", "P99 completion latency", Seconds, Lower),
    metric("completion_latency.p999", "P99.9 completion latency", Seconds, Lower),
    metric("completion_latency.p9999", "P99.99 completion latency", Seconds, Lower),
    metric("completion_latency.max", "largest completion latency", Seconds, Lower),
    metric("enqueue_latency.p50", "P50 enqueue latency", Seconds, Lower),
    metric("enqueue_latency.p90", "P90 enqueue latency", Seconds, Lower),
    metric("enqueue_latency.p95", "P95 enqueue latency", Seconds, Lower),
    metric("enqueue_latency.p99", "P99 enqueue latency", Seconds, Lower),
    metric("enqueue_latency.p999", "P99.9 enqueue latency", Seconds, Lower),
    metric("enqueue_latency.p9999", "P99.99 enqueue latency", Seconds, Lower),
    metric("enqueue_latency.max", "largest enqueue latency", Seconds, Lower),
    metric("firing_error.p50", "P50 firing error", Seconds, Lower),
    metric("firing_error.p90", "P90 firing error", Seconds, Lower),
    metric("firing_error.p95", "P95 firing error", Seconds, Lower),
    metric("firing_error.p99", "P99 firing error", Seconds, Lower),
    metric("firing_error.p999", "P99.9 firing error", Seconds, Lower),
    metric("firing_error.p9999", "P99.99 firing error", Seconds, Lower),
    metric("firing_error.max", "largest firing error", Seconds, Lower),
    metric("earliness.p50", "P50 of early starts, how early", Seconds, Lower),
    metric("earliness.p99", "P99 of early starts, how early", Seconds, Lower),
    metric("earliness.max", "earliest start before due", Seconds, Lower),
    metric("pacing_lateness.p50", "P50 pacing lateness", Seconds, Neither),
    metric("pacing_lateness.p90", "P90 pacing lateness", Seconds, Neither),
    metric("pacing_lateness.p95", "P95 pacing lateness", Seconds, Neither),
    metric("pacing_lateness.p99", "P99 pacing lateness", Seconds, Neither),
    metric("pacing_lateness.p999", "P99.9 pacing lateness", Seconds, Neither),
    metric("pacing_lateness.p9999", "P99.99 pacing lateness", Seconds, Neither),
    metric("pacing_lateness.max", "largest pacing lateness", Seconds, Neither),
    metric("back_pressure.p50", "P50 back-pressure", Seconds, Lower),
    metric("back_pressure.p90", "P90 back-pressure", Seconds, Lower),
    metric("back_pressure.p95", "P95 back-pressure", Seconds, Lower),
    metric("back_pressure.p99", "P99 back-pressure", Seconds, Lower),
    metric("back_pressure.p999", "P99.9 back-pressure", Seconds, Lower),
    metric("back_pressure.p9999", "P99.99 back-pressure", Seconds, Lower),
    metric("back_pressure.max", "largest back-pressure", Seconds, Lower),
    metric("backlog_at_start", "backlog at the window's start", Tasks, Lower),
    metric("backlog_slope", "growth of the backlog", PerSecond, Lower),
    metric("mean_in_flight", "mean in flight", Tasks, Neither),
    metric("little_error", "disagreement with Little's law", Fraction, Neither),
    metric("mean_batch", "mean batch handed over", Tasks, Neither),
    metric("cpu.generator", "CPU of the generator", CpuSecondsPerMillion, Neither),
    metric("cpu.client", "CPU of the client", CpuSecondsPerMillion, Lower),
    metric("cpu.broker", "CPU of the broker", CpuSecondsPerMillion, Lower),
    metric("cpu.workers", "CPU of the workers", CpuSecondsPerMillion, Lower),
    metric("cpu.total", "CPU in all", CpuSecondsPerMillion, Lower),
    metric("busy.generator", "cores busy with the generator", Cores, Neither),
    metric("busy.client", "cores busy with the client", Cores, Neither),
    metric("busy.broker", "cores busy with the broker", Cores, Neither),
    metric("busy.workers", "cores busy with the workers", Cores, Neither),
    metric("window_full", "time with the producer's window full", Fraction, Neither),
    metric("rss.harness", "RSS of the harness", Bytes, Neither),
    metric("rss.broker", "RSS of the broker", Bytes, Lower),
    metric("rss.workers", "RSS of the workers", Bytes, Lower),
    metric("rss.per_worker", "RSS per worker", Bytes, Lower),
    metric("pss.broker", "PSS of the broker", Bytes, Lower),
    metric("pss.workers", "PSS of the workers", Bytes, Lower),
    metric("pss.system", "PSS of the system", Bytes, Lower),
    metric("pause.workers", "longest pause of a worker's collector", Seconds, Lower),
    metric("pause.broker", "longest pause of the broker's JVM", Seconds, Lower),
    metric("allocations.per_task", "allocations per task", Number, Lower),
    metric("foreign_cpu", "CPU of other processes", Cores, Neither),
    metric("unattributed_cpu", "CPU in no process's time", Cores, Neither),
    metric("steal", "time stolen by the hypervisor", Fraction, Neither),
    metric("clock_drift", "drift between the clocks", Seconds, Neither),
    metric("settle_wait", "wait for quiet before the cell", Seconds, Neither),
    metric("backlog.confirmed", "backlog confirmed", Tasks, Neither),
    metric("backlog.survived", "backlog that ran", Tasks, Higher),
    metric("backlog.lost", "backlog lost", Tasks, Lower),
    metric("backlog.build_up", "backlog confirmed per second", PerSecond, Higher),
    metric("backlog.answers", "broker answers after its end", Seconds, Lower),
    metric("backlog.restart", "broker answers after its start", Seconds, Lower),
    metric("backlog.ready", "workers ready after their start", Seconds, Lower),
    metric("backlog.resume", "first task done after the workers' start", Seconds, Lower),
    metric("backlog.drain_time", "backlog drained after the workers' start", Seconds, Lower),
    metric("backlog.drain_rate", "drained per second, median", PerSecond, Higher),
    metric(
        "backlog.bytes_per_task",
        "growth of the broker's memory per pending task",
        Bytes,
        Lower,
    ),
    metric("preceding_cell_effect", "rank correlation with the preceding cell", Number, Neither),
];

/// The readings of a fault's trial, in the order of a table; their names are
/// the keys of a trial's `readings`.
pub const OF_TRIALS: &[Metric] = &[
    metric("detection.impact", "noticed by its impact", Seconds, Lower),
    metric("detection.client", "noticed by the client", Seconds, Lower),
    metric("detection.alarm", "noticed by the alarm", Seconds, Lower),
    metric("recovery.from_fault", "recovered from the fault", Seconds, Lower),
    metric("recovery.from_heal", "recovered from the heal", Seconds, Lower),
    metric("drain", "drained from the heal", Seconds, Lower),
    metric("load.of_capacity", "ρ, of capacity", Number, Neither),
    metric("drain.multiple", "drained, in Dρ/(1−ρ)", Number, Lower),
    metric("lost_goodput", "not done meanwhile", Tasks, Lower),
    metric("served.in_fault", "in time, in the fault", Fraction, Higher),
    metric("served.overall", "in time, overall", Fraction, Higher),
    metric("queues.stalled", "queues that stood still in the fault", Fraction, Lower),
    metric("queues.resumed", "all of these ran again, from the heal", Seconds, Lower),
    metric("relapses", "relapses", Number, Lower),
    metric("loss.window", "age of what was lost", Seconds, Lower),
];

/// What the ledger counts: not kept among a cell's `metrics`, but in its
/// `counts`.
pub const OF_THE_LEDGER: &[Metric] = &[
    metric("lost", "lost", Tasks, Lower),
    metric("repeated", "ran again", Tasks, Lower),
    metric("inversions", "started out of order", Tasks, Lower),
    metric("early", "started before due", Tasks, Lower),
    metric("cancelled_but_ran", "cancelled and ran", Tasks, Lower),
];

/// What no cell has, but a system: the highest rate that it holds.
pub const CAPACITY: Metric = metric("capacity", "capacity", PerSecond, Higher);

/// What else objectives call a metric: `p99` for `start_latency.p99`.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    ("p50", "start_latency.p50"),
    ("p90", "start_latency.p90"),
    ("p95", "start_latency.p95"),
    ("p99", "start_latency.p99"),
    ("p999", "start_latency.p999"),
    ("failures", "failure_rate"),
    ("recovery", "recovery.from_fault"),
];

/// Whether it is a reading of a fault's trial.
#[must_use]
pub fn is_of_trials(name: &str) -> bool {
    OF_TRIALS.iter().any(|metric| metric.name == name)
}

/// Whether it is a count of the ledger.
#[must_use]
pub fn is_of_the_ledger(name: &str) -> bool {
    OF_THE_LEDGER.iter().any(|metric| metric.name == name)
}

/// All that an objective may be about.
pub fn demandable() -> impl Iterator<Item = &'static Metric> {
    // The effect of the preceding cell is one of the whole run.
    all().filter(|metric| metric.name != "preceding_cell_effect").chain([&CAPACITY])
}

/// The metric that an objective calls that, by its own name or a short one.
#[must_use]
pub fn demanded(name: &str) -> Option<&'static Metric> {
    let short = SHORT_NAMES.iter().find(|(short, _)| *short == name);
    let name = short.map_or(name, |(_, name)| name);
    demandable().find(|metric| metric.name == name)
}

/// All of them that cells have.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().chain(OF_TRIALS).chain(OF_THE_LEDGER)
}

/// The metric of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_twice() {
        for (place, metric) in all().enumerate() {
            assert!(all().take(place).all(|other| other.name != metric.name), "{}", metric.name);
        }
    }

    #[test]
    fn a_short_name_is_of_a_metric_and_hides_none() {
        for (short, name) in SHORT_NAMES {
            assert!(find(short).is_none(), "{short}");
            assert_eq!(demanded(short).map(|metric| metric.name), Some(*name));
        }
        assert_eq!(demanded("capacity"), Some(&CAPACITY));
        assert_eq!(demanded("preceding_cell_effect"), None);
    }
}
