//! Before and after in one drawing: throughput and latency against load, and
//! latency by percentile.

use maud::{Markup, html};

use crate::analysis::Measure;
use crate::analysis::{Analysis, Figure, Group, Mode, Point, Row, Spread, analyse};
use crate::charts::{Axis, Dot, Join, Lines, Mark, NARROW, Scaling, Series};
use crate::compare::Comparison;
use crate::compare::sentences::change;
use crate::metrics::Unit;
use crate::numbers::{Medium, load, short};
use crate::outcome::{Load, Outcome, Value};

use super::super::data::Data;
use super::super::percentiles::{Curve, NAMED};
use super::super::plots::{figure, room, switch};
use super::super::words::written;
use super::{PAGE, Section};

/// Most systems that are drawn; the table has all.
const MOST: usize = 24;

/// One side of the page.
#[derive(Clone, Copy)]
struct Of<'a> {
    outcome: &'a Outcome,
    word: &'static str,
    style: usize,
}

/// One system on both sides.
struct Both<'a> {
    group: &'a Group,
    rows: [(Of<'a>, &'a Row); 2],
}

pub(super) fn section(
    it: &Comparison,
    before: &Outcome,
    after: &Outcome,
    data: &mut Data,
) -> Option<Section> {
    let analyses = (analyse(before), analyse(after));
    let sides = (
        Of { outcome: before, word: "before", style: 0 },
        Of { outcome: after, word: "after", style: 1 },
    );
    let mut all: Vec<Both<'_>> = Vec::new();
    for group in &analyses.1.groups {
        for row in &group.rows {
            let is_compared = it.items.iter().chain(&it.control).any(|item| {
                (&item.system, &item.profile) == (&row.system, &row.profile)
                    && (item.mode, &item.variant) == (Some(group.mode), &group.variant)
            });
            if let (true, Some(old)) = (is_compared, same(&analyses.0, group, row)) {
                all.push(Both { group, rows: [(sides.0, old), (sides.1, row)] });
            }
        }
    }
    let drawn: Vec<(String, Vec<Markup>)> = all
        .iter()
        .take(MOST)
        .map(|both| (both.title(), both.drawings(data)))
        .filter(|(_, drawings)| !drawings.is_empty())
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let content = html! {
        div.plots {
            div.controls {
                fieldset.legend {
                    legend { "Show" }
                    @for (style, word) in [(0, "before"), (1, "after")] {
                        label {
                            input class={ "t" (style) } type="checkbox" checked;
                            span class={ "key s" (style) } {}
                            (word)
                        }
                    }
                }
                (switch("axes-compare"))
            }
            @for (title, drawings) in &drawn {
                h3 { (title) }
                div.columns { @for drawing in drawings { div.column { (drawing) } } }
            }
        }
        @if all.len() > MOST { p.note { "Drawn are the first " (MOST) " of " (all.len()) "; the table has all." } }
        p.note {
            "Whiskers: the range over repeats, from five repeats on a 95" (Medium::Page.space()) "% interval. \
             Hollow: not held; by percentile: at most that. Arrowhead: beyond what was watched. \
             Thin line: P50."
        }
    };
    Some(Section { anchor: "curves", title: "Curves", content })
}

fn same<'a>(analysis: &'a Analysis, group: &Group, row: &Row) -> Option<&'a Row> {
    let of = |other: &&Group| (other.mode, &other.variant) == (group.mode, &group.variant);
    let mut rows = analysis.groups.iter().filter(of).flat_map(|group| &group.rows);
    rows.find(|other| (&other.system, &other.profile) == (&row.system, &row.profile))
}

/// Takes one figure out of a point.
type Get = fn(&Point) -> &Figure;

impl Both<'_> {
    fn title(&self) -> String {
        let row = self.rows[1].1;
        let variant = self.group.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
        format!("{}/{}{variant}", row.system, row.profile)
    }

    fn drawings(&self, data: &mut Data) -> Vec<Markup> {
        let open = self.group.mode == Mode::Open;
        let several = self.rows.iter().any(|(_, row)| row.points.len() > 1);
        let mut out = Vec::new();
        // What is held is done as it was offered: two lines on one diagonal.
        let points = || self.rows.iter().flat_map(|(_, row)| &row.points);
        if several && (!open || points().any(|point| point.held != Some(true))) {
            let throughput: &[(Get, bool)] = &[(|point| &point.throughput, true)];
            out.extend(self.against_load(
                "Tasks done, per second",
                Unit::PerSecond,
                throughput,
                data,
            ));
        }
        if several && open {
            let latency: &[(Get, bool)] =
                &[(|point| &point.p50, false), (|point| &point.p99, true)];
            let title = format!("P99 {}", name(self.group));
            out.extend(self.against_load(&title, Unit::Seconds, latency, data));
        }
        if open {
            out.extend(self.by_percentile(data));
        }
        out
    }

    fn against_load(
        &self,
        title: &str,
        unit: Unit,
        figures: &[(Get, bool)],
        data: &mut Data,
    ) -> Option<Markup> {
        let series: Vec<Series> = figures
            .iter()
            .flat_map(|(get, main)| {
                self.rows.iter().map(move |(of, row)| line(*of, row, unit, *get, *main))
            })
            .collect();
        let dots = || series.iter().flat_map(|series| &series.dots);
        dots().next()?;
        let ends = |dot: &Dot| dot.spread.map_or([dot.y, dot.y], |(low, high)| [low, high]);
        let lines = |scaling: Scaling| Lines {
            title: format!("{title} of {} against load", self.title()),
            width: NARROW,
            height: 280,
            right: room(["before"].into_iter()),
            x: Axis::around(scaling, Unit::Tasks, dots().map(|dot| dot.x)),
            y: Axis::around(
                scaling,
                unit,
                dots().flat_map(|dot| ends(dot).into_iter().chain([dot.y])),
            ),
            x_labels: true,
            x_title: if self.group.mode == Mode::Open { "offered/s" } else { "in flight" },
            diagonal: None,
            limit: None,
            shades: Vec::new(),
            series: series.clone(),
            moments: Vec::new(),
            name_rows: 1,
        };
        let main = figures.iter().find(|(_, main)| *main).map(|(get, _)| *get)?;
        let table = self.table(unit, main);
        Some(figure(
            (title, ""),
            &[lines(Scaling::Log), lines(Scaling::Linear)],
            false,
            data,
            &table,
        ))
    }

    fn table(&self, unit: Unit, get: Get) -> Markup {
        let loads: Vec<Load> = self.rows[1].1.points.iter().map(|point| point.load).collect();
        html! {
            table {
                thead { tr { th { "Side" } @for at in &loads { th.n { (load(*at)) } } } }
                tbody {
                    @for (of, row) in &self.rows {
                        tr {
                            th scope="row" { (of.word) }
                            @for at in &loads {
                                td.n {
                                    @match row.at(*at) {
                                        Some(point) => (short(&get(point).value, unit, PAGE)),
                                        None => "–",
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// At the highest load that both hold.
    fn by_percentile(&self, data: &mut Data) -> Option<Markup> {
        let [(_, old), (_, new)] = &self.rows;
        let held = |point: &&Point| point.held == Some(true);
        let both = |point: &&Point| old.at(point.load).is_some_and(|other| held(&other));
        let at = new.points.iter().rev().filter(held).find(both)?.load;
        let series: Vec<Series> = self
            .rows
            .iter()
            .filter_map(|(of, row)| {
                let curve = Curve::of(of.outcome, row.at(at)?, self.group.latency)?;
                Some(series(*of, "", true, curve.dots(of.word)))
            })
            .collect();
        let all = || series.iter().flat_map(|series| &series.dots);
        all().next()?;
        let lines = Lines {
            title: format!(
                "{} of {} by percentile at {}",
                name(self.group),
                self.title(),
                load(at)
            ),
            width: NARROW,
            height: 280,
            right: room(["before"].into_iter()),
            x: Axis::around(Scaling::Nines, Unit::Fraction, all().map(|dot| dot.x)),
            y: Axis::around(Scaling::Log, Unit::Seconds, all().map(|dot| dot.y)),
            x_labels: true,
            x_title: "",
            diagonal: None,
            limit: None,
            shades: Vec::new(),
            series: series.clone(),
            moments: Vec::new(),
            name_rows: 1,
        };
        let table = self.by_quantile(at);
        let sub = format!("at {}", load(at));
        Some(figure(
            (&format!("{} by percentile", capital(name(self.group))), &sub),
            &[lines],
            false,
            data,
            &table,
        ))
    }

    /// The named percentiles of both, and the change where both are measured.
    fn by_quantile(&self, at: Load) -> Markup {
        let side = |place: usize, q: f64, suffix: &str| -> Option<Value> {
            let (of, row) = self.rows[place];
            Some(row.at(at)?.quantile(of.outcome, self.group.latency, q, suffix).value)
        };
        let rows = NAMED.into_iter().filter_map(|(q, name, suffix)| {
            let (before, after) = (side(0, q, suffix)?, side(1, q, suffix)?);
            let any = before.number().is_some() || after.number().is_some();
            any.then_some((name, before, after))
        });
        let by = |before: &Value, after: &Value| match (before, after) {
            (Value::Is(before), Value::Is(after)) => {
                change(after / before - 1.0, Measure::Ratio, PAGE)
            }
            _ => crate::summary::NONE.to_owned(),
        };
        html! {
            table {
                thead { tr { th { "Percentile" } th.n { "Before" } th.n { "After" } th.n { "Change" } } }
                tbody {
                    @for (name, before, after) in rows {
                        tr {
                            th scope="row" { (name) }
                            td.n { (short(&before, Unit::Seconds, PAGE)) }
                            td.n { (short(&after, Unit::Seconds, PAGE)) }
                            td.n { (by(&before, &after)) }
                        }
                    }
                }
            }
        }
    }
}

fn line(of: Of<'_>, row: &Row, unit: Unit, get: Get, main: bool) -> Series {
    let dots = row.points.iter().filter_map(|point| {
        let figure = get(point);
        let beyond = unit == Unit::Seconds && matches!(figure.value, Value::AtLeast(_));
        let mark = match (main, point.is_valid(), point.held) {
            (true, false, _) => Mark::Cross,
            (_, true, _) if beyond => Mark::Beyond,
            (false, ..) => Mark::None,
            (_, _, Some(false)) => Mark::Hollow,
            _ => Mark::Full,
        };
        let join = match (point.is_valid(), point.overloaded) {
            (false, _) => Join::Alone,
            (_, true) => Join::Dashed,
            _ => Join::Solid,
        };
        let n = point.n();
        let repeats = if n == 1 { "repeat" } else { "repeats" };
        let tip =
            format!("{} · {}\n{}\n{n} {repeats}", of.word, load(point.load), written(figure, unit));
        Some(Dot {
            x: point.load.amount(),
            y: figure.number()?,
            spread: figure.spread.map(Spread::ends).filter(|_| main),
            mark,
            join,
            tip: if main { tip } else { String::new() },
        })
    });
    series(of, if main { "" } else { "thin" }, main, dots.collect())
}

fn series(of: Of<'_>, class: &'static str, labelled: bool, dots: Vec<Dot>) -> Series {
    let name = of.word.to_owned();
    Series { style: of.style, class, marker: of.style, name, labelled, dots }
}

fn name(group: &Group) -> &'static str {
    if group.latency == "firing_error" { "firing error" } else { "start latency" }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}
