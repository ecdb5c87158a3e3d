//! What is demanded of the systems, in one sentence: `p99 < 50 ms at 10k`.
//!
//! Only the sentence: which systems, loads and trials there are is
//! [`crate::plan`]'s matter.

use std::ops::Range;

use schedbench_reports::amount::amount;
use schedbench_reports::metrics::{self, Metric, Unit};
use schedbench_reports::outcome::Comparison;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, Fraction, Nanos, ScenarioError, Text, suggest};

/// A metric, a comparison and a value, then where: `p99 < 50 ms at 10k of
/// kafka`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Demanded(pub String);

/// A demand, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// What it is about.
    pub metric: Word<&'static Metric>,
    /// How that must compare with the bound.
    pub comparison: Comparison,
    /// The bound, in the metric's base unit.
    pub bound: f64,
    /// The load of `at`.
    pub at: Option<Word<String>>,
    /// The system, or `system/profile`, of `of`.
    pub of: Option<Word<String>>,
    /// The trial of `in`.
    pub within: Option<Word<String>>,
}

/// A part of a demand, and which bytes of it that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<T> {
    /// What it says.
    pub value: T,
    /// Where.
    pub span: Range<usize>,
}

/// Why a sentence is no demand, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Which of its bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub title: String,
    /// What was expected.
    pub label: String,
    /// Whether it is only that there are no such cells here: those of another
    /// part may answer it.
    pub is_of_here: bool,
}

impl Slip {
    pub(crate) fn new(
        span: &Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        let (title, label) = (title.into(), label.into());
        Self { span: span.clone(), title, label, is_of_here: false }
    }

    /// The same as an error of the scenario in which the demand stands.
    pub(crate) fn at(&self, text: &Text, demand: &At<Demanded>) -> ScenarioError {
        let start = match demand.span.len().checked_sub(demand.value.0.len()) {
            // Unquoted, as on the command line.
            Some(0) => Some(demand.span.start),
            // In quotes, nothing in it escaped.
            Some(2) => Some(demand.span.start + 1),
            _ => None,
        };
        let span = match start {
            Some(start) => start + self.span.start..start + self.span.end,
            None => demand.span.clone(),
        };
        let error = text.error(&span, self.title.as_str(), self.label.as_str());
        if self.is_of_here { error.of_here() } else { error }
    }
}

/// The words that say where.
const CLAUSES: [&str; 3] = ["at", "of", "in"];
const EXAMPLE: &str = "expected a metric, a comparison and a value, as in \
                       \"p99 < 50 ms at 10k\" or \"lost == 0\"";

/// Reads a demand.
///
/// # Errors
/// It is none, and which part of it is why.
pub fn read(text: &str) -> Result<Demand, Slip> {
    let mut words = Words { text, at: 0 };
    let Some(name) = words.next() else {
        return Err(Slip::new(&(0..text.len()), "an empty objective", EXAMPLE));
    };
    let metric = Word { value: metric(&name)?, span: name.span };
    let sign = words
        .next()
        .ok_or_else(|| Slip::new(&metric.span, "a metric without a comparison", EXAMPLE))?;
    let comparison = comparison(&sign)?;
    let written = words.amount().ok_or_else(|| {
        Slip::new(&sign.span, "nothing to compare with", expected_of(metric.value))
    })?;
    let bound = bound(metric.value, &written)?;
    let is_counted = matches!(metric.value.unit, Unit::Tasks | Unit::Number);
    if comparison == Comparison::Is && bound != 0.0 && !is_counted {
        return Err(Slip::new(
            &sign.span,
            format!("no {} is ever exactly {}", metric.value.title, written.value),
            "expected `<`, `<=`, `>` or `>=`; `==` is for counts and for 0",
        ));
    }
    let mut demand = Demand { metric, comparison, bound, at: None, of: None, within: None };
    while let Some(clause) = words.next() {
        let (place, what) = match clause.value.as_str() {
            "at" => (&mut demand.at, "a load, such as `at 10k`"),
            "of" => (&mut demand.of, "a system, such as `of kafka` or `of kafka/rf3`"),
            "in" => (&mut demand.within, "a trial, such as `in broker-kill`"),
            other => {
                let near = suggest::nearest(other, CLAUSES)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let title = format!("unknown word `{}` in an objective", other.escape_debug());
                let label = format!("expected {}{near}", suggest::one_of(CLAUSES));
                return Err(Slip::new(&clause.span, title, label));
            }
        };
        if place.is_some() {
            let title = format!("`{}` given twice", clause.value);
            return Err(Slip::new(&clause.span, title, "expected it once"));
        }
        let named = if clause.value == "at" { words.amount() } else { words.name() };
        *place = Some(named.ok_or_else(|| {
            let title = format!("`{}` without what it says", clause.value);
            Slip::new(&clause.span, title, format!("expected {what}"))
        })?);
    }
    Ok(demand)
}

fn metric(name: &Word<String>) -> Result<&'static Metric, Slip> {
    if let Some(metric) = metrics::demanded(&name.value) {
        return Ok(metric);
    }
    let short = metrics::SHORT_NAMES.iter().map(|(short, _)| *short);
    let all = short.clone().chain(metrics::demandable().map(|metric| metric.name));
    let near = suggest::nearest(&name.value, all)
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let shown = ["throughput", "lost", "capacity"];
    Err(Slip::new(
        &name.span,
        format!("no metric `{}`", name.value.escape_debug()),
        format!("expected {}, or a name of docs/claims.md{near}", listed(short.chain(shown))),
    ))
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn comparison(sign: &Word<String>) -> Result<Comparison, Slip> {
    let mut all = Comparison::ALL.into_iter();
    if let Some(comparison) = all.find(|one| one.sign() == sign.value) {
        return Ok(comparison);
    }
    let meant = match sign.value.as_str() {
        "=" | "===" | "is" => "==",
        "=<" | "≤" => "<=",
        "=>" | "≥" => ">=",
        "<<" | "below" | "under" => "<",
        ">>" | "above" | "over" => ">",
        _ => "",
    };
    let near = if meant.is_empty() { String::new() } else { format!("; did you mean `{meant}`?") };
    let signs = Comparison::ALL.map(Comparison::sign);
    Err(Slip::new(
        &sign.span,
        format!("no comparison `{}`", sign.value.escape_debug()),
        format!("expected {}{near}", suggest::one_of(signs)),
    ))
}

/// What a metric is compared with, in words.
fn expected_of(metric: &Metric) -> &'static str {
    match metric.unit {
        Unit::Seconds => "expected a time, such as \"50 ms\"",
        Unit::PerSecond => "expected tasks per second, such as \"20k\"",
        Unit::Fraction => "expected a share, such as \"0.1 %\"",
        Unit::Bytes => "expected a size, such as \"58 MB\"",
        Unit::CpuSecondsPerMillion => "expected CPU-seconds per million tasks, such as \"21 s\"",
        Unit::Cores => "expected cores, such as \"1.5 cores\"",
        Unit::Tasks => "expected a number of tasks, such as \"100k\"",
        Unit::Number => "expected a number, such as \"0.5\"",
    }
}

/// The bound in the metric's base unit. Times, shares and rates are written as
/// everywhere in a scenario.
fn bound(metric: &Metric, written: &Word<String>) -> Result<f64, Slip> {
    let text = written.value.as_str();
    let read = match metric.unit {
        Unit::Seconds => text.parse::<Nanos>().map(|ns| ns.0 as f64 / 1e9),
        Unit::Fraction => text.parse::<Fraction>().map(|share| share.0),
        Unit::PerSecond => amount(text, Unit::PerSecond).or_else(|_| amount(text, Unit::Tasks)),
        unit => amount(text, unit),
    };
    read.map_err(|why| {
        let hint = why.split_once("; did you mean ").map_or("", |(_, hint)| hint);
        let hint = if hint.is_empty() { String::new() } else { format!("; did you mean {hint}") };
        let title = format!("`{}` is no value of {}", text.escape_debug(), metric.name);
        Slip::new(&written.span, title, format!("{}{hint}", expected_of(metric)))
    })
}

/// The words of a demand, one after another. A comparison is a word of its own
/// without blanks around it.
struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl Words<'_> {
    fn peek(&self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let of_a_sign = is_sign(rest.chars().next()?);
        let ends = |c: char| c.is_whitespace() || is_sign(c) != of_a_sign;
        let end = rest.find(ends).map_or(self.text.len(), |len| start + len);
        Some(start..end)
    }

    fn next(&mut self) -> Option<Word<String>> {
        let span = self.peek()?;
        self.at = span.end;
        Some(Word { value: self.text[span.clone()].to_owned(), span })
    }

    /// The next word, unless it begins a clause.
    fn name(&mut self) -> Option<Word<String>> {
        let span = self.peek()?;
        if CLAUSES.contains(&&self.text[span]) { None } else { self.next() }
    }

    /// A number with its unit, which may stand apart.
    fn amount(&mut self) -> Option<Word<String>> {
        let number = self.name()?;
        let is_bare = number.value.chars().all(|c| c.is_ascii_digit() || "._+-".contains(c));
        if !is_bare {
            return Some(number);
        }
        let Some(unit) = self.name() else { return Some(number) };
        let span = number.span.start..unit.span.end;
        Some(Word { value: self.text[span.clone()].to_owned(), span })
    }
}

fn is_sign(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '≤' | '≥')
}

#[cfg(test)]
mod tests;
