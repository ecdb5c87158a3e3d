//! How long it took: medians over the trials, and each trial.

use maud::{Markup, html};

use crate::analysis::{Recovery, find, in_words};
use crate::metrics::Unit;
use crate::numbers::{Medium, figure, seconds, whole};
use crate::outcome::{Cell, Reading, Trial};

use super::super::Page;
use super::who::who;

const PAGE: Medium = Medium::Page;

/// What a column is called, which reading it shows, and in which unit.
const COLUMNS: [(&str, &str, Unit); 13] = [
    ("recovered after", RECOVERED, Unit::Seconds),
    ("… from heal", "recovery.from_heal", Unit::Seconds),
    ("impact after", "detection.impact", Unit::Seconds),
    ("client error after", "detection.client", Unit::Seconds),
    ("alarm after", "detection.alarm", Unit::Seconds),
    ("drained from heal", "drain", Unit::Seconds),
    ("ρ, of capacity", "load.of_capacity", Unit::Number),
    ("drained, in Dρ/(1−ρ)", "drain.multiple", Unit::Number),
    ("queues that stood still", "queues.stalled", Unit::Fraction),
    ("… ran again from heal", "queues.resumed", Unit::Seconds),
    ("not done meanwhile", "lost_goodput", Unit::Tasks),
    ("in time, in the fault", "served.in_fault", Unit::Fraction),
    ("in time, in the run", "served.overall", Unit::Fraction),
];
const RECOVERED: &str = "recovery.from_fault";

type Column = (&'static str, &'static str, Unit);

/// Those columns that say something: ρ only where a capacity was searched,
/// queues only where a cell has several.
fn columns(rows: &[&Recovery]) -> Vec<Column> {
    let has_capacity = rows.iter().any(|row| row.has_capacity());
    let has_queues = rows.iter().any(|row| row.has_queues());
    let shown = |name: &str| match name {
        "load.of_capacity" | "drain.multiple" => has_capacity,
        "queues.stalled" | "queues.resumed" => has_queues,
        _ => true,
    };
    COLUMNS.into_iter().filter(|(_, name, _)| shown(name)).collect()
}

/// A row per system and load: the median of its valid trials.
pub(super) fn medians(page: &Page<'_>, rows: &[&Recovery]) -> Markup {
    let columns = columns(rows);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Times" {
            table.times {
                thead { tr { (heads(&columns)) } }
                tbody {
                    @for row in rows {
                        tr {
                            (head(page, row))
                            @for (_, name, unit) in &columns { (median(row, name, *unit)) }
                        }
                    }
                }
            }
        }
    }
}

fn heads(columns: &[Column]) -> Markup {
    html! { th { "System" } @for (title, ..) in columns { th.n { (title) } } }
}

fn head(page: &Page<'_>, row: &Recovery) -> Markup {
    let mut besides = Vec::new();
    if row.trials.len() > 1 {
        besides.push(counted(row));
    }
    besides.push(resolution(row.resolution_s));
    besides.push(from(row.shortest_impact_s));
    who(page, &row.tried, &besides, row.not_valid.map(|word| (word, None)))
}

fn resolution(resolution_s: f64) -> String {
    format!("±{}{}", PAGE.space(), seconds(resolution_s, PAGE))
}

/// What "no impact" is good for: `impact from 600 ms on`.
fn from(shortest_impact_s: f64) -> String {
    format!("impact from {} on", seconds(shortest_impact_s, PAGE))
}

/// `3 trials`, `2 of 3 trials valid`.
fn counted(row: &Recovery) -> String {
    let all = row.trials.len();
    if row.told() == all {
        format!("{all} trials")
    } else {
        format!("{} of {all} valid", row.told())
    }
}

fn median(row: &Recovery, name: &str, unit: Unit) -> Markup {
    let Some(told) = row.figures.get(name) else { return html! { td.n.zero { "–" } } };
    let is_number = told.value.number().is_some();
    html! {
        td.n.zero[!is_number] title=[why(&told.value)] {
            (in_words(&told.value, unit, PAGE))
            @if is_number && let Some(spread) = told.spread(unit, PAGE) { small { (spread) } }
            @if is_number && let Some(told) = told.confidence(unit, PAGE) { small { (told) } }
            @for mixed in told.mixed() { small { (mixed) } }
            @if name == RECOVERED && let Some(again) = relapsed(row) { small { (again) } }
        }
    }
}

/// Whether it was bad again after it had recovered.
fn relapsed(row: &Recovery) -> Option<String> {
    let most = row.figures.get("relapses")?.range.as_ref()?.1.number()?;
    (most >= 1.0).then(|| format!("bad again up to {}×", figure(most)))
}

fn why(reading: &Reading) -> Option<&str> {
    match reading {
        Reading::NotSteady(why) | Reading::NotMeasured(why) => Some(why),
        _ => None,
    }
}

/// Every trial, where there are more than rows.
pub(super) fn each(page: &Page<'_>, rows: &[&Recovery]) -> Markup {
    if rows.iter().all(|row| row.trials.len() < 2) {
        return html! {};
    }
    let columns = columns(rows);
    let trials = || rows.iter().flat_map(|row| row.trials.iter().map(move |place| (row, *place)));
    html! {
        details {
            summary { "Each of the " (trials().count()) " trials" }
            div.scroll tabindex="0" role="region" aria-label="Trials" {
                table {
                    thead {
                        tr {
                            (heads(&columns))
                            th.n { "lost" }
                            th.n { "repeated" }
                        }
                    }
                    tbody {
                        @for (row, place) in trials() {
                            @if let Some((cell, trial)) = find(page.outcome, place) {
                                (one(page, &columns, row, cell, trial))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn one(page: &Page<'_>, columns: &[Column], row: &Recovery, cell: &Cell, trial: &Trial) -> Markup {
    let besides = [format!("repeat {}", cell.key.repeat), resolution(trial.resolution_s)];
    let loud = cell.validity.why().map(|why| (cell.validity.word(), Some(why)));
    html! {
        tr {
            (who(page, &row.tried, &besides, loud))
            @for (_, name, unit) in columns { (reading(trial, name, *unit)) }
            (lost(trial, cell))
            td.n.zero[cell.counts.repeated == 0] { (whole(cell.counts.repeated)) }
        }
    }
}

fn reading(trial: &Trial, name: &str, unit: Unit) -> Markup {
    let Some(told) = trial.readings.get(name) else { return html! { td.n.zero { "–" } } };
    html! {
        td.n.zero[told.number().is_none()] title=[why(told)] { (in_words(told, unit, PAGE)) }
    }
}

/// Lost tasks, on how many that were at stake, and how long before the fault
/// the oldest had been acknowledged; what was never proved says so.
fn lost(trial: &Trial, cell: &Cell) -> Markup {
    let residual = cell.counts.residual;
    html! {
        td.n.zero[trial.lost == 0].loud[trial.lost > 0] {
            (whole(trial.lost))
            small { "of " (whole(trial.exposed)) " exposed" }
            @if let (1.., Some(Reading::Is(window))) = (trial.lost, trial.readings.get("loss.window")) {
                small { "up to " (seconds(*window, PAGE)) " old" }
            }
            @if residual > 0 { small { (whole(residual)) " not proved" } }
        }
    }
}
