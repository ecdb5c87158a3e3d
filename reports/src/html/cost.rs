//! Cost: CPU and memory by process.

mod bars;
mod whole;

use maud::{Markup, html};

use crate::analysis::{Group, Mode, Point, Row};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load};
use crate::outcome::{Cell, Value};

use super::{Page, Section};

const CPU: [(&str, &str); 4] = [
    ("cpu.generator", "generator"),
    ("cpu.client", "client"),
    ("cpu.broker", "broker"),
    ("cpu.workers", "workers"),
];
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
            let parts: Vec<Markup> =
                bars::KINDS.iter().filter_map(|kind| kind.figure(page, group)).collect();
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
    let told = |number: Option<f64>, unit: Unit| match number {
        Some(number) => html! { td.n { (written(number, unit)) } },
        None => html! { td.n.state { "–" } },
    };
    let figure =
        |point: &Point, name: &str, unit: Unit| told(mean(page, &point.counted, name), unit);
    let names = || CPU.iter().chain(&RSS).map(|(name, _)| *name);
    let line = |group: &Group, row: &Row| {
        let point = at(group, row)?;
        names().find_map(|name| mean(page, &point.counted, name))?;
        let rate = point.throughput.number().filter(|rate| *rate > 0.0);
        let per_rate =
            whole::system_rss(page, group, point).zip(rate).map(|(rss, rate)| rss / rate);
        Some(html! {
            tr.noop[!row.is_contender()] {
                th scope="row" {
                    span class={ "key s" (page.palette.index(&row.system, &row.profile)) } {}
                    (row.label)
                    small { "at " (load(point.load)) @if let Some(word) = row.not_valid { " · " (word) } @else if point.held == Some(false) { " · not held" } @if !row.runtime.is_empty() { " · " (row.runtime) } }
                }
                @for (name, _) in &CPU { (figure(point, name, Unit::Seconds)) }
                (told(whole::cpu(page, group, point), Unit::Seconds))
                @for (name, _) in RSS.iter().filter(|(name, _)| !name.is_empty()) {
                    (figure(point, name, Unit::Bytes))
                }
                (told(per_rate, Unit::Bytes))
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

fn written(number: f64, unit: Unit) -> String {
    amount(number, unit, Medium::Page)
}
