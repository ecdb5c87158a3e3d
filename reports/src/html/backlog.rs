//! Backlogs: what built up while no worker ran, what survived the broker's
//! end, and how fast it drained.

use maud::{Markup, html};

use crate::analysis::{Backlog, FIGURES, Median, in_words};
use crate::charts::{Axis, Lines, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, load, whole};
use crate::outcome::{Load, Reading};

use super::data::Data;
use super::plots::{figure, fit, room};
use super::timeline::{BACKLOG, Told, mark, series};
use super::words::own_cell;
use super::{Page, Section};

const PAGE: Medium = Medium::Page;

/// What a column is called, what it means, and which figure it shows.
const COLUMNS: [(&str, &str, &str); 6] = [
    ("drained/s", "median over 20 intervals between the first success and the last", "drain_rate"),
    ("drained in", "from the workers' start to the last success", "drain_time"),
    ("resumed after", "from the workers' start to the first success", "resume"),
    (
        "broker back after",
        "from its start to its first answer, of a node until its cluster has it; below: from its end",
        "restart",
    ),
    ("workers ready after", "from their start until each consumes", "ready"),
    ("built up/s", "confirmed, from the first hand-over to the last confirmation", "build_up"),
];

const MEMORY: &str = "what the broker's processes grew by until all was confirmed, for each task; \
                      ≤: not told from what their memory scatters by at rest";

pub(super) fn section(page: &Page<'_>, data: &mut Data) -> Option<Section> {
    let all = &page.analysis.backlogs;
    if all.is_empty() {
        return None;
    }
    let classes = || all.chunk_by(|one, other| one.class == other.class);
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Backlogs" {
            table.times {
                thead { tr {
                    th { "System" }
                    th.n title="ran to a success at least once, of those handed over" { "survived" }
                    th { "missing" }
                    @for (title, means, _) in COLUMNS { th.n title=(means) { (title) } }
                    th.n title=(MEMORY) { "memory per task" }
                } }
                @for class in classes() {
                    tbody {
                        @if let Some(first) = class.first() {
                            tr.class { th colspan=(COLUMNS.len() + 4) { span { (first.class.title()) } } }
                        }
                        @for one in class { (row(page, one)) }
                    }
                }
            }
        }
        p.note {
            "Tasks are handed over while no worker runs, as fast as they are taken; the broker is "
            "hurt while they rest; then workers are started. " i { "Missing" } " counts what was "
            "confirmed and never ran: lost where the system, asked afterwards, held nothing. "
            i { "> x" } ": the drain was cut off there, and what was left was counted and thrown "
            "away. Of several repeats tasks are summed, times are the median with the range below. "
            "A worker's own start is part of the time until it resumed. Memory is the mean; what a "
            "broker keeps on disk or in memory that it had before is not in it, what it has not yet "
            "cleared away is."
        }
        div.plots { div.columns { @for class in classes() { (drawing(page, class, data)) } } }
        (article(all))
    };
    Some(Section { anchor: "backlog", title: "Backlog", content })
}

fn row(page: &Page<'_>, one: &Backlog) -> Markup {
    let seen = &one.seen;
    let missing = one.missing();
    html! {
        tr {
            th scope="row" {
                span class={ "key s" (page.palette.index(&one.system, &one.profile)) } {}
                (one.label)
                small {
                    (load(Load::Backlog(one.tasks)))
                    @if let Some(variant) = &one.variant { ", " (variant) }
                    @if seen.repeats > 1 { ", " (seen.repeats) " repeats" }
                }
                @if let Some(fault) = &one.fault { small { (fault) } }
                @if let Some(word) = one.not_valid { small.loud { (word) } }
            }
            td.n {
                (whole(seen.survived))
                small { "of " (whole(seen.handed_over)) }
            }
            td.wrap {
                @if missing.is_empty() { "–" }
                @for (place, words) in missing.iter().enumerate() {
                    @if place == 0 { (words) } @else { small { (words) } }
                }
                @if seen.again > 0 { small { (whole(seen.again)) " ran again" } }
                @if seen.untold > 0 { small { (seen.untold) " more came to nothing" } }
            }
            @for (_, _, name) in COLUMNS {
                @let beside = (name == "restart").then(|| one.figures.get("answers")).flatten();
                (median(one.figures.get(name), unit(name), beside))
            }
            (own_cell(&one.memory, Unit::Bytes))
        }
    }
}

fn unit(name: &str) -> Unit {
    FIGURES.iter().find(|(known, _)| *known == name).map_or(Unit::Number, |(_, unit)| *unit)
}

fn median(told: Option<&Median>, unit: Unit, beside: Option<&Median>) -> Markup {
    let Some(told) = told else { return html! { td.n.zero { "–" } } };
    let is_number = told.value.number().is_some();
    let why = match &told.value {
        Reading::NotSteady(why) | Reading::NotMeasured(why) => Some(why.as_str()),
        _ => None,
    };
    let beside = beside.filter(|beside| beside.value.number().is_some());
    html! {
        td.n.zero[!is_number] title=[why] {
            (in_words(&told.value, unit, PAGE))
            @if is_number && let Some(spread) = told.spread(unit, PAGE) { small { (spread) } }
            @if is_number && let Some(told) = told.confidence(unit, PAGE) { small { (told) } }
            @if let Some(beside) = beside { small { (in_words(&beside.value, unit, PAGE)) } }
            @for mixed in told.mixed() { small { (mixed) } }
        }
    }
}

/// What each system of a class owed over time, at the largest number of tasks
/// that one of them had.
fn drawing(page: &Page<'_>, class: &[Backlog], data: &mut Data) -> Markup {
    let largest = class.iter().map(|one| one.tasks).max().unwrap_or(0);
    let rows = || class.iter().filter(|one| one.tasks == largest);
    let mut lines: Vec<Series> = rows().filter_map(|one| line(page, one)).collect();
    mark(&mut lines);
    let dots = || lines.iter().flat_map(|series| &series.dots);
    let Some(first) = class.first().filter(|_| dots().next().is_some()) else { return html! {} };
    let to = dots().fold(1.0_f64, |to, dot| to.max(dot.x));
    let title = first.class.title();
    let sub = format!("{} over time", load(Load::Backlog(largest)));
    let drawn = Lines {
        title: format!("{title}: {sub}"),
        width: NARROW,
        height: BACKLOG.height,
        right: room(rows().map(|one| one.label.as_str())),
        x: Axis::exactly(0.0, to, Unit::Seconds),
        y: Axis::around(Scaling::Linear, Unit::Tasks, dots().map(|dot| dot.y)),
        x_labels: true,
        x_title: "",
        diagonal: None,
        limit: None,
        shades: Vec::new(),
        series: lines.clone(),
        moments: Vec::new(),
        name_rows: 0,
    };
    let table = html! {
        table { tbody { @for one in rows() {
            tr { th scope="row" { (one.label) } td.n { (whole(one.seen.survived)) " survived" } }
        } } }
    };
    html! {
        div.column {
            (figure((&title, &sub), std::slice::from_ref(&drawn), false, data, &table))
        }
    }
}

/// The one of its cells whose drain is the median.
fn line(page: &Page<'_>, one: &Backlog) -> Option<Series> {
    let mut cells: Vec<_> =
        one.cells.iter().filter_map(|index| page.outcome.cells.get(*index)).collect();
    let drained = |cell: &crate::outcome::Cell| {
        let time = cell.metrics.get("backlog.drain_time");
        time.and_then(crate::outcome::Value::number).unwrap_or(f64::INFINITY)
    };
    cells.sort_by(|a, b| drained(a).total_cmp(&drained(b)));
    let cell = cells.get(cells.len().saturating_sub(1) / 2)?;
    let style = page.palette.index(&one.system, &one.profile);
    let marker = page.palette.marker(style);
    let told = Told { label: &one.label, cell, style, marker };
    let column = BACKLOG.columns.first()?;
    Some(Series { name: fit(&one.label), ..series(&told, &BACKLOG, column) })
}

/// What the article says of it, where one of its systems is here.
fn article(all: &[Backlog]) -> Markup {
    let has = |name: &str| all.iter().any(|one| one.system.contains(name));
    if !has("rabbitmq") && !has("asynq") {
        return html! {};
    }
    html! {
        p.note {
            "The article, §4.2, says of a node that dies in a backlog: RabbitMQ with mirrored queues "
            "loses unsynced messages and recovers in seconds; Asynq on Redis shards recovers in "
            "milliseconds, and its client keeps and retries. It has neither numbers nor a method, so "
            "that it is not said whether that holds. Here a node is killed and comes back with its "
            "data: where it was alone nothing takes over, in a cluster another one leads meanwhile "
            "(" code { "mirrored-3" } ", " code { "quorum-3" } "); Redis shards are three masters "
            "without replicas (" code { "asynq/cluster-3" } ")."
        }
    }
}
