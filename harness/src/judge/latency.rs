//! Distributions of latencies, with the tasks that have none at +∞
//! (`docs/measurement.md` §§1, 3).

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use schedbench_contract::ledger::Enqueue;
use schedbench_reports::outcome::{self, Value};

use super::tasks::Task;
use crate::record::Evidence;

/// The quantiles of the table of metrics.
pub(super) const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)];

/// An empty histogram of three significant digits that grows as needed.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are within what the crate allows")
}

/// Adds a value. A growing histogram refuses none.
fn add(to: &mut Histogram<u64>, value: u64) {
    let _ = to.record(value);
}

/// Signed times, some of them infinite. What came too early is kept in a
/// histogram of its own by its size: nothing is clamped to zero.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    early: Histogram<u64>,
    finite: Histogram<u64>,
    at_infinity: u64,
}

/// A point of a distribution, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// A value.
    At(i64),
    /// Beyond every value: unfinished within T, or refused.
    Infinity,
}

impl Distribution {
    pub(super) fn new() -> Self {
        Self { early: histogram(), finite: histogram(), at_infinity: 0 }
    }

    /// An empty one of two significant digits, where there are many of them.
    pub(super) fn rough() -> Self {
        let two = || Histogram::new(2).expect("two digits are within what the crate allows");
        Self { early: two(), finite: two(), at_infinity: 0 }
    }

    /// Of values that none is missing of.
    pub(super) fn of(finite: Histogram<u64>) -> Self {
        Self { finite, ..Self::new() }
    }

    /// With `count` more at +∞.
    pub(super) fn and_at_infinity(mut self, count: u64) -> Self {
        self.at_infinity += count;
        self
    }

    /// Adds a time, or the lack of one.
    pub(super) fn see(&mut self, time: Option<i64>) {
        match time {
            None => self.at_infinity += 1,
            Some(time) if time < 0 => add(&mut self.early, time.unsigned_abs()),
            Some(time) => add(&mut self.finite, time.unsigned_abs()),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        // Growing histograms take any other of the same digits.
        let _ = self.early.add(&other.early);
        let _ = self.finite.add(&other.finite);
        self.at_infinity += other.at_infinity;
    }

    pub(super) fn len(&self) -> u64 {
        self.early.len() + self.finite.len() + self.at_infinity
    }

    pub(super) const fn at_infinity(&self) -> u64 {
        self.at_infinity
    }

    /// Tasks beyond the quantile `q`: n − ⌈q n⌉.
    pub(super) fn beyond(&self, q: f64) -> u64 {
        self.len() - self.rank(q)
    }

    /// The rank of quantile `q` among n values: ⌈q n⌉, at least 1.
    fn rank(&self, q: f64) -> u64 {
        let n = self.len();
        // 0.99 × 1000 is 990.0000000000001 in binary: what is that close to a
        // whole number is that number.
        let exact = q * n as f64;
        ((exact - exact * 1e-12).ceil() as u64).clamp(1.min(n), n)
    }

    /// The value at quantile `q` over early, finite and infinite values
    /// together; `None` of nothing.
    pub(super) fn quantile(&self, q: f64) -> Option<Point> {
        (self.len() > 0).then(|| self.at_rank(self.rank(q)))
    }

    fn at_rank(&self, rank: u64) -> Point {
        let early = self.early.len();
        if rank <= early {
            // Ascending order starts with the earliest, the largest size.
            return Point::At(-(at_rank(&self.early, early - rank + 1) as i64));
        }
        if rank <= early + self.finite.len() {
            return Point::At(at_rank(&self.finite, rank - early) as i64);
        }
        Point::Infinity
    }

    /// The figure at quantile `q` as the outcome says it: seconds, "> T" at
    /// +∞, no figure with fewer than `beyond` tasks beyond it.
    pub(super) fn value(&self, q: f64, beyond: u64, horizon_ns: u64) -> Value {
        let n = self.len();
        match self.quantile(q) {
            None => Value::NotMeasured("no task had one".into()),
            Some(_) if q < 1.0 && self.beyond(q) < beyond => {
                Value::NotMeasured(format!("fewer than {beyond} of {n} tasks lie beyond it"))
            }
            Some(Point::At(ns)) => Value::Is(ns as f64 / 1e9),
            Some(Point::Infinity) => Value::AtLeast(horizon_ns as f64 / 1e9),
        }
    }

    /// Completed values and the count of those without, as the outcome keeps
    /// them. Early values are not in it; `earliness` holds those.
    pub(super) fn exported(&self) -> outcome::Histogram {
        let mut bytes = Vec::new();
        // Writing into memory fails only above 2⁶⁴ counts; then there is no data.
        let _ = V2DeflateSerializer::new().serialize(&self.finite, &mut bytes);
        outcome::Histogram {
            data: base64::engine::general_purpose::STANDARD.encode(bytes),
            count: self.finite.len(),
            at_infinity: self.at_infinity,
            early: self.early.len(),
        }
    }
}

/// The `rank`-th smallest value of a histogram, from 1.
fn at_rank(histogram: &Histogram<u64>, rank: u64) -> u64 {
    let mut passed = 0;
    for step in histogram.iter_recorded() {
        passed += step.count_at_value();
        if passed >= rank {
            return step.value_iterated_to();
        }
    }
    histogram.max()
}

/// `instant − due`, signed. The ledger cuts instants off to its unit, so that
/// what reads as less than one unit early was on time as far as it can tell.
pub(super) fn since(instant: u64, due: u64, unit_ns: u64) -> i64 {
    if instant >= due {
        return (instant - due) as i64;
    }
    let early = due - instant;
    if early < unit_ns { 0 } else { -(early as i64) }
}

/// The latencies of the tasks intended in the window.
#[derive(Debug)]
pub(super) struct Latencies {
    /// First start − due.
    pub(super) start: Distribution,
    /// First success − due.
    pub(super) completion: Distribution,
    /// Confirmed − intended.
    pub(super) enqueue: Distribution,
    /// Start latency of delayed tasks.
    pub(super) firing: Distribution,
    /// How early the early starts were, whatever became of the tasks.
    pub(super) earliness: Distribution,
    /// How many there were.
    pub(super) early: u64,
    /// Starts before the task was handed over, of tasks without a delay. No
    /// system can do that: a clock or the generator is wrong.
    pub(super) before_intended: u64,
}

impl Latencies {
    pub(super) fn new() -> Self {
        Self {
            start: Distribution::new(),
            completion: Distribution::new(),
            enqueue: Distribution::new(),
            firing: Distribution::new(),
            earliness: Distribution::new(),
            early: 0,
            before_intended: 0,
        }
    }

    /// Adds a task of the window. Start and completion are +∞ without a
    /// success within T of due, the enqueue when nothing vouched for it.
    pub(super) fn see(&mut self, task: &Task, horizon_ns: u64, unit_ns: u64) {
        let entry = &task.entry;
        let early = entry.first_start.map(|start| since(start, task.due, unit_ns));
        if let Some(early) = early.filter(|&early| early < 0) {
            self.early += 1;
            self.before_intended += u64::from(!task.is_delayed());
            self.earliness.see(Some(-early));
        }
        if !task.counts() {
            return;
        }
        let end = task.done_within(horizon_ns);
        let start = start_latency(task, horizon_ns, unit_ns);
        self.start.see(start);
        self.completion.see(end.map(|end| since(end, task.due, unit_ns)));
        if task.is_delayed() {
            self.firing.see(start);
        }
        let confirmed = match entry.enqueue {
            Enqueue::Confirmed => entry.confirmed_at,
            _ => None,
        };
        self.enqueue.see(confirmed.map(|at| since(at, task.intended, unit_ns)));
    }
}

/// First start − due, if the task succeeded within T of due.
pub(super) fn start_latency(task: &Task, horizon_ns: u64, unit_ns: u64) -> Option<i64> {
    task.done_within(horizon_ns)
        .and(task.entry.first_start)
        .map(|start| since(start, task.due, unit_ns))
}

/// The unit of the evidence's instants, ns.
pub(super) const fn unit_ns(evidence: &Evidence<'_>) -> u64 {
    evidence.ledger.unit().ns()
}
