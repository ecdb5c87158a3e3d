//! How the system ran before the fault, and whether that is something to
//! measure against.

use statrs::statistics::{Data, Distribution as _, Max as _, OrderStatistics as _};

use super::Reading;
use super::detector::{self, Detector};
use super::series::Series;
use crate::judge::words::{percent, time};

/// Intervals that a baseline needs. With fewer the standard deviation is
/// guesswork: with 10, 0.7 % of healthy series are not "recovered at once",
/// with 6 it is 1.4 % (measured; 1 % is the limit of `docs/measurement.md` §9).
pub(super) const FEWEST: usize = 10;

/// Standard deviations by which the limit of a drained backlog stands above
/// the baseline's mean, and the share of an interval's goodput that is allowed
/// at least. The maximum of a short baseline is no limit: of 15 values and 50
/// later ones, the largest is among the 50 three times in four
/// (`decisions/0024`).
const DRAINED: f64 = 6.0;
const DRAINED_SHARE: f64 = 0.05;

/// The baseline over W = [t_f − w, t_f), w = 60 s or all of the steady part.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Intervals it has.
    pub intervals: usize,
    /// G0: median of C, tasks per interval.
    pub goodput: f64,
    /// s: standard deviation of C, tasks per interval.
    pub scatter: f64,
    /// P0: median of L, ns; `None` when no interval has one.
    pub p99_ns: Option<f64>,
    /// e0: mean of e, a share.
    pub errors: f64,
    /// s_e: standard deviation of e, a share.
    pub errors_scatter: f64,
    /// Backlog up to which the system counts as drained, tasks:
    /// max(largest b, mean b + max(5 % of G0, 6 standard deviations of b)).
    pub drained: f64,
}

impl Baseline {
    /// The baseline of a series, or what is said of the trial instead.
    pub(super) fn of(series: &Series) -> Result<Self, Reading> {
        let baseline = Self::measured(series)?;
        let detector = Detector::of(&baseline);
        if detector.is_blind(&baseline) {
            return Err(Reading::NotSteady(format!(
                "goodput scatters by {} and errors by {} of all (SD), an outage would not stand out",
                percent(baseline.scatter / baseline.goodput),
                percent(baseline.errors_scatter)
            )));
        }
        let health = detector.healths(series.baseline());
        if let Some(place) = detector::first_bad_run(&health, 0) {
            return Err(Reading::NotSteady(format!(
                "three bad intervals from {:.1} s before the fault",
                -series.start_s(place)
            )));
        }
        Ok(baseline)
    }

    fn measured(series: &Series) -> Result<Self, Reading> {
        let intervals = series.baseline();
        if intervals.len() < FEWEST {
            return Err(Reading::NotMeasured(format!(
                "the baseline has {} intervals of {}, {FEWEST} are needed",
                intervals.len(),
                time(series.interval_s * 1e9)
            )));
        }
        let completed = column(intervals.iter().map(|i| i.completed as f64));
        let goodput = completed.clone().median();
        if goodput <= 0.0 {
            return Err(Reading::not_measured(
                "half of the baseline's intervals completed nothing",
            ));
        }
        let mut p99s = column(intervals.iter().filter_map(|i| i.p99_ns));
        let errors = column(intervals.iter().filter_map(|i| i.errors));
        let backlog = column(intervals.iter().map(|i| i.backlog as f64));
        let above = (DRAINED_SHARE * goodput).max(DRAINED * backlog.std_dev().unwrap_or_default());
        Ok(Self {
            intervals: intervals.len(),
            goodput,
            scatter: completed.std_dev().unwrap_or_default(),
            p99_ns: (!p99s.is_empty()).then(|| p99s.median()),
            errors: errors.mean().filter(|mean| mean.is_finite()).unwrap_or_default(),
            errors_scatter: errors.std_dev().filter(|sd| sd.is_finite()).unwrap_or_default(),
            drained: backlog.max().max(backlog.mean().unwrap_or_default() + above),
        })
    }
}

fn column(values: impl Iterator<Item = f64>) -> Data<Vec<f64>> {
    Data::new(values.collect())
}
