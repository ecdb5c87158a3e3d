//! The difference of two means whose spreads may differ, and how small a
//! difference could have been seen at all.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::factorial::binomial;

/// How often the smallest difference that could have been seen would be seen.
pub const POWER: f64 = 0.8;

/// Two samples of independent repeats, the second minus the first.
///
/// Welch, B. L. (1947), "The generalization of 'Student's' problem when several
/// different population variances are involved", Biometrika 34, 28–35; degrees
/// of freedom by Satterthwaite (1946), Biometrics Bulletin 2, 110–114.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Welch {
    /// Mean of the second minus mean of the first.
    pub difference: f64,
    /// Standard error of that.
    pub error: f64,
    /// Degrees of freedom; 0 where neither sample varies.
    pub freedom: f64,
    sizes: (usize, usize),
}

impl Welch {
    /// Of two samples; `None` when one has fewer than two numbers or one that
    /// is not finite.
    #[must_use]
    pub fn of(first: &[f64], second: &[f64]) -> Option<Self> {
        let usable = |side: &[f64]| side.len() > 1 && side.iter().all(|x| x.is_finite());
        if !usable(first) || !usable(second) {
            return None;
        }
        let ((m1, v1), (m2, v2)) = (moments(first), moments(second));
        let (n1, n2) = (first.len() as f64, second.len() as f64);
        let (s1, s2) = (v1 / n1, v2 / n2);
        let shares = s1 * s1 / (n1 - 1.0) + s2 * s2 / (n2 - 1.0);
        let freedom = (s1 + s2).powi(2) / shares;
        Some(Self {
            difference: m2 - m1,
            error: (s1 + s2).sqrt(),
            freedom: if freedom.is_finite() { freedom } else { 0.0 },
            sizes: (first.len(), second.len()),
        })
    }

    /// Two-sided p of no difference.
    ///
    /// Where neither sample varies, t is not defined, and to call any difference
    /// certain would be more than ten numbers can carry: then the smallest p
    /// that a permutation test of these sizes has, 2 / C(n₁ + n₂, n₁) (Fisher
    /// 1935, "The Design of Experiments", §21).
    #[must_use]
    pub fn p(&self) -> f64 {
        if self.difference == 0.0 {
            return 1.0;
        }
        let Some(law) = self.law() else {
            let (one, other) = (self.sizes.0 as u64, self.sizes.1 as u64);
            return (2.0 / binomial(one + other, one)).min(1.0);
        };
        (2.0 * law.sf((self.difference / self.error).abs())).clamp(0.0, 1.0)
    }

    /// The interval that holds the true difference with probability 1 − `level`.
    #[must_use]
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let half = self.law().map_or(0.0, |law| law.inverse_cdf(1.0 - level / 2.0) * self.error);
        (self.difference - half, self.difference + half)
    }

    /// The smallest true difference that a two-sided test at `level` finds with
    /// probability [`POWER`], at the spread that was seen:
    /// (t₁₋ₗ/₂ + t_power) × standard error. `None` where there was none.
    ///
    /// Bloom, H. S. (1995), "Minimum Detectable Effects", Evaluation Review 19,
    /// 547–556.
    #[must_use]
    pub fn smallest_seen(&self, level: f64) -> Option<f64> {
        let law = self.law()?;
        Some((law.inverse_cdf(1.0 - level / 2.0) + law.inverse_cdf(POWER)) * self.error)
    }

    /// How far the difference seen falls short of the true one in one of five
    /// comparisons, at the spread that was seen: t_power × standard error.
    /// `None` where there was none.
    #[must_use]
    pub fn shortfall(&self) -> Option<f64> {
        Some(self.law()?.inverse_cdf(POWER) * self.error)
    }

    fn law(&self) -> Option<StudentsT> {
        if self.error > 0.0 && self.freedom > 0.0 {
            StudentsT::new(0.0, 1.0, self.freedom).ok()
        } else {
            None
        }
    }
}

/// Mean and sample variance.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, squares / (n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64, digits: i32) {
        assert!((got - want).abs() <= 0.5 * 10f64.powi(-digits), "{got}, not {want}");
    }

    /// Student's sleep data (1908, "The probable error of a mean", Biometrika
    /// 6), as R's manual prints `t.test(extra ~ group, data = sleep)`:
    /// t = −1.8608, df = 17.776, p = 0.07939, interval −3.3654832 to 0.2054832.
    #[test]
    fn sleep_as_r_prints_it() {
        let one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let other = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let sleep = Welch::of(&other, &one).expect("two samples");
        near(sleep.difference / sleep.error, -1.8608, 4);
        near(sleep.freedom, 17.776, 3);
        near(sleep.p(), 0.079_39, 5);
        let (low, high) = sleep.interval(0.05);
        near(low, -3.365_483_2, 6);
        near(high, 0.205_483_2, 6);
    }

    /// Two samples of five with variance 2.5: error 1, 8 degrees of freedom. Of
    /// a table of t: 2.306 at 97.5 %, 0.889 at 80 %; 3.355 at 99.5 %.
    #[test]
    fn the_smallest_difference_is_a_sum_of_two_quantiles() {
        let side: Vec<f64> = (0..5).map(f64::from).collect();
        let welch = Welch::of(&side, &side).expect("two samples");
        near(welch.error, 1.0, 9);
        near(welch.freedom, 8.0, 9);
        near(welch.smallest_seen(0.05).expect("a spread"), 2.306 + 0.889, 3);
        near(welch.smallest_seen(0.01).expect("a spread"), 3.355 + 0.889, 3);
        assert_eq!(welch.p(), 1.0);
        // Of many repeats, Bloom's 2.8 standard errors.
        let many: Vec<f64> = (0..5_000).map(|x| f64::from(x % 5)).collect();
        let welch = Welch::of(&many, &many).expect("two samples");
        near(welch.smallest_seen(0.05).expect("a spread") / welch.error, 2.80, 2);
    }

    /// 2 of the 252 ways to deal ten numbers into fives part them so cleanly.
    #[test]
    fn without_any_spread_a_difference_is_not_certain() {
        let welch = Welch::of(&[2.0; 5], &[3.0; 5]).expect("two samples");
        near(welch.p(), 2.0 / 252.0, 9);
        assert_eq!((welch.interval(0.05), welch.smallest_seen(0.05)), ((1.0, 1.0), None));
        assert_eq!(Welch::of(&[2.0; 5], &[2.0; 5]).map(|same| same.p()), Some(1.0));
        assert_eq!(Welch::of(&[2.0], &[3.0; 5]), None);
        assert_eq!(Welch::of(&[2.0, f64::NAN], &[3.0; 5]), None);
    }
}
