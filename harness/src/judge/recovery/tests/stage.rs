//! What the tests put on: a queue in virtual time, and series by hand.

use schedbench_contract::ledger::Enqueue;
use schedbench_contract::seeded;

use super::super::{
    Budget, Conditions, Ending, Fact, Interval, Losses, Reading, Recovery, Series, Served, Times,
    Trial, judge,
};

pub(super) const MS: u64 = 1_000_000;
pub(super) const S: u64 = 1_000 * MS;

/// A server that takes one task at a time, in order, and none while it is down.
pub(super) struct Server {
    /// Tasks per second that it can do.
    pub(super) capacity: f64,
    /// When it takes none, seconds from the start.
    pub(super) down: Vec<(f64, f64)>,
}

impl Server {
    /// Tasks at the given due times, seconds, each as it is served.
    pub(super) fn serve(&self, due_times: impl Iterator<Item = f64>) -> Vec<Fact> {
        let mut free = 0.0_f64;
        let serve = |due: f64| {
            let mut start = due.max(free);
            for &(from, to) in &self.down {
                if (from..to).contains(&start) {
                    start = to;
                }
            }
            free = start + 1.0 / self.capacity;
            completed(due, free)
        };
        due_times.map(serve).collect()
    }
}

fn ns(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// A task that was confirmed at once and completed, seconds from the start.
pub(super) fn completed(due: f64, at: f64) -> Fact {
    Fact {
        intended: ns(due),
        due: ns(due),
        enqueue: Enqueue::Confirmed,
        answered: Some(ns(due)),
        ending: Ending::Completed(ns(at)),
    }
}

/// Arrivals at equal gaps from 0 to `until` seconds, the default under faults.
pub(super) fn constant(per_second: f64, until: f64) -> impl Iterator<Item = f64> {
    (0..(per_second * until) as u64).map(move |n| n as f64 / per_second)
}

/// Moments in whole seconds.
pub(super) fn times(took_effect: u64, cleared: impl Into<Option<u64>>, ended: u64) -> Times {
    Times {
        steady_from: 0,
        took_effect: took_effect * S,
        cleared: cleared.into().map(|cleared| cleared * S),
        ended: ended * S,
    }
}

pub(super) fn conditions(times: Times) -> Conditions {
    Conditions {
        times,
        objective_ns: S,
        load: Some(0.5),
        undisturbed_from: times.steady_from,
        errors_seen: Vec::new(),
        struck_at: times.took_effect,
        acknowledged_in: 0..u64::MAX,
    }
}

pub(super) fn judged(facts: &[Fact], conditions: Conditions) -> Recovery {
    judge(&Trial::of(facts, conditions))
}

/// An interval of a healthy system at 2,000 tasks in an interval.
pub(super) const HEALTHY: Interval =
    Interval { completed: 2_000, p99_ns: Some(5e6), window: 1, errors: Some(0.0), backlog: 10 };

/// One that completes nothing.
pub(super) const OUTAGE: Interval = Interval { completed: 0, backlog: 9_000, ..HEALTHY };

/// A series of seconds: 60 healthy ones before the fault, then what is given.
/// The fault is cleared after `cleared_s` seconds.
pub(super) fn by_hand(then: &[(usize, Interval)], cleared_s: u64) -> Trial {
    let then = then.iter().flat_map(|&(times, interval)| std::iter::repeat_n(interval, times));
    let intervals: Vec<Interval> = std::iter::repeat_n(HEALTHY, 60).chain(then).collect();
    let ended = intervals.len() as u64;
    Trial {
        conditions: conditions(times(60, 60 + cleared_s, ended)),
        series: Series { interval_s: 1.0, before: 60, intervals },
        budget: Budget::default(),
        refused_at: None,
        served: Served::default(),
        losses: Losses::default(),
    }
}

/// Whether a reading is a number within `tolerance` of another.
pub(super) fn is_close(reading: &Reading, expected: f64, tolerance: f64) -> bool {
    matches!(reading, Reading::Is(value) if (value - expected).abs() <= tolerance)
}

/// Numbers that a seed decides.
pub(super) struct Random {
    seed: u64,
    place: u64,
}

impl Random {
    pub(super) fn of(seed: u64) -> Self {
        Self { seed, place: 0 }
    }

    /// Uniform in (0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        self.place += 1;
        seeded::unit(seeded::at(self.seed, self.place))
    }
}

/// Poisson arrivals from 0 to `until` seconds.
pub(super) fn poisson(per_second: f64, until: f64, seed: u64) -> impl Iterator<Item = f64> {
    let mut random = Random::of(seed);
    let mut at = 0.0;
    std::iter::from_fn(move || {
        at -= random.unit().ln() / per_second;
        (at < until).then_some(at)
    })
}
