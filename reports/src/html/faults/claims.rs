//! What the article claims of such faults, beside what was measured.

use maud::{Markup, html};

use crate::analysis::{Claimed, Median, Recovery, find, in_words};
use crate::metrics::Unit;
use crate::numbers::{Medium, seconds};
use crate::outcome::Reading;

use super::super::Page;
use super::who::who;

const PAGE: Medium = Medium::Page;

pub(super) fn table(page: &Page<'_>) -> Markup {
    let faults = &page.analysis.faults;
    if faults.claims.is_empty() {
        return html! {};
    }
    html! {
        h3 { "The article's claims" }
        div.scroll tabindex="0" role="region" aria-label="The article's claims" {
            table.promises {
                thead { tr {
                    th { "" } th.n { "noticed after" } th.n { "recovered after" } th.n { "… from heal" }
                    th.n { "in time, in the fault" } th.n { "the fault lasted" }
                } }
                @for claimed in &faults.claims { (rows(page, claimed)) }
            }
        }
        p.note {
            "The article gives a time until it was noticed, one until it had recovered and a share "
            "in time, and neither a method nor a number of trials; so it is not said of a claim "
            "whether it holds. Noticed, here: by its impact on goodput and latency. A fault that "
            "lasts " i { "x" } " cannot be recovered from in less than " i { "x" } " where nothing takes over."
        }
    }
}

fn rows(page: &Page<'_>, claimed: &Claimed) -> Markup {
    let claim = claimed.claim;
    html! {
        tbody {
            tr.claim {
                th scope="row" { "The article: " (claim.what) }
                td.n { (seconds(claim.detected_s, PAGE)) }
                td.n { (seconds(claim.recovered_s, PAGE)) }
                td.n.zero { "–" }
                td.n { (two_decimals(claim.attained)) }
                td.n.zero { "–" }
            }
            @for row in claimed.measured.iter().filter_map(|at| page.analysis.faults.recoveries.get(*at)) {
                (measured(page, row))
            }
            tr.class { th colspan="6" { p.promise { "What differs: " (claim.differs) "." } } }
        }
    }
}

fn measured(page: &Page<'_>, row: &Recovery) -> Markup {
    let figure = |name: &str| row.figures.get(name);
    let loud = row.not_valid.map(|word| (word, None));
    html! {
        tr {
            (who(page, &row.tried, std::slice::from_ref(&row.tried.fault), loud))
            (time(figure("detection.impact")))
            (time(figure("recovery.from_fault")))
            (time(figure("recovery.from_heal")))
            (share(figure("served.in_fault")))
            td.n { (lasted(page, row)) }
        }
    }
}

fn time(told: Option<&Median>) -> Markup {
    html! {
        td.n {
            @if let Some(told) = told {
                (in_words(&told.value, Unit::Seconds, PAGE))
                @if told.value.number().is_some() && let Some(spread) = told.spread(Unit::Seconds, PAGE) {
                    small { (spread) }
                }
            } @else { "–" }
        }
    }
}

/// As many digits as the article gives.
fn share(told: Option<&Median>) -> Markup {
    html! {
        td.n {
            @match told.map(|told| (&told.value, &told.range)) {
                Some((Reading::Is(value), range)) => {
                    (two_decimals(*value))
                    @if let Some((Reading::Is(low), Reading::Is(high))) = range && low < high {
                        small { (two_decimals(*low)) " to " (two_decimals(*high)) }
                    }
                }
                _ => "–",
            }
        }
    }
}

fn two_decimals(share: f64) -> String {
    format!("{:.2}{}%", 100.0 * share, PAGE.space())
}

/// How long the first of its trials lasted: all are of one plan.
fn lasted(page: &Page<'_>, row: &Recovery) -> String {
    let first = row.trials.first().and_then(|place| find(page.outcome, *place));
    match first {
        Some((_, trial)) => match trial.cleared_s {
            Some(cleared) => seconds(cleared - trial.took_effect_s, PAGE),
            None => "to the end".to_owned(),
        },
        None => "–".to_owned(),
    }
}
