//! Values that are a word or a table with one key: `"none"`, `{ fixed = "10 ms" }`.
//!
//! Read by hand rather than derived, so that every slip says which kinds there
//! are and points at the key that is wrong.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::At;
use super::units::{Count, Nanos};

/// How long after its hand-over a task is due.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DelayKind {
    /// At once.
    None,
    /// Always the same: `{ fixed = "10 ms" }`.
    Fixed(At<Nanos>),
    /// Anything between two, equally likely: `{ uniform = ["10 ms", "1 s"] }`.
    Uniform((At<Nanos>, At<Nanos>)),
    /// One of several, each with its weight:
    /// `{ mix = [["10 ms", 9], ["1 s", 1]] }`.
    Mix(At<Vec<(At<Nanos>, At<Count>)>>),
}

/// What a handler does.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkKind {
    /// Nothing: the system's own cost.
    None,
    /// Sleeps: `{ sleep = "1 ms" }`.
    Sleep(At<Nanos>),
    /// Keeps a core busy: `{ cpu = "50 us" }`.
    Cpu(At<Nanos>),
}

/// A value that is `"none"` or a table with one key.
trait Kind: Sized {
    const EXPECTED: &'static str;
    const NONE: Self;
    /// What to write instead of a bare text, if that can be told.
    fn meant_by(text: &str) -> Option<String>;
    fn from_table<'de, A: MapAccess<'de>>(table: &mut A) -> Result<Option<Self>, A::Error>;
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "kebab-case")]
enum DelayKey {
    Fixed,
    Uniform,
    Mix,
}

impl Kind for DelayKind {
    const EXPECTED: &'static str = "\"none\", { fixed = \"10 ms\" }, \
        { uniform = [\"10 ms\", \"1 s\"] } or { mix = [[\"10 ms\", 9], [\"1 s\", 1]] }";
    const NONE: Self = Self::None;

    fn meant_by(text: &str) -> Option<String> {
        text.parse::<Nanos>().ok().map(|ns| format!("{{ fixed = \"{ns}\" }}"))
    }

    fn from_table<'de, A: MapAccess<'de>>(table: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(match table.next_key()? {
            None => None,
            Some(DelayKey::Fixed) => Some(Self::Fixed(table.next_value()?)),
            Some(DelayKey::Uniform) => Some(Self::Uniform(table.next_value()?)),
            Some(DelayKey::Mix) => Some(Self::Mix(table.next_value()?)),
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "kebab-case")]
enum WorkKey {
    Sleep,
    Cpu,
}

impl Kind for WorkKind {
    const EXPECTED: &'static str = "\"none\", { sleep = \"1 ms\" } or { cpu = \"50 us\" }";
    const NONE: Self = Self::None;

    fn meant_by(text: &str) -> Option<String> {
        text.parse::<Nanos>().ok().map(|ns| format!("{{ sleep = \"{ns}\" }}"))
    }

    fn from_table<'de, A: MapAccess<'de>>(table: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(match table.next_key()? {
            None => None,
            Some(WorkKey::Sleep) => Some(Self::Sleep(table.next_value()?)),
            Some(WorkKey::Cpu) => Some(Self::Cpu(table.next_value()?)),
        })
    }
}

struct KindVisitor<K>(PhantomData<K>);

impl<'de, K: Kind> Visitor<'de> for KindVisitor<K> {
    type Value = K;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<K, E> {
        if text == "none" {
            return Ok(K::NONE);
        }
        let hint =
            K::meant_by(text).map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        Err(E::custom(format_args!("unknown value `{text}`: expected {}{hint}", K::EXPECTED)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<K, A::Error> {
        let kind = K::from_table(&mut table)?;
        match kind {
            Some(kind) if table.next_key::<IgnoredAny>()?.is_none() => Ok(kind),
            _ => Err(A::Error::custom(format_args!(
                "a table with one key is needed here: expected {}",
                K::EXPECTED
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for DelayKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for WorkKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor(PhantomData))
    }
}

/// One value, or a list of them that makes a cell of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Variants<T>(pub Vec<At<T>>);

impl<T> Variants<T> {
    /// Just this one.
    pub fn one(value: T) -> Self {
        Self(vec![At::nowhere(value)])
    }
}

struct VariantsVisitor<T>(PhantomData<T>);

impl<'de, T: Kind + Deserialize<'de>> Visitor<'de> for VariantsVisitor<T> {
    type Value = Variants<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or a list of these", T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(Variants::one)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(Variants::one)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        if all.is_empty() {
            return Err(A::Error::custom(format_args!("an empty list: expected {}", T::EXPECTED)));
        }
        Ok(Variants(all))
    }
}

impl<'de, T: Kind + Deserialize<'de>> Deserialize<'de> for Variants<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VariantsVisitor(PhantomData))
    }
}

impl<T: Serialize> Serialize for Variants<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Variants<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrList", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}
