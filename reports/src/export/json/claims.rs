//! Published claims and the scorecard in the summary for scripts.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::{Beside, Capacity, Figure, Line, Measured, Median, Score, Scored, Told};
use crate::analysis::{Scorecard, Spread, Standing, What};
use crate::metrics::{Direction, Metric};
use crate::numbers::{Medium, value};
use crate::outcome::{Outcome, Reading};

const MEDIUM: Medium = Medium::Terminal;

/// A published claim, and what became of it.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClaimRow<'a> {
    /// Whose claims it is of.
    of: &'a str,
    /// Its id there.
    id: &'a str,
    /// Of what it is said.
    subject: &'a str,
    /// What is said.
    says: &'a str,
    /// `confirmed`, `not confirmed`, `refuted by source`, `contradicts itself`,
    /// `not comparable` or `not measured`.
    standing: &'static str,
    /// Why.
    why: &'a str,
    /// What was measured of it.
    measured: Vec<MeasuredRow<'a>>,
}

/// A figure beside a claim.
#[derive(Serialize, JsonSchema)]
struct MeasuredRow<'a> {
    /// Name of the system.
    system: &'a str,
    /// Name of the profile.
    profile: &'a str,
    /// At what load, with what delay or fault.
    at: &'a str,
    /// Name of the metric.
    metric: &'static str,
    /// Repeats or trials that count.
    n: usize,
    /// D of a failure rate, seconds; null for others.
    window_s: Option<f64>,
    /// T of a failure rate, seconds; null for others.
    horizon_s: Option<f64>,
    /// The figure in words; of trials with their range.
    words: String,
    /// The figure in base units; null where it is none or a bound.
    value: Option<f64>,
    /// The verdict's word where no cell of it is valid.
    not_valid: Option<&'static str>,
    /// What differs from the claim's conditions.
    differs: &'a [String],
}

pub(super) fn claims(all: &[Beside]) -> Vec<ClaimRow<'_>> {
    let rows = all.iter().flat_map(|file| {
        file.rows.iter().map(|judged| ClaimRow {
            of: &file.name,
            id: &judged.claim.id,
            subject: &judged.claim.subject,
            says: &judged.claim.says,
            standing: Standing::word(judged.standing),
            why: &judged.why,
            measured: judged.lines.iter().flat_map(measured).collect(),
        })
    });
    rows.collect()
}

fn measured(line: &Line) -> impl Iterator<Item = MeasuredRow<'_>> {
    line.told.iter().map(|Told { metric, measured, n, terms, .. }| MeasuredRow {
        system: &line.system,
        profile: &line.profile,
        at: &line.at,
        metric: metric.name,
        n: *n,
        window_s: terms.map(|terms| terms.window_s),
        horizon_s: terms.map(|terms| terms.horizon_s),
        words: match measured {
            Measured::Figure(figure) => value(&figure.value, metric.unit, MEDIUM),
            Measured::Median(median) => median.written(metric.unit, MEDIUM),
            Measured::Count { words, .. } => words.clone(),
        },
        value: match measured {
            Measured::Figure(figure) => exact(figure),
            Measured::Median(median) => exact_median(median),
            Measured::Count { number, at_least, .. } => {
                number.filter(|_| !at_least).map(|number| number as f64)
            }
        },
        not_valid: line.not_valid,
        differs: &line.differs,
    })
}

fn exact(figure: &Figure) -> Option<f64> {
    figure.number().filter(|_| figure.is_exact())
}

fn exact_median(median: &Median) -> Option<f64> {
    match median.value {
        Reading::Is(number) if number.is_finite() => Some(number),
        _ => None,
    }
}

/// A score of the scorecard: of one system, for one metric of an item.
#[derive(Serialize, JsonSchema)]
pub(super) struct ScoreRow<'a> {
    /// The item, 1 to 23.
    item: u8,
    /// What it is called.
    name: &'static str,
    /// The scenario that measures the item; null where there is none yet.
    scenario: Option<&'static str>,
    /// Name of the metric; null where no cell has any of the item's.
    metric: Option<&'static str>,
    /// Its unit, as in the CSV; null where there is no metric.
    unit: Option<&'static str>,
    /// `higher` or `lower` is better; null where neither is.
    better: Option<&'static str>,
    /// At which load or in which fault, and of losses in how many trials.
    at: String,
    /// Name of the system.
    system: &'a str,
    /// Name of the profile.
    profile: &'a str,
    /// The figure in words, or why there is none.
    words: String,
    /// The figure in base units; null where it is none or a bound.
    value: Option<f64>,
    /// Repeats or trials that count for it; null where nobody counts them.
    n: Option<usize>,
    /// 95 % interval of five repeats or more, of five trials 94 %; null below,
    /// and where an end is a bound.
    interval: Option<(f64, f64)>,
    /// Smallest and largest of fewer repeats, or of all trials; null likewise.
    range: Option<(f64, f64)>,
    /// D of a failure rate, seconds; null for others.
    window_s: Option<f64>,
    /// T of a failure rate, seconds; null for others.
    horizon_s: Option<f64>,
    /// The verdict's word where no cell of it is valid.
    not_valid: Option<&'static str>,
}

pub(super) fn scores<'a>(outcome: &'a Outcome, card: Option<&'a Scorecard>) -> Vec<ScoreRow<'a>> {
    let Some(card) = card else { return Vec::new() };
    let mut rows = Vec::new();
    for line in &card.lines {
        for (index, score) in card.systems.iter().zip(&line.scores) {
            let Some(system) = outcome.systems.get(*index) else { continue };
            let (interval, range) = spreads(score);
            rows.push(ScoreRow {
                item: line.item.number,
                name: line.item.name,
                scenario: Some(line.part.scenario).filter(|scenario| !scenario.is_empty()),
                metric: line.metric.map(|metric| metric.name),
                unit: line.metric.map(|metric| metric.unit.symbol()),
                better: line.metric.and_then(better),
                at: at(line, score),
                system: &system.system,
                profile: &system.profile,
                words: words(score, line.metric),
                value: number(score),
                n: score.n,
                interval,
                range,
                window_s: score.terms.map(|terms| terms.window_s),
                horizon_s: score.terms.map(|terms| terms.horizon_s),
                not_valid: score.not_valid,
            });
        }
    }
    rows
}

fn at(line: &Scored, score: &Score) -> String {
    let parts = [line.at.as_str(), score.at.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

const fn better(metric: &Metric) -> Option<&'static str> {
    match metric.direction {
        Direction::Higher => Some("higher"),
        Direction::Lower => Some("lower"),
        Direction::Neither => None,
    }
}

fn words(score: &Score, metric: Option<&Metric>) -> String {
    match (&score.what, metric) {
        (What::Words(words), _) => words.clone(),
        (What::Capacity(capacity), _) => capacity.text(),
        (What::Figure(figure), Some(metric)) => value(&figure.value, metric.unit, MEDIUM),
        (What::Median(median), Some(metric)) => {
            score.no_median().unwrap_or_else(|| median.written(metric.unit, MEDIUM))
        }
        (What::Figure(_) | What::Median(_), None) => String::new(),
    }
}

type Ends = Option<(f64, f64)>;

/// Its interval, and its range.
fn spreads(score: &Score) -> (Ends, Ends) {
    let ends = |low: &Reading, high: &Reading| match (low, high) {
        (Reading::Is(low), Reading::Is(high)) => Some((*low, *high)),
        _ => None,
    };
    match &score.what {
        What::Figure(Figure { spread: Some(Spread::Interval(low, high)), .. }) => {
            (Some((*low, *high)), None)
        }
        What::Figure(Figure { spread: Some(Spread::Range(low, high)), .. }) => {
            (None, Some((*low, *high)))
        }
        What::Median(median) => {
            let interval = median.interval.as_ref();
            let range = median.range.as_ref();
            (
                interval.and_then(|interval| ends(&interval.low, &interval.high)),
                range.and_then(|(low, high)| ends(low, high)),
            )
        }
        _ => (None, None),
    }
}

fn number(score: &Score) -> Option<f64> {
    match &score.what {
        What::Figure(figure) => exact(figure),
        What::Median(median) => exact_median(median),
        What::Capacity(Capacity::Is { held, .. } | Capacity::Between { held, .. }) => Some(*held),
        What::Capacity(_) | What::Words(_) => None,
    }
}
