//! One cell over time: its series as lines, at most 60 points each.

use crate::charts::{Dot, Join, Mark, Series};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load, seconds};
use crate::outcome::{self, Cell};

use super::plots::fit;

/// Most points of a line.
const MOST: usize = 60;

/// Points from one marker of a line to the next, where several share a drawing.
const APART: usize = 15;

/// A cell and how it is named and drawn.
pub(super) struct Told<'a> {
    pub(super) label: &'a str,
    pub(super) cell: &'a Cell,
    pub(super) style: usize,
    /// Which marker, 0 to 5.
    pub(super) marker: usize,
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

/// How long a point of such a line is, s.
pub(super) fn width(shown: &Told<'_>, column: &(&str, &str, bool, Merge)) -> f64 {
    let told = &shown.cell.series;
    told.bin_s * step(told.columns.get(column.0).map_or(0, Vec::len)) as f64
}

/// How many bins are one point.
fn step(bins: usize) -> usize {
    bins.div_ceil(MOST).max(1)
}

/// A column of a cell's series as a line.
pub(super) fn series(shown: &Told<'_>, kind: &Kind, column: &(&str, &str, bool, Merge)) -> Series {
    let (key, word, main, merge) = *column;
    let told = &shown.cell.series;
    let values = told.columns.get(key).map_or(&[][..], Vec::as_slice);
    let step = step(values.len());
    let horizon_s = shown.cell.window.horizon_s;
    let is_beyond =
        |bin: usize| kind.unit == Unit::Seconds && widened_beyond(told, horizon_s, values, bin);
    let mut gap = false;
    let mut dots: Vec<Dot> = Vec::new();
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
        let first = place * step;
        let is_bound = (first..first + bins.len()).any(is_beyond);
        let mark = if is_bound { Mark::Beyond } else { Mark::None };
        let tip = if main {
            format!(
                "{} at {} · {}\n{word} {}",
                shown.label,
                load(shown.cell.key.load),
                seconds(x, Medium::Page),
                figure(y, mark, kind.unit)
            )
        } else {
            String::new()
        };
        // Of what is only known to be more than T no line can say how it went on.
        let follows_bound = dots.last().is_some_and(|dot| dot.mark == Mark::Beyond);
        let breaks = std::mem::take(&mut gap) || is_bound || follows_bound;
        let join = if breaks { Join::Apart } else { Join::Solid };
        dots.push(Dot { x, y, spread: None, mark, join, tip });
    }
    show_lonely(&mut dots);
    Series {
        style: shown.style,
        class: if main { "fine" } else { "thin" },
        marker: shown.marker,
        name: format!("{} {}", fit(shown.label), load(shown.cell.key.load)),
        labelled: main,
        dots,
    }
}

/// Gives the lines of several systems their markers, a few on each and not above
/// each other: colour alone does not tell them apart.
pub(super) fn mark(series: &mut [Series]) {
    let is_main = |line: &&mut Series| line.labelled && !line.dots.is_empty();
    let lines = series.iter_mut().filter(is_main).count();
    if lines < 2 {
        return;
    }
    for (place, line) in series.iter_mut().filter(is_main).enumerate() {
        // Short lines have one as well.
        let first = (place * APART / lines).min(line.dots.len() - 1);
        for dot in line.dots.iter_mut().skip(first).step_by(APART) {
            if dot.mark == Mark::None {
                dot.mark = Mark::Full;
            }
        }
    }
}

/// A dot that no line reaches would not be seen.
fn show_lonely(dots: &mut [Dot]) {
    for place in 0..dots.len() {
        let is_apart = |place: usize| dots.get(place).is_none_or(|dot| dot.join == Join::Apart);
        let is_bare = dots[place].mark == Mark::None;
        if is_bare && (place == 0 || is_apart(place)) && is_apart(place + 1) {
            dots[place].mark = Mark::Full;
        }
    }
}

/// Whether a bin's latency is only known to be more than T, which stands for
/// +∞ then.
pub(super) fn beyond(
    told: &outcome::Series,
    horizon_s: f64,
    latency: Option<f64>,
    bin: usize,
) -> bool {
    let unfinished = told.columns.get("at_infinity").and_then(|column| *column.get(bin)?);
    unfinished.is_some_and(|n| n > 0.0) && latency.is_some_and(|latency| latency >= horizon_s)
}

/// The same of a bin that may have been widened: it shows the figure of its
/// neighbours, of which any may have the tasks that did not succeed.
fn widened_beyond(
    told: &outcome::Series,
    horizon_s: f64,
    values: &[Option<f64>],
    bin: usize,
) -> bool {
    let is_like = |other: &usize| values[*other] == values[bin];
    let is_beyond = |other: usize| beyond(told, horizon_s, values[other], other);
    (0..=bin).rev().take_while(is_like).any(is_beyond)
        || (bin..values.len()).take_while(is_like).any(is_beyond)
}

/// A dot's figure in words.
pub(super) fn figure(number: f64, mark: Mark, unit: Unit) -> String {
    let text = amount(number, unit, Medium::Page);
    if mark == Mark::Beyond { format!("> {text}") } else { text }
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
