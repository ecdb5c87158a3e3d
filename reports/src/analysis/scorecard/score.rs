//! What the scorecard holds: a line for each figure, a score for each system.

use crate::analysis::capacity::Capacity;
use crate::analysis::faults::Median;
use crate::analysis::measured::of as figure_of;
use crate::analysis::points::{Figure, Point};
use crate::analysis::terms::{FailureTerms, shared};
use crate::metrics::Metric;
use crate::numbers::load;
use crate::outcome::{Outcome, Reading, Value};
use crate::scorecard::{ITEMS, Item, Part};

/// The scorecard of an outcome.
#[derive(Clone, Debug)]
pub struct Scorecard {
    /// Whether the scenario was made for it.
    pub is_whole: bool,
    /// The systems, in the order of tables: their places in the outcome.
    pub systems: Vec<usize>,
    /// Each item has a line at least.
    pub lines: Vec<Scored>,
}

/// A line: one metric of an item, at one load or fault.
#[derive(Clone, Debug)]
pub struct Scored {
    /// Of which item.
    pub item: &'static Item,
    /// Of which part of it.
    pub part: &'static Part,
    /// What it is a figure of; `None` where no cell has it yet.
    pub metric: Option<&'static Metric>,
    /// At which load, or in which fault; empty where each system has its own.
    pub at: String,
    /// A score for each system.
    pub scores: Vec<Score>,
}

/// What a system scored, or why it did not.
#[derive(Clone, Debug)]
pub struct Score {
    /// The figure.
    pub what: What,
    /// The load it was read at, where each system has its own.
    pub at: String,
    /// Repeats or trials that count for it; `None` where nobody counts them.
    pub n: Option<usize>,
    /// D and T of a failure rate.
    pub terms: Option<FailureTerms>,
    /// The verdict's word where no cell of it is valid.
    pub not_valid: Option<&'static str>,
}

/// A score.
#[derive(Clone, Debug)]
pub enum What {
    /// Over repeats.
    Figure(Figure),
    /// Over trials, or backlogs.
    Median(Median),
    /// The highest rate held.
    Capacity(Capacity),
    /// None, and why: `not measured: …`, `unsupported: …`.
    Words(String),
}

impl Score {
    pub(super) fn words(why: impl Into<String>) -> Self {
        Self::of(What::Words(why.into()))
    }

    pub(super) const fn of(what: What) -> Self {
        Self { what, at: String::new(), n: None, terms: None, not_valid: None }
    }

    /// At a point; `told` says its load too.
    pub(super) fn at_point(
        outcome: &Outcome,
        point: &Point,
        metric: &'static Metric,
        told: bool,
    ) -> Self {
        let figure = figure_of(outcome, &point.counted, metric);
        Self {
            at: if told { load(point.load) } else { String::new() },
            n: Some(point.n()),
            terms: FailureTerms::of(outcome, &point.counted, metric),
            not_valid: point.not_valid(),
            ..Self::of(What::Figure(figure))
        }
    }

    /// Whether it is a figure.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        match &self.what {
            What::Words(_) => false,
            What::Figure(figure) => {
                !matches!(figure.value, Value::NotMeasured(_) | Value::Unsupported(_))
            }
            What::Median(median) => {
                !matches!(median.value, Reading::NotSteady(_) | Reading::NotMeasured(_))
            }
            What::Capacity(capacity) => !matches!(capacity, Capacity::Unknown(_)),
        }
    }

    /// Why it is no median, in words; `None` of all else.
    #[must_use]
    pub fn no_median(&self) -> Option<String> {
        let What::Median(median) = &self.what else { return None };
        let (word, why) = match &median.value {
            Reading::NotSteady(why) => ("not steady", why),
            Reading::NotMeasured(why) => ("not measured", why),
            _ => return None,
        };
        Some(if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") })
    }

    /// Whether it is none without a reason.
    pub(super) fn is_bare(&self) -> bool {
        let What::Figure(figure) = &self.what else { return false };
        matches!(&figure.value, Value::NotMeasured(why) if why.trim().is_empty())
    }

    /// Whether it is none and says why by itself.
    pub(super) const fn says_why(&self) -> bool {
        matches!(self.what, What::Median(_) | What::Capacity(_))
    }
}

impl Scorecard {
    /// Items of which any system has a figure.
    #[must_use]
    pub fn told(&self) -> usize {
        let is_told =
            |item: &&Item| self.lines.iter().any(|line| line.item == *item && line.is_told());
        ITEMS.iter().filter(is_told).count()
    }
}

impl Scored {
    /// Whether any system has a figure.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.scores.iter().any(Score::is_told)
    }

    /// D and T of its failure rates, where all have the same.
    #[must_use]
    pub fn terms(&self) -> Option<FailureTerms> {
        shared(self.scores.iter().filter_map(|score| score.terms))
    }
}
