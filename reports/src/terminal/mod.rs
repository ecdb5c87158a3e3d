//! What stands on the terminal when a run has ended: a table per class, then
//! how to read it, then what counted and what did not.

mod closing;
mod grid;
mod tables;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::analysis::{Analysis, Mode};
use crate::outcome::{CellKey, Outcome};

/// Narrower than this nothing can be read; the width is taken as this then.
const NARROWEST: usize = 40;

/// The end of a run as text: tables, the terms of failure, the counts of
/// cells. Ends with a line break; where the report lies is for the caller to
/// add. `width` is the terminal's, in columns; colour is for terminals only.
#[must_use]
pub fn render(outcome: &Outcome, analysis: &Analysis, colour: bool, width: usize) -> String {
    let paint = Paint { colour };
    let width = width.max(NARROWEST);
    let mut parts = Vec::new();
    let plain =
        |group: &&crate::analysis::Group| group.mode == Mode::Open && !tables::is_delayed(group);
    for group in analysis.groups.iter().filter(plain) {
        parts.push(tables::open(group, paint, width));
    }
    parts.extend(tables::delayed(outcome, &analysis.groups, paint, width));
    for group in analysis.groups.iter().filter(|group| group.mode == Mode::InFlight) {
        parts.push(tables::in_flight(group, paint, width));
    }
    parts.extend(tables::faults(outcome, paint, width));
    // The terms stand directly below the last table, as its caption.
    let terms = closing::terms(analysis, &parts, width);
    let mut text = parts.join("\n");
    text.push_str(&terms);
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&closing::counts(outcome, analysis, paint, width));
    text
}

/// Escape sequences, or none.
#[derive(Clone, Copy, Debug)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    fn quiet(self, text: &str) -> String {
        self.with("2", text)
    }

    fn warning(self, text: &str) -> String {
        self.with("33", text)
    }

    fn alarm(self, text: &str) -> String {
        self.with("31", text)
    }
}

/// A cell's system, with the profile where the run has several of it.
fn label(outcome: &Outcome, key: &CellKey) -> String {
    let profiles = outcome.systems.iter().filter(|system| system.system == key.system).count();
    if profiles > 1 { format!("{}/{}", key.system, key.profile) } else { key.system.clone() }
}

/// Columns that a text takes.
fn columns(text: &str) -> usize {
    text.width()
}

/// Text out of a file on one line, without anything a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text cut to `width` columns, which an ellipsis then shows.
fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > width {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// Words set in lines of at most `width` columns; lines after the first are
/// indented by two.
fn folded(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.trim().is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push_str(&line);
            lines.push('\n');
            "  ".clone_into(&mut line);
        } else if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(&cut(word, width.saturating_sub(2)));
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}
