//! A figure on one side: of cells that have it together, or the median of
//! trials and backlogs.

use crate::analysis::{Figure, Interval, Median, in_words, median};
use crate::metrics::Unit;
use crate::numbers::{Medium, short};
use crate::outcome::{Reading, Value};

/// A figure on one side of a comparison.
#[derive(Clone, Debug)]
pub enum Told {
    /// Of cells under a load, from their tasks together.
    Figure(Figure),
    /// Of trials or backlogs.
    Median {
        /// The median of them.
        median: Median,
        /// What each of them says.
        each: Vec<Reading>,
    },
}

impl Told {
    pub(super) fn of(each: &[Reading]) -> Self {
        Self::Median { median: median(each), each: each.to_vec() }
    }

    /// The number, if there is a finite one, exact or as a bound.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Figure(figure) => figure.number(),
            Self::Median { median, .. } => median.value.number().filter(|x| x.is_finite()),
        }
    }

    /// Whether nothing was measured, or only without a number to show.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Figure(figure) => figure.number().is_none(),
            Self::Median { median, .. } => matches!(median.value, Reading::NotMeasured(_)),
        }
    }

    /// Whether it is a latency below what the pacing resolves.
    pub(super) const fn is_unresolved(&self) -> bool {
        matches!(self, Self::Figure(Figure { value: Value::AtMost(_), .. }))
    }

    /// Whether it is the median of trials of which most had not come to an end.
    pub(crate) const fn is_cut_off(&self) -> bool {
        matches!(self, Self::Median { median: Median { value: Reading::MoreThan(_), .. }, .. })
    }

    /// The figure in a narrow cell: `6.2 ms`, `> 20 s`, `no impact`.
    pub(crate) fn short(&self, unit: Unit, medium: Medium) -> String {
        match self {
            Self::Figure(figure) => short(&figure.value, unit, medium),
            Self::Median { median, .. } => in_words(&median.value, unit, medium),
        }
    }

    /// What its number is worth, as a script reads it.
    pub(super) const fn bound(&self) -> &'static str {
        match self {
            Self::Figure(figure) => match figure.value {
                Value::Is(_) => "is",
                Value::AtLeast(_) => "at-least",
                Value::AtMost(_) => "at-most",
                Value::NotMeasured(_) => "not-measured",
                Value::Unsupported(_) => "unsupported",
            },
            Self::Median { median, .. } => reading(&median.value),
        }
    }

    /// Its interval over whole repeats, where both ends are numbers.
    pub(super) fn interval(&self) -> Option<[f64; 2]> {
        match self {
            Self::Figure(figure) => figure.spread.map(|spread| spread.ends().into()),
            Self::Median { median, .. } => match median.interval.as_ref()? {
                Interval { low: Reading::Is(low), high: Reading::Is(high), .. } => {
                    Some([*low, *high])
                }
                _ => None,
            },
        }
    }
}

/// What a reading is, as a script reads it.
pub(super) const fn reading(reading: &Reading) -> &'static str {
    match reading {
        Reading::Is(_) => "is",
        Reading::MoreThan(_) => "at-least",
        Reading::NoImpact => "no-impact",
        Reading::NotSteady(_) => "not-steady",
        Reading::NotMeasured(_) => "not-measured",
    }
}
