//! Faults: for each trial how soon it was noticed, how long it took, what it
//! cost, and the same over time with the fault shaded.

use maud::{Markup, html};

use crate::charts::{Axis, Lines, Moment, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load, seconds, whole};
use crate::outcome::{Cell, Reading, Trial};

use super::data::Data;
use super::plots::{figure, fit, room};
use super::timeline::{BACKLOG, Kind, THROUGHPUT, Told, series};
use super::{Page, Section};

/// A trial, its cell, and how its system is named and drawn.
struct Shown<'a> {
    trial: &'a Trial,
    told: Told<'a>,
}

pub(super) fn section(page: &Page<'_>, data: &mut Data) -> Option<Section> {
    let shown: Vec<Shown<'_>> = page
        .outcome
        .cells
        .iter()
        .flat_map(|cell| cell.trials.iter().map(move |trial| (cell, trial)))
        .map(|(cell, trial)| {
            let style = page.palette.index(&cell.key.system, &cell.key.profile);
            let label = page.palette.0.get(style).map_or("", |look| look.label.as_str());
            Shown { trial, told: Told { label, cell, style } }
        })
        .collect();
    if shown.is_empty() {
        return None;
    }
    let mut faults: Vec<&str> = Vec::new();
    for one in &shown {
        if !faults.contains(&one.trial.fault.as_str()) {
            faults.push(&one.trial.fault);
        }
    }
    let content = html! {
        @for fault in faults {
            @let of: Vec<&Shown<'_>> =
                shown.iter().filter(|one| one.trial.fault == fault).collect();
            h3 { (fault) }
            (table(&of))
            (drawings(&of, data))
        }
        p.note {
            "Times count from the moment the fault took effect; " i { "from heal" } " from the "
            "moment it was undone, negative where the system had recovered before. Lost: of those "
            "acknowledged in the last second before it. "
            i { "> x" } ": not yet when the watching ended. A killed process is healed when it is "
            "started again, so its start is part of the recovery. SIGKILL keeps what the kernel has "
            "in its page cache: this is no power loss."
        }
    };
    Some(Section { anchor: "faults", title: "Faults", content })
}

/// What a column is called, which reading it shows, and in which unit.
const COLUMNS: [(&str, &str, Unit); 7] = [
    ("impact after", "detection.impact", Unit::Seconds),
    ("client error after", "detection.client", Unit::Seconds),
    ("recovered after", "recovery.from_fault", Unit::Seconds),
    ("… from heal", "recovery.from_heal", Unit::Seconds),
    ("drained from heal", "drain", Unit::Seconds),
    ("not done meanwhile", "lost_goodput", Unit::Tasks),
    ("in time, in the fault", "served.in_fault", Unit::Fraction),
];

fn table(shown: &[&Shown<'_>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Trials" {
            table {
                thead {
                    tr {
                        th { "System" }
                        @for (title, ..) in COLUMNS { th.n { (title) } }
                        th.n { "lost" }
                        th.n { "repeated" }
                    }
                }
                tbody {
                    @for Shown { trial, told } in shown {
                        tr {
                            th scope="row" {
                                span class={ "key s" (told.style) } {}
                                (told.label)
                                small {
                                    (load(told.cell.key.load)) ", repeat " (told.cell.key.repeat)
                                    ", ± " (seconds(trial.resolution_s, Medium::Page))
                                }
                                @if let Some(why) = told.cell.validity.why() {
                                    small.loud title=(why) { (told.cell.validity.word()) }
                                }
                            }
                            @for (_, name, unit) in COLUMNS { (reading(trial, name, unit)) }
                            (lost(trial, told.cell))
                            td.n.zero[told.cell.counts.repeated == 0] {
                                (whole(told.cell.counts.repeated))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn reading(trial: &Trial, name: &str, unit: Unit) -> Markup {
    html! {
        @match trial.readings.get(name) {
            Some(Reading::Is(value)) => td.n { (amount(*value, unit, Medium::Page)) },
            Some(Reading::MoreThan(value)) => td.n { "> " (amount(*value, unit, Medium::Page)) },
            Some(Reading::NoImpact) => td.n.zero { "no impact" },
            Some(Reading::NotSteady(why)) => td.n title=(why) { "not steady" },
            Some(Reading::NotMeasured(why)) => td.n.zero title=(why) { "–" },
            None => td.n.zero { "–" },
        }
    }
}

/// Lost tasks, on how many that were at stake; what was never proved says so.
fn lost(trial: &Trial, cell: &Cell) -> Markup {
    let residual = cell.counts.residual;
    html! {
        td.n.zero[trial.lost == 0].loud[trial.lost > 0] {
            (whole(trial.lost))
            small { "of " (whole(trial.exposed)) }
            @if residual > 0 { small { (whole(residual)) " not proved" } }
        }
    }
}

/// The first trial of each system over time.
fn drawings(shown: &[&Shown<'_>], data: &mut Data) -> Markup {
    let mut first: Vec<&Shown<'_>> = Vec::new();
    for one in shown {
        if !first.iter().any(|known| known.told.style == one.told.style) {
            first.push(one);
        }
    }
    let right = room(first.iter().map(|one| one.told.label));
    html! {
        div.plots {
            div.columns {
                @for one in first {
                    div.column {
                        (panel(one, &THROUGHPUT, right, data))
                        (panel(one, &BACKLOG, right, data))
                    }
                }
            }
        }
    }
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
        ("took effect", effect),
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
