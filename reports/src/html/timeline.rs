//! One cell over time: its series as lines, at most 60 points each.

use crate::charts::{Dot, Join, Mark, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load, seconds};
use crate::outcome::Cell;

use super::plots::fit;

/// Most points of a line.
const MOST: usize = 60;

/// A cell and how it is named and drawn.
pub(super) struct Told<'a> {
    pub(super) label: &'a str,
    pub(super) cell: &'a Cell,
    pub(super) style: usize,
}

/// One kind of drawing.
pub(super) struct Kind {
    pub(super) title: &'static str,
    pub(super) sub: &'static str,
    pub(super) unit: Unit,
    pub(super) height: u32,
    /// Column of the series, its short name, whether it is the main one, and
    /// how bins merge when there are too many.
    pub(super) columns: &'static [(&'static str, &'static str, bool, Merge)],
}

#[derive(Clone, Copy)]
pub(super) enum Merge {
    Mean,
    Largest,
}

pub(super) const THROUGHPUT: Kind = Kind {
    title: "Tasks done, per second",
    sub: "",
    unit: Unit::PerSecond,
    height: 230,
    columns: &[("throughput", "done", true, Merge::Mean)],
};
pub(super) const LATENCY: Kind = Kind {
    title: "P99 start latency",
    sub: "by due time; thin line: P50",
    unit: Unit::Seconds,
    height: 230,
    columns: &[("p99", "P99", true, Merge::Largest), ("p50", "P50", false, Merge::Largest)],
};
pub(super) const BACKLOG: Kind = Kind {
    title: "Backlog",
    sub: "tasks due and not done",
    unit: Unit::Tasks,
    height: 190,
    columns: &[("backlog", "backlog", true, Merge::Largest)],
};

/// A column of a cell's series as a line.
pub(super) fn series(shown: &Told<'_>, kind: &Kind, column: &(&str, &str, bool, Merge)) -> Series {
    let (key, word, main, merge) = *column;
    let told = &shown.cell.series;
    let values = told.columns.get(key).map_or(&[][..], Vec::as_slice);
    let step = values.len().div_ceil(MOST).max(1);
    let mut gap = false;
    let mut dots = Vec::new();
    for (place, bins) in values.chunks(step).enumerate() {
        let known: Vec<f64> = bins.iter().flatten().copied().filter(|x| x.is_finite()).collect();
        if known.is_empty() {
            // Nothing can be said here: the line breaks.
            gap = true;
            continue;
        }
        let y = match merge {
            Merge::Mean => known.iter().sum::<f64>() / known.len() as f64,
            Merge::Largest => known.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        };
        // The middle of the bin.
        let x = told.start_s + told.bin_s * step as f64 * (place as f64 + 0.5);
        let tip = if main {
            format!(
                "{} at {} · {}\n{word} {}",
                shown.label,
                load(shown.cell.key.load),
                seconds(x, Medium::Page),
                amount(y, kind.unit, Medium::Page)
            )
        } else {
            String::new()
        };
        let join = if std::mem::take(&mut gap) { Join::Apart } else { Join::Solid };
        dots.push(Dot { x, y, spread: None, mark: Mark::None, join, tip });
    }
    Series {
        style: shown.style,
        class: if main { "fine" } else { "thin" },
        marker: 0,
        name: format!("{} {}", fit(shown.label), load(shown.cell.key.load)),
        labelled: main,
        dots,
    }
}

/// A moment's text, as long as a drawing has room for.
pub(super) fn fit_moment(text: &str) -> String {
    const MOST: usize = 34;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST - 1).chain(std::iter::once('…')).collect()
    }
}
