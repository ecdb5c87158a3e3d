//! From bytes to claims.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::error::Fault;
use super::{Against, Bound, Claim, ClaimsError, Delay, Figure, Hurt, Published, Which};
use crate::amount::amount;
use crate::metrics::{self, Unit};

/// No file of claims is nearly this long; a device or a result may be.
const LONGEST: u64 = 1 << 20;

/// How far from a value that is claimed to be so still counts, unless told.
const WITHIN: f64 = 0.1;

/// Reads a file of claims.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub fn read(file: &Path) -> Result<Published, ClaimsError> {
    let origin = file.display().to_string().escape_debug().to_string();
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| ClaimsError::of_file(&origin, format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(ClaimsError::of_file(&origin, "longer than 1 MiB, no file of claims"));
    }
    parse(&origin, &bytes)
}

/// Reads claims from bytes; `origin` is what errors call them.
///
/// # Errors
/// Something in them is wrong.
pub fn parse(origin: &str, bytes: &[u8]) -> Result<Published, ClaimsError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        ClaimsError::of_file(origin, format!("not UTF-8 in line {line}"))
    })?;
    // An editor's byte-order mark is not part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    written(text).map_err(|fault| ClaimsError::at(origin, text, fault))
}

fn written(text: &str) -> Result<Published, Fault> {
    not_too_deep(text)?;
    let file: InFile = toml::from_str(text).map_err(|error| {
        let words = error.message().trim();
        let words = words.split_once(", expected ").or_else(|| words.split_once(": expected "));
        let (title, label) = match words {
            Some((title, expected)) => (title.to_owned(), format!("expected {expected}")),
            None => {
                (error.message().lines().next().unwrap_or("unreadable").to_owned(), String::new())
            }
        };
        Fault::new(&error.span().unwrap_or(0..0), title, label)
    })?;
    if file.claim.is_empty() {
        return Err(Fault::new(&(0..0), "a file without a claim", "expected a [[claim]]"));
    }
    let mut claims: Vec<Claim> = Vec::new();
    for one in file.claim {
        let id = one.id.get_ref();
        if id.trim().is_empty() {
            return Err(Fault::new(&one.id.span(), "a claim without an id", "expected a name"));
        }
        if claims.iter().any(|known| known.id == *id) {
            let title = format!("two claims of the id `{}`", id.escape_debug());
            return Err(Fault::new(&one.id.span(), title, "expected an id of its own"));
        }
        claims.push(one.checked()?);
    }
    Ok(Published { name: file.name, about: file.about, claims })
}

/// A table 100,000 dotted keys deep would overflow the stack when it is
/// dropped. A key is on one line, and no honest line has this many dots.
fn not_too_deep(text: &str) -> Result<(), Fault> {
    const MOST_DOTS: usize = 200;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.bytes().filter(|byte| *byte == b'.').count() > MOST_DOTS {
            let label = format!("expected at most {MOST_DOTS} in a line");
            return Err(Fault::new(&(at..at + 1), "a line with very many dots", label));
        }
        at += line.len();
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile {
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    claim: Vec<OneClaim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneClaim {
    id: Spanned<String>,
    #[serde(default)]
    section: String,
    subject: String,
    says: String,
    #[serde(default)]
    conditions: String,
    #[serde(default)]
    figures: Vec<OneFigure>,
    #[serde(default)]
    against: Vec<Spanned<OneAgainst>>,
    refuted: Option<String>,
    contradicts: Option<String>,
    known: Option<String>,
    unmeasured: Option<String>,
    run: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneFigure {
    metric: Spanned<String>,
    is: Option<Spanned<String>>,
    at_least: Option<Spanned<String>>,
    at_most: Option<Spanned<String>>,
    between: Option<[Spanned<String>; 2]>,
    within: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneAgainst {
    scenario: Option<String>,
    #[serde(default)]
    systems: Vec<String>,
    rate: Option<Spanned<String>>,
    delay: Option<String>,
    fault: Option<OneHurt>,
    cores: Option<u32>,
    duration: Option<Spanned<String>>,
    horizon: Option<Spanned<String>>,
    differs: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneHurt {
    kinds: Vec<String>,
    on: Vec<String>,
}

impl OneClaim {
    fn checked(self) -> Result<Claim, Fault> {
        if let (true, Some(first)) = (self.figures.is_empty(), self.against.first()) {
            return Err(Fault::new(
                &first.span(),
                "cells to compare with, and no figure",
                "expected figures in the claim",
            ));
        }
        let figures = self.figures.into_iter().map(OneFigure::checked);
        let against = self.against.into_iter().map(|one| one.into_inner().checked());
        Ok(Claim {
            id: self.id.into_inner(),
            section: self.section,
            subject: self.subject,
            says: self.says,
            conditions: self.conditions,
            figures: figures.collect::<Result<_, _>>()?,
            against: against.collect::<Result<_, _>>()?,
            refuted: self.refuted,
            contradicts: self.contradicts,
            known: self.known,
            unmeasured: self.unmeasured,
            run: self.run,
        })
    }
}

impl OneFigure {
    fn checked(self) -> Result<Figure, Fault> {
        let name = self.metric.get_ref();
        let Some(metric) = metrics::find(name) else {
            let near = nearest(name).map_or_else(
                || "expected a name of the table in docs/claims.md".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let title = format!("no metric `{}`", name.escape_debug());
            return Err(Fault::new(&self.metric.span(), title, near));
        };
        let value = |text: &Spanned<String>| read_amount(text, metric.unit);
        let bound = match (&self.is, &self.at_least, &self.at_most, &self.between) {
            (Some(is), None, None, None) => {
                let within = self.within.as_ref().map(|text| read_amount(text, Unit::Fraction));
                Bound::Is { value: value(is)?, within: within.transpose()?.unwrap_or(WITHIN).abs() }
            }
            (None, Some(low), None, None) => Bound::AtLeast(value(low)?),
            (None, None, Some(high), None) => Bound::AtMost(value(high)?),
            (None, None, None, Some([low, high])) => {
                let (least, most) = (value(low)?, value(high)?);
                if least > most {
                    let label = "expected the smaller one first";
                    return Err(Fault::new(&low.span(), "a range from large to small", label));
                }
                Bound::Between(least, most)
            }
            _ => {
                return Err(Fault::new(
                    &self.metric.span(),
                    "a figure without its value, or with several",
                    "expected one of is, at_least, at_most or between beside it",
                ));
            }
        };
        if let (Some(within), None) = (&self.within, &self.is) {
            let label = "expected it beside `is`; a bound has no margin";
            return Err(Fault::new(&within.span(), "`within` without `is`", label));
        }
        Ok(Figure { metric, bound })
    }
}

impl OneAgainst {
    fn checked(self) -> Result<Against, Fault> {
        let amount = |text: &Option<Spanned<String>>, unit| {
            text.as_ref().map(|text| read_amount(text, unit)).transpose()
        };
        Ok(Against {
            scenario: self.scenario,
            systems: self.systems.iter().map(|name| which(name)).collect(),
            rate: amount(&self.rate, Unit::PerSecond)?,
            delay: match self.delay {
                None => Delay::None,
                Some(any) if any == "any" => Delay::Any,
                Some(time) => Delay::By(time),
            },
            fault: self.fault.map(|hurt| Hurt { kinds: hurt.kinds, on: hurt.on }),
            cores: self.cores,
            duration_s: amount(&self.duration, Unit::Seconds)?,
            horizon_s: amount(&self.horizon, Unit::Seconds)?,
            differs: self.differs,
        })
    }
}

/// `kafka/article`, or all of `kafka`.
fn which(name: &str) -> Which {
    match name.split_once('/') {
        Some((system, profile)) => {
            Which { system: system.to_owned(), profile: Some(profile.to_owned()) }
        }
        None => Which { system: name.to_owned(), profile: None },
    }
}

fn read_amount(text: &Spanned<String>, unit: Unit) -> Result<f64, Fault> {
    amount(text.get_ref(), unit).map_err(|expected| {
        let title = format!("not an amount: `{}`", text.get_ref().escape_debug());
        Fault::new(&text.span(), title, expected)
    })
}

/// The metric whose name is a slip of the fingers away.
fn nearest(name: &str) -> Option<&'static str> {
    // Edit distance is quadratic, and no name is this long.
    if name.chars().count() > 64 {
        return None;
    }
    let edits =
        metrics::all().map(|metric| (strsim::damerau_levenshtein(name, metric.name), metric));
    let (edits, near) = edits.min_by_key(|(edits, _)| *edits)?;
    (edits <= (name.chars().count() / 3).max(1)).then_some(near.name)
}
