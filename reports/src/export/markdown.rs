//! GitHub-flavoured Markdown, for `$GITHUB_STEP_SUMMARY` and comments.

use crate::analysis::Analysis;
use crate::outcome::Outcome;
use crate::summary::{NONE, Table, Tone, objectives, plain, remarks, standing, tables, terms};

/// Rows of all tables together; a summary page takes a megabyte at most, and
/// nobody reads more than this.
pub(crate) const MOST_ROWS: usize = 2_000;

/// What was demanded, the verdict, the tables of the terminal, what counted.
#[must_use]
pub fn markdown(outcome: &Outcome, analysis: &Analysis) -> String {
    let mut text = format!("## schedbench: {}\n\n", inline(&outcome.plan.scenario));
    if let [first, others @ ..] = objectives(analysis).as_slice() {
        text.push_str(&format!("**{}**\n\n", inline(&first.text)));
        let lines: String = others.iter().map(|it| format!("- {}\n", inline(&it.text))).collect();
        text.push_str(&if lines.is_empty() { lines } else { lines + "\n" });
    }
    let standing = standing(outcome, analysis);
    let mut counts = format!("**{}**", inline(&standing.valid));
    if !standing.not_valid.is_empty() {
        counts.push_str(&format!(" ({})", inline(&standing.not_valid.join("; "))));
    }
    if !standing.held.is_empty() {
        counts.push_str(&format!(" · {}", inline(&standing.held)));
    }
    text.push_str(&format!("{counts}\n\n"));
    for remark in remarks(outcome, analysis) {
        let kind = match remark.tone {
            Tone::Note => "NOTE",
            Tone::Warning => "WARNING",
            Tone::Alarm => "CAUTION",
        };
        text.push_str(&format!("> [!{kind}]\n> {}\n\n", inline(&remark.text)));
    }
    for sentence in &analysis.verdict {
        text.push_str(&format!("- {}\n", inline(&sentence.text)));
    }
    let tables = tables(outcome, analysis);
    let mut room = MOST_ROWS;
    for table in &tables {
        text.push_str(&format!("\n### {}\n\n", inline(&table.title)));
        text.push_str(&rows(table, room, "version, worker"));
        room = room.saturating_sub(table.lines.len());
    }
    for term in terms(analysis, &tables) {
        text.push_str(&format!("\n<sub>{}</sub>\n", inline(&term)));
    }
    text.push_str(&format!("\n<sub>{}</sub>\n", inline(&origin(outcome))));
    text
}

/// `run 7f3a, 2026-11-23T04:30:00Z, seed 7, schedbench 0.1.0, 2 × EPYC`.
fn origin(outcome: &Outcome) -> String {
    format!(
        "run {}, {}, seed {}, schedbench {}, {} × {}",
        outcome.run.id,
        outcome.run.started,
        outcome.plan.seed,
        outcome.run.tool,
        outcome.host.cores,
        outcome.host.cpu
    )
}

/// A table, at most `room` of its rows; `notes` is the head of what stands
/// behind them.
pub(crate) fn rows(table: &Table, room: usize, notes: &str) -> String {
    let telling: Vec<usize> = table.telling().collect();
    let noted = table.lines.iter().any(|line| !line.note.is_empty());
    let mut text = String::from("|");
    for column in &telling {
        text.push_str(&format!(" {} |", inline(&table.heads[*column].title)));
    }
    text.push_str(&if noted { format!(" {notes} |\n|") } else { "\n|".to_owned() });
    for column in &telling {
        text.push_str(if *column == 0 { " --- |" } else { " ---: |" });
    }
    text.push_str(if noted { " --- |\n" } else { "\n" });
    for line in table.lines.iter().take(room) {
        text.push('|');
        for column in &telling {
            let cell = line.cells.get(*column).map_or(NONE, String::as_str);
            text.push_str(&format!(" {} |", inline(cell)));
        }
        text.push_str(&if noted {
            format!(" {} |\n", inline(&line.note))
        } else {
            "\n".to_owned()
        });
    }
    if table.lines.len() > room {
        text.push_str(&format!("\n{} more rows are in the report.\n", table.lines.len() - room));
    }
    text
}

/// Text that Markdown takes for nothing but text: no table breaks, no markup,
/// no HTML, no links, no mention of people.
pub(crate) fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = plain(text);
    let mut letters = text.trim().chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // `@50k` is a load, and may well be a person.
            '@' if letters.peek().is_some_and(|next| next.is_alphanumeric()) => {
                safe.push_str("&#64;");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    // GitHub makes links of bare addresses.
    safe.replace("://", ":&#47;/")
}
