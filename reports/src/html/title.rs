//! The first ten seconds: what was run, what it is worth, who won.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::analysis::{Counts, Subject, Tally};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, figure, whole};
use crate::outcome::Outcome;

use super::{Page, Section, objectives};

/// The scenario, when and where it ran, and the counts that matter.
pub(super) fn header(page: &Page<'_>, sections: &[Section]) -> Markup {
    let outcome = page.outcome;
    let host = &outcome.host;
    html! {
        header {
            h1 { (outcome.plan.scenario) }
            p.lead { (outcome.plan.summary) }
            (objectives::demanded(&page.analysis.objectives, sections))
            p.facts {
                time datetime=(outcome.run.started) { (date(&outcome.run.started)) }
                " · " (duration(outcome.run.elapsed_s))
                " · " span title=(versions(outcome)) {
                    (host.cpu) ", " (host.cores) " " (if host.cores == 1 { "core" } else { "cores" })
                    ", " (amount(host.memory_bytes as f64, Unit::Bytes, Medium::Page))
                    ", " (host.kernel)
                }
            }
            (counts(&page.analysis.counts))
        }
    }
}

fn counts(counts: &Counts) -> Markup {
    let tally = |tally: &Tally| {
        html! {
            " · " a href={ "#cells-" (slug(tally.word)) } {
                (whole(tally.cells.len() as u64)) " " (tally.word)
            }
        }
    };
    let planned = u64::from(counts.planned).max(counts.measured as u64);
    html! {
        p.counts {
            @if let Some(ended) = &counts.ended { strong.loud { (ended) } " · " }
            a href="#cells" {
                strong { (counts.valid) " of " (whole(planned)) }
                " " (if planned == 1 { "cell" } else { "cells" }) " valid"
            }
            @for invalid in &counts.invalid { (tally(invalid)) }
            @if !counts.errors.is_empty() {
                " · " a.loud href="#errors" {
                    (counts.errors.len()) (if counts.errors.len() == 1 { " error" } else { " errors" })
                }
            }
            @if counts.held > 0 || !counts.not_held.is_empty() {
                span.apart {
                    a href="#cells-held" { strong { (counts.held) } " held" }
                    @for not_held in &counts.not_held { (tally(not_held)) }
                }
            }
            @if !counts.unbalanced.is_empty() && counts.errors.is_empty() {
                span.apart { a.loud href="#ledger" { (ledgers(counts.unbalanced.len())) } }
            }
        }
    }
}

fn ledgers(unbalanced: usize) -> String {
    match unbalanced {
        1 => "1 ledger does not balance".to_owned(),
        more => format!("{more} ledgers do not balance"),
    }
}

/// Two to four sentences, each a link to what carries it.
pub(super) fn verdict(page: &Page<'_>, sections: &[Section]) -> Markup {
    let target = |about: Subject| match about {
        Subject::Run => None,
        Subject::Faults | Subject::Broken => Some("faults".to_owned()),
        Subject::Group(group) => of_group(group, sections),
    };
    html! {
        section #verdict {
            h2.quiet { "Verdict" }
            @for sentence in &page.analysis.verdict {
                @let (head, rest) = (sentence.about != Subject::Run)
                    .then(|| sentence.text.split_once(": "))
                    .flatten()
                    .unwrap_or(("", sentence.text.as_str()));
                p.bound[sentence.about == Subject::Run].loud[sentence.about == Subject::Broken] {
                    @if !head.is_empty() { b { (head) } ": " }
                    (rest)
                    @if let Some(anchor) = target(sentence.about) {
                        " " a.to href={ "#" (anchor) } {
                            (if anchor.starts_with("load") { "chart" } else { "table" })
                        }
                    }
                }
            }
            @for skipped in &page.outcome.skipped {
                p.bound {
                    "Left out: " (skipped.target) " (" (skipped.why) ")"
                    @if let Some(remedy) = &skipped.remedy { "; " code { (remedy) } " would make it run" }
                    "."
                }
            }
        }
    }
}

/// Where a group is shown. A class with one load has its row in the table, but
/// no line in a chart.
pub(super) fn of_group(group: usize, sections: &[Section]) -> Option<String> {
    ["load", "holds"].into_iter().map(|anchor| format!("{anchor}-{group}")).find(|anchor| {
        let id = format!("id=\"{anchor}\"");
        sections.iter().any(|section| section.content.0.contains(&id))
    })
}

/// Part of an anchor: letters and digits.
pub(super) fn slug(word: &str) -> String {
    word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// `23 Nov 2026, 04:30 UTC`; what is no date stays as it is.
pub(super) fn date(text: &str) -> String {
    text.parse::<Timestamp>()
        .map_or_else(|_| text.to_owned(), |at| at.strftime("%-d %b %Y, %H:%M UTC").to_string())
}

/// `12 min`, `1 h 40 min`, `42 s`.
pub(super) fn duration(seconds: f64) -> String {
    let space = Medium::Page.space();
    if !(seconds.is_finite() && seconds >= 0.0) {
        return "duration not measured".to_owned();
    }
    let minutes = (seconds / 60.0).round();
    if seconds < 120.0 {
        format!("{}{space}s", figure(seconds))
    } else if minutes < 120.0 {
        format!("{minutes}{space}min")
    } else {
        format!("{}{space}h {}{space}min", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

fn versions(outcome: &Outcome) -> String {
    let mut parts = vec![
        format!("schedbench {}", outcome.run.tool),
        outcome.host.os.clone(),
        format!("clock {}", outcome.host.clock_source),
    ];
    for server in outcome.systems.iter().filter_map(|system| system.server.as_ref()) {
        let one = format!("{} {}", server.name, server.version);
        if !parts.contains(&one) {
            parts.push(one);
        }
    }
    parts.join(", ")
}
