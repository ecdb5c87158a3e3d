//! How long it took: medians over the trials of a system, fault and load.

use std::collections::BTreeMap;

use super::median::{Interval, Median, median};
use super::tried::Tried;
use crate::metrics::{Metric, OF_TRIALS, Unit};
use crate::numbers::{Medium, amount, interval};
use crate::outcome::{Cell, Outcome, Reading, Trial};

/// Where a trial stands in its outcome: its cell, and its place in that.
pub type Place = (usize, usize);

/// One system, profile, fault and load over all its trials.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// Which trials: of several faults apart from each other, of one.
    pub tried: Tried,
    /// Its trials in the order of the outcome, valid or not.
    pub trials: Vec<Place>,
    /// How many of them were in valid cells.
    pub valid: usize,
    /// The verdict's word where none was: the figures are of what there is,
    /// shown and never compared.
    pub not_valid: Option<&'static str>,
    /// The coarsest ± among the trials told, seconds.
    pub resolution_s: f64,
    /// The shortest impact that shows in each of the trials told, seconds.
    pub shortest_impact_s: f64,
    /// By their names in [`OF_TRIALS`], over the valid trials.
    pub figures: BTreeMap<&'static str, Median>,
}

pub(super) fn recoveries(outcome: &Outcome) -> Vec<Recovery> {
    let mut all: Vec<Recovery> = Vec::new();
    // Of a backlog nothing ran while it was hurt: there is no recovery.
    let cells = outcome.cells.iter().enumerate();
    for (index, cell) in cells.filter(|(_, cell)| !cell.key.is_of_a_backlog()) {
        for (place, trial) in cell.trials.iter().enumerate() {
            match all.iter_mut().find(|known| known.tried.has(&cell.key, &trial.fault)) {
                Some(known) => known.trials.push((index, place)),
                None => all.push(Recovery {
                    tried: Tried::of(outcome, &cell.key, &trial.fault),
                    trials: vec![(index, place)],
                    valid: 0,
                    not_valid: None,
                    resolution_s: 0.0,
                    shortest_impact_s: 0.0,
                    figures: BTreeMap::new(),
                }),
            }
        }
    }
    for recovery in &mut all {
        recovery.sum_up(outcome);
    }
    all
}

/// A trial and its cell.
#[must_use]
pub fn find(outcome: &Outcome, (cell, trial): Place) -> Option<(&Cell, &Trial)> {
    let cell = outcome.cells.get(cell)?;
    Some((cell, cell.trials.get(trial)?))
}

impl Recovery {
    fn sum_up(&mut self, outcome: &Outcome) {
        let all = || self.trials.iter().filter_map(|place| find(outcome, *place));
        let valid = all().filter(|(cell, _)| cell.validity.is_valid()).count();
        let not_valid = all().find(|_| valid == 0).map(|(cell, _)| cell.validity.word());
        self.valid = valid;
        self.not_valid = not_valid;
        let coarsest = |of: fn(&Trial) -> f64| {
            self.those_told(outcome).map(of).filter(|s| s.is_finite()).fold(0.0, f64::max)
        };
        let resolution_s = coarsest(|trial| trial.resolution_s);
        let shortest_impact_s = coarsest(Trial::shortest_impact_s);
        let figures = OF_TRIALS
            .iter()
            .map(|Metric { name, .. }| (*name, median(&self.each(outcome, name))))
            .collect();
        self.resolution_s = resolution_s;
        self.shortest_impact_s = shortest_impact_s;
        self.figures = figures;
    }

    /// The trials of which the figures are: the valid ones, or all where none is.
    fn those_told<'a>(&'a self, outcome: &'a Outcome) -> impl Iterator<Item = &'a Trial> {
        let all = self.trials.iter().filter_map(|place| find(outcome, *place));
        let any = self.not_valid.is_some();
        all.filter(move |(cell, _)| any || cell.validity.is_valid()).map(|(_, trial)| trial)
    }

    /// A figure of [`OF_TRIALS`] in each of the trials told.
    pub(crate) fn each(&self, outcome: &Outcome, name: &str) -> Vec<Reading> {
        let absent = || Reading::not_measured("not measured");
        let read = |trial: &Trial| trial.readings.get(name).cloned().unwrap_or_else(absent);
        self.those_told(outcome).map(read).collect()
    }

    /// Whether its run has searched its capacity, so that there is a ρ.
    #[must_use]
    pub fn has_capacity(&self) -> bool {
        let load = self.figures.get("load.of_capacity");
        load.is_some_and(|load| load.value.number().is_some())
    }

    /// Whether its cells have several queues, so that some may stand still.
    #[must_use]
    pub fn has_queues(&self) -> bool {
        let stalled = self.figures.get("queues.stalled");
        stalled.is_some_and(|stalled| stalled.value.number().is_some())
    }

    /// The share of its own capacity that its load is, in words, where it is
    /// one: systems at one share have different rates.
    #[must_use]
    pub fn share(&self) -> Option<&str> {
        let variant = self.tried.variant.as_deref()?;
        variant.split(", ").find(|words| words.ends_with(" of its capacity"))
    }

    /// Trials of which the figures are.
    #[must_use]
    pub fn told(&self) -> usize {
        if self.not_valid.is_some() { self.trials.len() } else { self.valid }
    }
}

/// A figure of a trial in a narrow cell: `1.2 s`, `> 20 s`, `no impact`.
#[must_use]
pub fn in_words(reading: &Reading, unit: Unit, medium: Medium) -> String {
    match reading {
        Reading::Is(value) | Reading::MoreThan(value) if !value.is_finite() => "–".to_owned(),
        Reading::Is(value) => amount(*value, unit, medium),
        Reading::MoreThan(value) => {
            format!(">{}{}", medium.space(), amount(*value, unit, medium))
        }
        Reading::NoImpact => "no impact".to_owned(),
        Reading::NotSteady(_) => "not steady".to_owned(),
        Reading::NotMeasured(_) => "–".to_owned(),
    }
}

impl Median {
    /// From the smallest to the largest, where there are several that differ:
    /// `1–1.4 s`, `1 s to > 20 s`.
    #[must_use]
    pub fn spread(&self, unit: Unit, medium: Medium) -> Option<String> {
        let (low, high) = self.range.as_ref().filter(|(low, high)| low != high)?;
        Some(format!("{} to {}", in_words(low, unit, medium), in_words(high, unit, medium)))
    }

    /// The interval of the median, from five trials on: `94 % interval` where it
    /// is as wide as the range, else `96 % interval 1.1 s to 1.3 s`.
    #[must_use]
    pub fn confidence(&self, unit: Unit, medium: Medium) -> Option<String> {
        let Interval { low, high, confidence } = self.interval.as_ref()?;
        let head = format!("{:.0}{}% interval", confidence * 100.0, medium.space());
        if self.range.as_ref().is_some_and(|range| (&range.0, &range.1) == (low, high)) {
            return (low != high).then_some(head);
        }
        let (low, high) = (in_words(low, unit, medium), in_words(high, unit, medium));
        Some(if low == high { format!("{head} {low}") } else { format!("{head} {low} to {high}") })
    }

    /// The median with its range: `1.2 (1.0–1.4) s`, `> 12 s (3 s to > 20 s)`.
    #[must_use]
    pub fn written(&self, unit: Unit, medium: Medium) -> String {
        let value = in_words(&self.value, unit, medium);
        match (&self.value, &self.range, self.spread(unit, medium)) {
            (Reading::Is(point), Some((Reading::Is(low), Reading::Is(high))), Some(_))
                if unit == Unit::Seconds =>
            {
                interval(*point, *low, *high, unit, medium)
            }
            (_, _, Some(spread)) => format!("{value} ({spread})"),
            (_, _, None) => value,
        }
    }

    /// What of the trials is no number, in words, where it is not all of them:
    /// `no impact in 2 of 3`, `> in 1 of 3`.
    #[must_use]
    pub fn mixed(&self) -> Vec<String> {
        let all = self.trials();
        [
            (self.no_impact, "no impact"),
            (self.not_steady, "not steady"),
            (self.censored, "not yet at the end"),
            (self.not_measured, "not measured"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0 && *n < all)
        .map(|(n, what)| format!("{what} in {n} of {all}"))
        .collect()
    }
}
