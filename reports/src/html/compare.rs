//! Two outcomes on one page: what is worse and better, every figure with its
//! change, and the curves of both laid over each other.

mod curves;

use maud::{Markup, html};

use crate::analysis::Call;
use crate::compare::sentences::{by, called, counts, interval, smallest, terms, verdict};
use crate::compare::under::place;
use crate::compare::{Comparison, Difference, Item, Loss, Side, Told, Weight};
use crate::numbers::Medium;
use crate::outcome::Outcome;
use crate::summary::Tone;

use super::data::Data;
use super::title::date;
use super::words::{median_cell, own_cell};
use super::{Document, Section, document};

const PAGE: Medium = Medium::Page;

/// What paints the two sides: before is grey and dashed, after is not. Names
/// of systems are written as they are.
const LOOKS: &str = "h3::first-letter,tr.class span::first-letter{text-transform:none}\
    .s0{--c:var(--soft);--d:10 6}.s1{--c:var(--link);--d:none}\
    .plots:has(.t0:not(:checked)) .chart :is(.s0,[data-t=\"0\"]){display:none}\
    .plots:has(.t1:not(:checked)) .chart :is(.s1,[data-t=\"1\"]){display:none}";

/// The page of a comparison; the outcomes are those that were compared.
#[must_use]
pub fn compare(it: &Comparison, before: &Outcome, after: &Outcome) -> String {
    let mut data = Data::default();
    let sections: Vec<Section> = [
        losses(&it.losses),
        figures(it),
        curves::section(it, before, after, &mut data),
        differences(&it.differences),
    ]
    .into_iter()
    .flatten()
    .collect();
    document(&Document {
        heading: &format!("{}: compared · schedbench", it.scenario),
        looks: LOOKS,
        header: &header(it),
        verdict: &sentences(it),
        sections: &sections,
        data: &data,
    })
}

fn header(it: &Comparison) -> Markup {
    html! {
        header {
            h1 { (it.scenario) ": before and after" }
            p.lead { "Each figure of two runs of one plan, and whether its change is more than noise." }
            (side("Before", &it.before))
            (side("After", &it.after))
            p.counts { strong.loud[it.has_regressed()] { (counts(it)) } }
        }
    }
}

fn side(word: &str, side: &Side) -> Markup {
    html! {
        p.facts {
            (word) ": run " (side.run) " · "
            time datetime=(side.started) { (date(&side.started)) }
            " · schedbench " (side.tool)
        }
    }
}

fn sentences(it: &Comparison) -> Markup {
    html! {
        section #verdict {
            h2.quiet { "Verdict" }
            @for (tone, text) in verdict(it, PAGE) {
                p.loud[tone == Tone::Alarm].bound[tone == Tone::Warning] { (text) }
            }
            @for remark in &it.remarks { p.bound { (remark) } }
        }
    }
}

/// Systems in their order, `noop` first; worse and better figures stand out.
fn figures(it: &Comparison) -> Option<Section> {
    let all: Vec<&Item> = it.control.iter().chain(&it.items).collect();
    if all.is_empty() {
        return None;
    }
    let mut targets: Vec<(&str, &str)> = Vec::new();
    for item in &all {
        let target = (item.system.as_str(), item.profile.as_str());
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Figures" {
            table {
                thead { tr {
                    th { "Figure" } th { "Load" } th.n { "Change" } th { "" } th.n { "Before" } th.n { "After" }
                    th.n title="The smallest true change that would have been called in four of five such comparisons" { "Could see" }
                } }
                tbody {
                    @for (system, profile) in targets {
                        tr.class {
                            th colspan="7" {
                                span { (system) "/" (profile) }
                                @if system == crate::analysis::NOOP { small { "the harness itself, judged apart" } }
                            }
                        }
                        @for item in all.iter().filter(|item| (item.system.as_str(), item.profile.as_str()) == (system, profile)) {
                            (row(item))
                        }
                    }
                }
            }
        }
        p.note { (terms(it)) }
    };
    Some(Section { anchor: "figures", title: "Figures", content })
}

fn row(item: &Item) -> Markup {
    let unit = item.kind.unit();
    let call = &item.change.call;
    let told = matches!(call, Call::Better | Call::Worse);
    let by = by(item, PAGE);
    html! {
        tr title=(place(item)) {
            th scope="row" { (item.kind.title(item.latency)) }
            td {
                @match &item.under { Some(under) => (under), None => "–" }
                @if let Some(variant) = &item.variant { small { (variant) } }
            }
            td.n {
                @if told { b { (by) } } @else { (by) }
                @if let Some(ends) = interval(item) { small { (ends) } }
            }
            td.loud[*call == Call::Worse].state[!told] {
                @if *call == Call::Better { b { (called(call)) } } @else { (called(call)) }
                @if let Call::NotTested(why) = call { small { (why) } }
            }
            @for told in [&item.before, &item.after] {
                @match told {
                    Told::Figure(figure) => (own_cell(figure, unit)),
                    Told::Median { median, .. } => (median_cell(median, unit)),
                }
            }
            td.n.state { @match smallest(item, PAGE) { Some(size) => (size), None => "–" } }
        }
    }
}

/// What is lost where nothing may be.
fn losses(all: &[Loss]) -> Option<Section> {
    if all.is_empty() {
        return None;
    }
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Tasks lost" {
            table {
                thead { tr { th { "System" } th { "Under" } th { "Before" } th { "After" } } }
                tbody {
                    @for loss in all {
                        tr {
                            th scope="row" { (loss.system) "/" (loss.profile) }
                            td.wrap { (loss.under) }
                            td.wrap { (loss.before) }
                            td.wrap.loud { (loss.after) }
                        }
                    }
                }
            }
        }
        p.note {
            "These profiles promise to lose nothing under these faults, and before they lost nothing. "
            "Counted is every trial whose ledger balances, valid or not."
        }
    };
    Some(Section { anchor: "lost", title: "Tasks lost where none may be", content })
}

fn differences(all: &[Difference]) -> Option<Section> {
    if all.is_empty() {
        return None;
    }
    let value = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="What differs" {
            table {
                thead { tr { th { "Field" } th { "Before" } th { "After" } th { "" } } }
                tbody {
                    @for one in all {
                        tr {
                            th scope="row" { (one.field) }
                            td.wrap { (value(&one.before)) }
                            td.wrap { (value(&one.after)) }
                            td.state[one.weight == Weight::Notes] { (one.weight.word()) }
                        }
                    }
                }
            }
        }
        p.note { "A warning may be the reason of a change. A note should make no difference." }
    };
    Some(Section { anchor: "differs", title: "What differs between the runs", content })
}
