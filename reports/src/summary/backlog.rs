//! The tables of backlogs, one per class: what survived, how fast it drained.

use super::tables::{head, own};
use super::{ALWAYS, Head, Line, NONE, NOT_RANKED, Table, plain};
use crate::analysis::{Backlog, FIGURES};
use crate::metrics::Unit;
use crate::numbers::{Medium, load, whole};
use crate::outcome::Load;

/// What a column is called, how much it is needed, which figure it shows.
const COLUMNS: [(&str, u8, &str); 6] = [
    ("drained/s", ALWAYS, "drain_rate"),
    ("drained in", 70, "drain_time"),
    ("resumed", 60, "resume"),
    ("broker back", 50, "restart"),
    ("workers ready", 30, "ready"),
    ("built up/s", 20, "build_up"),
];

pub(super) fn tables(backlogs: &[Backlog]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for class in backlogs.chunk_by(|one, other| one.class == other.class) {
        let Some(first) = class.first() else { continue };
        let mut heads: Vec<Head> = vec![
            head("system", ALWAYS),
            head("backlog", ALWAYS),
            head("survived", 80),
            head("missing", ALWAYS),
        ];
        heads.extend(COLUMNS.map(|(title, need, _)| head(title, need)));
        heads.push(head("memory/task", 40));
        let title = plain(&format!("backlog: {}", first.class.title()));
        let lines = class.iter().map(line).collect();
        tables.push(Table { title, heads, lines, splits: false });
    }
    tables
}

fn line(one: &Backlog) -> Line {
    let mark = if one.not_valid.is_some() { NOT_RANKED } else { "" };
    let seen = &one.seen;
    let name = match &one.variant {
        Some(variant) => format!("{} {variant}", one.label),
        None => one.label.clone(),
    };
    let missing = one.missing();
    let mut cells = vec![
        plain(&name),
        load(Load::Backlog(one.tasks)),
        if seen.repeats == 0 { NONE.to_owned() } else { whole(seen.survived) },
        if missing.is_empty() { NONE.to_owned() } else { missing.join(", ") },
    ];
    cells.extend(COLUMNS.map(|(_, _, figure)| {
        let unit = FIGURES.iter().find(|(name, _)| *name == figure).map(|(_, unit)| *unit);
        let median = one.figures.get(figure).zip(unit);
        match median.map(|(median, unit)| median.written(unit, Medium::Terminal)) {
            Some(text) if text != NONE => text + mark,
            _ => NONE.to_owned(),
        }
    }));
    cells.push(own(&one.memory, Unit::Bytes, one.not_valid));
    let mut note: Vec<String> = one.fault.iter().map(|fault| plain(fault)).collect();
    if seen.again > 0 {
        note.push(format!("{} ran again", whole(seen.again)));
    }
    if seen.repeats > 1 {
        note.push(format!("sums and medians of {}", seen.repeats));
    }
    if seen.untold > 0 {
        note.push(format!("{} more came to nothing", seen.untold));
    }
    Line { cells, note: note.join("; "), quiet: false }
}
