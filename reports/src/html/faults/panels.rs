//! The drawing of one trial: throughput, latency and backlog above each other
//! over one axis, the fault shaded and its moments marked.

use maud::{Markup, PreEscaped, html};

use crate::charts::{Axis, Dot, Join, Lines, Mark, Moment, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, seconds, whole};
use crate::outcome::{Cell, Trial};

use super::super::data::Data;
use super::super::plots::behind;
use super::super::timeline;
use super::moments;

const PAGE: Medium = Medium::Page;

/// Most points of a line that say their figures on hover, and most marks.
const TOLD: usize = 40;

/// Most rows of figures in the table.
const ROWS: usize = 16;

/// Rows that all names of moments need at worst.
const NAME_ROWS: usize = 9;

/// Room at the right, CSS pixels: for the names of late moments.
const RIGHT: u32 = 70;

/// A trial and who it is of.
pub(super) struct Shown<'a> {
    pub(super) trial: &'a Trial,
    pub(super) cell: &'a Cell,
    pub(super) label: &'a str,
    pub(super) style: usize,
}

struct Panel {
    title: &'static str,
    /// Columns of the series with the words for them; a line each.
    columns: &'static [(&'static str, &'static str)],
    unit: Unit,
    scaling: Scaling,
    height: u32,
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "Tasks done, per second",
        columns: &[("throughput", "done")],
        unit: Unit::PerSecond,
        // A fault takes throughput to 0, which a logarithm has not.
        scaling: Scaling::Linear,
        height: 170,
    },
    Panel {
        title: "P99 start latency, by due time",
        columns: &[("p99", "P99"), ("largest", "largest")],
        unit: Unit::Seconds,
        scaling: Scaling::Log,
        height: 150,
    },
    Panel {
        title: "Backlog: tasks due and not done, handed over or not",
        columns: &[("backlog", "backlog")],
        unit: Unit::Tasks,
        scaling: Scaling::Linear,
        height: 165,
    },
];

pub(super) fn drawing(shown: &Shown<'_>, data: &mut Data) -> Markup {
    let trial = shown.trial;
    let lines: Vec<Vec<Series>> = PANELS.iter().map(|panel| series(shown, panel)).collect();
    let drawn: Vec<usize> = (0..PANELS.len())
        .filter(|at| lines[*at].iter().any(|series| !series.dots.is_empty()))
        .collect();
    if drawn.is_empty() {
        return html! { p.of { (shown.label) ": no series was kept" } };
    }
    let from = trial.series.start_s - trial.took_effect_s;
    let to = (trial.ended_s - trial.took_effect_s).max(from + 1.0);
    let all = moments::moments(trial);
    let pictures: Vec<(&Panel, String)> = drawn
        .iter()
        .enumerate()
        .map(|(place, at)| {
            let panel = &PANELS[*at];
            let series = lines[*at].clone();
            let limit = (panel.unit == Unit::Tasks).then_some(trial.drained_at).flatten();
            let numbers = series.iter().flat_map(|series| &series.dots).map(|dot| dot.y);
            let picture = Lines {
                title: format!("{}, {}: {}", shown.label, panel.title, trial.fault),
                width: NARROW,
                height: panel.height,
                right: RIGHT,
                x: Axis::exactly(from, to, Unit::Seconds),
                y: Axis::around(panel.scaling, panel.unit, numbers.chain(limit)),
                x_labels: place + 1 == drawn.len(),
                x_title: "",
                diagonal: None,
                limit: limit.map(|limit| (limit, String::new())),
                shades: moments::shades(trial),
                moments: all.clone(),
                name_rows: if place == 0 { NAME_ROWS } else { 0 },
                series,
            };
            let svg = picture.draw(data.next());
            data.add(&picture.series, &svg);
            (panel, svg.svg)
        })
        .collect();
    html! {
        figure.trial {
            figcaption {
                b { (shown.label) } " "
                small { "repeat " (shown.cell.key.repeat) ", seconds from the fault" }
            }
            @for (panel, svg) in &pictures {
                p.panel { (panel.title) @if let Some(more) = explained(panel, shown) { "; " (more) } }
                div.draw { (PreEscaped(svg)) }
            }
            p.of { (moments::sentence(trial)) }
            (behind(&table(shown, &all)))
        }
    }
}

/// What a panel has besides its line.
fn explained(panel: &Panel, shown: &Shown<'_>) -> Option<String> {
    let column = |name: &str| shown.trial.series.columns.get(name);
    let any = |name: &str| column(name).is_some_and(|column| column.iter().any(Option::is_some));
    match panel.unit {
        Unit::Tasks => shown
            .trial
            .drained_at
            .map(|limit| format!("drained when it stays below the dotted line ({})", tasks(limit))),
        Unit::Seconds => {
            let mut words = Vec::new();
            if any("largest") {
                words
                    .push("thin: the largest, where fewer than 10 tasks lie beyond P99".to_owned());
            }
            if (0..bins(shown.trial)).any(|bin| beyond(shown, bin)) {
                let horizon = seconds(shown.cell.window.horizon_s, PAGE);
                words.push(format!("arrowheads: not done within {horizon}"));
            }
            (!words.is_empty()).then(|| words.join("; "))
        }
        _ => None,
    }
}

fn tasks(number: f64) -> String {
    // A conversion saturates, and what is no number is 0.
    whole(number.round() as u64)
}

fn bins(trial: &Trial) -> usize {
    let told = &trial.series;
    if !(told.bin_s.is_finite() && told.bin_s > 0.0 && told.start_s.is_finite()) {
        return 0;
    }
    told.columns.values().map(Vec::len).max().unwrap_or(0)
}

/// The figure of a bin, if there is one.
fn number(trial: &Trial, column: &str, bin: usize) -> Option<f64> {
    let number = *trial.series.columns.get(column)?.get(bin)?;
    number.filter(|number| number.is_finite())
}

/// Whether the latency of a bin is only known to be more than T.
fn beyond(shown: &Shown<'_>, bin: usize) -> bool {
    let of = |column| number(shown.trial, column, bin);
    let latency = of("p99").or(of("largest"));
    timeline::beyond(&shown.trial.series, shown.cell.window.horizon_s, latency, bin)
}

/// When a bin's figure holds, seconds from the fault. The backlog is that of
/// the beginning; everything else is of the whole bin.
fn when(trial: &Trial, column: &str, bin: usize) -> f64 {
    let within = if column == "backlog" { 0.0 } else { 0.5 };
    trial.series.start_s + trial.series.bin_s * (bin as f64 + within) - trial.took_effect_s
}

fn series(shown: &Shown<'_>, panel: &Panel) -> Vec<Series> {
    let trial = shown.trial;
    let told = bins(trial);
    let step = told.div_ceil(TOLD).max(1);
    let line = |(place, (column, word)): (usize, &(&str, &str))| {
        let main = place == 0;
        let of = |bin: usize| number(trial, column, bin);
        let is_beyond = |bin: usize| panel.unit == Unit::Seconds && beyond(shown, bin);
        let joins = |bin: usize| of(bin).is_some() && !is_beyond(bin);
        let dots = (0..told).filter_map(|bin| {
            let y = of(bin)?;
            // Where nothing can be said the line breaks; nothing is drawn as 0.
            let before = bin > 0 && joins(bin - 1);
            let after = bin + 1 < told && joins(bin + 1);
            let alone = !(before || after);
            let mark = match (is_beyond(bin), alone) {
                (true, _) if bin % step == 0 => Mark::Beyond,
                (false, true) if main => Mark::Full,
                (false, true) => Mark::Hollow,
                _ => Mark::None,
            };
            let join = if before && !is_beyond(bin) { Join::Solid } else { Join::Apart };
            let x = when(trial, column, bin);
            let tip = if bin % step == 0 {
                format!("at {}\n{word} {}", seconds(x, PAGE), figure(panel, y, is_beyond(bin)))
            } else {
                String::new()
            };
            Some(Dot { x, y, spread: None, mark, join, tip })
        });
        Series {
            style: shown.style,
            class: if main { "fine" } else { "thin" },
            marker: 0,
            name: format!("{} {word}", shown.label),
            labelled: false,
            dots: dots.collect(),
        }
    };
    panel.columns.iter().enumerate().map(line).collect()
}

fn figure(panel: &Panel, number: f64, beyond: bool) -> String {
    let text = amount(number, panel.unit, PAGE);
    if beyond { format!(">{}{text}", PAGE.space()) } else { text }
}

/// Its moments, then its figures at some instants: all are in `result.json`.
fn table(shown: &Shown<'_>, moments: &[Moment]) -> Markup {
    let trial = shown.trial;
    let told = bins(trial);
    let step = told.div_ceil(ROWS).max(1);
    html! {
        table {
            thead { tr {
                th { "From the fault" } th.n { "done" } th.n { "P99" } th.n { "backlog" }
            } }
            tbody {
                @for bin in (0..told).step_by(step) {
                    tr {
                        th scope="row" { (seconds(when(trial, "backlog", bin), PAGE)) }
                        @for panel in &PANELS { td.n { (at(shown, panel, bin)) } }
                    }
                }
            }
            tbody {
                @for moment in moments {
                    tr { th scope="row" { (seconds(moment.x, PAGE)) } td colspan="3" { (moment.text) } }
                }
            }
        }
    }
}

/// The figure of a bin in the table, in words where there is none.
fn at(shown: &Shown<'_>, panel: &Panel, bin: usize) -> Markup {
    let mut told = panel.columns.iter().filter_map(|(column, word)| {
        Some((number(shown.trial, column, bin)?, *word, *column == panel.columns[0].0))
    });
    let is_beyond = panel.unit == Unit::Seconds && beyond(shown, bin);
    match told.next() {
        None => html! { "–" },
        Some((number, _, true)) => html! { (figure(panel, number, is_beyond)) },
        Some((number, word, false)) => {
            html! { (figure(panel, number, is_beyond)) " " (word) }
        }
    }
}
