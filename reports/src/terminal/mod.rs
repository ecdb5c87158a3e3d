//! What stands on the terminal when a run has ended: a table per class, then
//! how to read it, then what counted and what did not.

mod grid;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::analysis::{Analysis, Subject};
use crate::outcome::Outcome;
use crate::summary::{Standing, Tone, plain, remarks, standing, tables, terms};

/// Narrower than this nothing can be read; the width is taken as this then.
const NARROWEST: usize = 40;

/// The end of a run as text: tables, the terms of failure, the counts of
/// cells. Ends with a line break; where the report lies is for the caller to
/// add. `width` is the terminal's, in columns; colour is for terminals only.
#[must_use]
pub fn render(outcome: &Outcome, analysis: &Analysis, colour: bool, width: usize) -> String {
    let paint = Paint { colour };
    let width = width.max(NARROWEST);
    let tables = tables(outcome, analysis);
    let parts: Vec<String> = tables
        .iter()
        .map(|table| {
            set(&table.title, width, |line| paint.strong(line)) + &grid::render(table, paint, width)
        })
        .collect();
    let mut text = faults(analysis, paint, width) + &parts.join("\n");
    // The terms stand directly below the last table, as its caption.
    for term in terms(analysis, &tables) {
        text.push_str(&folded(&term, width));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for remark in remarks(outcome, analysis) {
        text.push_str(&set(&remark.text, width, |line| match remark.tone {
            Tone::Note => line.to_owned(),
            Tone::Warning => paint.warning(line),
            Tone::Alarm => paint.alarm(line),
        }));
    }
    text + &valid(&standing(outcome, analysis), paint, width)
}

/// What a fault run found comes first: which promises were kept, and who was
/// back when.
fn faults(analysis: &Analysis, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    for sentence in &analysis.verdict {
        let plain = plain(&sentence.text).replace('\u{202f}', " ");
        text.push_str(&match sentence.about {
            Subject::Broken => set(&plain, width, |line| paint.alarm(line)),
            Subject::Faults => folded(&plain, width),
            Subject::Run | Subject::Group(_) => continue,
        });
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// `53 of 54 cells valid (…) · 15 held`; where that is too wide, the reasons
/// get lines of their own.
fn valid(standing: &Standing, paint: Paint, width: usize) -> String {
    let held = match standing.held.as_str() {
        "" => String::new(),
        held => format!(" · {held}"),
    };
    let why = standing.not_valid.join("; ");
    let valid = &standing.valid;
    if why.is_empty() {
        return format!("{valid}{held}\n");
    }
    if columns(&format!("{valid} ({why}){held}")) <= width {
        return format!("{valid} ({}){held}\n", paint.warning(&why));
    }
    let mut text = format!("{valid}{held}\n");
    for why in &standing.not_valid {
        text.push_str(&set(&format!("not valid: {why}"), width, |line| paint.warning(line)));
    }
    text
}

/// Folded text, each line painted.
fn set(text: &str, width: usize, paint: impl Fn(&str) -> String) -> String {
    folded(text, width).lines().map(|line| paint(line) + "\n").collect()
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

/// Columns that a text takes.
fn columns(text: &str) -> usize {
    text.width()
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
