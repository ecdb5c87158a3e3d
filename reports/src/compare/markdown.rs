//! A comparison in GitHub-flavoured Markdown.

use crate::export::markdown::{MOST_ROWS, inline, rows};
use crate::numbers::Medium;
use crate::summary::Tone;

use super::Comparison;
use super::sentences::{counts, terms, verdict};
use super::tables::tables;
use super::terminal::named;

/// What is worse and better, then the tables of the terminal.
#[must_use]
pub fn markdown(it: &Comparison) -> String {
    let mut text = format!("## schedbench compare: {}\n\n", inline(&it.scenario));
    let sides = format!("{} → {}", named(&it.before), named(&it.after));
    text.push_str(&format!("**{}** ({})\n\n", inline(&counts(it)), inline(&sides)));
    for (tone, sentence) in verdict(it, Medium::Terminal) {
        let kind = match tone {
            Tone::Note => "NOTE",
            Tone::Warning => "WARNING",
            Tone::Alarm => "CAUTION",
        };
        text.push_str(&format!("> [!{kind}]\n> {}\n\n", inline(&sentence)));
    }
    for remark in &it.remarks {
        text.push_str(&format!("- {}\n", inline(remark)));
    }
    let mut room = MOST_ROWS;
    for table in tables(it) {
        text.push_str(&format!("\n### {}\n\n", inline(&table.title)));
        text.push_str(&rows(&table, room, "why"));
        room = room.saturating_sub(table.lines.len());
    }
    text + &format!("\n<sub>{}</sub>\n", inline(&terms(it)))
}
