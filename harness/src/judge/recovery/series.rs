//! A trial as a series of intervals: C_i, L_i, e_i and b_i.

use hdrhistogram::Histogram;

use super::facts::{Ending, Fact};
use super::grid::Grid;

/// Samples that a P99 needs: ten beyond it.
const SAMPLES: u64 = 1_000;

/// What one interval holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// C: first completions in it, tasks.
    pub completed: u64,
    /// L: P99 of completion − due over the trailing window, ns; `None` as long
    /// as the trial has not had 1,000 completions.
    pub p99_ns: Option<f64>,
    /// Intervals that the trailing window covers, this one included; 0 without
    /// an L.
    pub window: usize,
    /// e: failed and unknown enqueues as a share of the tasks intended in it;
    /// `None` when none was.
    pub errors: Option<f64>,
    /// b: tasks due and not gone when it begins, handed over or not, without
    /// those that are never to complete.
    pub backlog: i64,
}

/// The intervals of a trial; t_f is where one of them begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Δ, seconds.
    pub interval_s: f64,
    /// Intervals of the baseline: number `before` begins at t_f.
    pub before: usize,
    /// All of them, the baseline first.
    pub intervals: Vec<Interval>,
}

impl Series {
    /// The intervals before t_f.
    pub(super) fn baseline(&self) -> &[Interval] {
        &self.intervals[..self.before.min(self.intervals.len())]
    }

    /// Where an interval begins, seconds from t_f.
    pub(super) fn start_s(&self, place: usize) -> f64 {
        (place as f64 - self.before as f64) * self.interval_s
    }

    /// The first interval that begins at or after an instant, seconds from t_f.
    pub(super) fn first_from(&self, since_effect_s: f64) -> usize {
        let intervals = (since_effect_s / self.interval_s).ceil() + self.before as f64;
        (intervals.max(0.0) as usize).min(self.intervals.len())
    }
}

/// Fills a series, task by task. Memory grows with the number of intervals
/// (10 to 20 kB each), not of tasks.
pub(super) struct Filling {
    grid: Grid,
    completed: Vec<u64>,
    /// completion − due. Two digits do: L is only ever compared with some 2 P0.
    /// What completed before it was due counts as 0 here for the same reason.
    latencies: Vec<Option<Histogram<u32>>>,
    intended: Vec<u64>,
    errors: Vec<u64>,
    owed_before: i64,
    owed_change: Vec<i64>,
}

impl Filling {
    pub(super) fn over(grid: Grid) -> Self {
        Self {
            grid,
            completed: vec![0; grid.len],
            latencies: vec![None; grid.len],
            intended: vec![0; grid.len],
            errors: vec![0; grid.len],
            owed_before: 0,
            owed_change: vec![0; grid.len],
        }
    }

    pub(super) fn see(&mut self, fact: &Fact) {
        if let Some(place) = self.grid.place(fact.intended) {
            self.intended[place] += 1;
            self.errors[place] += u64::from(fact.is_error());
        }
        if let Some(at) = fact.completed()
            && let Some(place) = self.grid.place(at)
        {
            self.completed[place] += 1;
            let latencies = self.latencies[place].get_or_insert_with(histogram);
            // A growing histogram refuses no value.
            let _ = latencies.record(at.saturating_sub(fact.due));
        }
        match fact.ending {
            Ending::Completed(at) => {
                self.owe(fact.due, 1);
                self.owe(at, -1);
            }
            Ending::Open => self.owe(fact.due, 1),
            Ending::Dead | Ending::Lost | Ending::Never => {}
        }
    }

    fn owe(&mut self, at: u64, by: i64) {
        if self.grid.precedes(at) {
            self.owed_before += by;
        } else if let Some(place) = self.grid.place(at) {
            self.owed_change[place] += by;
        }
    }

    pub(super) fn series(&self) -> Series {
        let mut backlog = self.owed_before;
        let interval = |place: usize| {
            let owed = backlog;
            backlog += self.owed_change[place];
            let (p99_ns, window) = self.trailing_p99(place).unzip();
            Interval {
                completed: self.completed[place],
                p99_ns,
                window: window.unwrap_or(0),
                errors: (self.intended[place] > 0)
                    .then(|| self.errors[place] as f64 / self.intended[place] as f64),
                backlog: owed,
            }
        };
        Series {
            interval_s: self.grid.interval_s(),
            before: self.grid.before.min(self.grid.len),
            intervals: (0..self.grid.len).map(interval).collect(),
        }
    }

    /// The P99 over the fewest whole intervals up to this one that hold 1,000
    /// completions, and how many intervals those are.
    fn trailing_p99(&self, place: usize) -> Option<(f64, usize)> {
        let mut samples = 0;
        let first = (0..=place).rev().find(|&earlier| {
            samples += self.completed[earlier];
            samples >= SAMPLES
        })?;
        let mut merged = histogram();
        for latencies in self.latencies[first..=place].iter().flatten() {
            // A histogram that grows takes any other of the same digits.
            let _ = merged.add(latencies);
        }
        Some((merged.value_at_quantile(0.99) as f64, place + 1 - first))
    }
}

fn histogram() -> Histogram<u32> {
    Histogram::new(2).expect("two digits are within what the crate allows")
}

#[cfg(test)]
mod tests {
    use schedbench_contract::ledger::Enqueue;

    use super::super::times::Times;
    use super::*;

    const MS: u64 = 1_000_000;
    const S: u64 = 1_000 * MS;

    fn fact(due: u64, ending: Ending) -> Fact {
        Fact { intended: due, due, enqueue: Enqueue::Confirmed, answered: Some(due), ending }
    }

    fn filled(facts: &[Fact], interval_ns: u64) -> Series {
        let times = Times { steady_from: 0, took_effect: 2 * S, cleared: None, ended: 4 * S };
        let mut filling = Filling::over(Grid::with(&times, interval_ns));
        facts.iter().for_each(|fact| filling.see(fact));
        filling.series()
    }

    /// 100 a second, 4 s of them, 5 ms each: too few for an L in one interval
    /// or ten.
    #[test]
    fn counts_errors_and_backlog_are_those_of_the_interval() {
        let mut facts: Vec<Fact> = (0..400)
            .map(|n| n * 10 * MS)
            .map(|due| fact(due, Ending::Completed(due + 5 * MS)))
            .collect();
        facts[150].enqueue = Enqueue::Unknown;
        facts[151].enqueue = Enqueue::Refused;
        for (place, ending) in [(210, Ending::Open), (220, Ending::Lost), (230, Ending::Dead)] {
            facts[place].ending = ending;
        }
        let series = filled(&facts, S);
        let completed: Vec<u64> = series.intervals.iter().map(|i| i.completed).collect();
        assert_eq!(completed, [100, 100, 97, 100]);
        let errors: Vec<_> = series.intervals.iter().map(|i| i.errors).collect();
        assert_eq!(errors, [Some(0.0), Some(0.02), Some(0.0), Some(0.0)]);
        let backlog: Vec<i64> = series.intervals.iter().map(|i| i.backlog).collect();
        assert_eq!(backlog, [0, 0, 0, 1], "what is lost or dead is owed no more");
        assert!(series.intervals.iter().all(|i| i.p99_ns.is_none() && i.window == 0));
        assert_eq!((series.before, series.start_s(0), series.start_s(3)), (2, -2.0, 1.0));
        assert_eq!(
            (series.first_from(0.0), series.first_from(0.5), series.first_from(9.0)),
            (2, 3, 4)
        );
    }

    /// 1,000 fast ones in the second interval, 15 slow ones in the third: its
    /// window reaches back, and holds 1.5 % of slow ones.
    #[test]
    fn the_latency_window_reaches_back_to_a_thousand_samples() {
        let fast = (0..1_000).map(|n| S + n * MS / 2);
        let fast = fast.map(|due| fact(due, Ending::Completed(due + MS)));
        let slow = (0..16).map(|n| fact(2 * S, Ending::Completed(2 * S + 500 * MS + n)));
        let facts: Vec<Fact> = fast.chain(slow).collect();
        let series = filled(&facts, S);
        let close = |found: Option<f64>, to: u64| {
            found.is_some_and(|found| (found / to as f64 - 1.0).abs() < 0.01)
        };
        assert_eq!(series.intervals[0].p99_ns, None);
        assert!(close(series.intervals[1].p99_ns, MS), "{series:?}");
        assert_eq!(series.intervals[1].window, 1);
        assert!(close(series.intervals[2].p99_ns, 500 * MS), "{series:?}");
        assert_eq!(series.intervals[2].window, 2);
        assert_eq!(series.intervals[3].window, 3, "no completion: as before");
    }

    #[test]
    fn what_waits_for_a_dead_producer_is_owed_from_its_due_time() {
        // Due at 1.5 s, taken and completed only at 3.5 s.
        let series = filled(&[fact(1_500 * MS, Ending::Completed(3_500 * MS))], S);
        let backlog: Vec<i64> = series.intervals.iter().map(|i| i.backlog).collect();
        assert_eq!(backlog, [0, 0, 1, 1]);
    }
}
