//! From what serde and the TOML parser say to what a person can act on.

use std::ops::Range;

use super::suggest;
use super::{ScenarioError, Text};

/// Keys that hold what a scenario must never hold.
const SECRET_KEYS: &[&str] =
    &["url", "uri", "dsn", "password", "passwd", "secret", "token", "user"];

/// An error with a title, a label and its place, from a message of serde's.
pub(super) fn explain(text: &Text, message: &str, span: Option<Range<usize>>) -> ScenarioError {
    let span = span.unwrap_or(0..0);
    if let Some(key) = secret_key(message) {
        return text.secret_error(
            &span,
            &text.value_after(span.end),
            format!("`{key}` in a scenario"),
            "expected url_env with the name of an environment variable; \
             a scenario is copied into every result",
        );
    }
    if let Some(key) = message.trim().strip_prefix("missing field ").filter(|_| span.is_empty()) {
        // Of the file's own table, which is nowhere in particular.
        return ScenarioError::new(
            format!("{}: missing key {key}", text.origin()),
            "expected name, summary, systems and [load] in every scenario",
        );
    }
    let (title, label) = said(message);
    text.error(&span, title, label)
}

/// The unknown key of `message`, if it is one that holds a secret.
fn secret_key(message: &str) -> Option<&str> {
    let (name, _) = unknown(message.trim(), "unknown field ")?;
    SECRET_KEYS.contains(&name).then_some(name)
}

/// The title and the label that stand for `message`.
fn said(message: &str) -> (String, String) {
    let message = message.trim();
    if let Some((name, expected)) = unknown(message, "unknown field ") {
        return (format!("unknown key `{name}`"), choices(name, expected));
    }
    if let Some((name, expected)) = unknown(message, "unknown variant ") {
        return (format!("unknown value `{name}`"), choices(name, expected));
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return (format!("missing key {name}"), format!("expected {name} here"));
    }
    if let Some(rest) = message.strip_prefix("invalid type: ") {
        let (found, expected) = rest.split_once(", expected ").unwrap_or((rest, "another type"));
        // A single text where a list belongs is the commonest slip.
        let hint = found
            .strip_prefix("string ")
            .filter(|_| expected.contains("sequence"))
            .map_or_else(String::new, |text| format!("; did you mean [{text}]?"));
        return (
            "a value of the wrong type".to_owned(),
            format!("expected {}, found {}{hint}", in_words(expected), in_words(found)),
        );
    }
    if let Some(rest) = message.strip_prefix("invalid value: ") {
        let (found, expected) = rest.split_once(", expected ").unwrap_or((rest, "another"));
        return (
            "a value out of range".to_owned(),
            format!("expected {}, found {}", in_words(expected), in_words(found)),
        );
    }
    if let Some(rest) = message.strip_prefix("invalid length ") {
        let (found, expected) = rest.split_once(", expected ").unwrap_or((rest, "another length"));
        return (
            "a list of the wrong length".to_owned(),
            format!("expected {}, found {found}", in_words(expected)),
        );
    }
    // The parser's own words, where they do not say what to do.
    match message {
        "duplicate key" => return ("a key given twice".to_owned(), "expected it once".to_owned()),
        "string values must be quoted, expected literal string" => {
            return ("a text without quotes".to_owned(), "expected \"…\" around it".to_owned());
        }
        _ => {}
    }
    // Ours, made in the form `what is wrong: expected …`.
    if let Some((title, label)) = message.split_once(": expected ") {
        return (title.to_owned(), format!("expected {label}"));
    }
    // The parser's: `invalid string, expected …`.
    if let Some((title, label)) = message.split_once(", expected ") {
        return (format!("not TOML: {title}"), format!("expected {label}"));
    }
    (message.lines().next().unwrap_or("unreadable").to_owned(), String::new())
}

/// Name and expectation of `unknown field `x`, expected one of `a`, `b``.
fn unknown<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let rest = message.strip_prefix(prefix)?.strip_prefix('`')?;
    // The last one: a key may itself hold this text.
    let at = rest.rfind("`, ")?;
    // Skips over the names listed, which are in backticks too.
    let at = rest.find("`, expected ").or_else(|| rest.find("`, there are no ")).unwrap_or(at);
    Some((&rest[..at], &rest[at + 3..]))
}

fn choices(written: &str, expected: &str) -> String {
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let mut label = format!("expected {}", suggest::one_of(names.iter().copied()));
    if let Some(near) = suggest::nearest(written, names.iter().copied()) {
        label.push_str(&format!("; did you mean `{near}`?"));
    }
    label
}

/// serde's words for types, in ours.
fn in_words(said: &str) -> String {
    match said {
        "u64" | "u32" | "usize" => "a whole number, 0 or more".to_owned(),
        "map" => "a table".to_owned(),
        "sequence" | "a sequence" => "a list".to_owned(),
        "a tuple of size 2" => "a list of two".to_owned(),
        said => said.replace("floating point", "number").replace("boolean", "the boolean"),
    }
}
