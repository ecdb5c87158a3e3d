//! Against load: throughput, latency, failure rate, one below the other.

use maud::{Markup, html};

use crate::analysis::{Figure, Group, Mode, Point, Quality, Row};
use crate::charts::{Axis, Dot, Join, Lines, Mark, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, load, short};
use crate::outcome::{Load, Value};

use super::data::Data;
use super::plots::{Multiple, figure, fit, legend, multiples, room, switch};
use super::words::written;
use super::{Page, Section};

pub(super) fn section(page: &Page<'_>, data: &mut Data) -> Option<Section> {
    let groups = &page.analysis.groups;
    let mut content = Vec::new();
    for mode in [Mode::Open, Mode::InFlight] {
        let columns: Vec<Multiple<'_>> = multiples(groups, mode)
            .into_iter()
            // One load is a row of the table, not a line.
            .filter(|multiple| multiple.rows.iter().any(|(_, row)| row.points.len() > 1))
            .collect();
        if columns.is_empty() {
            continue;
        }
        let rows: Vec<(&Group, &Row)> = columns.iter().flat_map(|m| m.rows.clone()).collect();
        let lonely = columns.len() == 1;
        let shape = Shape {
            rows: rows.clone(),
            lonely,
            loads: rows
                .iter()
                .flat_map(|(_, row)| row.points.iter().map(|point| point.load.amount()))
                .filter(|load| load.is_finite() && *load > 0.0)
                .collect(),
            right: room(rows.iter().map(|(_, row)| row.label.as_str())).min(218),
            mode,
        };
        content.push(html! {
            div.plots {
                div.controls {
                    (legend(page, &rows))
                    (switch(if mode == Mode::Open { "axes-load" } else { "axes-flight" }))
                }
                div.columns.lonely[lonely] {
                    @for column in &columns { (multiple(page, column, &shape, data)) }
                }
                (key(mode))
            }
        });
    }
    let content = html! { @for part in content { (part) } };
    let empty = content.0.is_empty();
    let title = if groups.iter().any(|group| group.mode == Mode::Open) {
        "Against load"
    } else {
        "Against tasks in flight"
    };
    (!empty).then_some(Section { anchor: "load", title, content })
}

/// What all drawings of a section share, so that their axes align.
struct Shape<'a> {
    rows: Vec<(&'a Group, &'a Row)>,
    lonely: bool,
    loads: Vec<f64>,
    right: u32,
    mode: Mode,
}

fn multiple(page: &Page<'_>, column: &Multiple<'_>, shape: &Shape<'_>, data: &mut Data) -> Markup {
    let latency = match column.rows.first().map(|(group, _)| group.latency) {
        Some("firing_error") => "firing error",
        _ => "start latency",
    };
    let delayed = latency == "firing error";
    let open = shape.mode == Mode::Open;
    html! {
        div.column {
            @for place in &column.groups { span id={ "load-" (place) } {} }
            @if !column.title.is_empty() { h3 { (column.title) } }
            @if !delayed { (panel(page, column, shape, data, &throughput(shape.mode))) }
            // In flight, latency is Little's law and failure has no horizon.
            @if open { (panel(page, column, shape, data, &latencies(latency))) }
            @if open { (panel(page, column, shape, data, &failures(page))) }
        }
    }
}

/// Takes one figure out of a point.
type Get = fn(&Point) -> &Figure;

/// One kind of drawing: which figures, in which unit.
struct Kind {
    title: String,
    sub: String,
    unit: Unit,
    height: u32,
    /// Its name, how to get it, and whether it is the main one.
    figures: Vec<(&'static str, Get, bool)>,
    diagonal: bool,
    /// Linear in both switches: a fraction.
    linear: bool,
    limit: Option<(f64, String)>,
}

fn throughput(mode: Mode) -> Kind {
    Kind {
        title: "Tasks done, per second".to_owned(),
        sub: match mode {
            Mode::Open => "against tasks offered per second".to_owned(),
            Mode::InFlight => "against tasks in flight".to_owned(),
        },
        unit: Unit::PerSecond,
        height: 300,
        figures: vec![("done", |point| &point.throughput, true)],
        diagonal: mode == Mode::Open,
        linear: false,
        limit: None,
    }
}

fn latencies(name: &str) -> Kind {
    Kind {
        title: format!("P99 {name}"),
        sub: "thin line: P50".to_owned(),
        unit: Unit::Seconds,
        height: 300,
        figures: vec![("P99", |point| &point.p99, true), ("P50", |point| &point.p50, false)],
        diagonal: false,
        linear: false,
        limit: None,
    }
}

fn failures(page: &Page<'_>) -> Kind {
    Kind {
        title: "Failed".to_owned(),
        sub: page.analysis.failure_terms(Medium::Page),
        unit: Unit::Fraction,
        height: 210,
        figures: vec![("failed", |point| &point.failure, true)],
        diagonal: false,
        linear: true,
        limit: None,
    }
}

fn panel(
    page: &Page<'_>,
    column: &Multiple<'_>,
    shape: &Shape<'_>,
    data: &mut Data,
    kind: &Kind,
) -> Markup {
    let of = |rows: &[(&Group, &Row)]| -> Vec<Series> {
        // The main figure is drawn last, above the others.
        let figures = kind.figures.iter().rev();
        figures
            .flat_map(|(name, get, main)| {
                rows.iter().map(move |(_, row)| line(page, row, kind, name, *get, *main))
            })
            .collect()
    };
    let series = of(&column.rows);
    let numbers: Vec<f64> = of(&shape.rows)
        .iter()
        .flat_map(|series| &series.dots)
        .flat_map(|dot| {
            let (low, high) = dot.spread.unwrap_or((dot.y, dot.y));
            [dot.y, low, high]
        })
        .collect();
    if series.iter().all(|series| series.dots.is_empty()) {
        return html! {};
    }
    if kind.linear && series.iter().flat_map(|series| &series.dots).all(|dot| dot.y == 0.0) {
        // A drawing of zeros says less than its sentence.
        let terms = if kind.sub.is_empty() { String::new() } else { format!(" ({})", kind.sub) };
        return html! { p.of { b { (kind.title) ": " } "0 at every load" (terms) } };
    }
    let lines = |scaling: Scaling| {
        let x = Axis::around(scaling, Unit::Tasks, shape.loads.iter().copied());
        let y_scaling = if kind.linear { Scaling::Linear } else { scaling };
        // A failure rate of nothing but zeros still needs a height.
        let floor = if kind.linear { Some(0.01) } else { None };
        let y = Axis::around(y_scaling, kind.unit, numbers.iter().copied().chain(floor));
        Lines {
            title: format!("{} {}", kind.title, kind.sub),
            width: NARROW,
            height: kind.height,
            right: shape.right,
            x,
            y,
            x_labels: true,
            x_title: if shape.mode == Mode::Open { "offered/s" } else { "in flight" },
            diagonal: kind.diagonal.then(|| diagonal(&shape.loads, &numbers)),
            limit: kind.limit.clone(),
            series: series.clone(),
            shades: Vec::new(),
            moments: Vec::new(),
            name_rows: 1,
        }
    };
    let table = table(column, kind);
    let variants = [lines(Scaling::Log), lines(Scaling::Linear)];
    figure((&kind.title, &kind.sub), &variants, shape.lonely, data, &table)
}

/// `done = offered` as far as both axes reach.
fn diagonal(loads: &[f64], done: &[f64]) -> (f64, f64) {
    let ends = |numbers: &[f64]| {
        numbers
            .iter()
            .filter(|x| x.is_finite() && **x > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)))
    };
    let (loads, done) = (ends(loads), ends(done));
    (loads.0.max(done.0), loads.1.min(done.1))
}

fn line(page: &Page<'_>, row: &Row, kind: &Kind, name: &str, get: Get, main: bool) -> Series {
    let style = page.palette.index(&row.system, &row.profile);
    let dots = row
        .points
        .iter()
        .filter_map(|point| {
            let figure = get(point);
            let invalid = !point.is_valid();
            let beyond = matches!(figure.value, Value::AtLeast(_)) && kind.unit == Unit::Seconds;
            let mark = if invalid {
                if main { Mark::Cross } else { Mark::None }
            } else if beyond {
                Mark::Beyond
            } else if !main {
                Mark::None
            } else if point.held == Some(false) {
                Mark::Hollow
            } else {
                Mark::Full
            };
            let join = if invalid {
                Join::Alone
            } else if point.overloaded {
                Join::Dashed
            } else {
                Join::Solid
            };
            Some(Dot {
                x: point.load.amount(),
                y: figure.number()?,
                spread: if main { figure.spread.map(crate::analysis::Spread::ends) } else { None },
                mark,
                join,
                tip: if main { tip(row, point, kind, name, figure) } else { String::new() },
            })
        })
        .collect();
    Series {
        style,
        class: if main { "" } else { "thin" },
        marker: page.palette.marker(style),
        name: fit(&row.label),
        labelled: main,
        dots,
    }
}

/// What hover and focus say: system, load, figure with interval, n, validity.
fn tip(row: &Row, point: &Point, kind: &Kind, name: &str, figure: &Figure) -> String {
    let mut tip =
        format!("{} · {}\n{name} {}", row.label, load(point.load), written(figure, kind.unit));
    if name == "P99" && point.p50.number().is_some() {
        let p50 = short(&point.p50.value, Unit::Seconds, Medium::Page);
        tip.push_str(&format!(" · P50 {p50}"));
    }
    let n = point.n();
    tip.push_str(&format!("\n{n} {}", if n == 1 { "repeat" } else { "repeats" }));
    match &point.quality {
        Quality::Valid => {}
        Quality::Invalid { word, why } => tip.push_str(&format!(" · {word}: {why}")),
    }
    match (point.held, &point.why_not) {
        (Some(true), _) => tip.push_str(" · held"),
        (Some(false), Some(why)) => tip.push_str(&format!(" · not held: {why}")),
        (Some(false), None) => tip.push_str(" · not held"),
        (None, _) => {}
    }
    if point.is_valid() && point.limit.is_told() {
        tip.push_str(&format!("\nlimit: {}: {}", point.limit.word(), point.limit.why()));
    }
    tip
}

/// Systems × loads.
fn table(column: &Multiple<'_>, kind: &Kind) -> Markup {
    let mut loads: Vec<Load> = Vec::new();
    for point in column.rows.iter().flat_map(|(_, row)| &row.points) {
        if !loads.contains(&point.load) {
            loads.push(point.load);
        }
    }
    loads.sort_by(|a, b| a.amount().total_cmp(&b.amount()));
    let several = kind.figures.len() > 1;
    html! {
        table {
            thead { tr { th { "System" } @for at in &loads { th.n { (load(*at)) } } } }
            tbody {
                @for (_, row) in &column.rows {
                    @for (name, get, _) in &kind.figures {
                        tr {
                            th scope="row" { (row.label) @if several { " " (name) } }
                            @for at in &loads { (entry(row.at(*at), *get, kind.unit)) }
                        }
                    }
                }
            }
        }
    }
}

fn entry(point: Option<&Point>, get: Get, unit: Unit) -> Markup {
    let Some(point) = point else { return html! { td.n.state { "not measured" } } };
    let figure = get(point);
    let word = match (&point.quality, point.held) {
        (Quality::Invalid { word, .. }, _) => Some(*word),
        (Quality::Valid, Some(false)) if point.overloaded => Some("overloaded"),
        (Quality::Valid, Some(false)) => Some("not held"),
        _ => None,
    };
    html! {
        td.n.state[figure.number().is_none()] title=(written(figure, unit)) {
            (short(&figure.value, unit, Medium::Page))
            @if let Some(word) = word { small { (word) } }
        }
    }
}

/// What the marks mean.
fn key(mode: Mode) -> Markup {
    html! {
        p.note {
            @if mode == Mode::Open {
                "Hollow: not held. Dotted: overloaded. Cross, not joined: the measurement is not valid, as where the \
                 generator was the limit. Arrowhead: beyond what was watched. "
            } @else {
                "With so many in flight latency follows from throughput (Little's law): it is neither shown nor ranked. "
            }
            "Whiskers: the range over repeats, from five repeats on a 95" (Medium::Page.space()) "% interval."
        }
    }
}
