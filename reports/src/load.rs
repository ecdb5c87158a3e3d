//! Reading `result.json`: a damaged, foreign or newer file gives one clear
//! error and never a panic.

use std::cmp::Ordering;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::outcome::{Outcome, SCHEMA_VERSION};

/// The largest file that is read, bytes. A run of a thousand cells is some
/// tens of megabytes; a larger file is not ours, or not a file (`/dev/zero`).
pub const LARGEST_FILE: u64 = 512 << 20;

/// Why a file is no outcome for this program.
#[derive(Debug)]
pub struct LoadError {
    /// The file, where it was one.
    pub file: Option<PathBuf>,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}: {}", file.display(), self.fault),
            None => write!(f, "{}", self.fault),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.fault)
    }
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is larger than [`LARGEST_FILE`].
    #[error("larger than {} MiB, not a result.json", LARGEST_FILE >> 20)]
    TooLarge,
    /// There is nothing in it.
    #[error("empty; was the run killed, or the disk full?")]
    Empty,
    /// It stops in the middle.
    #[error("cut off at line {line}, column {column}; was it copied whole?")]
    CutOff {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 at a line's start.
        column: usize,
    },
    /// It is no JSON.
    #[error("not JSON at line {line}, column {column}: {what}")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 at a line's start.
        column: usize,
        /// The parser's words.
        what: String,
    },
    /// It is JSON of something else.
    #[error("JSON, but no outcome of schedbench: {0}")]
    Foreign(String),
    /// A newer schedbench wrote it.
    #[error(
        "written by {}, schema {found}; this one reads up to {SCHEMA_VERSION}; \
         a newer schedbench can read it",
        tool.as_ref().map_or("a newer schedbench".to_owned(), |tool| format!("schedbench {tool}"))
    )]
    Newer {
        /// The version that wrote it, where it says so.
        tool: Option<String>,
        /// Its schema.
        found: u64,
    },
    /// An older schedbench wrote it.
    #[error(
        "written by {}, schema {found}; this one reads schema {SCHEMA_VERSION} only: \
         run it again, or read it with the schedbench that wrote it",
        tool.as_ref().map_or("an older schedbench".to_owned(), |tool| format!("schedbench {tool}"))
    )]
    Older {
        /// The version that wrote it, where it says so.
        tool: Option<String>,
        /// Its schema.
        found: u64,
    },
    /// A number is `null`, `1e999` or the like.
    #[error("no finite number at {at}: {what}")]
    NotFinite {
        /// Path inside the file, or line and column.
        at: String,
        /// The parser's words.
        what: String,
    },
    /// A field is missing or has a wrong type.
    #[error("damaged at {path} (line {line}, column {column}): {what}")]
    Shape {
        /// Path inside the file, as in `cells[3].metrics.throughput`.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 at a line's start.
        column: usize,
        /// What was found and what was expected.
        what: String,
    },
}

/// Reads an outcome from a file.
///
/// # Errors
/// When the file cannot be read or is no outcome that this version knows;
/// the error names the file.
pub fn read(file: &Path) -> Result<Outcome, LoadError> {
    let at_file = |fault| LoadError { file: Some(file.to_owned()), fault };
    let bytes = bytes_of(file).map_err(at_file)?;
    parse(&bytes).map_err(|error| at_file(error.fault))
}

fn bytes_of(file: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(Fault::Unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE { Err(Fault::TooLarge) } else { Ok(bytes) }
}

/// Reads an outcome from bytes.
///
/// # Errors
/// When they are no outcome that this version knows.
pub fn parse(bytes: &[u8]) -> Result<Outcome, LoadError> {
    recognise(bytes)
        .and_then(|()| whole(bytes))
        .map_err(|fault| LoadError { file: None, fault: ended_early(bytes, fault) })
}

/// The few fields that say what a file is; all else is skipped, so that a
/// newer schema is told from a damaged file.
#[derive(Deserialize)]
struct Passport {
    schema_version: Option<serde_json::Value>,
    run: Option<serde_json::Value>,
}

fn recognise(bytes: &[u8]) -> Result<(), Fault> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(Fault::Empty),
        Some(b'{') => {}
        // A sequence of fields would pass for a struct; anything else is
        // either foreign or no JSON at all.
        Some(_) => {
            serde_json::from_slice::<serde::de::IgnoredAny>(bytes).map_err(|e| fault(&e, None))?;
            return Err(Fault::Foreign("it holds no object".to_owned()));
        }
    }
    let passport: Passport = serde_json::from_slice(bytes).map_err(|e| fault(&e, None))?;
    let Some(version) = passport.schema_version else {
        return Err(Fault::Foreign("it has no schema_version".to_owned()));
    };
    match version.as_u64() {
        None | Some(0) => {
            Err(Fault::Foreign(format!("its schema_version is {}", excerpt(&version.to_string()))))
        }
        Some(found) => {
            let tool = passport.run.as_ref().and_then(|run| run.get("tool"));
            let tool = tool.and_then(serde_json::Value::as_str).map(excerpt);
            match found.cmp(&u64::from(SCHEMA_VERSION)) {
                Ordering::Less => Err(Fault::Older { tool, found }),
                Ordering::Equal => Ok(()),
                Ordering::Greater => Err(Fault::Newer { tool, found }),
            }
        }
    }
}

fn whole(bytes: &[u8]) -> Result<Outcome, Fault> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let outcome = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| fault(error.inner(), Some(&error.path().to_string())))?;
    json.end().map_err(|error| fault(&error, None))?;
    Ok(outcome)
}

/// A file that stops inside a number (`1.`, `-`, `2e`) is cut off, though the
/// parser, which expects a digit there, calls it a syntax error. What follows
/// is at most white space, so the fault lies at the end of the text.
fn ended_early(bytes: &[u8], fault: Fault) -> Fault {
    let Fault::NotJson { line, column, what } = fault else { return fault };
    let text = bytes.trim_ascii_end();
    let lines = 1 + text.iter().filter(|&&byte| byte == b'\n').count();
    let last = text.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let stops_in_a_number =
        matches!(text.last(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
    if what == "invalid number" && stops_in_a_number && line == lines && column >= last.len() {
        Fault::CutOff { line, column }
    } else {
        Fault::NotJson { line, column, what }
    }
}

/// The parser's error in our words.
fn fault(error: &serde_json::Error, path: Option<&str>) -> Fault {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let place = format!(" at line {line} column {column}");
    let what = excerpt(said.strip_suffix(&place).unwrap_or(&said));
    // The parser calls a number beyond f64 a syntax error, and a float that
    // was NaN or infinite when it was written is a null in JSON.
    if what == "number out of range" {
        return Fault::NotFinite { at: format!("line {line}, column {column}"), what };
    }
    if let (Some(path), true) = (path, what.starts_with("invalid type: null, expected f64")) {
        return Fault::NotFinite { at: path.to_owned(), what };
    }
    match error.classify() {
        serde_json::error::Category::Eof => Fault::CutOff { line, column },
        serde_json::error::Category::Data => {
            let path = match path {
                None | Some(".") => "the top".to_owned(),
                Some(path) => excerpt(path),
            };
            Fault::Shape { path, line, column, what }
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            Fault::NotJson { line, column, what }
        }
    }
}

/// Text from a file of unknown origin: short, on one line, without control
/// characters that a terminal would obey.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut clean: String =
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push('…');
    }
    clean
}
