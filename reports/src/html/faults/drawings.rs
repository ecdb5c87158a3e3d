//! Trials over time: goodput and backlog with the fault shaded and the moments
//! named.

use maud::{Markup, html};

use crate::analysis::{Recovery, find};
use crate::charts::{Axis, Lines, Moment, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, seconds};
use crate::outcome::{Reading, Trial};

use super::super::Page;
use super::super::data::Data;
use super::super::plots::{figure, fit, room};
use super::super::timeline::{BACKLOG, Kind, THROUGHPUT, Told, series};

const TOOK_EFFECT: &str = "took effect";

/// A trial, its cell, and how its system is named and drawn.
struct Shown<'a> {
    trial: &'a Trial,
    told: Told<'a>,
}

/// One trial of each row over time, the one whose recovery is the median.
pub(super) fn drawings(page: &Page<'_>, rows: &[&Recovery], data: &mut Data) -> Markup {
    let shown: Vec<Shown<'_>> = rows.iter().filter_map(|row| shown(page, row)).collect();
    let right = room(shown.iter().map(|one| one.told.label));
    html! {
        div.plots {
            div.columns {
                @for one in &shown {
                    div.column {
                        (panel(one, &THROUGHPUT, right, data))
                        (panel(one, &BACKLOG, right, data))
                        (in_words(one))
                    }
                }
            }
        }
    }
}

/// Its moments as a line of text, counted from the first: on the drawing only
/// those that leave each other room are named.
fn in_words(shown: &Shown<'_>) -> Markup {
    let effect = shown.trial.took_effect_s;
    let all = moments(shown.trial, shown.told.style);
    let later = all.iter().filter(|moment| moment.text != TOOK_EFFECT);
    html! {
        p.of {
            (TOOK_EFFECT) " at " (seconds(effect, Medium::Page))
            @for (place, moment) in later.enumerate() {
                (if place == 0 { "; after it: " } else { " · " })
                (moment.text) " " (seconds(moment.x - effect, Medium::Page))
            }
        }
    }
}

fn shown<'a>(page: &Page<'a>, row: &Recovery) -> Option<Shown<'a>> {
    let mut trials: Vec<_> =
        row.trials.iter().filter_map(|place| find(page.outcome, *place)).collect();
    if row.valid > 0 {
        trials.retain(|(cell, _)| cell.validity.is_valid());
    }
    let recovered = |trial: &Trial| {
        let reading = trial.readings.get("recovery.from_fault");
        reading.and_then(Reading::number).unwrap_or(f64::INFINITY)
    };
    trials.sort_by(|a, b| recovered(a.1).total_cmp(&recovered(b.1)));
    let (cell, trial) = *trials.get(trials.len().saturating_sub(1) / 2)?;
    let style = page.palette.index(&row.system, &row.profile);
    let label = page.palette.0.get(style).map_or("", |look| look.label.as_str());
    Some(Shown { trial, told: Told { label, cell, style } })
}

fn panel(shown: &Shown<'_>, kind: &Kind, right: u32, data: &mut Data) -> Markup {
    let lines: Vec<Series> = kind
        .columns
        .iter()
        .map(|column| Series { name: fit(shown.told.label), ..series(&shown.told, kind, column) })
        .filter(|series| !series.dots.is_empty())
        .collect();
    let dots = || lines.iter().flat_map(|series| &series.dots);
    let (from, to) =
        dots().fold((0.0_f64, 1.0_f64), |(from, to), dot| (from.min(dot.x), to.max(dot.x)));
    if lines.is_empty() {
        return html! {};
    }
    let trial = shown.trial;
    let drawn = Lines {
        title: format!("{}, {} over time: {}", shown.told.label, kind.title, trial.fault),
        width: NARROW,
        height: kind.height,
        right,
        x: Axis::exactly(from, to, Unit::Seconds),
        // A fault takes throughput to 0, which a logarithm has not.
        y: Axis::around(Scaling::Linear, kind.unit, dots().map(|dot| dot.y)),
        x_title: "",
        diagonal: None,
        limit: None,
        shades: vec![(trial.took_effect_s, trial.cleared_s.unwrap_or(trial.ended_s))],
        series: lines.clone(),
        moments: moments(trial, shown.told.style),
    };
    let table = html! {
        table {
            tbody {
                @for moment in &drawn.moments {
                    tr { th scope="row" { (moment.text) } td.n { (seconds(moment.x, Medium::Page)) } }
                }
            }
        }
    };
    figure((shown.told.label, kind.title), std::slice::from_ref(&drawn), false, data, &table)
}

/// The trial's own moments, in their order.
fn moments(trial: &Trial, style: usize) -> Vec<Moment> {
    let since = |name: &str, origin: Option<f64>| match trial.readings.get(name) {
        Some(Reading::Is(after)) => origin.map(|origin| origin + after),
        _ => None,
    };
    let effect = Some(trial.took_effect_s);
    let all = [
        (TOOK_EFFECT, effect),
        ("first client error", since("detection.client", effect)),
        ("impact", since("detection.impact", effect)),
        ("alarm", since("detection.alarm", effect)),
        ("healed", trial.cleared_s),
        ("recovered", since("recovery.from_fault", effect)),
        ("drained", since("drain", trial.cleared_s)),
    ];
    let mut moments: Vec<Moment> = all
        .into_iter()
        .filter_map(|(text, x)| Some(Moment { x: x?, style, text: text.to_owned() }))
        .filter(|moment| moment.x.is_finite())
        .collect();
    moments.sort_by(|a, b| a.x.total_cmp(&b.x));
    moments
}
