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
    let (title, label) = said(message);
    text.error(&span, title, label)
}

/// The title and the label that stand for `message`.
fn said(message: &str) -> (String, String) {
    let message = message.trim();
    if let Some((name, expected)) = unknown(message, "unknown field ") {
        if SECRET_KEYS.contains(&name) {
            return (
                format!("`{name}` in a scenario"),
                "expected url_env with the name of an environment variable; \
                 a scenario is copied into every result"
                    .to_owned(),
            );
        }
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
        return (
            "a value of the wrong type".to_owned(),
            format!("expected {}, found {}", in_words(expected), in_words(found)),
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
