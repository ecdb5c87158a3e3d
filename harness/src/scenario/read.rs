//! From bytes and arguments to a [`Scenario`].

use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use toml::de::DeTable;

use super::explain::explain;
use super::{BUILT_IN, Override, Scenario, ScenarioError, Settings, Text};
use super::{overrides, secrets, suggest};
use crate::fault::Links;

/// No scenario is nearly this long; a device or a result file may be.
const LONGEST: u64 = 1 << 20;

/// Reads the scenario that the command line names: a file when the name ends
/// in `.toml` or starts with `/`, else a built-in one.
///
/// # Errors
/// There is none, it cannot be read, or something in it is wrong.
pub fn load(name: &str, changes: &[Override]) -> Result<Scenario, ScenarioError> {
    if is_file(name) {
        return read(&name.escape_debug().to_string(), &read_file(name)?, changes);
    }
    match BUILT_IN.iter().find(|built_in| built_in.name == name) {
        Some(built_in) => {
            read(&format!("built-in scenario {name}"), built_in.text.as_bytes(), changes)
        }
        None => Err(no_such(name)),
    }
}

/// Whether the command line's name of a scenario means a file.
fn is_file(name: &str) -> bool {
    name.starts_with('/') || name.ends_with(".toml")
}

fn no_such(name: &str) -> ScenarioError {
    let names = || BUILT_IN.iter().map(|built_in| built_in.name);
    let near = suggest::nearest(name, names())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    ScenarioError::new(
        format!("unknown scenario `{}`", name.escape_debug()),
        format!("expected {}{near}", suggest::one_of(names())),
    )
    .help("A file's name ends in .toml or starts with /.")
}

fn read_file(name: &str) -> Result<Vec<u8>, ScenarioError> {
    let shown = name.escape_debug();
    let failed = |error: &std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
            _ => error.to_string(),
        };
        let error = ScenarioError::new(format!("{shown}: {why}"), "");
        match suggested_built_in(name) {
            Some(built_in) => error.help(format!("The built-in scenario is named: {built_in}")),
            None => error,
        }
    };
    let path = Path::new(name);
    if path.is_dir() {
        return Err(ScenarioError::new(
            format!("{shown}: this is a directory"),
            "expected a scenario file",
        ));
    }
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(ScenarioError::new(
            format!("{shown}: too long for a scenario"),
            "expected at most 1 MiB",
        ));
    }
    Ok(bytes)
}

/// `quick` for `quick.toml`.
fn suggested_built_in(name: &str) -> Option<&'static str> {
    let stem = Path::new(name).file_stem()?.to_str()?;
    BUILT_IN.iter().map(|built_in| built_in.name).find(|built_in| *built_in == stem)
}

/// Reads a scenario from bytes; `origin` is what errors call them.
///
/// # Errors
/// Something in it is wrong.
pub fn read(origin: &str, bytes: &[u8], changes: &[Override]) -> Result<Scenario, ScenarioError> {
    let written = std::str::from_utf8(bytes).map_err(|error| {
        let whole = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = whole.lines().count().max(1);
        ScenarioError::new(
            format!("{origin}:{line}: not UTF-8"),
            format!("expected text, found the byte 0x{:02x}", bytes[error.valid_up_to()]),
        )
    })?;
    // An editor's byte-order mark is not part of the text.
    let written = written.strip_prefix('\u{feff}').unwrap_or(written);
    let mut text = Text::of(origin, written);
    not_too_deep(&text)?;
    let changes = Override::meant(changes, &quick(written))?;
    let padded: Vec<(usize, String)> = changes
        .iter()
        .map(|change| {
            let start = text.append(change.spelled());
            (start, overrides::padded(change, start))
        })
        .collect();
    // Before anything else can print a line of it.
    secrets::refuse(&text)?;
    if written.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
        return Err(ScenarioError::new(
            format!("{origin}: the scenario is empty"),
            "expected at least name, summary, systems and [load]",
        )
        .help("A scenario to start from: schedbench list quick"));
    }
    not_too_deep(&text)?;
    let at_fault = |error: toml::de::Error| explain(&text, error.message(), error.span());
    let mut table = DeTable::parse(written).map_err(at_fault)?;
    let mut base = table.clone();
    let overrides = overrides::lay_over(table.get_mut(), &text, &changes, &padded)?;
    let settings = Settings::deserialize(toml::de::Deserializer::from(table)).map_err(at_fault)?;
    let mut parts = Vec::new();
    if !settings.part.is_empty() {
        // Which part a change of a load is for is known from their modes.
        let mut recorded = Vec::new();
        for (change, padded) in changes.iter().zip(&padded) {
            if change.field_of_a_load().is_none() {
                let (change, padded) = (std::slice::from_ref(change), std::slice::from_ref(padded));
                recorded.extend(overrides::lay_over(base.get_mut(), &text, change, padded)?);
            }
        }
        parts = super::parts::apart(&base, &settings, &text, &changes, &padded, &recorded)?;
    }
    Ok(Scenario { settings, text, overrides, parts, part: None, links: Links::default() })
}

/// What a scenario says of `--quick`: nothing where it cannot be read, which is
/// told when it is read in earnest.
fn quick(written: &str) -> Vec<String> {
    let Ok(table) = DeTable::parse(written) else { return Vec::new() };
    let list = table.get_ref().get("quick").and_then(|list| list.get_ref().as_array());
    let texts = list.into_iter().flatten();
    texts.filter_map(|text| Some(text.get_ref().as_str()?.to_owned())).collect()
}

/// The TOML parser bounds the depth of brackets, but not of dotted keys, and a
/// table 100,000 deep overflows the stack when it is dropped. A key is on one
/// line, and no honest line has this many dots.
fn not_too_deep(text: &Text) -> Result<(), ScenarioError> {
    const MOST_DOTS: usize = 200;
    for (start, piece) in text.pieces() {
        let mut at = start;
        for line in piece.split_inclusive('\n') {
            let is_comment = line.trim_start().starts_with('#');
            if !is_comment && line.bytes().filter(|byte| *byte == b'.').count() > MOST_DOTS {
                return Err(text.error(
                    &(at..at + 1),
                    "a line with very many dots",
                    format!("expected at most {MOST_DOTS} in a line"),
                ));
            }
            at += line.len();
        }
    }
    Ok(())
}
