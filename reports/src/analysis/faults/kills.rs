//! What trials that lost nothing prove.

use statrs::distribution::{Beta, ContinuousCDF as _};

/// Trials of one fault. A kill is the unit, not a task: the tasks of one kill
/// share its luck, so that a million of them that survived one kill prove no
/// more than that this kill went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// Kills made, of which it is known whether they lost something.
    pub kills: u32,
    /// Those of them that lost something.
    pub losing: u32,
    /// Tasks acknowledged in the last second before them, all together.
    pub exposed: u64,
}

impl Kills {
    /// Upper bound, with 95 % confidence, of the share of kills that lose
    /// something; `None` without a kill.
    ///
    /// Exact (Clopper and Pearson, Biometrika 26, 1934): the quantile 0.95 of
    /// Beta(x + 1, n − x). For x = 0 that is 1 − 0.05^(1/n): 45 % after 5
    /// kills, 5 % only after 59.
    #[must_use]
    pub fn bound(&self) -> Option<f64> {
        upper_bound(self.losing, self.kills)
    }

    /// The bound as `45 %`: a small one rounded up to a tenth, since what is
    /// printed must hold as well.
    #[must_use]
    pub fn bound_in_words(&self) -> Option<String> {
        let percent = 100.0 * self.bound()?;
        Some(match percent < 10.0 {
            true => format!("{:.1} %", (10.0 * percent).ceil() / 10.0),
            false => format!("{percent:.0} %"),
        })
    }
}

/// The same for any event that `x` of `n` independent trials showed.
#[must_use]
pub fn upper_bound(x: u32, n: u32) -> Option<f64> {
    match (x, n) {
        (_, 0) => None,
        (0, n) => Some(1.0 - 0.05_f64.powf(1.0 / f64::from(n))),
        (x, n) if x >= n => Some(1.0),
        (x, n) => {
            let beta = Beta::new(f64::from(x) + 1.0, f64::from(n - x)).ok()?;
            Some(beta.inverse_cdf(0.95))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(losing: u32, kills: u32) -> f64 {
        Kills { kills, losing, exposed: 0 }.bound().unwrap_or(f64::NAN)
    }

    #[test]
    fn a_zero_is_bounded_by_its_kills() {
        assert!((bound(0, 5) - 0.450_720).abs() < 1e-6);
        assert!((bound(0, 1) - 0.95).abs() < 1e-12);
        assert!(bound(0, 58) > 0.05 && bound(0, 59) < 0.05);
        assert_eq!(Kills::default().bound(), None);
    }

    #[test]
    fn a_small_bound_is_printed_no_smaller_than_it_is() {
        let said = |kills| Kills { kills, losing: 0, exposed: 0 }.bound_in_words();
        assert_eq!(said(5).as_deref(), Some("45 %"));
        // 4.438 %, 1.494 % and 0.498 %.
        assert_eq!(said(66).as_deref(), Some("4.5 %"));
        assert_eq!(said(199).as_deref(), Some("1.5 %"));
        assert_eq!(said(600).as_deref(), Some("0.5 %"));
    }

    /// The bound p solves P(X ≤ x | n, p) = 0.05.
    #[test]
    fn with_losses_it_is_that_of_clopper_and_pearson() {
        let p = bound(1, 5);
        let at_most_one = (1.0 - p).powi(5) + 5.0 * p * (1.0 - p).powi(4);
        assert!((at_most_one - 0.05).abs() < 1e-9, "{p}");
        assert_eq!(bound(5, 5), 1.0);
    }
}
