//! The percentile curve: how bad the worst tasks had it. The generator's own
//! lateness is the grey line; what lies below it is not known.

mod curve;
mod lateness;

use maud::{Markup, html};

use crate::analysis::{BEYOND, Group, Mode, Row};
use crate::charts::{Axis, Lines, NARROW, Scaling, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, load, short, whole};
use crate::outcome::{Load, Value};

use super::data::Data;
use super::plots::{figure, fit, legend, room};
use super::{Page, Section};
use lateness::Lateness;

pub(super) use curve::{Curve, NAMED};

/// Most loads to choose from.
const LOADS: usize = 8;
pub(super) fn section(page: &Page<'_>, data: &mut Data) -> Option<Section> {
    let groups: Vec<&Group> =
        page.analysis.groups.iter().filter(|group| group.mode == Mode::Open).collect();
    let loads = loads(&groups);
    let first = default_load(&groups, &loads)?;
    let rows: Vec<(&Group, &Row)> =
        groups.iter().flat_map(|group| group.rows.iter().map(move |row| (*group, row))).collect();
    let right = room(rows.iter().map(|(_, row)| row.label.as_str()).chain(["pacing lateness"]));
    let mut drawings = Vec::new();
    for (place, at) in loads.iter().enumerate() {
        let columns: Vec<Markup> = groups
            .iter()
            .filter_map(|group| chart(page, (group, groups.len()), *at, right, data))
            .collect();
        if !columns.is_empty() {
            drawings.push((place, *at, columns));
        }
    }
    if drawings.is_empty() {
        return None;
    }
    let content = html! {
        div.plots.pick {
            div.controls {
                (legend(page, &rows))
                @if drawings.len() > 1 {
                    fieldset.switch {
                        legend { "Load" }
                        @for (place, at, _) in &drawings {
                            label {
                                input class={ "r" (place) } type="radio" name="percentile-load" checked[*at == first];
                                span { (load(*at)) }
                            }
                        }
                    }
                }
            }
            @for (place, at, columns) in &drawings {
                div class={ "choice v" (place) } {
                    h3.only-print { "At " (load(*at)) }
                    div.columns.lonely[groups.len() == 1] {
                        @for column in columns { (column) }
                    }
                }
            }
        }
        p.note {
            "A percentile is shown where at least " (BEYOND) " tasks lie beyond it. "
            "Tasks that did not finish count as infinitely late, so a curve that ends early lost them. "
            "Hollow: at most that (≤), since the generator was too late itself to tell. "
            "Crosses, not joined: the measurement is not valid. "
            "Grey: how late the generator itself was for the system where that was most; below it nothing is known."
        }
    };
    Some(Section { anchor: "percentiles", title: "By percentile", content })
}

/// The loads to choose from, thinned out evenly.
fn loads(groups: &[&Group]) -> Vec<Load> {
    let mut loads: Vec<Load> = Vec::new();
    for point in groups.iter().flat_map(|group| &group.rows).flat_map(|row| &row.points) {
        if !loads.contains(&point.load) && point.load.amount().is_finite() {
            loads.push(point.load);
        }
    }
    loads.sort_by(|a, b| a.amount().total_cmp(&b.amount()));
    // Variants multiply the drawings: then only a few loads are drawn.
    let most = (48 / groups.len().max(1)).clamp(1, LOADS);
    if loads.len() > most {
        let common: Vec<Load> = groups.iter().filter_map(|group| group.common_load).collect();
        let step = loads.len().div_ceil(most);
        let mut place = 0;
        loads.retain(|load| {
            place += 1;
            common.contains(load) || place % step == 0
        });
    }
    loads
}

/// The load shown at first: the lowest that all of some class hold, so that
/// every class has something to show.
fn default_load(groups: &[&Group], loads: &[Load]) -> Option<Load> {
    groups
        .iter()
        .filter_map(|group| group.common_load)
        .filter(|load| loads.contains(load))
        .min_by(|a, b| a.amount().total_cmp(&b.amount()))
        .or_else(|| loads.first().copied())
}

fn chart(
    page: &Page<'_>,
    (group, groups): (&Group, usize),
    at: Load,
    right: u32,
    data: &mut Data,
) -> Option<Markup> {
    let rows: Vec<(&Row, Curve<'_>)> = group
        .rows
        .iter()
        .filter_map(|row| Some((row, Curve::of(page.outcome, row.at(at)?, group.latency)?)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let lateness = Lateness::of(page.outcome, group, at);
    let mut series = Vec::new();
    if let Some(lateness) = &lateness {
        series.push(Series {
            style: page.palette.0.len(),
            class: "late",
            marker: 0,
            name: "pacing lateness".to_owned(),
            labelled: true,
            dots: lateness.dots(),
        });
    }
    for (row, curve) in &rows {
        let style = page.palette.index(&row.system, &row.profile);
        series.push(Series {
            style,
            class: "",
            marker: page.palette.marker(style),
            name: fit(&row.label),
            labelled: true,
            dots: curve.dots(&row.label),
        });
    }
    let all = || series.iter().flat_map(|series| &series.dots);
    all().next()?;
    let name = if group.latency == "firing_error" { "Firing error" } else { "Start latency" };
    let lines = Lines {
        title: format!("{name} by percentile at {}", load(at)),
        width: NARROW,
        height: 300,
        right,
        x: Axis::around(Scaling::Nines, Unit::Fraction, all().map(|dot| dot.x)),
        y: Axis::around(Scaling::Log, Unit::Seconds, all().map(|dot| dot.y)),
        x_labels: true,
        x_title: "",
        diagonal: None,
        limit: None,
        series: series.clone(),
        shades: Vec::new(),
        moments: Vec::new(),
        name_rows: 1,
    };
    let table = table(&rows, lateness.as_ref());
    Some(html! {
        div.column {
            h3 { (group.title()) }
            (figure((&format!("{name} by percentile"), &format!("at {}", load(at))), &[lines], groups == 1, data, &table))
        }
    })
}

fn table(rows: &[(&Row, Curve<'_>)], lateness: Option<&Lateness>) -> Markup {
    let cell = |value: &Value| {
        html! {
            td.n.state[value.number().is_none()] {
                @match value {
                    Value::NotMeasured(_) => "too few tasks",
                    _ => (short(value, Unit::Seconds, Medium::Page)),
                }
            }
        }
    };
    html! {
        table {
            thead {
                tr {
                    th { "System" }
                    @for (_, name, _) in NAMED { th.n { (name) } }
                    th.n { "largest" } th.n { "unfinished" } th.n { "tasks" }
                }
            }
            tbody {
                @for (row, curve) in rows {
                    tr {
                        th scope="row" {
                            (row.label)
                            @if let Some(word) = curve.point.not_valid() { small { (word) } }
                        }
                        @for value in &curve.named { (cell(value)) }
                        (cell(&curve.largest))
                        td.n { (whole(curve.merged.at_infinity())) }
                        td.n { (whole(curve.merged.total())) }
                    }
                }
                @if let Some(late) = lateness {
                    tr {
                        th scope="row" { "pacing lateness" small { "where it was most" } }
                        @for (q, ..) in NAMED { (cell(&late.percentile(q))) }
                        (cell(&late.largest()))
                        td.n { (whole(late.at_infinity())) }
                        td.n { (whole(late.total())) }
                    }
                }
            }
        }
    }
}
