//! The tables of a comparison: what is lost now, one per system, then what differs between the
//! runs themselves.

use crate::analysis::Call;
use crate::numbers::Medium;
use crate::summary::{ALWAYS, Head, Line, NONE, Table, plain};

use super::sentences::{by, called, interval, smallest};
use super::{Comparison, Difference, Item, Loss};

const MEDIUM: Medium = Medium::Terminal;

/// All of them.
pub(super) fn tables(it: &Comparison) -> Vec<Table> {
    let mut tables: Vec<Table> = lost(&it.losses).into_iter().collect();
    for items in [&it.control, &it.items] {
        let same = |a: &Item, b: &Item| (&a.system, &a.profile) == (&b.system, &b.profile);
        // A system may stand in several groups, by variant.
        let mut order: Vec<&Item> = Vec::new();
        for item in items {
            if !order.iter().any(|known| same(known, item)) {
                order.push(item);
            }
        }
        for first in order {
            let of: Vec<&Item> = items.iter().filter(|item| same(item, first)).collect();
            tables.push(of_system(&of, first));
        }
    }
    tables.extend(differing(&it.differences));
    tables
}

fn head(title: &str, need: u8) -> Head {
    Head { title: title.to_owned(), need }
}

fn of_system(items: &[&Item], first: &Item) -> Table {
    let heads = vec![
        head("load", ALWAYS),
        head("figure", ALWAYS),
        head("before", 60),
        head("after", 70),
        head("change", ALWAYS),
        head("95 %", 30),
        head("could see", 50),
        head("", ALWAYS),
    ];
    let mut title = format!("{}/{}", first.system, first.profile);
    if first.system == crate::analysis::NOOP {
        title.push_str(" (the harness itself)");
    }
    let lines = items.iter().map(|item| line(item)).collect();
    Table { title: plain(&title), heads, lines, splits: false }
}

fn line(item: &Item) -> Line {
    let unit = item.kind.unit();
    let at = item.under.clone().unwrap_or_else(|| NONE.to_owned());
    let at = match &item.variant {
        Some(variant) => format!("{at}, {variant}"),
        None => at,
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
    let call = &item.change.call;
    let cells = vec![
        plain(&at),
        item.kind.title(item.latency),
        item.before.short(unit, MEDIUM),
        item.after.short(unit, MEDIUM),
        by(item, MEDIUM),
        or_none(interval(item)),
        or_none(smallest(item, MEDIUM)),
        called(call).to_owned(),
    ];
    let note = match call {
        Call::NotTested(why) => plain(why),
        _ => String::new(),
    };
    Line { cells, note, quiet: !matches!(call, Call::Better | Call::Worse) }
}

/// What was lost where nothing may be.
fn lost(losses: &[Loss]) -> Option<Table> {
    if losses.is_empty() {
        return None;
    }
    let heads = vec![
        head("system", ALWAYS),
        head("under", ALWAYS),
        head("before", 60),
        head("after", ALWAYS),
    ];
    let lines = losses.iter().map(|loss| Line {
        cells: vec![
            plain(&format!("{}/{}", loss.system, loss.profile)),
            plain(&loss.under),
            loss.before.clone(),
            loss.after.clone(),
        ],
        note: String::new(),
        quiet: false,
    });
    let title = "tasks lost where none may be".to_owned();
    Some(Table { title, heads, lines: lines.collect(), splits: false })
}

/// What differs between the runs, and still lets them be compared.
fn differing(differences: &[Difference]) -> Option<Table> {
    if differences.is_empty() {
        return None;
    }
    let heads =
        vec![head("field", ALWAYS), head("before", ALWAYS), head("after", ALWAYS), head("", 10)];
    let value = |text: &str| if text.is_empty() { NONE.to_owned() } else { plain(text) };
    let lines = differences.iter().map(|difference| Line {
        cells: vec![
            plain(&difference.field),
            value(&difference.before),
            value(&difference.after),
            difference.weight.word().to_owned(),
        ],
        note: String::new(),
        quiet: false,
    });
    let title = "what differs between the runs".to_owned();
    Some(Table { title, heads, lines: lines.collect(), splits: false })
}
