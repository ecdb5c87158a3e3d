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
    let mut reasons = Reasons::default();
    let table = table(page, card, sections, &mut reasons);
    let content = html! {
        @if card.is_whole {
            p.note { (told) "." }
            (table) (reasons.list())
        } @else {
            details { summary { (told) } (table) (reasons.list()) }
        }
        p.note {
            "↑ more is better, ↓ less is better. " (intervals(card))
            "Small: the load or fault that a figure is of, where each system has its own. "
            "Scenario: one that measures the item, whichever this run was of. Nothing is ranked "
            "here: columns may be of different classes."
        }
    };
    Some(Section { anchor: "scorecard", title: "Scorecard", content })
}

/// Why cells have no figure: each reason once, numbered in the order of the table.
#[derive(Default)]
struct Reasons(Vec<String>);

impl Reasons {
    fn number(&mut self, why: &str) -> usize {
        let known = self.0.iter().position(|known| known == why);
        let place = known.unwrap_or_else(|| {
            self.0.push(why.to_owned());
            self.0.len() - 1
        });
        place + 1
    }

    fn list(&self) -> Markup {
        html! {
            @if !self.0.is_empty() {
                ol.reasons aria-label="Why there is no figure" {
                    @for why in &self.0 { li { (why) } }
                }
            }
        }
    }
}

/// What stands in brackets behind figures, and what stands behind none.
fn intervals(card: &Scorecard) -> String {
    let told = || card.lines.iter().flat_map(|line| &line.scores).filter(|score| score.is_told());
    let single = told().any(|score| score.n == Some(1));
    let several = told().any(|score| score.n.is_some_and(|n| n > 1));
    match (single, several) {
        (true, false) => "1 repeat: no interval. ".to_owned(),
        (_, true) => format!(
            "In brackets: the range over repeats, from five repeats on a 95{}% interval{}. ",
            PAGE.space(),
            if single { "; 1 repeat: no interval" } else { "" }
        ),
        (false, false) => String::new(),
    }
}

fn table(page: &Page<'_>, card: &Scorecard, sections: &[Section], reasons: &mut Reasons) -> Markup {
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
                    tbody {
                        @for (place, line) in lines.iter().enumerate() {
                            @let before = place.checked_sub(1).map(|before| lines[before]);
                            (row(line, before, sections, reasons))
                        }
                    }
                }
            }
        }
    }
}

/// `before` is the line above it of the same item.
fn row(
    line: &Scored,
    before: Option<&Scored>,
    sections: &[Section],
    reasons: &mut Reasons,
) -> Markup {
    let item = line.item;
    let about = about(line);
    let anchor = anchor(line.part, sections).filter(|_| line.is_told());
    html! {
        tr {
            th scope="row" {
                @if before.is_none() { span.id { (item.number) } " " b { (item.name) } }
                @if let Some(anchor) = anchor {
                    small { a href={ "#" (anchor) } { (about) } }
                } @else if !about.is_empty() { small { (about) } }
                @if before.is_none_or(|before| before.part != line.part) {
                    small { (scenario(line.part)) }
                }
            }
            @if let (false, Some(words)) = (line.is_told(), alike(line)) {
                td.state.wide colspan=(line.scores.len()) { (words) }
            } @else {
                @for score in &line.scores { (cell(line, score, reasons)) }
            }
        }
    }
}

fn scenario(part: &Part) -> String {
    match part.scenario {
        "" => "no scenario measures it yet".to_owned(),
        scenario => format!("scenario {scenario}"),
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

/// `P99 start latency ↓, 10k/s`, of a failure rate with D and T.
fn about(line: &Scored) -> String {
    let metric = line.metric.map(|metric| {
        let arrow = match metric.direction {
            Direction::Higher => " ↑",
            Direction::Lower => " ↓",
            Direction::Neither => "",
        };
        format!("{}{arrow}", metric.title)
    });
    let at = (!line.at.is_empty()).then(|| line.at.clone());
    let terms = line.terms().map(|terms| terms.text(PAGE));
    metric.into_iter().chain(at).chain(terms).collect::<Vec<_>>().join(", ")
}

fn cell(line: &Scored, score: &Score, reasons: &mut Reasons) -> Markup {
    let text = text(score, line.metric);
    // One reason is that of many cells: it stands once, below the table.
    let (text, why) = match text.split_once(": ") {
        Some((word, why)) if !score.is_told() => (word, Some(reasons.number(why))),
        _ => (text.as_str(), None),
    };
    let terms = score.terms.filter(|_| line.terms().is_none());
    html! {
        td.n.state[!score.is_told()] {
            (text)
            @if let Some(number) = why { sup { (number) } }
            @if !score.at.is_empty() { small { (score.at) } }
            @if let Some(terms) = terms { small { (terms.text(PAGE)) } }
            @if let Some(word) = score.not_valid { small { (word) } }
        }
    }
}

fn text(score: &Score, metric: Option<&Metric>) -> String {
    match (&score.what, metric) {
        (What::Words(words), _) => words.clone(),
        (What::Capacity(capacity), _) => capacity.text(),
        (What::Figure(figure), Some(metric)) => written(figure, metric.unit),
        (What::Median(median), Some(metric)) => {
            score.no_median().unwrap_or_else(|| median.written(metric.unit, PAGE))
        }
        (What::Figure(_) | What::Median(_), None) => "not measured".to_owned(),
    }
}
