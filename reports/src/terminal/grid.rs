//! A table in the width there is: notes move below their rows, gaps shrink,
//! then the least needed columns go.

use super::{Paint, columns, cut};
use crate::summary::{ALWAYS, Table};

const INDENT: usize = 2;

/// What was decided about the width.
struct Fit {
    kept: Vec<usize>,
    widths: Vec<usize>,
    gap: usize,
    notes_inline: bool,
}

/// The table's lines, none wider than `width`. Where columns may be split,
/// several tables below each other.
pub(crate) fn render(table: &Table, paint: Paint, width: usize) -> String {
    let telling: Vec<usize> = table.telling().collect();
    let (Some((first, others)), true) = (telling.split_first(), table.splits) else {
        return Part { table, columns: telling, with_notes: true }.render(paint, width);
    };
    let of = |some: &[usize], with_notes| {
        let columns = std::iter::once(*first).chain(some.iter().copied()).collect();
        Part { table, columns, with_notes }
    };
    let mut parts = Vec::new();
    let mut rest = others;
    while !rest.is_empty() {
        // As many as fit side by side, and at least one.
        let fits = |n: &usize| of(&rest[..*n], false).is_at_ease(width);
        let n = (1..=rest.len()).rev().find(fits).unwrap_or(1);
        parts.push(of(&rest[..n], n == rest.len()).render(paint, width));
        rest = &rest[n..];
    }
    parts.join("\n")
}

/// A table with some of its columns.
struct Part<'a> {
    table: &'a Table,
    columns: Vec<usize>,
    with_notes: bool,
}

impl Part<'_> {
    fn render(&self, paint: Paint, width: usize) -> String {
        let fit = self.fit(width);
        let heads: Vec<&str> = self.table.heads.iter().map(|head| head.title.as_str()).collect();
        let mut text = format!("{}\n", paint.quiet(&fit.line(&heads, "")));
        for line in &self.table.lines {
            let own_note = if self.with_notes { line.note.as_str() } else { "" };
            let cells: Vec<&str> = line.cells.iter().map(String::as_str).collect();
            let note = if fit.notes_inline { own_note } else { "" };
            let row = fit.line(&cells, note);
            text.push_str(&if line.quiet { paint.quiet(&row) } else { row });
            text.push('\n');
            if !fit.notes_inline && !own_note.is_empty() {
                let note = format!("{:1$}{own_note}", "", 2 * INDENT);
                text.push_str(&paint.quiet(&cut(&note, width)));
                text.push('\n');
            }
        }
        text
    }

    fn fit(&self, width: usize) -> Fit {
        let mut kept = self.columns.clone();
        let notes = self.table.lines.iter().map(|line| columns(&line.note)).max();
        let notes = notes.filter(|_| self.with_notes).unwrap_or(0);
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
            let least =
                kept.iter().copied().min_by_key(|i| (self.table.heads[*i].need, usize::MAX - i));
            match least.filter(|i| self.table.heads[*i].need < ALWAYS) {
                Some(least) => kept.retain(|i| *i != least),
                None => return squeeze(kept, widths, width),
            }
        }
    }

    /// Whether all columns stand side by side with room between them.
    fn is_at_ease(&self, width: usize) -> bool {
        let cells: usize = self.columns.iter().map(|column| self.width_of(*column)).sum();
        INDENT + cells + 3 * self.columns.len().saturating_sub(1) <= width
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.table.lines.iter().filter_map(|line| line.cells.get(column));
        let widest = cells.map(|cell| columns(cell)).max().unwrap_or(0);
        widest.max(columns(&self.table.heads[column].title))
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
