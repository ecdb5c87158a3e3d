//! The end of a run in tables and remarks: what terminal and Markdown both
//! say, before either sets it. Texts out of a file are on one line here and
//! hold no control characters.

mod backlog;
mod faults;
mod objectives;
mod remarks;
mod tables;

pub(crate) use objectives::objectives;
pub(crate) use remarks::{Remark, Standing, Tone, remarks, standing, terms};
pub(crate) use tables::tables;

/// What stands where there is no figure.
pub(crate) const NONE: &str = "–";

/// Behind a figure of which no cell is valid.
pub(crate) const NOT_RANKED: &str = " *";

/// A column that stays whatever the width.
pub(crate) const ALWAYS: u8 = u8::MAX;

/// A column's head, and how much it is needed: where there is no room, the
/// lowest goes first.
pub(crate) struct Head {
    pub(crate) title: String,
    pub(crate) need: u8,
}

/// A row: one cell per head, and a note behind it.
pub(crate) struct Line {
    pub(crate) cells: Vec<String>,
    pub(crate) note: String,
    /// The harness's own ceiling, there for comparison only.
    pub(crate) quiet: bool,
}

/// A table.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) heads: Vec<Head>,
    pub(crate) lines: Vec<Line>,
    /// Whether its columns, after the first, are alike and may be set in
    /// several tables below each other.
    pub(crate) splits: bool,
}

impl Table {
    /// The columns to show: one without a single figure is left out.
    pub(crate) fn telling(&self) -> impl Iterator<Item = usize> {
        (0..self.heads.len()).filter(|column| {
            let cell = |line: &Line| line.cells.get(*column).cloned().unwrap_or_default();
            self.heads[*column].need == ALWAYS
                || self.lines.iter().any(|line| !matches!(cell(line).as_str(), "" | NONE))
        })
    }
}

/// Text out of a file on one line, without anything a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
