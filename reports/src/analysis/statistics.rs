//! Intervals and tests over whole repeats (`docs/measurement.md` §7).

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Repeats from which an interval and a verdict of a difference are given.
pub const ENOUGH: usize = 5;

/// Level of intervals and verdicts.
const LEVEL: f64 = 0.05;

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

/// Two-sided p of Welch's test on logarithms; `None` when there are fewer than
/// five repeats on a side or a value has no logarithm.
#[must_use]
pub fn difference(one: &[f64], other: &[f64]) -> Option<f64> {
    let usable =
        |side: &[f64]| side.len() >= ENOUGH && side.iter().all(|x| x.is_finite() && *x > 0.0);
    if !usable(one) || !usable(other) {
        return None;
    }
    let logs = |side: &[f64]| side.iter().map(|x| x.ln()).collect::<Vec<_>>();
    let ((m1, v1), (m2, v2)) = (moments(&logs(one)), moments(&logs(other)));
    let (s1, s2) = (v1 / one.len() as f64, v2 / other.len() as f64);
    if s1 + s2 <= 0.0 {
        return Some(if m1 == m2 { 1.0 } else { 0.0 });
    }
    let t = (m1 - m2) / (s1 + s2).sqrt();
    let freedom =
        (s1 + s2).powi(2) / (s1 * s1 / (one.len() - 1) as f64 + s2 * s2 / (other.len() - 1) as f64);
    let law = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some((2.0 * law.sf(t.abs())).clamp(0.0, 1.0))
}

/// Holm's correction: adjusted p, in the order given.
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

/// Mean and sample variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, squares / (n - 1.0))
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
        assert_eq!(difference(&[1.0; 4], &[2.0; 5]), None);
    }

    /// Logs 1…5 against 2…6: t = −1 with 8 degrees of freedom, p = 0.3466.
    #[test]
    fn welch_on_logarithms() {
        let side = |from: i32| (from..from + 5).map(|x| f64::from(x).exp()).collect::<Vec<_>>();
        assert!(close(difference(&side(1), &side(2)).unwrap_or(9.0), 0.34659));
        assert_eq!(difference(&[2.0; 5], &[2.0; 5]), Some(1.0));
        assert_eq!(difference(&[2.0; 5], &[3.0; 5]), Some(0.0));
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
