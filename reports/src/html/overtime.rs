//! Over time: each system at its highest load held. One repeat is shown as it
//! was, the one with the median P99: bins of several cannot be merged, since
//! percentiles do not average.

use maud::{Markup, html};

use crate::analysis::{Group, Mode, Point, Row};
use crate::charts::{Axis, Dot, Lines, Mark, Moment, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, load, seconds};
use crate::outcome::{Cell, Value};

use super::data::Data;
use super::plots::{Multiple, figure, fit, legend, multiples, room, switch};
use super::timeline::{
    BACKLOG, Kind, LATENCY, THROUGHPUT, Told, figure as told, fit_moment, mark, series, width,
};
use super::{Page, Section};

/// A row and the cell that stands for it.
struct Shown<'a> {
    row: &'a Row,
    cell: &'a Cell,
    style: usize,
    marker: usize,
    repeats: usize,
}

impl Shown<'_> {
    fn told(&self) -> Told<'_> {
        let Self { row, cell, style, marker, .. } = self;
        Told { label: &row.label, cell, style: *style, marker: *marker }
    }
}

pub(super) fn section(page: &Page<'_>, data: &mut Data) -> Option<Section> {
    let mut parts = Vec::new();
    for mode in [Mode::Open, Mode::InFlight] {
        let columns: Vec<(Multiple<'_>, Vec<Shown<'_>>)> = multiples(&page.analysis.groups, mode)
            .into_iter()
            .map(|multiple| {
                let shown = multiple.rows.iter().filter_map(|(_, row)| show(page, row)).collect();
                (multiple, shown)
            })
            .filter(|(_, shown): &(_, Vec<Shown<'_>>)| !shown.is_empty())
            .collect();
        if columns.is_empty() {
            continue;
        }
        let rows: Vec<(&Group, &Row)> = columns.iter().flat_map(|(m, _)| m.rows.clone()).collect();
        let names: Vec<String> =
            columns.iter().flat_map(|(_, shown)| shown.iter().map(name)).collect();
        let right = room(names.iter().map(String::as_str));
        let lonely = columns.len() == 1;
        parts.push(html! {
            div.plots {
                div.controls {
                    (legend(page, &rows))
                    (switch(if mode == Mode::Open { "axes-time" } else { "axes-time-flight" }))
                }
                div.columns.lonely[lonely] {
                    @for (multiple, shown) in &columns {
                        div.column {
                            @if !multiple.title.is_empty() { h3 { (multiple.title) } }
                            (panel(shown, &THROUGHPUT, right, lonely, data))
                            // In flight, latency is Little's law.
                            @if mode == Mode::Open { (panel(shown, &LATENCY, right, lonely, data)) }
                            (panel(shown, &BACKLOG, right, lonely, data))
                            (moments(shown))
                        }
                    }
                }
            }
        });
    }
    let content = html! {
        p.note { "Each at its highest load held (in flight: at the most tasks; in a soak: at the load of the long window); of several repeats the one with the median P99. Time counts from the window's start." }
        @for part in &parts { (part) }
    };
    (!parts.is_empty()).then_some(Section { anchor: "time", title: "Over time", content })
}

fn show<'a>(page: &Page<'a>, row: &'a Row) -> Option<Shown<'a>> {
    let point = longest(page, row).or_else(|| row.best())?;
    let mut cells: Vec<&Cell> = point
        .counted
        .iter()
        .filter_map(|index| page.outcome.cells.get(*index))
        .filter(|cell| {
            cell.series.bin_s > 0.0
                && cell.series.bin_s.is_finite()
                && cell.series.start_s.is_finite()
                && cell.series.columns.values().any(|column| column.len() > 1)
        })
        .collect();
    let p99 = |cell: &Cell| {
        cell.metrics.get("start_latency.p99").and_then(Value::number).unwrap_or(f64::INFINITY)
    };
    cells.sort_by(|a, b| p99(a).total_cmp(&p99(b)));
    // Cells of a search at the same load are no repeats of the long one.
    let window = cells.iter().map(|cell| cell.window.duration_s).fold(0.0, f64::max);
    cells.retain(|cell| cell.window.duration_s * MUCH_LONGER > window);
    let cell = cells.get(cells.len().saturating_sub(1) / 2)?;
    let style = page.palette.index(&row.system, &row.profile);
    Some(Shown { row, cell, style, marker: page.palette.marker(style), repeats: point.n() })
}

/// A window that is so much longer than another is a soak's: what happens over
/// it is what the run was made for.
const MUCH_LONGER: f64 = 2.0;

/// The point of a soak; `None` where all windows are about as long.
fn longest<'a>(page: &Page<'_>, row: &'a Row) -> Option<&'a Point> {
    let window = |point: &Point| {
        let cells = point.counted.iter().filter_map(|index| page.outcome.cells.get(*index));
        cells.map(|cell| cell.window.duration_s).fold(0.0, f64::max)
    };
    let held = || row.points.iter().filter(|point| point.held == Some(true));
    let longest = held().max_by(|a, b| window(a).total_cmp(&window(b)))?;
    let shortest = held().map(window).fold(f64::INFINITY, f64::min);
    (window(longest) >= MUCH_LONGER * shortest).then_some(longest)
}

fn name(shown: &Shown<'_>) -> String {
    format!("{} {}", fit(&shown.row.label), load(shown.cell.key.load))
}

fn panel(shown: &[Shown<'_>], kind: &Kind, right: u32, lonely: bool, data: &mut Data) -> Markup {
    let mut series: Vec<Series> = kind
        .columns
        .iter()
        .rev()
        .flat_map(|column| shown.iter().map(move |shown| series(&shown.told(), kind, column)))
        .filter(|series| !series.dots.is_empty())
        .collect();
    if series.is_empty() {
        return html! {};
    }
    mark(&mut series);
    let dots = || series.iter().flat_map(|series| &series.dots);
    let lines = |scaling: Scaling| {
        let from = dots().map(|dot| dot.x).fold(f64::INFINITY, f64::min).min(0.0);
        let to = dots().map(|dot| dot.x).fold(f64::NEG_INFINITY, f64::max);
        Lines {
            title: format!("{} over time", kind.title),
            width: NARROW,
            height: kind.height,
            right,
            x: Axis::exactly(from, if to > from { to } else { from + 1.0 }, Unit::Seconds),
            y: Axis::around(scaling, kind.unit, dots().map(|dot| dot.y)),
            x_labels: true,
            x_title: "",
            diagonal: None,
            limit: None,
            shades: Vec::new(),
            series: series.clone(),
            moments: marks(shown),
            name_rows: 1,
        }
    };
    let mut sub = kind.sub.to_owned();
    if dots().any(|dot| dot.mark == Mark::Beyond) {
        sub.push_str("; arrowheads: not done within what was watched");
    }
    let variants = [lines(Scaling::Log), lines(Scaling::Linear)];
    figure((kind.title, &sub), &variants, lonely, data, &table(shown, kind))
}

fn marks(shown: &[Shown<'_>]) -> Vec<Moment> {
    let mut marks: Vec<Moment> = shown
        .iter()
        .flat_map(|shown| {
            shown.cell.moments.iter().filter(|mark| mark.at_s.is_finite()).map(|mark| Moment {
                x: mark.at_s,
                class: format!("s{}", shown.style),
                text: fit_moment(&mark.text),
            })
        })
        .collect();
    marks.sort_by(|a, b| a.x.total_cmp(&b.x));
    // More would be a hatching; the list below the drawings is cut likewise.
    marks.truncate(24);
    marks
}

/// A row of the table: whose it is, of what, and its points with how long each
/// is.
struct Line<'a> {
    shown: &'a Shown<'a>,
    word: &'static str,
    dots: Vec<Dot>,
    width: f64,
}

impl Line<'_> {
    /// The point that a moment lies in; `None` in a gap. Cells differ in how
    /// long their bins are, and in where nothing is known.
    fn at(&self, x: f64) -> Option<&Dot> {
        self.dots.iter().find(|dot| (dot.x - x).abs() <= self.width / 2.0)
    }
}

/// Figures at ten moments: the whole series is in `result.json`.
fn table(shown: &[Shown<'_>], kind: &Kind) -> Markup {
    let all: Vec<Line<'_>> = kind
        .columns
        .iter()
        .flat_map(|column| {
            shown.iter().map(move |shown| {
                let told = shown.told();
                let dots = series(&told, kind, column).dots;
                Line { shown, word: column.1, dots, width: width(&told, column) }
            })
        })
        .collect();
    let longest = all.iter().map(|row| row.dots.len()).max().unwrap_or(0);
    let step = longest.div_ceil(10).max(1);
    let heads: Vec<f64> = all
        .iter()
        .find(|row| row.dots.len() == longest)
        .map(|row| row.dots.iter().step_by(step).map(|dot| dot.x).collect())
        .unwrap_or_default();
    html! {
        table {
            thead { tr { th { "System" } @for x in &heads { th.n { (seconds(*x, Medium::Page)) } } } }
            tbody {
                @for line in &all {
                    @let (row, key) = (line.shown.row, &line.shown.cell.key);
                    tr {
                        th scope="row" {
                            (row.label) " " (line.word)
                            small { "at " (load(key.load)) ", repeat " (key.repeat) " of " (line.shown.repeats) }
                        }
                        @for dot in heads.iter().map(|x| line.at(*x)) {
                            @match dot {
                                Some(dot) => { td.n { (told(dot.y, dot.mark, kind.unit)) } }
                                None => { td.n.state { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// All moments of the cells shown, in words.
fn moments(shown: &[Shown<'_>]) -> Markup {
    let any = shown.iter().any(|shown| !shown.cell.moments.is_empty());
    html! {
        @if any {
            ul.moments {
                @for shown in shown {
                    @for mark in shown.cell.moments.iter().take(24) {
                        li {
                            span class={ "key s" (shown.style) } {}
                            (shown.row.label) " at " (load(shown.cell.key.load)) ", "
                            (seconds(mark.at_s, Medium::Page)) ": " (mark.text)
                        }
                    }
                    @if shown.cell.moments.len() > 24 {
                        li { "and " (shown.cell.moments.len() - 24) " more of " (shown.row.label) }
                    }
                }
            }
        }
    }
}
