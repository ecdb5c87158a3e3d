//! Again: everything needed to run it again, every cell, and what the words mean.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use crate::analysis::{Preceding, differs, holm};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load, short, whole};
use crate::outcome::{Cell, Held, ProxyCost, State, Value};

use super::title::{date, slug};
use super::{Page, Section};

/// The method, in the words of `docs/measurement.md`.
const METHOD: &str = include_str!("method.html");

pub(super) fn section(page: &Page<'_>) -> Section {
    let outcome = page.outcome;
    let content = html! {
        h3 { "The command" }
        pre.command { code { (command(&outcome.run.command)) } }
        (facts(page))
        (systems(page))
        details {
            summary { "The scenario's text" }
            pre tabindex="0" { (outcome.plan.text) }
        }
        @if !outcome.cells.is_empty() { (cells(page)) }
        (errors(page))
        details #method {
            summary { "What these words mean" }
            div.prose { (PreEscaped(METHOD)) }
        }
        p { "Files beside this page: " a href="result.json" { "result.json" } " (all figures, with its schema's version) and the histograms in " code { "hlog/" } "." }
    };
    Section { anchor: "again", title: "Again", content }
}

/// The command as a shell takes it.
fn command(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=@%+".contains(c);
    words
        .iter()
        .map(|word| {
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What can be said of an effect of the preceding cell.
fn effect(all: &[Preceding]) -> String {
    if all.is_empty() {
        return "not tested: too few repeats".to_owned();
    }
    let adjusted = holm(&all.iter().map(|one| one.p).collect::<Vec<_>>());
    let told: Vec<String> = all
        .iter()
        .zip(adjusted)
        .filter(|(_, p)| differs(*p))
        .map(|(one, p)| {
            let Preceding { target, correlation, pairs, .. } = one;
            format!("{target}: rank correlation {correlation:.2} over {pairs} pairs, p {p:.3}")
        })
        .collect();
    if told.is_empty() {
        format!("none seen in {}", plural(all.len(), "system", "systems"))
    } else {
        told.join("; ")
    }
}

fn facts(page: &Page<'_>) -> Markup {
    let (run, plan, host) = (&page.outcome.run, &page.outcome.plan, &page.outcome.host);
    let shape = &plan.shape;
    let rows: Vec<(&str, String)> = vec![
        ("Seed", plan.seed.to_string()),
        ("Repeats", plan.repeats.to_string()),
        ("Changed on the command line", plan.overrides.join(", ")),
        ("Plan", format!("{} ({})", plan.hash, plan.arrivals)),
        (
            "Workers",
            format!(
                "{} × {} at a time, prefetch {}, {}, window {}",
                plural(shape.processes as usize, "process", "processes"),
                shape.concurrency,
                shape.prefetch,
                plural(shape.connections as usize, "connection", "connections"),
                shape.window
            ),
        ),
        (
            "Task",
            format!(
                "body {}, handler: {}",
                amount(plan.body_bytes as f64, Unit::Bytes, Medium::Page),
                plan.handler
            ),
        ),
        (
            "Held up to",
            format!(
                "P99 start latency {}",
                amount(plan.objective_p99_s, Unit::Seconds, Medium::Page)
            ),
        ),
        (
            "Host",
            format!(
                "{}, {}, {}, {}, {}",
                host.cpu,
                plural(host.cores as usize, "core", "cores"),
                amount(host.memory_bytes as f64, Unit::Bytes, Medium::Page),
                host.os,
                host.kernel
            ),
        ),
        ("Effect of the cell before", effect(&page.analysis.preceding)),
        ("Placement", host.placement.clone()),
        (
            "Pacing",
            format!(
                "{}SCHED_FIFO, timer slack {} ns, clock {} ({} a reading)",
                if host.fifo { "" } else { "without " },
                host.timer_slack_ns,
                host.clock_source,
                amount(host.clock_read_ns * 1e-9, Unit::Seconds, Medium::Page)
            ),
        ),
        ("Brokers", host.environment.clone().unwrap_or_default()),
        ("Network", host.network.clone().unwrap_or_default()),
        ("Proxy", host.proxy.as_ref().map_or_else(String::new, proxy)),
        (
            "schedbench",
            format!(
                "{}{}",
                run.tool,
                run.commit.as_ref().map_or_else(String::new, |commit| format!(", commit {commit}"))
            ),
        ),
        ("Run", format!("{}, started {}", run.id, date(&run.started))),
    ];
    html! {
        dl {
            @for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// What each profile promises, and its server's effective configuration.
fn systems(page: &Page<'_>) -> Markup {
    let mut settings: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for system in &page.outcome.systems {
        if let Some(server) = system.server.as_ref().filter(|server| !server.settings.is_empty()) {
            let name = format!(
                "{} {} under {}/{}",
                server.name, server.version, system.system, system.profile
            );
            settings.insert(name, server.settings.clone());
        }
    }
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    html! {
        @if !page.outcome.systems.is_empty() {
            details {
                summary { "What each profile promises" }
                div.scroll tabindex="0" role="region" aria-label="Claims" {
                    table {
                        thead { tr {
                            th { "System and profile" } th { "Class" } th { "Acknowledged" } th { "Confirms" }
                            th { "Delay" } th { "Order" } th { "Cancel" } th { "Retries" } th { "Workers" }
                        } }
                        tbody {
                            @for system in &page.outcome.systems {
                                @let claims = &system.claims;
                                tr {
                                    th scope="row" { (system.system) "/" (system.profile) small { (system.summary) } }
                                    td { (claims.durability.letter()) ": " (claims.durability.describe()) }
                                    td { (word(&claims.ack)) }
                                    td { (word(&claims.confirms)) }
                                    td { (claims.delay) }
                                    td { (claims.order) }
                                    td { (yes(claims.cancel)) }
                                    td { (claims.retries) }
                                    td { (system.worker_runtime) }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !settings.is_empty() {
            details {
                summary { "The brokers' effective configuration" }
                @for (name, settings) in &settings {
                    p { b { (name) } }
                    pre tabindex="0" { @for (key, value) in settings { (key) " = " (value) "\n" } }
                }
            }
        }
    }
}

/// A claim's word as JSON has it.
fn word(claim: &impl serde::Serialize) -> String {
    serde_json::to_value(claim)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Every cell, those of one verdict together so that a count can link to them.
fn cells(page: &Page<'_>) -> Markup {
    let mut groups: Vec<(String, String, Vec<&Cell>)> = Vec::new();
    for cell in &page.outcome.cells {
        let (anchor, title) = verdict(cell);
        match groups.iter_mut().find(|(known, _, _)| *known == anchor) {
            Some((_, _, cells)) => cells.push(cell),
            None => groups.push((anchor, title, vec![cell])),
        }
    }
    // What needs attention first, what held last.
    let rank = |anchor: &str| match anchor {
        "held" => 2,
        "overloaded" | "not-steady" | "not-held" => 1,
        _ => 0,
    };
    groups.sort_by_key(|(anchor, _, _)| rank(anchor));
    html! {
        details #cells {
            summary { "All " (page.outcome.cells.len()) " cells" }
            div.scroll tabindex="0" role="region" aria-label="All cells" {
                table {
                    thead { tr {
                        th { "System and profile" } th.n { "Load" } th.n { "Repeat" } th.n { "Done" } th.n { "P99" }
                        th { "Verdict" } th { "Limit" } th.n { "Began" } th { "Histogram" }
                    } }
                    @for (anchor, title, cells) in &groups {
                        tbody id={ "cells-" (anchor) } {
                            tr.class { th colspan="9" { span { (title) } small { (cells.len()) } } }
                            @for cell in cells { (one(cell)) }
                        }
                    }
                }
            }
        }
    }
}

fn verdict(cell: &Cell) -> (String, String) {
    if !cell.validity.is_valid() {
        let word = cell.validity.word();
        return (slug(word), word.to_owned());
    }
    let (anchor, title) = match (&cell.held, &cell.state) {
        (Held::Yes, _) => ("held", "valid, held"),
        (Held::No(_), State::Overloaded(_)) => ("overloaded", "valid, overloaded"),
        (Held::No(_), State::NotSteady(_)) => ("not-steady", "valid, not steady"),
        (Held::No(_), State::Steady) => ("not-held", "valid, not held"),
        (Held::NotJudged(_), _) => ("valid", "valid, not judged"),
    };
    (anchor.to_owned(), title.to_owned())
}

fn one(cell: &Cell) -> Markup {
    let metric = |name: &str, unit| {
        cell.metrics
            .get(name)
            .map_or_else(String::new, |value: &Value| short(value, unit, Medium::Page))
    };
    let why = [
        cell.validity.why(),
        match &cell.held {
            Held::No(why) | Held::NotJudged(why) => Some(why.as_str()),
            Held::Yes => None,
        },
        match &cell.state {
            State::NotSteady(why) | State::Overloaded(why) => Some(why.as_str()),
            State::Steady => None,
        },
    ]
    .into_iter()
    .flatten()
    .filter(|why| !why.is_empty())
    .collect::<Vec<_>>()
    .join("; ");
    html! {
        tr {
            th scope="row" {
                (cell.key.system) "/" (cell.key.profile)
                @if let Some(variant) = &cell.key.variant { small { (variant) } }
                @if let Some(fault) = cell.key.trial_and_fault() { small { (fault) } }
            }
            td.n { (load(cell.key.load)) }
            td.n { (cell.key.repeat) @if cell.reruns > 0 { small { "run again " (cell.reruns) "×" } } }
            td.n { (metric("throughput", Unit::PerSecond)) }
            td.n { (metric("start_latency.p99", Unit::Seconds)) }
            td { (if why.is_empty() { "–" } else { why.as_str() }) }
            td { (cell.limit.word()) @if !cell.limit.why().is_empty() { small { (cell.limit.why()) } } }
            td.n { (clock(cell.started_s)) }
            td {
                @if cell.histograms.is_empty() { "–" } @else {
                    a href={ "hlog/" (crate::hlog::file_name(cell)) } { "cell " (whole(u64::from(cell.number))) }
                }
            }
        }
    }
}

/// Since the run's start: `1:02:05`, `12:30`.
fn clock(seconds: f64) -> String {
    if !(0.0..1e9).contains(&seconds) {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

fn errors(page: &Page<'_>) -> Markup {
    let errors: Vec<&Cell> =
        page.outcome.cells.iter().filter(|cell| cell.error.is_some()).collect();
    html! {
        @if !errors.is_empty() {
            div #errors {
                h3 { "Errors" }
                // One broker that does not start fails all of its cells alike.
                @for cell in errors.iter().take(20) {
                    @if let Some(error) = &cell.error {
                        p.loud { (cell.key.system) "/" (cell.key.profile) " at " (load(cell.key.load)) ", repeat " (cell.key.repeat) ": " (error.message) }
                        @if !error.log.is_empty() {
                            pre tabindex="0" { @for line in &error.log { (line) "\n" } }
                        }
                    }
                }
                @if errors.len() > 20 { p { "and " (errors.len() - 20) " more, in result.json" } }
            }
        }
    }
}

/// What a road through it costs, which is in every figure of a run with faults.
fn proxy(cost: &ProxyCost) -> String {
    let time = |s: f64| amount(s, Unit::Seconds, Medium::Page);
    format!(
        "faults are laid on a proxy; a round trip of 100 B takes {} through it at P50 and {} \
         without it (P99 {} and {}; {} trips each)",
        time(cost.through_p50_s),
        time(cost.straight_p50_s),
        time(cost.through_p99_s),
        time(cost.straight_p99_s),
        whole(cost.trips)
    )
}
