//! What was demanded, first on the page: in words, a mark and then a colour.

use maud::{Markup, html};

use crate::analysis::{About, Met, Objective, counted};

use super::Section;
use super::title::of_group;

/// So many are listed at once; more open on demand.
const AT_ONCE: usize = 8;

/// `objectives: 3 passed, 1 failed`, and a line for each: the failed first, then
/// those that nothing says anything of.
pub(super) fn demanded(objectives: &[Objective], sections: &[Section]) -> Markup {
    let those = |word: &'static str| objectives.iter().filter(move |one| one.word() == word);
    let is_met = those("passed").count() == objectives.len();
    let passed: Vec<&Objective> = those("passed").collect();
    let open: Vec<&Objective> = those("failed").chain(those("not judged")).collect();
    let (at_once, others) = open.split_at(open.len().min(AT_ONCE));
    let list = |some: &[&Objective]| {
        html! { ul { @for one in some { (line(one, sections)) } } }
    };
    html! {
        @if !objectives.is_empty() {
            section #objectives aria-label="Objectives" {
                p.counts { strong.loud[!is_met] { "Objectives: " (counted(objectives)) } }
                @if !is_met {
                    (list(at_once))
                    @if !others.is_empty() {
                        details {
                            summary { (others.len()) " more that did not pass" }
                            (list(others))
                        }
                    }
                }
                @if !passed.is_empty() && is_met && passed.len() <= AT_ONCE {
                    (list(&passed))
                } @else if !passed.is_empty() {
                    details {
                        summary { (passed.len()) " passed" }
                        (list(&passed))
                    }
                }
            }
        }
    }
}

fn line(objective: &Objective, sections: &[Section]) -> Markup {
    let mark = match objective.met {
        Met::Yes => "✓",
        Met::No(_) => "✗",
        Met::Unknown(_) => "?",
    };
    let is_met = objective.met == Met::Yes;
    html! {
        li {
            span.mark.loud[!is_met] aria-hidden="true" { (mark) }
            span {
                @if is_met { "passed " } @else { strong.loud { (objective.word()) } " " }
                b { (objective.demand) } " " (objective.target)
                @if !objective.told().is_empty() { ": " (objective.told()) }
                @if let Some((anchor, word)) = target(objective.about, sections) {
                    " " a.to href={ "#" (anchor) } { (word) }
                }
            }
        }
    }
}

/// Where its figure is shown, and what that is.
fn target(about: About, sections: &[Section]) -> Option<(String, &'static str)> {
    let section = |anchor: &'static str| {
        let is_there = sections.iter().any(|section| section.anchor == anchor);
        is_there.then(|| (anchor.to_owned(), anchor))
    };
    let found = match about {
        About::Group(group) => of_group(group, sections).map(|anchor| {
            let word = if anchor.starts_with("load") { "chart" } else { "table" };
            (anchor, word)
        }),
        About::Faults => section("faults"),
        About::Backlogs => section("backlog"),
        About::Ledger => section("ledger"),
        About::Cost => section("cost"),
        About::Cells => None,
    };
    found.or_else(|| Some(("cells".to_owned(), "cells")))
}
