//! Quantities as a person writes them: `"10 s"`, `"20k"`, `"64 KiB"`, `"1 %"`.

mod printing;
mod reading;

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// What open-loop cells offer: tasks per second, or a share of the capacity
/// that the system is found to have in the same run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateOrShare {
    /// `"10k"`.
    Rate(Rate),
    /// `"50 %"`.
    Share(Fraction),
}

/// Why a text is no quantity: what is wrong, and what was expected.
///
/// Written as `what: expected …`, which is how a message of serde's can carry
/// both to [`super::explain`].
type Wrong = String;

/// A quantity with a written form.
trait Quantity: Sized {
    /// The largest that may be written as a number, without a unit.
    const LARGEST_NUMBER: f64;
    const EXPECTED: &'static str;
    fn from_text(text: &str) -> Result<Self, Wrong>;
    fn from_number(number: f64) -> Result<Self, Wrong>;
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

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

macro_rules! as_printed {
    ($($name:ident)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

as_printed! { Nanos Rate Bytes Fraction RateOrShare }

macro_rules! written {
    ($($name:ident as $schema:literal $pattern:literal;)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(QuantityVisitor(PhantomData))
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
                $schema.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let expected = <Self as Quantity>::EXPECTED.trim_start_matches("expected ");
                json_schema!({
                    "description": expected,
                    "anyOf": [
                        { "type": "string", "pattern": $pattern },
                        { "type": "number", "minimum": 0, "maximum": <Self as Quantity>::LARGEST_NUMBER },
                    ],
                })
            }
        }
    )+};
}

written! {
    Nanos as "Duration" r"^\s*[0-9_.]+\s*(ns|us|µs|μs|ms|s|m|min|h)\s*$";
    Rate as "Rate" r"^\s*[0-9_.]+\s*[kKM]?\s*(/s)?\s*$";
    RateOrShare as "RateOrShare" r"^\s*[0-9_.]+\s*([kKM]?\s*(/s)?|%)\s*$";
    Count as "Number" r"^\s*[0-9_.]+\s*[kKM]?\s*$";
    Bytes as "Size" r"^\s*[0-9_.]+\s*(B|KiB|MiB|kB|KB|MB)?\s*$";
    Fraction as "Share" r"^\s*[0-9_.]+\s*%?\s*$";
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
        assert_eq!(read("20k"), Ok(RateOrShare::Rate(Rate(20_000.0))));
        assert_eq!(read("50 %"), Ok(RateOrShare::Share(Fraction(0.5))));
        assert_eq!(read("50%"), Ok(RateOrShare::Share(Fraction(0.5))));
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
    fn a_share_of_a_capacity_is_above_0_and_at_most_all_of_it() {
        for text in ["0 %", "101 %", "-5 %", "x %"] {
            assert!(read::<RateOrShare>(text).is_err(), "{text}");
        }
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
