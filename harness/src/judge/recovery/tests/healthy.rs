//! Healthy systems: at most 1 % of trials show an impact, and at least 99 %
//! are "recovered at once" (`docs/measurement.md` §9).
//!
//! The counts of false answers are bounded from above with 95 % confidence, so
//! that a pass says more than that the seed was lucky.

use schedbench_contract::seeded;
use schedbench_reports::analysis::upper_bound;
use statrs::distribution::{Discrete as _, Poisson};

use super::super::baseline::Baseline;
use super::super::detector::{Detector, Health};
use super::super::grid::Grid;
use super::super::lasting::{self, LASTING, Onset, RECOVERED};
use super::super::{Interval, Series};
use super::stage::{Random, times};

/// Intervals that are watched after the fault that does nothing.
const AFTER: usize = 2 * LASTING;

impl Random {
    /// A sum of `n` standard exponentials, n at most some hundred.
    fn gamma(&mut self, n: u32) -> f64 {
        -(0..n).map(|_| self.unit()).product::<f64>().ln()
    }

    /// A standard normal (Box and Muller).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Poisson counts of one mean, drawn from a table of their distribution.
struct Counts {
    lowest: u64,
    cumulated: Vec<f64>,
}

impl Counts {
    fn of(mean: f64) -> Self {
        let reach = 9.0 * mean.sqrt() + 20.0;
        let lowest = (mean - reach).max(0.0) as u64;
        let poisson = Poisson::new(mean).expect("a positive mean");
        let mut sum = 0.0;
        let cumulated = (lowest..=(mean + reach) as u64).map(|count| {
            sum += poisson.pmf(count);
            sum
        });
        Self { lowest, cumulated: cumulated.collect() }
    }

    fn draw(&self, random: &mut Random) -> u64 {
        let unit = random.unit();
        self.lowest + self.cumulated.partition_point(|&sum| sum < unit) as u64
    }
}

/// What latencies a healthy system has.
#[derive(Clone, Copy, Debug)]
enum Latency {
    Exponential,
    /// With a tail as x^−1.5: no variance, and a P99 of 2,000 samples that
    /// scatters by 15 %.
    Pareto,
}

impl Latency {
    /// The P99 of `n` independent latencies. With the k-th smallest of n
    /// uniforms distributed as Beta(k, n − k + 1), what lies above it is
    /// Γ(n − k + 1) / (Γ(n − k + 1) + Γ(k)), and k is large enough to be normal.
    fn p99_ns(self, n: u64, random: &mut Random) -> f64 {
        let rank = (0.99 * n as f64).ceil();
        let above = random.gamma((n as f64 - rank) as u32 + 1);
        let below = rank + rank.sqrt() * random.normal();
        let tail = above / (above + below);
        match self {
            Self::Exponential => -1e6 * tail.ln(),
            Self::Pareto => 1e6 * tail.powf(-1.0 / 1.5),
        }
    }
}

/// A Poisson process served by a healthy system.
struct Process {
    per_second: f64,
    latency: Latency,
    /// Share of tasks whose enqueue fails, all the time.
    errors: f64,
    /// Tasks that are there at once, in the mean.
    backlog: f64,
}

impl Process {
    /// `trials` series, 60 s of baseline each. The P99s are drawn from some
    /// thousand made before, which is quicker than a P99 each.
    fn series(&self, trials: u64) -> impl Iterator<Item = Series> {
        let grid = Grid::of(&times(60, None, 61), self.per_second);
        let mean = self.per_second * grid.interval_s();
        let (completed, backlog) = (Counts::of(mean), Counts::of(self.backlog));
        let failed = (self.errors > 0.0).then(|| Counts::of(mean * self.errors));
        let seed = seeded::purpose(24, (self.per_second * (1.0 + self.errors)) as u64);
        let mut random = Random::of(seed);
        let p99s: Vec<f64> =
            (0..4_096).map(|_| self.latency.p99_ns(mean as u64, &mut random)).collect();
        (0..trials).map(move |trial| {
            let mut random = Random::of(seeded::at(seed, trial));
            let interval = |_| {
                let completed = completed.draw(&mut random);
                let failed = failed.as_ref().map_or(0, |failed| failed.draw(&mut random));
                let p99 = (random.unit() * p99s.len() as f64) as usize;
                Interval {
                    completed,
                    p99_ns: Some(p99s[p99]),
                    window: 1,
                    errors: Some(failed as f64 / mean),
                    backlog: backlog.draw(&mut random) as i64,
                }
            };
            let intervals = (0..grid.before + AFTER).map(interval).collect();
            Series { interval_s: grid.interval_s(), before: grid.before, intervals }
        })
    }
}

/// False answers over some trials.
#[derive(Debug, Default)]
struct Wrong {
    trials: u32,
    not_steady: u32,
    impacts: u32,
    not_at_once: u32,
    not_drained: u32,
}

impl Wrong {
    fn over(all: impl Iterator<Item = Series>) -> Self {
        let mut wrong = Self::default();
        for series in all {
            wrong.trials += 1;
            match Baseline::of(&series) {
                Err(_) => wrong.not_steady += 1,
                Ok(baseline) => wrong.see(&series, &baseline),
            }
        }
        wrong
    }

    fn see(&mut self, series: &Series, baseline: &Baseline) {
        let health = Detector::of(baseline).healths(&series.intervals);
        let impact = super::super::detector::first_bad_run(&health, series.before);
        self.impacts += u32::from(impact.is_some());
        let ok: Vec<bool> = health.iter().map(|&health| health == Health::Ok).collect();
        let at_once = Onset::At(series.before);
        let recovered = lasting::first(&ok, series.before, RECOVERED);
        self.not_at_once += u32::from(recovered != at_once);
        let low: Vec<bool> =
            series.intervals.iter().map(|i| i.backlog as f64 <= baseline.drained).collect();
        let drained = lasting::first(&low, series.before, LASTING);
        self.not_drained += u32::from(drained != at_once);
    }

    /// Each kind of false answer has a true share of at most 1 %, at 95 %.
    fn assert_rare(&self, what: &str) {
        let bound = |count| upper_bound(count, self.trials).unwrap_or(1.0);
        for count in [self.not_steady, self.impacts, self.not_at_once, self.not_drained] {
            assert!(bound(count) <= 0.01, "{what}: {self:?}");
        }
    }
}

/// Every rate with short and with heavy tails, with few tasks in the system
/// and many, without errors and with some.
#[test]
fn healthy_poisson_series_show_no_impact_and_are_recovered_at_once() {
    for per_second in [500.0, 1_000.0, 2_000.0, 5_000.0, 20_000.0, 100_000.0] {
        for (latency, errors, backlog) in
            [(Latency::Exponential, 0.0, 2.0), (Latency::Pareto, 0.000_5, 1_000.0)]
        {
            let process = Process { per_second, latency, errors, backlog };
            // Short baselines know their own scatter least: there 0.5 % are
            // expected to be wrong, which takes more trials to bound.
            let trials = if per_second < 2_000.0 { 4_000 } else { 800 };
            let wrong = Wrong::over(process.series(trials));
            wrong.assert_rare(&format!("{per_second}/s {latency:?} {errors}"));
        }
    }
}

/// The share of tasks that fail all the time is the system's normal state.
#[test]
fn steady_errors_are_no_impact() {
    for errors in [0.000_1, 0.000_3, 0.001, 0.01, 0.05] {
        let process =
            Process { per_second: 1_000.0, latency: Latency::Exponential, errors, backlog: 2.0 };
        Wrong::over(process.series(1_500)).assert_rare(&format!("{errors}"));
    }
}
