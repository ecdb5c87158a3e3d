use super::{Bytes, Count, Fraction, Nanos, Quantity, Rate, RateOrShare, Wrong};
use crate::scenario::suggest;

/// No part of a run may be longer: beyond it, sums of times would no longer
/// be exact in the ledger.
const LONGEST_NS: u64 = 30 * 24 * 3_600 * 1_000_000_000;

/// Beyond it, gaps between tasks are below 1 ns.
const MOST_RATE: f64 = 1e9;

/// 2^53: up to it an f64 holds every whole number.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// 1 GiB.
const LARGEST_BODY: f64 = 1_073_741_824.0;

/// Units of time, the first name of each being the one that is printed.
pub(super) const TIMES: &[(&[&str], u64)] = &[
    (&["ns"], 1),
    (&["us", "µs", "μs"], 1_000),
    (&["ms"], 1_000_000),
    (&["s"], 1_000_000_000),
    (&["m", "min"], 60_000_000_000),
    (&["h"], 3_600_000_000_000),
];

/// What people write instead, for "did you mean".
const TIME_SLIPS: &[(&str, &str)] = &[
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hour", "h"),
    ("hours", "h"),
    ("hr", "h"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("usec", "us"),
    ("micros", "us"),
    ("microseconds", "us"),
    ("nanos", "ns"),
    ("nanoseconds", "ns"),
];

const SIZES: &[(&[&str], u64)] = &[
    (&["B"], 1),
    (&["KiB"], 1 << 10),
    (&["MiB"], 1 << 20),
    (&["kB", "KB"], 1_000),
    (&["MB"], 1_000_000),
];

const SIZE_SLIPS: &[(&str, &str)] = &[
    ("b", "B"),
    ("byte", "B"),
    ("bytes", "B"),
    ("k", "KiB"),
    ("K", "KiB"),
    ("kb", "kB"),
    ("kib", "KiB"),
    ("M", "MiB"),
    ("mb", "MB"),
    ("mib", "MiB"),
];

/// The number at the front of `text` and what follows it.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+')))
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let number: f64 = digits.replace('_', "").parse().ok()?;
    Some((number, unit.trim()))
}

/// `number` as it was most likely typed: without a needless fraction.
fn plain(number: f64) -> String {
    format!("{number}")
}

/// The factor of `unit`, or the unit that was probably meant.
fn factor(
    unit: &str,
    units: &[(&[&str], u64)],
    slips: &[(&str, &'static str)],
) -> Result<u64, Option<String>> {
    if let Some((_, factor)) = units.iter().find(|(names, _)| names.contains(&unit)) {
        return Ok(*factor);
    }
    if let Some((_, meant)) = slips.iter().find(|(slip, _)| slip.eq_ignore_ascii_case(unit)) {
        return Err(Some((*meant).to_owned()));
    }
    let known = units.iter().flat_map(|(names, _)| names.iter().copied());
    let near = suggest::nearest(unit, known.chain(slips.iter().map(|(slip, _)| *slip)));
    Err(near.map(|near| {
        let meant = slips.iter().find(|(slip, _)| *slip == near).map(|(_, meant)| *meant);
        meant.unwrap_or(near).to_owned()
    }))
}

fn did_you_mean(number: f64, unit: Option<&str>) -> String {
    unit.map_or_else(String::new, |unit| format!("; did you mean \"{} {unit}\"?", plain(number)))
}

impl Quantity for Nanos {
    const LARGEST_NUMBER: f64 = 0.0;
    const EXPECTED: &'static str = "expected a number and ns, us, ms, s, m or h";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let expected = Self::EXPECTED;
        let (number, unit) = split(text).ok_or_else(|| format!("not a duration: {expected}"))?;
        if unit.is_empty() {
            return Self::from_number(number);
        }
        let factor = factor(unit, TIMES, TIME_SLIPS).map_err(|near| {
            let hint = did_you_mean(number, near.as_deref());
            format!("unknown unit in a duration: {expected}{hint}")
        })?;
        if number < 0.0 {
            return Err("a negative duration: expected 0 or more".to_owned());
        }
        let ns = number * factor as f64;
        if ns > LONGEST_NS as f64 {
            return Err("a very long duration: expected at most 30 days (720 h)".to_owned());
        }
        if ns > 0.0 && ns < 1.0 {
            return Err("a duration below 1 ns: expected whole ns".to_owned());
        }
        Ok(Self(ns.round() as u64))
    }

    fn from_number(number: f64) -> Result<Self, Wrong> {
        if number == 0.0 {
            return Ok(Self(0));
        }
        let hint = if number > 0.0 { did_you_mean(number, Some("s")) } else { String::new() };
        Err(format!("a duration without a unit: {}{hint}", Self::EXPECTED))
    }
}

/// A number with an optional `k` or `M`.
fn with_thousands(text: &str) -> Option<Result<f64, ()>> {
    let (number, suffix) = split(text)?;
    Some(match suffix {
        "" => Ok(number),
        "k" | "K" => Ok(number * 1e3),
        "M" => Ok(number * 1e6),
        _ => Err(()),
    })
}

impl Quantity for Rate {
    const LARGEST_NUMBER: f64 = MOST_RATE;
    const EXPECTED: &'static str = "expected tasks per second, such as \"500\", \"20k\" or \"1M\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let bare = text.trim().strip_suffix("/s").unwrap_or(text);
        match with_thousands(bare) {
            None => Err(format!("not a rate: {}", Self::EXPECTED)),
            Some(Err(())) => Err(format!("unknown unit in a rate: {}", Self::EXPECTED)),
            Some(Ok(number)) => Self::from_number(number),
        }
    }

    fn from_number(number: f64) -> Result<Self, Wrong> {
        if number.is_nan() || number <= 0.0 {
            return Err(format!(
                "a rate of {}: expected more than 0 tasks per second",
                plain(number)
            ));
        }
        if number < 0.001 {
            return Err("a very low rate: expected at least 0.001 tasks per second".to_owned());
        }
        if number > MOST_RATE {
            return Err("a very high rate: expected at most 1000M tasks per second".to_owned());
        }
        Ok(Self(number))
    }
}

impl Quantity for RateOrShare {
    const LARGEST_NUMBER: f64 = MOST_RATE;
    const EXPECTED: &'static str = "expected tasks per second, such as \"20k\", or a share of the \
                                    system's own capacity, such as \"50 %\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match split(text) {
            Some((number, "%")) if number > 0.0 && number <= 100.0 => {
                Ok(Self::Share(Fraction(number / 100.0)))
            }
            Some((_, "%")) => {
                Err("a share of a capacity outside 0 to 1: expected \"1 %\" to \"100 %\""
                    .to_owned())
            }
            _ => Rate::from_text(text).map(Self::Rate),
        }
    }

    fn from_number(number: f64) -> Result<Self, Wrong> {
        Rate::from_number(number).map(Self::Rate)
    }
}

impl Quantity for Count {
    const LARGEST_NUMBER: f64 = MOST_EXACT;
    const EXPECTED: &'static str = "expected a whole number, such as 8, \"10k\" or \"1M\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match with_thousands(text) {
            None => Err(format!("not a number: {}", Self::EXPECTED)),
            Some(Err(())) => Err(format!("unknown unit of a number: {}", Self::EXPECTED)),
            Some(Ok(number)) => Self::from_number(number),
        }
    }

    fn from_number(number: f64) -> Result<Self, Wrong> {
        if number < 0.0 {
            return Err("a negative number: expected 0 or more".to_owned());
        }
        if number.fract() != 0.0 || number.is_nan() || number > MOST_EXACT {
            return Err(format!("not a whole number: {}", Self::EXPECTED));
        }
        Ok(Self(number as u64))
    }
}

impl Quantity for Bytes {
    const LARGEST_NUMBER: f64 = LARGEST_BODY;
    const EXPECTED: &'static str =
        "expected bytes, such as 256, \"256 B\", \"64 KiB\" or \"1 MiB\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let expected = Self::EXPECTED;
        let (number, unit) = split(text).ok_or_else(|| format!("not a size: {expected}"))?;
        let factor = match unit {
            "" => 1,
            unit => factor(unit, SIZES, SIZE_SLIPS).map_err(|near| {
                let hint = did_you_mean(number, near.as_deref());
                format!("unknown unit in a size: {expected}{hint}")
            })?,
        };
        Self::from_number(number * factor as f64)
    }

    fn from_number(number: f64) -> Result<Self, Wrong> {
        if number < 0.0 || number.is_nan() {
            return Err("a negative size: expected 0 or more".to_owned());
        }
        if number.fract() != 0.0 {
            return Err(format!("not whole bytes: {}", Self::EXPECTED));
        }
        if number > LARGEST_BODY {
            return Err("a very large body: expected at most 1024 MiB".to_owned());
        }
        Ok(Self(number as u64))
    }
}

impl Quantity for Fraction {
    const LARGEST_NUMBER: f64 = 1.0;
    const EXPECTED: &'static str = "expected a share from 0 to 1, such as 0.01 or \"1 %\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match split(text) {
            Some((number, "%")) => Self::from_number(number / 100.0),
            Some((number, "")) => Self::from_number(number),
            Some(_) => Err(format!("unknown unit in a share: {}", Self::EXPECTED)),
            None => Err(format!("not a share: {}", Self::EXPECTED)),
        }
    }

    fn from_number(number: f64) -> Result<Self, Wrong> {
        if (0.0..=1.0).contains(&number) {
            return Ok(Self(number));
        }
        let hint = if number > 1.0 && number <= 100.0 {
            format!("; did you mean \"{} %\"?", plain(number))
        } else {
            String::new()
        };
        Err(format!("a share outside 0 to 1: {}{hint}", Self::EXPECTED))
    }
}
