//! Quantities as a person writes them: `"10 s"`, `"20k"`, `"64 KiB"`, `"1 %"`.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::suggest;

/// A time span, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);

/// Tasks per second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

/// A size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fraction(pub f64);

/// Why a text is no quantity: what is wrong, and what was expected.
///
/// Written as `what: expected …`, which is how a message of serde's can carry
/// both to [`super::explain`].
type Wrong = String;

/// A quantity with a written form.
trait Quantity: Sized {
    const EXPECTED: &'static str;
    fn from_text(text: &str) -> Result<Self, Wrong>;
    fn from_number(number: f64) -> Result<Self, Wrong>;
}

/// No part of a run may be longer: beyond it, sums of times would no longer
/// be exact in the ledger.
const LONGEST_NS: u64 = 30 * 24 * 3_600 * 1_000_000_000;

/// Units of time, the first name of each being the one that is printed.
const TIMES: &[(&[&str], u64)] = &[
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
        if number > 1e9 {
            return Err("a very high rate: expected at most 1000M tasks per second".to_owned());
        }
        Ok(Self(number))
    }
}

impl Quantity for Count {
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
        // Up to 2^53 an f64 holds every whole number.
        if number.fract() != 0.0 || number.is_nan() || number > 9_007_199_254_740_992.0 {
            return Err(format!("not a whole number: {}", Self::EXPECTED));
        }
        Ok(Self(number as u64))
    }
}

impl Quantity for Bytes {
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
        if number > (1u64 << 30) as f64 {
            return Err("a very large body: expected at most 1024 MiB".to_owned());
        }
        Ok(Self(number as u64))
    }
}

impl Quantity for Fraction {
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

struct QuantityVisitor<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED.trim_start_matches("expected "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        Q::from_text(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Q, E> {
        Q::from_number(number as f64).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Q, E> {
        Q::from_number(number as f64).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Q, E> {
        Q::from_number(number).map_err(E::custom)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = TIMES.iter().rev().find(|(_, factor)| self.0 >= *factor && self.0 != 0);
        match unit {
            None => f.write_str("0 s"),
            // A time that is no short decimal of its unit reads better in the
            // next smaller one: 90 s, not 1.5 m.
            Some((_, factor)) if *factor > 1_000_000_000 && !self.0.is_multiple_of(*factor) => {
                write!(f, "{} s", self.0 as f64 / 1e9)
            }
            Some((names, factor)) => {
                let name = if names[0] == "m" { "min" } else { names[0] };
                write!(f, "{} {name}", self.0 as f64 / *factor as f64)
            }
        }
    }
}

/// A number with `k` or `M` where that loses nothing.
fn short(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    for (factor, suffix) in [(1e6, "M"), (1e3, "k")] {
        let tenths = number / factor * 10.0;
        if number >= factor && tenths.fract() == 0.0 {
            return write!(f, "{}{suffix}", number / factor);
        }
    }
    write!(f, "{number}")
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        short(f, self.0)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        short(f, self.0 as f64)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (factor, unit) in [(1u64 << 20, "MiB"), (1 << 10, "KiB")] {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(f, "{} {unit}", self.0 / factor);
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded, so that 7 % does not read as 7.000000000000001 %.
        write!(f, "{} %", (self.0 * 1e8).round() / 1e6)
    }
}

macro_rules! written {
    ($($name:ident $pattern:literal;)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(QuantityVisitor(PhantomData))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::from_text(text)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let expected = <Self as Quantity>::EXPECTED.trim_start_matches("expected ");
                json_schema!({
                    "description": expected,
                    "anyOf": [
                        { "type": "string", "pattern": $pattern },
                        { "type": "number", "minimum": 0 },
                    ],
                })
            }
        }
    )+};
}

written! {
    Nanos r"^\s*[0-9_.]+\s*(ns|us|µs|μs|ms|s|m|min|h)\s*$";
    Rate r"^\s*[0-9_.]+\s*[kKM]?\s*(/s)?\s*$";
    Count r"^\s*[0-9_.]+\s*[kKM]?\s*$";
    Bytes r"^\s*[0-9_.]+\s*(B|KiB|MiB|kB|KB|MB)?\s*$";
    Fraction r"^\s*[0-9_.]+\s*%?\s*$";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<Q: Quantity>(text: &str) -> Result<Q, String> {
        Q::from_text(text)
    }

    #[test]
    fn quantities_are_read_as_written() {
        assert_eq!(read("10 s"), Ok(Nanos(10_000_000_000)));
        assert_eq!(read("1.5ms"), Ok(Nanos(1_500_000)));
        assert_eq!(read("30 min"), Ok(Nanos(1_800_000_000_000)));
        assert_eq!(read("20k"), Ok(Rate(20_000.0)));
        assert_eq!(read("20 k/s"), Ok(Rate(20_000.0)));
        assert_eq!(read("1_000"), Ok(Count(1_000)));
        assert_eq!(read("64 KiB"), Ok(Bytes(65_536)));
        assert_eq!(read("1 %"), Ok(Fraction(0.01)));
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        for text in ["10 ns", "250 us", "1.5 ms", "10 s", "90 s", "30 min", "2 h", "0 s"] {
            assert_eq!(read::<Nanos>(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
        for text in ["500", "1k", "1.5k", "1234", "100k", "2M"] {
            assert_eq!(read::<Rate>(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
        for text in ["0 B", "100 B", "64 KiB", "1 MiB"] {
            assert_eq!(read::<Bytes>(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(read::<Fraction>("7 %").map(|read| read.to_string()), Ok("7 %".to_owned()));
    }

    #[test]
    fn a_wrong_unit_names_the_right_one() {
        let said = read::<Nanos>("10 sek").unwrap_err();
        assert!(said.ends_with("did you mean \"10 s\"?"), "{said}");
        let said = read::<Bytes>("64kb").unwrap_err();
        assert!(said.ends_with("did you mean \"64 kB\"?"), "{said}");
        let said = read::<Fraction>("5").unwrap_err();
        assert!(said.ends_with("did you mean \"5 %\"?"), "{said}");
    }
}
