//! What stands on the terminal when a run has ended: what was demanded, a table
//! per class, how to read it, what counted and what did not.

pub(crate) mod grid;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::analysis::{Analysis, Subject};
use crate::outcome::Outcome;
use crate::summary::{Remark, Standing, Tone, objectives, plain, remarks, standing, tables, terms};

/// Narrower than this nothing can be read; the width is taken as this then.
pub(crate) const NARROWEST: usize = 40;

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
    let demanded: String = objectives(analysis).iter().map(|it| say(it, paint, width)).collect();
    let mut text = String::new();
    for part in [demanded, faults(analysis, paint, width)] {
        if !part.is_empty() {
            text.push_str(&part);
            text.push('\n');
        }
    }
    let mut body = parts.join("\n");
    // The terms stand directly below the last table, as its caption.
    for term in terms(analysis, &tables) {
        body.push_str(&folded(&term, width));
    }
    if !body.is_empty() {
        text.push_str(&body);
        text.push('\n');
    }
    for remark in remarks(outcome, analysis) {
        text.push_str(&say(&remark, paint, width));
    }
    text + &valid(&standing(outcome, analysis), paint, width)
}

/// A remark in its colour.
fn say(remark: &Remark, paint: Paint, width: usize) -> String {
    set(&remark.text, width, |line| match remark.tone {
        Tone::Note => line.to_owned(),
        Tone::Warning => paint.warning(line),
        Tone::Alarm => paint.alarm(line),
    })
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
    text
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
pub(crate) fn set(text: &str, width: usize, paint: impl Fn(&str) -> String) -> String {
    folded(text, width).lines().map(|line| paint(line) + "\n").collect()
}

/// Escape sequences, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    pub(crate) colour: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn quiet(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn alarm(self, text: &str) -> String {
        self.with("31", text)
    }
}

/// Columns that a text takes: a character of Chinese takes two.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Text cut to `width` columns, which an ellipsis then shows.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
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
pub(crate) fn folded(text: &str, width: usize) -> String {
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
