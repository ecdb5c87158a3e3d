//! Cost: CPU and memory by process.

use maud::{Markup, PreEscaped, html};

use crate::analysis::{Group, Mode, Point, Row};
use crate::charts::{Axis, Bar, Bars, Scaling};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load};
use crate::outcome::{Cell, Value};

use super::plots::{behind, fit};
use super::{Page, Section};

const CPU: [(&str, &str); 4] = [
    ("cpu.generator", "generator"),
    ("cpu.client", "client"),
    ("cpu.broker", "broker"),
    ("cpu.workers", "workers"),
];
const PSS: [(&str, &str); 4] =
    [("", ""), ("", ""), ("pss.broker", "broker"), ("pss.workers", "workers")];
const RSS: [(&str, &str); 4] =
    [("rss.harness", "harness"), ("", ""), ("rss.broker", "broker"), ("rss.workers", "workers")];

pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let groups: Vec<&Group> = page
        .analysis
        .groups
        .iter()
        // Delays do not change what a task costs enough for a drawing each.
        .filter(|group| group.variant.is_none())
        .collect();
    // One bar compares nothing: the table has its figures.
    let columns: Vec<Markup> = groups
        .iter()
        .filter(|group| group.rows.len() > 1)
        .filter_map(|group| {
            let parts: Vec<Markup> = [
                bars(
                    page,
                    group,
                    "CPU per task",
                    "1 µs per task is 1 CPU-second per million",
                    &CPU,
                    Unit::Seconds,
                ),
                bars(
                    page,
                    group,
                    "Memory, PSS",
                    "shared pages counted by share",
                    &PSS,
                    Unit::Bytes,
                ),
                bars(page, group, "Memory, RSS", "", &RSS, Unit::Bytes),
            ]
            .into_iter()
            .flatten()
            .collect();
            (!parts.is_empty()).then(|| {
                html! {
                    div.column {
                        h3 { (group.title()) }
                        p.of {
                            @match (group.common_load, group.mode) {
                                (Some(at), _) => { "at " (load(at)) },
                                (None, Mode::Open) => "each at its highest load held",
                                (None, Mode::InFlight) => "each at its most tasks in flight",
                            }
                        }
                        @for part in parts { (part) }
                    }
                }
            })
        })
        .collect();
    let table = by_process(page, &groups)?;
    let content = html! {
        (table)
        @if !columns.is_empty() {
            ul.parts {
                @for (part, (_, name)) in CPU.iter().enumerate() {
                    li { span class={ "swatch p" (part) } {} (name) }
                }
            }
        }
        div.columns.lonely[columns.len() == 1] { @for column in columns { (column) } }
        p.note { "The harness's memory holds the ledger and grows with the load; it is no system's cost." }
    };
    Some(Section { anchor: "cost", title: "Cost", content })
}

/// The point that stands for a row: at the load that all in its group hold,
/// else its own best.
fn at<'r>(group: &Group, row: &'r Row) -> Option<&'r Point> {
    match group.common_load {
        Some(load) => row.at(load),
        None => row.best(),
    }
}

/// Every system's CPU and memory by process, side by side.
///
/// `None` where nothing of it was measured.
fn by_process(page: &Page<'_>, groups: &[&Group]) -> Option<Markup> {
    let figure = |point: &Point, name: &str, unit: Unit| match mean(page, &point.counted, name) {
        Some(number) => html! { td.n { (written(number, unit)) } },
        None => html! { td.n.state { "–" } },
    };
    let names = || CPU.iter().chain(&RSS).map(|(name, _)| *name);
    let line = |group: &Group, row: &Row| {
        let point = at(group, row)?;
        names().find_map(|name| mean(page, &point.counted, name))?;
        let rss: Vec<f64> = ["rss.broker", "rss.workers"]
            .iter()
            .filter_map(|name| mean(page, &point.counted, name))
            .collect();
        let per_rate = point
            .throughput
            .number()
            .filter(|rate| *rate > 0.0 && !rss.is_empty())
            .map(|rate| rss.iter().sum::<f64>() / rate);
        Some(html! {
            tr.noop[!row.is_contender()] {
                th scope="row" {
                    span class={ "key s" (page.palette.index(&row.system, &row.profile)) } {}
                    (row.label)
                    small { "at " (load(point.load)) @if let Some(word) = row.not_valid { " · " (word) } @else if point.held == Some(false) { " · not held" } @if !row.runtime.is_empty() { " · " (row.runtime) } }
                }
                @for (name, _) in &CPU { (figure(point, name, Unit::Seconds)) }
                (figure(point, "cpu.total", Unit::Seconds))
                @for (name, _) in RSS.iter().filter(|(name, _)| !name.is_empty()) {
                    (figure(point, name, Unit::Bytes))
                }
                td.n {
                    @match per_rate {
                        Some(bytes) => { (written(bytes, Unit::Bytes)) },
                        None => { span.state { "–" } },
                    }
                }
            }
        })
    };
    let any = groups.iter().any(|g| g.rows.iter().any(|row| line(g, row).is_some()));
    any.then(|| html! {
        div.scroll.cost-table tabindex="0" role="region" aria-label="CPU and memory by process" {
            table {
                thead {
                    tr {
                        th { "" }
                        th.n colspan="5" { "CPU per task" }
                        th.n colspan="4" { "Memory, RSS" }
                    }
                    tr {
                        th { "System" }
                        @for (_, name) in &CPU { th.n { (name) } }
                        th.n { "in all" }
                        th.n { "harness" } th.n { "broker" } th.n { "workers" }
                        th.n title="broker and workers, for each task done per second" { "per task/s" }
                    }
                }
                @for group in groups {
                    tbody {
                        tr.class { th colspan="10" { span { (group.title()) } } }
                        @for row in &group.rows {
                            @if let Some(line) = line(group, row) { (line) }
                        }
                    }
                }
            }
        }
    })
}

/// Mean of a metric over the cells that count.
fn mean(page: &Page<'_>, cells: &[usize], name: &str) -> Option<f64> {
    let numbers: Vec<f64> = cells
        .iter()
        .filter_map(|index| page.outcome.cells.get(*index))
        .filter_map(|cell: &Cell| match cell.metrics.get(name) {
            Some(Value::Is(number)) if number.is_finite() && *number >= 0.0 => {
                // CPU-seconds per million tasks are µs per task.
                Some(if name.starts_with("cpu.") { number * 1e-6 } else { *number })
            }
            _ => None,
        })
        .collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

fn bars(
    page: &Page<'_>,
    group: &Group,
    title: &str,
    sub: &str,
    metrics: &[(&str, &str); 4],
    unit: Unit,
) -> Option<Markup> {
    let rows: Vec<(&Row, Vec<(usize, f64)>)> = group
        .rows
        .iter()
        .filter_map(|row| {
            let point = at(group, row)?;
            let parts: Vec<(usize, f64)> = metrics
                .iter()
                .enumerate()
                .filter(|(_, (name, _))| !name.is_empty())
                .filter_map(|(part, (name, _))| Some((part, mean(page, &point.counted, name)?)))
                .collect();
            (!parts.is_empty()).then_some((row, parts))
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let sum = |parts: &[(usize, f64)]| parts.iter().map(|(_, size)| size).sum::<f64>();
    let longest = rows.iter().map(|(row, _)| fit(&row.label).chars().count()).max().unwrap_or(0);
    let drawing = Bars {
        title: format!("{title}, {}", group.title()),
        axis: Axis::around(Scaling::Linear, unit, rows.iter().map(|(_, parts)| sum(parts))),
        left: 16 + 10 * longest as u32,
        bars: rows
            .iter()
            .map(|(row, parts)| Bar {
                style: page.palette.index(&row.system, &row.profile),
                name: fit(&row.label),
                parts: parts.clone(),
                total: written(sum(parts), unit),
            })
            .collect(),
    };
    let shown: Vec<usize> = (0..4).filter(|part| !metrics[*part].0.is_empty()).collect();
    let table = html! {
        table {
            thead { tr {
                th { "System" }
                @for part in &shown { th.n { (metrics[*part].1) } }
                th.n { "in all" }
            } }
            tbody {
                @for (row, parts) in &rows {
                    tr {
                        th scope="row" { (row.label) }
                        @for part in &shown {
                            @match parts.iter().find(|(of, _)| of == part) {
                                Some((_, size)) => { td.n { (written(*size, unit)) } },
                                None => { td.n.state { "not measured" } },
                            }
                        }
                        td.n { (written(sum(parts), unit)) }
                    }
                }
            }
        }
    };
    Some(html! {
        figure {
            figcaption { b { (title) } @if !sub.is_empty() { " " small { (sub) } } }
            div.draw { (PreEscaped(drawing.draw())) }
            (behind(&table))
        }
    })
}

fn written(number: f64, unit: Unit) -> String {
    amount(number, unit, Medium::Page)
}
