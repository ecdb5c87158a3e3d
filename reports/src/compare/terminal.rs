//! A comparison on the terminal, and a refusal to make one.

use crate::numbers::Medium;
use crate::summary::{Tone, plain};
use crate::terminal::{NARROWEST, Paint, folded, grid, set};

use super::sentences::{counts, terms, verdict};
use super::tables::tables;
use super::{Comparison, Side};

/// The comparison as text: what is worse and better, a table per system, what
/// differs between the runs. `width` is the terminal's, in columns.
#[must_use]
pub fn render(it: &Comparison, colour: bool, width: usize) -> String {
    let paint = Paint { colour };
    let width = width.max(NARROWEST);
    let title = format!("{}: {} → {}", it.scenario, named(&it.before), named(&it.after));
    let mut text = set(&plain(&title), width, |line| paint.strong(line));
    text.push('\n');
    for (tone, sentence) in verdict(it, Medium::Terminal) {
        text.push_str(&toned(&sentence, tone, paint, width));
    }
    for remark in &it.remarks {
        text.push_str(&toned(remark, Tone::Warning, paint, width));
    }
    for table in tables(it) {
        text.push('\n');
        text.push_str(&set(&table.title, width, |line| paint.strong(line)));
        text.push_str(&grid::render(&table, paint, width));
    }
    text.push('\n');
    text.push_str(&set(&terms(it), width, |line| paint.quiet(line)));
    text + "\n" + &folded(&counts(it), width)
}

/// `run 7f3a of 2026-11-23T04:30:00Z`.
pub(super) fn named(side: &Side) -> String {
    format!("run {} of {}", side.run, side.started)
}

fn toned(text: &str, tone: Tone, paint: Paint, width: usize) -> String {
    set(&plain(text), width, |line| match tone {
        Tone::Note => line.to_owned(),
        Tone::Warning => paint.warning(line),
        Tone::Alarm => paint.alarm(line),
    })
}
