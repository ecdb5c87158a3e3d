//! What trials that lost nothing prove.

use std::fmt;

use statrs::distribution::{Beta, ContinuousCDF as _};

/// Trials of one fault. A kill is the unit, not a task: the tasks of one kill
/// share its luck, so that a million of them that survived one kill prove no
/// more than that this kill went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// Kills made.
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
}

/// The same for any event that `x` of `n` independent trials showed.
pub(super) fn upper_bound(x: u32, n: u32) -> Option<f64> {
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

/// The sentence that stands beside a loss.
impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, losing, exposed } = self;
        let Some(bound) = self.bound() else { return f.write_str("no kills") };
        write!(
            f,
            "{losing} of {kills} kills lost something: a kill does in at most {:.0} % of cases \
             (95 %); {exposed} tasks exposed",
            100.0 * bound
        )
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

    /// The bound p solves P(X ≤ x | n, p) = 0.05.
    #[test]
    fn with_losses_it_is_that_of_clopper_and_pearson() {
        let p = bound(1, 5);
        let at_most_one = (1.0 - p).powi(5) + 5.0 * p * (1.0 - p).powi(4);
        assert!((at_most_one - 0.05).abs() < 1e-9, "{p}");
        assert_eq!(bound(5, 5), 1.0);
    }

    #[test]
    fn the_sentence_says_kills() {
        let told = Kills { kills: 5, losing: 0, exposed: 51_234 }.to_string();
        assert_eq!(
            told,
            "0 of 5 kills lost something: a kill does in at most 45 % of cases (95 %); \
             51234 tasks exposed"
        );
        assert_eq!(Kills::default().to_string(), "no kills");
    }
}
