//! What a task costs as stacked bars, a part for each process.

use maud::{Markup, PreEscaped, html};

use crate::analysis::{Group, Point, Row};
use crate::charts::{Axis, Bar, Bars, Scaling};
use crate::metrics::Unit;

use super::super::Page;
use super::super::plots::{behind, fit};
use super::{CPU, RSS, at, mean, whole, written};

const PSS: [(&str, &str); 4] =
    [("", ""), ("", ""), ("pss.broker", "broker"), ("pss.workers", "workers")];

const UNKNOWN: &str = "not measured";

/// One kind of drawing.
pub(super) struct Kind {
    title: &'static str,
    sub: &'static str,
    unit: Unit,
    /// Metrics of the parts, and their words.
    parts: &'static [(&'static str, &'static str); 4],
    /// What the parts come to, where that is known.
    whole: fn(&Page<'_>, &Group, &Point) -> Option<f64>,
}

pub(super) const KINDS: [Kind; 3] = [
    Kind {
        title: "CPU per task",
        sub: "1 µs per task is 1 CPU-second per million",
        unit: Unit::Seconds,
        parts: &CPU,
        whole: whole::cpu,
    },
    Kind {
        title: "Memory, PSS",
        sub: "shared pages counted by share",
        unit: Unit::Bytes,
        parts: &PSS,
        whole: whole::pss,
    },
    Kind { title: "Memory, RSS", sub: "", unit: Unit::Bytes, parts: &RSS, whole: whole::rss },
];

/// A row's parts that are known, and what all of them come to.
struct Stack<'a> {
    row: &'a Row,
    parts: Vec<(usize, f64)>,
    whole: Option<f64>,
}

impl Stack<'_> {
    fn length(&self) -> f64 {
        self.parts.iter().map(|(_, size)| size).sum()
    }
}

impl Kind {
    /// Bars and table of a group; `None` where nothing of it was measured.
    pub(super) fn figure(&self, page: &Page<'_>, group: &Group) -> Option<Markup> {
        let stacks: Vec<Stack<'_>> =
            group.rows.iter().filter_map(|row| self.stack(page, group, row)).collect();
        if stacks.is_empty() {
            return None;
        }
        let longest =
            stacks.iter().map(|stack| fit(&stack.row.label).chars().count()).max().unwrap_or(0);
        let drawing = Bars {
            title: format!("{}, {}", self.title, group.title()),
            axis: Axis::around(Scaling::Linear, self.unit, stacks.iter().map(Stack::length)),
            left: 16 + 10 * longest as u32,
            bars: stacks
                .iter()
                .map(|stack| Bar {
                    style: page.palette.index(&stack.row.system, &stack.row.profile),
                    name: fit(&stack.row.label),
                    parts: stack.parts.clone(),
                    total: self.told(stack.whole),
                })
                .collect(),
        };
        Some(html! {
            figure {
                figcaption { b { (self.title) } @if !self.sub.is_empty() { " " small { (self.sub) } } }
                div.draw { (PreEscaped(drawing.draw())) }
                (behind(&self.table(&stacks)))
            }
        })
    }

    fn stack<'a>(&self, page: &Page<'_>, group: &Group, row: &'a Row) -> Option<Stack<'a>> {
        let point = at(group, row)?;
        let parts: Vec<(usize, f64)> = self
            .shown()
            .filter_map(|(part, name, _)| Some((part, mean(page, &point.counted, name)?)))
            .collect();
        (!parts.is_empty()).then(|| Stack { row, parts, whole: (self.whole)(page, group, point) })
    }

    /// Place, metric and word of each part there is.
    fn shown(&self) -> impl Iterator<Item = (usize, &'static str, &'static str)> {
        let parts = self.parts.iter().enumerate();
        parts
            .filter(|(_, (name, _))| !name.is_empty())
            .map(|(part, (name, word))| (part, *name, *word))
    }

    fn told(&self, size: Option<f64>) -> String {
        size.map_or_else(|| UNKNOWN.to_owned(), |size| written(size, self.unit))
    }

    fn table(&self, stacks: &[Stack<'_>]) -> Markup {
        let cell = |size: Option<f64>| html! { td.n.state[size.is_none()] { (self.told(size)) } };
        let part_of = |stack: &Stack<'_>, part: usize| {
            stack.parts.iter().find(|(of, _)| *of == part).map(|(_, size)| *size)
        };
        html! {
            table {
                thead { tr {
                    th { "System" }
                    @for (_, _, word) in self.shown() { th.n { (word) } }
                    th.n { "in all" }
                } }
                tbody {
                    @for stack in stacks {
                        tr {
                            th scope="row" { (stack.row.label) }
                            @for (part, _, _) in self.shown() { (cell(part_of(stack, part))) }
                            (cell(stack.whole))
                        }
                    }
                }
            }
        }
    }
}
