//! Who holds what: the one table.

use maud::{Markup, PreEscaped, html};

use crate::analysis::{Capacity, Figure, Group, Mode, Point, Row};
use crate::charts::spark;
use crate::metrics::Unit;
use crate::numbers::{Medium, Scale, load};
use crate::outcome::Load;

use super::words::{cell, column, own_cell};
use super::{Page, Section};

/// Columns of the table.
const COLUMNS: usize = 9;

pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let groups: Vec<(usize, &Group)> = page
        .analysis
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.mode == Mode::Open)
        .collect();
    if groups.is_empty() {
        return None;
    }
    let rows = || groups.iter().flat_map(|(_, group)| &group.rows);
    let scales = Scales {
        cpu: column(Unit::CpuSecondsPerMillion, rows().map(|row| &row.cpu)),
        pss: column(Unit::Bytes, rows().map(|row| &row.pss)),
    };
    let span = span(rows());
    let latency = match groups[0].1.latency {
        "firing_error" => "P99 firing error",
        _ => "P99 start latency",
    };
    let has =
        |rate: f64| rows().any(|row| row.points.iter().any(|point| point.load == Load::Rate(rate)));
    let shown = Shown { at_10k: has(10e3), at_100k: has(100e3) };
    let terms = page.analysis.failure_terms(Medium::Page);
    let content = html! {
        div.scroll tabindex="0" role="region" aria-label="Who holds what" {
            table.holds {
                thead {
                    tr {
                        th { "System" }
                        th.n title="highest rate held in every valid repeat" { "Capacity" }
                        th title="what limited the rate at the first load not held" { "Limit" }
                        th.n { (latency) br; small { "at a load all hold" } }
                        @if shown.at_10k { th.n title=(terms) { "Failed" br; small { "at 10k/s" } } }
                        @if shown.at_100k { th.n title=(terms) { "Failed" br; small { "at 100k/s" } } }
                        th.n { "CPU" br; small { "s per million" } }
                        th.n { "PSS" }
                        th { "Done against load" }
                    }
                }
                @for (place, group) in &groups {
                    tbody id={ "holds-" (place) } {
                        tr.class {
                            th colspan=(COLUMNS - usize::from(!shown.at_10k) - usize::from(!shown.at_100k)) {
                                span { (group.title()) }
                                p.promise { (group.class.promise()) }
                                @if let Some(at) = group.common_load {
                                    small { "figures at " (load(at)) }
                                } @else {
                                    small { "no load that all hold: cost at each one's own best" }
                                }
                            }
                        }
                        @for row in &group.rows { (line(page, row, &scales, &shown, span)) }
                    }
                }
            }
        }
        p.note {
            @if !terms.is_empty() && (shown.at_10k || shown.at_100k) { "Failed: " (terms) ". " }
            "Ranks count inside a class only; rows that cannot be told apart share one. "
            "Small figures: the range over repeats, from five repeats on a 95" (Medium::Page.space()) "% interval."
        }
    };
    Some(Section { anchor: "holds", title: "Who holds what", content })
}

struct Scales {
    cpu: Scale,
    pss: Scale,
}

struct Shown {
    at_10k: bool,
    at_100k: bool,
}

fn line(page: &Page<'_>, row: &Row, scales: &Scales, shown: &Shown, span: (f64, f64)) -> Markup {
    let style = page.palette.index(&row.system, &row.profile);
    let points: Vec<(f64, f64)> = row
        .points
        .iter()
        .filter(|point| point.is_valid())
        .filter_map(|point| Some((point.load.amount(), point.throughput.number()?)))
        .collect();
    let about = [row.version.as_str(), row.runtime.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    html! {
        tr.noop[!row.is_contender()] {
            th scope="row" {
                div {
                    span.rank {
                        @if let Some(rank) = row.rank {
                            (rank.place) @if rank.shared { "=" }
                        }
                    }
                    span.who {
                        span class={ "key s" (style) } {}
                        (breakable(&row.label))
                        @if let Some(why) = &row.not_comparable { small { "not comparable: " (why) } }
                        @if row.is_noop() { small { "the harness's own ceiling" } }
                        @else if !about.is_empty() { small { (about) } }
                    }
                }
            }
            (capacity(row))
            (limit(row))
            (marked(row.not_valid, own_cell(&row.p99, Unit::Seconds)))
            @if shown.at_10k { (failed(row, 10e3, &row.failed_10k)) }
            @if shown.at_100k { (failed(row, 100e3, &row.failed_100k)) }
            (marked(row.not_valid, cell(&row.cpu, Unit::CpuSecondsPerMillion, &scales.cpu)))
            (marked(row.not_valid, cell(&row.pss, Unit::Bytes, &scales.pss)))
            td.spark {
                @if points.len() > 1 {
                    (PreEscaped(spark(&points, span, style, &format!("{}: done against load", row.label))))
                }
            }
        }
    }
}

fn capacity(row: &Row) -> Markup {
    let capacity = &row.capacity;
    let state = matches!(capacity, Capacity::NotHeld(_) | Capacity::Unknown(_));
    html! {
        td.n.state[state] {
            @if state { (capacity.text()) } @else { b { (capacity.text()) } }
            @if let Some(beyond) = capacity.beyond() { small { (beyond) } }
            @if let Some(gap) = row.gap() { small.loud { "nor " (load(gap.load)) } }
        }
    }
}

/// A failure rate, which is of a load of its own and not of the one that all in
/// the class hold.
fn failed(row: &Row, rate: f64, figure: &Figure) -> Markup {
    let not_valid = row.at(Load::Rate(rate)).and_then(Point::not_valid);
    marked(not_valid, cell(figure, Unit::Fraction, &Scale::of(Unit::Fraction, 1.0)))
}

/// A figure, or the verdict's word where its measurement is not valid.
fn marked(not_valid: Option<&str>, figure: Markup) -> Markup {
    match not_valid {
        None => figure,
        Some(word) => {
            html! { td.n.state title="not valid: see all cells" { (word) } }
        }
    }
}

/// A name that a narrow column breaks behind its slash.
fn breakable(label: &str) -> Markup {
    match label.split_once('/') {
        Some((system, profile)) => html! { (system) "/" wbr; (profile) },
        None => html! { (label) },
    }
}

/// Who stopped it at the first load that it did not hold.
fn limit(row: &Row) -> Markup {
    match row.beyond() {
        Some(point) => html! {
            td title=(point.limit.why()) {
                (point.limit.word()) small { "at " (load(point.load)) }
            }
        },
        None if row.capacity.held() > 0.0 => html! { td.state { "none seen" } },
        None => html! { td.state { "–" } },
    }
}

/// Smallest and largest rate of all rows.
fn span<'r>(rows: impl Iterator<Item = &'r Row>) -> (f64, f64) {
    let loads = rows
        .flat_map(|row| &row.points)
        .map(|point| point.load.amount())
        .filter(|load| load.is_finite() && *load > 0.0);
    loads.fold((f64::INFINITY, 0.0), |(low, high), load| (low.min(load), high.max(load)))
}
