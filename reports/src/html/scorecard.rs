//! The scorecard: 23 items, a column for each system.

use maud::{Markup, html};

use super::words::written;
use super::{Page, Section};
use crate::analysis::{Score, Scorecard, Scored, What, label_of};
use crate::metrics::{Direction, Metric};
use crate::numbers::Medium;
use crate::scorecard::{At, ITEMS, Part};

const PAGE: Medium = Medium::Page;

/// `sections` are those that it may lead to.
pub(super) fn section(page: &Page<'_>, sections: &[Section]) -> Option<Section> {
    let card = page.analysis.scorecard.as_ref()?;
    let told = format!("{} of {} items have a figure in this run", card.told(), ITEMS.len());
    let content = html! {
        @if card.is_whole {
            p.note { (told) "." }
            (table(page, card, sections))
        } @else {
            details { summary { (told) } (table(page, card, sections)) }
        }
        p.note {
            "↑ more is better, ↓ less is better. Small: the load or fault that a figure is of, where "
            "each system has its own. Nothing is ranked here: columns may be of different classes."
        }
    };
    Some(Section { anchor: "scorecard", title: "Scorecard", content })
}

fn table(page: &Page<'_>, card: &Scorecard, sections: &[Section]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Scorecard" {
            table.card {
                thead { tr {
                    th { "Item" }
                    @for index in &card.systems {
                        th.n { (label_of(page.outcome, *index)) }
                    }
                } }
                @for item in &ITEMS {
                    @let lines: Vec<&Scored> = card.lines.iter().filter(|line| line.item == item).collect();
                    tbody { @for (place, line) in lines.iter().enumerate() { (row(line, place == 0, sections)) } }
                }
            }
        }
    }
}

fn row(line: &Scored, is_first: bool, sections: &[Section]) -> Markup {
    let item = line.item;
    let hint = match line.part.scenario {
        "" => "no scenario measures it yet".to_owned(),
        scenario => format!("schedbench run {scenario}"),
    };
    let anchor = anchor(line.part, sections).filter(|_| line.is_told());
    html! {
        tr {
            th scope="row" title=(hint) {
                @if is_first && let Some(anchor) = anchor {
                    span.id { (item.number) } " " a href={ "#" (anchor) } { b { (item.name) } }
                } @else if is_first { span.id { (item.number) } " " b { (item.name) } }
                small { (about(line.metric, &line.at)) }
            }
            @if let (false, Some(first)) = (line.is_told(), alike(line)) {
                td.state.wide colspan=(line.scores.len()) { (first) }
            } @else {
                @for score in &line.scores { (cell(score, line.metric)) }
            }
        }
    }
}

/// The section whose charts show it.
fn chart(part: &Part) -> &'static str {
    let of_cost = |name: &&'static str| name.starts_with("cpu.") || name.starts_with("rss.");
    match part.at {
        At::Trials => "faults",
        At::Backlogs => "backlog",
        _ if part.metrics.iter().any(of_cost) => "cost",
        At::HighestHeld => "percentiles",
        At::EachRate | At::LowestRate | At::Best | At::Capacity => "load",
    }
}

/// That section, where the page has it. Of one load there is no chart, but its row
/// of the table.
fn anchor(part: &Part, sections: &[Section]) -> Option<&'static str> {
    let chart = chart(part);
    let instead = (chart == "load").then_some("holds");
    let is_there = |anchor: &&str| sections.iter().any(|section| section.anchor == *anchor);
    [Some(chart), instead].into_iter().flatten().find(is_there)
}

/// The words that all scores of a line share.
fn alike(line: &Scored) -> Option<&str> {
    let words = |score: &'_ Score| match &score.what {
        What::Words(words) => Some(words.clone()),
        _ => None,
    };
    let first = line.scores.first()?;
    let same = line.scores.iter().all(|score| words(score) == words(first));
    match &first.what {
        What::Words(words) if same => Some(words),
        _ => None,
    }
}

/// `P99 start latency ↓, 10k/s`.
fn about(metric: Option<&Metric>, at: &str) -> String {
    let metric = metric.map(|metric| {
        let arrow = match metric.direction {
            Direction::Higher => " ↑",
            Direction::Lower => " ↓",
            Direction::Neither => "",
        };
        format!("{}{arrow}", metric.title)
    });
    let parts = metric.into_iter().chain((!at.is_empty()).then(|| at.to_owned()));
    parts.collect::<Vec<_>>().join(", ")
}

fn cell(score: &Score, metric: Option<&Metric>) -> Markup {
    let text = match (&score.what, metric) {
        (What::Words(words), _) => words.clone(),
        (What::Capacity(capacity), _) => capacity.text(),
        (What::Figure(figure), Some(metric)) => written(figure, metric.unit),
        (What::Median(median), Some(metric)) => median.written(metric.unit, PAGE),
        (What::Figure(_) | What::Median(_), None) => "not measured".to_owned(),
    };
    // Why nothing applies is the same down a column, and told once it is asked for.
    let (text, why) = match text.split_once(": ") {
        Some(("not applicable", why)) => ("not applicable".to_owned(), Some(why.to_owned())),
        _ => (text, None),
    };
    html! {
        td.n.state[!score.is_told()] title=[why] {
            (text)
            @if !score.at.is_empty() { small { (score.at) } }
            @if let Some(word) = score.not_valid { small { (word) } }
        }
    }
}
