//! What a recovery metric came to.

use std::fmt;

use crate::judge::words::number;

/// A figure of a fault trial, or why there is none. It is to a trial what
/// `Value` is to a cell; there is no default number, and no zero that means
/// "nothing happened".
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Measured.
    Is(f64),
    /// The fault did not show in the series, so there is nothing to recover
    /// from.
    NoImpact,
    /// The detector fires before the fault already, and why that is said.
    NotSteady(String),
    /// Right-censored: it had not happened when the watching ended, or it
    /// could not be told any more whether it lasted. The true figure is at
    /// least this.
    MoreThan(f64),
    /// Not measured, and why.
    NotMeasured(String),
}

impl Reading {
    pub(super) fn not_measured(why: &str) -> Self {
        Self::NotMeasured(why.into())
    }

    /// The number, if there is one, exact or as a lower bound.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Is(number) | Self::MoreThan(number) => Some(*number),
            Self::NoImpact | Self::NotSteady(_) | Self::NotMeasured(_) => None,
        }
    }

    /// The same figure in another unit or from another origin. `change` must
    /// not turn larger into smaller: a lower bound stays one.
    pub(super) fn map(self, change: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Self::Is(number) => Self::Is(change(number)),
            Self::MoreThan(number) => Self::MoreThan(change(number)),
            other => other,
        }
    }
}

/// Without a unit, which the metric has.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => f.write_str(&number(*value)),
            Self::NoImpact => f.write_str("no impact"),
            Self::NotSteady(why) => write!(f, "not steady: {why}"),
            Self::MoreThan(value) => write!(f, "> {}", number(*value)),
            Self::NotMeasured(why) => write!(f, "not measured: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_the_report_prints_it() {
        assert_eq!(Reading::Is(-25.0).to_string(), "-25");
        assert_eq!(Reading::NoImpact.to_string(), "no impact");
        assert_eq!(Reading::MoreThan(60.0).to_string(), "> 60");
        assert_eq!(Reading::NotSteady("noise".into()).to_string(), "not steady: noise");
        assert_eq!(Reading::not_measured("no ρ").to_string(), "not measured: no ρ");
    }

    #[test]
    fn a_lower_bound_stays_one() {
        assert_eq!(Reading::MoreThan(8.0).map(|x| x - 10.0), Reading::MoreThan(-2.0));
        assert_eq!(Reading::NoImpact.map(|x| x - 10.0), Reading::NoImpact);
        assert_eq!(Reading::NoImpact.number(), None);
    }
}
