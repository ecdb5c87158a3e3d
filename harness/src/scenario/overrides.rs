use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{ScenarioError, Text};

/// A change to a scenario from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The field, as in `load.warmup`.
    path: String,
    /// Its new value, as typed.
    value: String,
    /// The argument as typed; errors point into it.
    spelled: String,
}

/// Fields that are lists: one value, or several with commas, are a list there.
const LISTS: &[&str] = &[
    "systems",
    "profiles",
    "objectives",
    "load.rates",
    "load.full_rates",
    "load.in_flight",
    "load.pending",
];

/// The load of whatever mode the scenario has: `--loads`.
const LOADS: &str = "load.*";

/// What the scenario says of `--quick`.
const QUICK: &str = "quick.*";

impl Override {
    /// `--set path=value`.
    ///
    /// # Errors
    /// There is no `=` in it, or no field.
    pub fn set(argument: &str) -> Result<Self, ScenarioError> {
        let spelled = format!("--set {argument}");
        match argument.split_once('=') {
            Some((path, value)) if !path.trim().is_empty() => {
                Ok(Self { path: path.trim().to_owned(), value: value.to_owned(), spelled })
            }
            _ => {
                let text = Text::of("command line", spelled.as_str());
                Err(text.error(
                    &(6..spelled.len()),
                    "no field and value to set",
                    "expected field=value, such as load.warmup=2s",
                ))
            }
        }
    }

    /// An option that stands for a field: `--warmup 2s` for `load.warmup`.
    #[must_use]
    pub fn option(option: &str, path: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self { path: path.to_owned(), spelled: format!("{option} {value}"), value }
    }

    /// `--loads`, whose field depends on the scenario's mode.
    #[must_use]
    pub fn loads(value: impl Into<String>) -> Self {
        Self::option("--loads", LOADS, value)
    }

    /// `--quick`, whose changes are the scenario's own.
    #[must_use]
    pub fn quick() -> Self {
        Self { path: QUICK.to_owned(), value: String::new(), spelled: "--quick".to_owned() }
    }

    /// The changes that the command line means, now that it is known what the
    /// scenario says of `--quick`.
    ///
    /// # Errors
    /// One of those has no field or no value.
    pub(super) fn meant(changes: &[Self], quick: &[String]) -> Result<Vec<Self>, ScenarioError> {
        let mut meant = Vec::new();
        for change in changes {
            if change.path != QUICK {
                meant.push(change.clone());
                continue;
            }
            if quick.is_empty() {
                meant.push(Self::option("--quick", "repeats", "1"));
            }
            for written in quick {
                let set = Self::set(written)?;
                meant.push(Self { spelled: format!("--quick {written}"), ..set });
            }
        }
        Ok(meant)
    }

    /// Which field of `[load]` it changes, if it does; rates stand for those of
    /// any mode.
    pub(super) fn field_of_a_load(&self) -> Option<&str> {
        match self.path.strip_prefix("load.") {
            Some("*") => Some("rates"),
            field => field,
        }
    }

    /// `field=value`, as the outcome records it.
    fn recorded(&self, path: &str) -> String {
        format!("{path}={}", self.value.trim())
    }

    pub(super) fn spelled(&self) -> &str {
        &self.spelled
    }

    fn value_at(&self) -> usize {
        self.spelled.len() - self.value.len()
    }

    /// The field meant, now that the scenario's mode is known.
    fn path(&self, table: &DeTable<'_>) -> &str {
        if self.path != LOADS {
            return &self.path;
        }
        let load = table.get("load").and_then(|load| load.get_ref().as_table());
        match load.and_then(|load| load.get("mode")?.get_ref().as_str()) {
            Some("in-flight") => "load.in_flight",
            Some("backlog") => "load.pending",
            _ => "load.rates",
        }
    }
}

/// Lays the overrides over a scenario's table; gives them as `field=value`.
///
/// `padded` holds each value behind so many blanks that its positions are
/// those of the text that [`Text::append`] made.
pub(super) fn lay_over<'i>(
    table: &mut DeTable<'i>,
    text: &Text,
    overrides: &'i [Override],
    padded: &'i [(usize, String)],
) -> Result<Vec<String>, ScenarioError> {
    let mut recorded = Vec::new();
    for (change, (start, padded)) in overrides.iter().zip(padded) {
        let path = change.path(table).to_owned();
        let is_list = LISTS.contains(&path.as_str());
        let value_at = start + change.value_at();
        let value = value_of(change, value_at, padded, is_list, text)?;
        if change.path == LOADS {
            // Rates from the command line take the place of stages.
            if let Some(DeValue::Table(load)) = table.get_mut("load").map(Spanned::get_mut) {
                load.remove("stages");
            }
        }
        // An option's field is not in its spelling: all of it is marked.
        let path_at = change.spelled.find(&path).map_or(*start, |at| start + at);
        insert(table, &path, path_at, value, text)?;
        recorded.push(change.recorded(&path));
    }
    Ok(recorded)
}

/// The blanks and value that [`lay_over`] parses.
pub(super) fn padded(change: &Override, start: usize) -> String {
    let blanks = (start + change.value_at()).saturating_sub(2);
    format!("{}v={}", " ".repeat(blanks), change.value)
}

/// The value: as TOML if it is that, else as a text, so that `2s` needs no
/// quotes that a shell would take away.
fn value_of<'i>(
    change: &'i Override,
    value_at: usize,
    padded: &'i str,
    is_list: bool,
    text: &Text,
) -> Result<Spanned<DeValue<'i>>, ScenarioError> {
    let trimmed = change.value.trim();
    let whole = value_at..value_at + change.value.len();
    let as_toml = DeTable::parse(padded).map(|parsed| parsed.into_inner().remove("v"));
    let value = match as_toml {
        Ok(Some(value)) => Some(value),
        // What starts as TOML's own brackets was meant as TOML.
        Err(error) if trimmed.starts_with(['{', '[', '"', '\'']) => {
            return Err(super::explain::explain(text, error.message(), error.span()));
        }
        _ => None,
    };
    if let Some(value) = value {
        let already = value.get_ref().is_array() || !is_list;
        return Ok(if already { value } else { list(vec![value], whole) });
    }
    if !is_list {
        let at = value_at + (change.value.len() - change.value.trim_start().len());
        let span = at..at + trimmed.len();
        return Ok(Spanned::new(span, DeValue::String(Cow::Borrowed(trimmed))));
    }
    let mut at = value_at;
    let items = change.value.split(',').map(|item| {
        let start = at + (item.len() - item.trim_start().len());
        at += item.len() + 1;
        let item = item.trim();
        Spanned::new(start..start + item.len(), DeValue::String(Cow::Borrowed(item)))
    });
    Ok(list(items.filter(|item| !item.span().is_empty()).collect(), whole))
}

fn list<'i>(
    items: Vec<Spanned<DeValue<'i>>>,
    span: std::ops::Range<usize>,
) -> Spanned<DeValue<'i>> {
    let mut array = toml::de::DeArray::new();
    items.into_iter().for_each(|item| array.push(item));
    Spanned::new(span, DeValue::Array(array))
}

fn insert<'i>(
    table: &mut DeTable<'i>,
    path: &str,
    path_at: usize,
    value: Spanned<DeValue<'i>>,
    text: &Text,
) -> Result<(), ScenarioError> {
    let mut table = table;
    let mut at = path_at;
    let mut keys = path.split('.').peekable();
    while let Some(key) = keys.next() {
        let span = at..at + key.len();
        at = span.end + 1;
        let spanned_key: Spanned<DeString<'i>> =
            Spanned::new(span.clone(), Cow::Owned(key.trim().to_owned()));
        if keys.peek().is_none() {
            // The key goes too, so that its position is the argument's.
            table.remove(key.trim());
            table.insert(spanned_key, value);
            return Ok(());
        }
        let entry = table
            .entry(spanned_key)
            .or_insert_with(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
        let DeValue::Table(inner) = entry.get_mut() else {
            return Err(text.error(
                &span,
                format!("`{key}` has no fields"),
                format!("expected {key}=… without a dot after it"),
            ));
        };
        table = inner;
    }
    Ok(())
}
