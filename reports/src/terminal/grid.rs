//! A table in the width there is: notes move below their rows, gaps shrink,
//! then the least needed columns go.

use super::{Paint, columns, cut};

/// What stands where there is no figure.
pub(super) const NONE: &str = "–";

/// A column that stays whatever the width.
pub(super) const ALWAYS: u8 = u8::MAX;

const INDENT: usize = 2;

/// A column's head, and how much it is needed: the lowest goes first.
pub(super) struct Head {
    pub(super) title: String,
    pub(super) need: u8,
}

/// How a row looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Usual,
    /// The harness's own ceiling: for comparison only.
    Quiet,
}

/// A row: one cell per head, and a note behind it.
pub(super) struct Line {
    pub(super) cells: Vec<String>,
    pub(super) note: String,
    pub(super) look: Look,
}

/// A table.
pub(super) struct Grid {
    pub(super) heads: Vec<Head>,
    pub(super) lines: Vec<Line>,
}

/// What was decided about the width.
struct Fit {
    kept: Vec<usize>,
    widths: Vec<usize>,
    gap: usize,
    notes_inline: bool,
}

impl Grid {
    /// The table's lines, none wider than `width`.
    pub(super) fn render(&self, paint: Paint, width: usize) -> String {
        let fit = self.fit(width);
        let heads: Vec<&str> = self.heads.iter().map(|head| head.title.as_str()).collect();
        let mut text = format!("{}\n", paint.quiet(&fit.line(&heads, "")));
        for line in &self.lines {
            let cells: Vec<&str> = line.cells.iter().map(String::as_str).collect();
            let note = if fit.notes_inline { line.note.as_str() } else { "" };
            let row = fit.line(&cells, note);
            text.push_str(&match line.look {
                Look::Usual => row,
                Look::Quiet => paint.quiet(&row),
            });
            text.push('\n');
            if !fit.notes_inline && !line.note.is_empty() {
                let note = format!("{:1$}{2}", "", 2 * INDENT, line.note);
                text.push_str(&paint.quiet(&cut(&note, width)));
                text.push('\n');
            }
        }
        text
    }

    fn fit(&self, width: usize) -> Fit {
        let mut kept: Vec<usize> =
            (0..self.heads.len()).filter(|i| self.says_something(*i)).collect();
        let notes = self.lines.iter().map(|line| columns(&line.note)).max().unwrap_or(0);
        loop {
            let widths: Vec<usize> = kept.iter().map(|i| self.width_of(*i)).collect();
            let cells: usize = widths.iter().sum();
            let gaps = widths.len().saturating_sub(1);
            for (gap, notes_inline) in [(3, true), (3, false), (2, false)] {
                let note = if notes_inline && notes > 0 { gap + notes } else { 0 };
                if INDENT + cells + gap * gaps + note <= width {
                    return Fit { kept, widths, gap, notes_inline };
                }
            }
            let least = kept.iter().copied().min_by_key(|i| (self.heads[*i].need, usize::MAX - i));
            match least.filter(|i| self.heads[*i].need < ALWAYS) {
                Some(least) => kept.retain(|i| *i != least),
                None => return squeeze(kept, widths, width),
            }
        }
    }

    /// A column without a single figure is left out.
    fn says_something(&self, column: usize) -> bool {
        let cell = |line: &Line| line.cells.get(column).cloned().unwrap_or_default();
        self.heads[column].need == ALWAYS
            || self.lines.iter().any(|line| !matches!(cell(line).as_str(), "" | NONE))
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.lines.iter().filter_map(|line| line.cells.get(column));
        let widest = cells.map(|cell| columns(cell)).max().unwrap_or(0);
        widest.max(columns(&self.heads[column].title))
    }
}

/// Only what always stays is left and is too wide: the widest columns are cut.
fn squeeze(kept: Vec<usize>, mut widths: Vec<usize>, width: usize) -> Fit {
    let gap = 2;
    let room = width.saturating_sub(INDENT + gap * widths.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 1 => *widest -= 1,
            _ => break,
        }
    }
    Fit { kept, widths, gap, notes_inline: false }
}

impl Fit {
    fn line(&self, cells: &[&str], note: &str) -> String {
        let mut line = " ".repeat(INDENT);
        for (place, (column, width)) in self.kept.iter().zip(&self.widths).enumerate() {
            if place > 0 {
                line.push_str(&" ".repeat(self.gap));
            }
            let cell = cut(cells.get(*column).copied().unwrap_or_default(), *width);
            line.push_str(&cell);
            line.push_str(&" ".repeat(width.saturating_sub(columns(&cell))));
        }
        if !note.is_empty() {
            line.push_str(&" ".repeat(self.gap));
            line.push_str(note);
        }
        line.trim_end().to_owned()
    }
}
