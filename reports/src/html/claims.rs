//! Published claims beside measurements: nothing left out; what a run says
//! nothing about is folded away, with what would.

use maud::{Markup, html};

use super::words::written;
use super::{Page, Section};
use crate::analysis::{Agreement, Beside, Judged, Line, Measured, Standing, Told};
use crate::claims::{Bound, Figure};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, fraction};
use crate::outcome::Outcome;

const PAGE: Medium = Medium::Page;

pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let files = &page.analysis.claims;
    if files.is_empty() {
        return None;
    }
    let silent = files.iter().flat_map(|file| &file.rows).filter(|row| !is_told(row)).count();
    let content = html! {
        p.note {
            "Each claim with its conditions, and what was measured of it with the conditions "
            "here: " (here(page.outcome)) "."
        }
        (table("Claims beside measurements", files, is_told))
        @if silent > 0 {
            details {
                summary { (silent) @if silent == 1 { " claim" } @else { " claims" }
                    " that this run says nothing about, and why" }
                (table("Claims that this run says nothing about", files, |row| !is_told(row)))
            }
        }
        p.note {
            i { "Confirmed" } ": five repeats or more, and all that the figure may be (its 95"
            (PAGE.space()) "% interval, or the range over trials) lies where the claim holds. "
            i { "Not confirmed" } ": it does not, or too few repeats were measured to say so. "
            i { "Refuted by source" } ": the system's own code or documents say otherwise. "
            i { "Contradicts itself" } ": it cannot be true by its own figures. "
            i { "Not comparable" } ": measured in other conditions, so that no figure speaks for it "
            "or against it. Where a claim names no load, it is set beside the load that suits it "
            "best."
        }
    };
    Some(Section { anchor: "claims", title: "Claims beside measurements", content })
}

/// The conditions that all measurements share: `one machine, 2 cores of an AMD
/// EPYC 7763, brokers over loopback through proxies`.
fn here(outcome: &Outcome) -> String {
    let host = &outcome.host;
    let cores = if host.cores == 1 { "core" } else { "cores" };
    let mut words = vec![format!("one machine, {} {cores} of {}", host.cores, host.cpu)];
    let brokers = outcome.systems.iter().any(|system| system.server.is_some());
    words.extend(brokers.then(|| match (&host.network, &host.proxy) {
        _ if host.environment.as_deref() == Some("external") => {
            "brokers that were there before, it is not known where".to_owned()
        }
        (Some(network), _) => format!("brokers over {network}"),
        (None, Some(_)) => "brokers over loopback, with faults through proxies".to_owned(),
        (None, None) => "brokers over loopback".to_owned(),
    }));
    words.push(format!("arrivals {}", outcome.plan.arrivals));
    words.push(format!("scenario {}", outcome.plan.scenario));
    words.join(", ")
}

fn is_told(row: &Judged) -> bool {
    row.standing != Standing::NotMeasured
}

fn table(label: &str, files: &[Beside], wanted: impl Fn(&Judged) -> bool + Copy) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.claims {
                thead { tr {
                    th { "Claim" } th { "Claimed" } th { "Measured" } th { "What became of it" }
                } }
                @for file in files { (rows(file, wanted)) }
            }
        }
    }
}

fn rows(file: &Beside, wanted: impl Fn(&Judged) -> bool) -> Markup {
    let counts = file.counts();
    html! {
        tbody {
            tr.class { th colspan="4" {
                span { (file.name) }
                p.promise {
                    @for (place, (standing, n)) in counts.iter().enumerate() {
                        @if place > 0 { " · " }
                        (n) " " (standing.word())
                    }
                    @if !file.about.is_empty() { br; (file.about) }
                }
            } }
            @for row in file.rows.iter().filter(|row| wanted(row)) { (one(row)) }
        }
    }
}

fn one(row: &Judged) -> Markup {
    let claim = &row.claim;
    let quiet = row.standing == Standing::NotMeasured;
    html! {
        tr {
            th scope="row" {
                span.id { (claim.id) } " " b { (claim.subject) }
                div { (claim.says) }
                @if !claim.conditions.is_empty() { small { (claim.conditions) } }
            }
            td.bounds.none[claim.figures.is_empty()] data-title="Claimed" {
                @for figure in &claim.figures { div { (named(figure.metric.title, &bound(figure))) } }
                @if claim.figures.is_empty() { span.state { "no figure" } }
            }
            td.seen.none[row.lines.is_empty()] data-title="Measured" {
                @for line in &row.lines { (measured(line)) }
                @if row.lines.is_empty() { span.state { "–" } }
            }
            td.standing data-title="What became of it" {
                @if quiet { span.state { (row.standing.word()) } } @else { b { (row.standing.word()) } }
                @if !row.why.is_empty() { small { (row.why) } }
                @if let Some(known) = &claim.known { small { "Known: " (known) } }
            }
        }
    }
}

/// `P95 completion latency ≤ 142 ms`: what is a figure's name, and what it is.
fn named(name: &str, value: &str) -> Markup {
    html! { span.of { (name) } " " span.value { (value) } }
}

fn bound(figure: &Figure) -> String {
    let unit = figure.metric.unit;
    let said = |value| told(value, unit);
    match figure.bound {
        Bound::Is { value, .. } => said(value),
        Bound::AtLeast(value) => format!("≥{}{}", PAGE.space(), said(value)),
        Bound::AtMost(0.0) => "none".to_owned(),
        Bound::AtMost(value) => format!("≤{}{}", PAGE.space(), said(value)),
        Bound::Between(low, high) => format!("{} to {}", said(low), said(high)),
    }
}

/// A share near 1 with as many digits as its source gives: 99.92 % is not
/// 99.9 %.
fn told(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Fraction if (0.9..1.0).contains(&value) => {
            format!("{:.2}{}%", 100.0 * value, PAGE.space())
        }
        Unit::Fraction => fraction(value, PAGE),
        _ => amount(value, unit, PAGE),
    }
}

fn measured(line: &Line) -> Markup {
    html! {
        div.line {
            b { (line.label) } " " small {
                (line.at) ", " (line.n) @if line.n == 1 { " repeat" } @else { " repeats" }
                @if let Some(word) = line.not_valid { ", " (word) }
            }
            @for told in &line.told {
                div {
                    (named(told.metric.title, &value(told)))
                    @if let Some(terms) = told.terms { " " small.terms { (terms.text(PAGE)) } }
                    @if told.agreement == Agreement::Agrees { " " small.agrees { "as claimed" } }
                }
            }
        }
    }
}

fn value(told: &Told) -> String {
    let unit = told.metric.unit;
    match &told.measured {
        Measured::Figure(figure) => written(figure, unit),
        Measured::Median(median) => median.written(unit, PAGE),
        Measured::Count { words, .. } => words.clone(),
    }
}
