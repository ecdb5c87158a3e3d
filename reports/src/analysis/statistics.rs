//! Intervals and tests over whole repeats (`docs/measurement.md` §7).

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::welch::{Welch, moments};

/// Repeats from which an interval and a verdict of a difference are given.
pub const ENOUGH: usize = 5;

/// Level of intervals and verdicts: how often chance alone may be called a
/// difference, over all that a verdict states together.
pub const LEVEL: f64 = 0.05;

/// What the repeats say about a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// 95 % t-interval on logarithms, five repeats or more.
    Interval(f64, f64),
    /// Smallest and largest of fewer repeats: no verdict follows from it.
    Range(f64, f64),
}

impl Spread {
    /// Lower and upper end.
    #[must_use]
    pub const fn ends(self) -> (f64, f64) {
        match self {
            Self::Interval(low, high) | Self::Range(low, high) => (low, high),
        }
    }
}

/// The spread of one figure over repeats; `None` for fewer than two.
///
/// From [`ENOUGH`] repeats on Student's t-interval of the mean logarithm
/// (Student 1908, Biometrika 6, 1–25), which is one of the geometric mean
/// (Kirkwood 1979, Biometrics 35, 908–909): times and rates scatter by
/// factors, and their interval must not reach below zero.
#[must_use]
pub fn spread(repeats: &[f64]) -> Option<Spread> {
    let finite: Vec<f64> = repeats.iter().copied().filter(|x| x.is_finite()).collect();
    if finite.len() < 2 {
        return None;
    }
    let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if finite.len() < ENOUGH || low <= 0.0 {
        return Some(Spread::Range(low, high));
    }
    let logs: Vec<f64> = finite.iter().map(|x| x.ln()).collect();
    let (mean, variance) = moments(&logs);
    let n = logs.len() as f64;
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(1.0 - LEVEL / 2.0);
    let half = t * (variance / n).sqrt();
    Some(Spread::Interval((mean - half).exp(), (mean + half).exp()))
}

/// Two-sided p of [Welch's test](Welch) on logarithms where `more` has the
/// larger mean, and 1 where it has not: an order that other figures gave, such
/// as percentiles of all repeats together, is not proved by a difference the
/// other way. `None` when there are fewer than five repeats on a side or a value
/// has no logarithm.
#[must_use]
pub fn larger(more: &[f64], less: &[f64]) -> Option<f64> {
    let logs = |side: &[f64]| -> Option<Vec<f64>> {
        let usable = side.len() >= ENOUGH && side.iter().all(|x| x.is_finite() && *x > 0.0);
        usable.then(|| side.iter().map(|x| x.ln()).collect())
    };
    let welch = Welch::of(&logs(less)?, &logs(more)?)?;
    Some(if welch.difference > 0.0 { welch.p() } else { 1.0 })
}

/// Holm's correction: adjusted p, in the order given. Whoever calls those below
/// [`LEVEL`] errs in any of them with probability [`LEVEL`] at most, however
/// the tests hang together.
///
/// Holm, S. (1979), "A simple sequentially rejective multiple test procedure",
/// Scandinavian Journal of Statistics 6, 65–70.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut floor = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        floor = floor.max((p[index] * (p.len() - place) as f64).min(1.0));
        adjusted[index] = floor;
    }
    adjusted
}

/// Whether an adjusted p is a verdict of a difference.
#[must_use]
pub fn differs(adjusted: f64) -> bool {
    adjusted < LEVEL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3 * b.abs()
    }

    /// `e^(0, 1, 2, 3, 4)`: mean 2, s² 2.5, t(0.975, 4) = 2.7764, so
    /// 2 ± 2.7764 · √(2.5/5) = 2 ± 1.9632.
    #[test]
    fn t_interval_on_logarithms() {
        let values: Vec<f64> = (0..5).map(|x| f64::from(x).exp()).collect();
        let Some(Spread::Interval(low, high)) = spread(&values) else { panic!("no interval") };
        assert!(close(low, (2.0_f64 - 1.9632).exp()), "{low}");
        assert!(close(high, (2.0_f64 + 1.9632).exp()), "{high}");
    }

    #[test]
    fn fewer_than_five_give_the_range() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread::Range(1.0, 3.0)));
        assert_eq!(spread(&[1.0]), None);
        assert_eq!(spread(&[f64::NAN, 2.0]), None);
        assert_eq!(larger(&[2.0; 5], &[1.0; 4]), None);
    }

    /// Logs 1…5 against 2…6: t = −1 with 8 degrees of freedom, p = 0.3466.
    #[test]
    fn welch_on_logarithms() {
        let side = |from: i32| (from..from + 5).map(|x| f64::from(x).exp()).collect::<Vec<_>>();
        assert!(close(larger(&side(2), &side(1)).unwrap_or(9.0), 0.34659));
        assert_eq!(larger(&[2.0; 5], &[2.0; 5]), Some(1.0));
        assert!(close(larger(&[3.0; 5], &[2.0; 5]).unwrap_or(9.0), 2.0 / 252.0));
        assert_eq!(larger(&[2.0; 5], &[3.0; 5]), Some(1.0), "it is the smaller one");
    }

    /// Holm 1979: sorted p × (m, m−1, …), made monotone.
    #[test]
    fn holm_adjusts() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, want) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!(close(*got, want), "{adjusted:?}");
        }
        assert!(holm(&[]).is_empty());
    }
}
