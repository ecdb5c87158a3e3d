//! Lines over an axis: against load, over time, by percentile.

use std::fmt::Write as _;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, InkId, escape};
use super::labels::move_apart;
use super::moments::{Moment, ROW};

/// How a dot looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The series' own marker.
    Full,
    /// Its outline: the objective was not met.
    Hollow,
    /// A cross: the generator, not the system, was the limit.
    Cross,
    /// An arrowhead upwards: beyond what was watched.
    Beyond,
    /// Nothing; the line alone.
    None,
}

/// How a dot is joined to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// By the line.
    Solid,
    /// By a dashed line: overloaded.
    Dashed,
    /// Not at all.
    Apart,
    /// Not at all, nor is the next one to it: it is not valid.
    Alone,
}

/// One point of a series.
#[derive(Clone, Debug)]
pub struct Dot {
    /// Along.
    pub x: f64,
    /// Up.
    pub y: f64,
    /// Whisker from and to.
    pub spread: Option<(f64, f64)>,
    /// How it looks.
    pub mark: Mark,
    /// How it is joined.
    pub join: Join,
    /// What hover and focus say; empty for none.
    pub tip: String,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// The page's number of its system and profile: class `s<style>`.
    pub style: usize,
    /// More classes of its line: `thin`.
    pub class: &'static str,
    /// Which marker, 0 to 5.
    pub marker: usize,
    /// Its name; at the line's end if `labelled`.
    pub name: String,
    /// Whether the name stands at the line's end.
    pub labelled: bool,
    /// Its points, from left to right.
    pub dots: Vec<Dot>,
}

/// A line chart.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Its accessible name.
    pub title: String,
    /// Size, CSS pixels; the page scales it.
    pub width: u32,
    /// Height likewise, with one row of moments' names: more rows add to it.
    pub height: u32,
    /// Room for labels at the right, CSS pixels: equal where x axes align.
    pub right: u32,
    /// Along.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// Whether the x axis says its numbers: not where another drawing follows
    /// below that does.
    pub x_labels: bool,
    /// What stands below the x axis, as in `offered`.
    pub x_title: &'static str,
    /// A hairline `done = offered`: from and to, on both axes.
    pub diagonal: Option<(f64, f64)>,
    /// A horizontal hairline with its name: an objective.
    pub limit: Option<(f64, String)>,
    /// Stretches of the x axis to be shaded: from and to.
    pub shades: Vec<(f64, f64)>,
    /// Its lines.
    pub series: Vec<Series>,
    /// Marks on the time axis, in their order.
    pub moments: Vec<Moment>,
    /// Most rows of names of moments; with none, their lines stand alone.
    pub name_rows: usize,
}

/// A finished chart.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The SVG.
    pub svg: String,
    /// For each series, where its dots lie in the SVG's own pixels; `None` for
    /// dots that could not be drawn.
    pub places: Vec<Vec<Option<(i32, i32)>>>,
}

/// Width of a chart that has one of two columns, or a phone.
pub const NARROW: u32 = 640;
/// Width of a chart that has the page to itself.
pub const BROAD: u32 = 1040;
const LEFT: i32 = 2 * 66;
const TOP: i32 = 2 * 14;
const BOTTOM: i32 = 2 * 27;
/// Without numbers at the x axis.
const BOTTOM_BARE: i32 = 2 * 10;

pub(super) struct Frame {
    pub(super) left: i32,
    right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

impl Frame {
    pub(super) fn x(&self, place: f64) -> i32 {
        self.left + (place * f64::from(self.right - self.left)).round() as i32
    }
    fn y(&self, place: f64) -> i32 {
        self.bottom - (place * f64::from(self.bottom - self.top)).round() as i32
    }
}

impl Lines {
    /// Draws it. `number` is its place among the page's charts, for the script.
    #[must_use]
    pub fn draw(&self, number: usize) -> Drawn {
        let width = 2 * self.width;
        let mut frame = Frame {
            left: LEFT,
            right: (width as i32 - 2 * self.right as i32).max(LEFT + 100),
            top: TOP,
            bottom: 0,
        };
        let flags = self.flags(&frame);
        let rows = flags.iter().flatten().map(|flag| flag.row + 1).max().unwrap_or(0) as i32;
        let height = 2 * self.height + (ROW * (rows - 1).max(0)) as u32;
        frame.top += ROW * rows;
        let bottom = if self.x_labels { BOTTOM } else { BOTTOM_BARE };
        frame.bottom = (height as i32 - bottom).max(frame.top + 40);
        let mut raw = String::new();
        let mut canvas = Canvas::new(&mut raw, width, height);
        self.shade(&mut canvas, &frame);
        self.grid(&mut canvas, &frame);
        self.hairlines(&mut canvas, &frame);
        self.moments(&mut canvas, &frame, &flags);
        let places: Vec<_> =
            (0..self.series.len()).map(|index| self.line(&mut canvas, &frame, index)).collect();
        self.labels(&mut canvas, &frame, &places);
        let inks = canvas.finish();
        let names: Vec<String> = self
            .series
            .iter()
            .map(|series| format!("{}, {} points", series.name, series.dots.len()))
            .collect();
        let mut attributes = String::new();
        let _ = write!(
            attributes,
            "class=\"chart\" data-c=\"{number}\" role=\"group\" aria-label=\"{}\"",
            escape(&self.title)
        );
        Drawn { svg: inks.rewrite(&raw, &attributes, &names), places }
    }

    fn shade(&self, canvas: &mut Canvas<'_>, frame: &Frame) {
        let shade = canvas.ink("shade", None);
        for (from, to) in &self.shades {
            let (Some(from), Some(to)) = (self.x.place(*from), self.x.place(*to)) else { continue };
            let (from, to) = (from.clamp(0.0, 1.0), to.clamp(0.0, 1.0));
            canvas.rect(shade, (frame.x(from), frame.top), (frame.x(to), frame.bottom));
        }
    }

    fn grid(&self, canvas: &mut Canvas<'_>, frame: &Frame) {
        let grid = canvas.ink("grid", None);
        let axis = canvas.ink("axis", None);
        let text = canvas.ink("tick", None);
        for (value, label) in self.y.ticks() {
            let Some(y) = self.y.place(value).map(|place| frame.y(place)) else { continue };
            let ink = if value == 0.0 { axis } else { grid };
            canvas.line(ink, vec![(frame.left, y), (frame.right, y)]);
            canvas.text(text, (frame.left - 14, y), Anchor::End, &label);
        }
        // Labels that would touch another are left out, powers of ten last; on a phone the
        // text of narrow drawings is enlarged to 38 of these pixels.
        let letter = if self.width > NARROW { 13 } else { 20 };
        let mut taken: Vec<(i32, i32)> = Vec::new();
        let mut ticks = self.x.ticks();
        ticks.sort_by_key(|(_, label)| !label.starts_with('1'));
        for (value, label) in ticks {
            let Some(x) = self.x.place(value).map(|place| frame.x(place)) else { continue };
            canvas.line(grid, vec![(x, frame.bottom), (x, frame.bottom + 10)]);
            let half = letter * label.chars().count() as i32 / 2 + letter / 4;
            if !self.x_labels {
                continue;
            }
            if taken.iter().all(|(from, to)| x + half <= *from || x - half >= *to) {
                canvas.text(text, (x, frame.bottom + 30), Anchor::Middle, &label);
                taken.push((x - half, x + half));
            }
        }
        // Beyond half of the last tick's label.
        let title = canvas.ink("name along", None);
        canvas.text(title, (frame.right + 64, frame.bottom + 30), Anchor::Start, self.x_title);
    }

    fn hairlines(&self, canvas: &mut Canvas<'_>, frame: &Frame) {
        if let Some((from, to)) = self.diagonal {
            let ink = canvas.ink("hair", None);
            let at = |v: f64| Some((frame.x(self.x.place(v)?), frame.y(self.y.place(v)?)));
            if let (Some(a), Some(b)) = (at(from), at(to)) {
                canvas.line(ink, vec![a, b]);
                let name = canvas.ink("name", None);
                let middle = ((a.0 + b.0) / 2, (a.1 + b.1) / 2);
                canvas.text(name, (middle.0 - 16, middle.1 - 22), Anchor::End, "done = offered");
            }
        }
        if let Some((value, name)) = &self.limit
            && let Some(y) = self.y.place(*value).filter(|place| (0.0..=1.0).contains(place))
        {
            let (y, ink) = (frame.y(y), canvas.ink("hair", None));
            canvas.line(ink, vec![(frame.left, y), (frame.right, y)]);
            let text = canvas.ink("name", None);
            canvas.text(text, (frame.left + 8, y - 18), Anchor::Start, name);
        }
    }

    /// Whiskers, line and markers of one series; returns where its dots lie.
    fn line(
        &self,
        canvas: &mut Canvas<'_>,
        frame: &Frame,
        index: usize,
    ) -> Vec<Option<(i32, i32)>> {
        let series = &self.series[index];
        let at = |x: f64, y: f64| Some((frame.x(self.x.place(x)?), frame.y(self.y.place(y)?)));
        let places: Vec<Option<(i32, i32)>> =
            series.dots.iter().map(|dot| at(dot.x, dot.y)).collect();
        let class =
            |kind: &str| format!("{kind} s{} {}", series.style, series.class).trim_end().to_owned();
        let whisker = canvas.ink(&class("w"), Some(index));
        for dot in &series.dots {
            let Some((low, high)) = dot.spread else { continue };
            if let (Some(a), Some(b)) = (at(dot.x, low), at(dot.x, high))
                && (a.1 - b.1).abs() > 6
            {
                canvas.line(whisker, vec![a, b]);
            }
        }
        let solid = canvas.ink(&class("l"), Some(index));
        let dashed = canvas.ink(&class("l over"), Some(index));
        for (join, ink) in [(Join::Solid, solid), (Join::Dashed, dashed)] {
            let mut run: Vec<(i32, i32)> = Vec::new();
            let mut before: Option<(i32, i32)> = None;
            for (dot, place) in series.dots.iter().zip(&places) {
                if dot.join == join && place.is_some() {
                    if run.is_empty() {
                        run.extend(before);
                    }
                    run.extend(*place);
                } else {
                    canvas.line(ink, std::mem::take(&mut run));
                }
                before = if dot.join == Join::Alone { None } else { *place };
            }
            canvas.line(ink, run);
        }
        let marks = [
            canvas.ink(&class("m"), Some(index)),
            canvas.ink(&class("m h"), Some(index)),
            canvas.ink(&class("x"), Some(index)),
        ];
        for (dot, place) in series.dots.iter().zip(&places) {
            if let Some(place) = place {
                mark(canvas, marks, dot.mark, series.marker, *place);
            }
        }
        places
    }

    fn labels(&self, canvas: &mut Canvas<'_>, frame: &Frame, places: &[Vec<Option<(i32, i32)>>]) {
        let ends: Vec<(usize, (i32, i32))> = self
            .series
            .iter()
            .enumerate()
            .filter(|(_, series)| series.labelled)
            .filter_map(|(index, _)| Some((index, places[index].iter().rev().find_map(|p| *p)?)))
            .collect();
        let wanted: Vec<i32> = ends.iter().map(|(_, end)| end.1).collect();
        // On a phone the text of narrow drawings is enlarged.
        let gap = if self.width > NARROW { 2 * 16 } else { 2 * 19 };
        let heights = move_apart(&wanted, gap, frame.top, frame.bottom);
        for ((index, end), height) in ends.into_iter().zip(heights) {
            let series = &self.series[index];
            let at = frame.right + 16;
            if (end.1 - height).abs() > 8 || end.0 < frame.right - 40 {
                let lead = canvas.ink(&format!("leader s{}", series.style), Some(index));
                canvas.line(lead, vec![(end.0 + 10, end.1), (at - 6, height)]);
            }
            let ink = canvas.ink(&format!("label s{}", series.style), Some(index));
            canvas.text(ink, (at, height), Anchor::Start, &series.name);
        }
    }
}

/// Draws one marker: circle, square, triangle, diamond, triangle down, bar.
fn mark(
    canvas: &Canvas<'_>,
    [full, hollow, cross]: [InkId; 3],
    kind: Mark,
    marker: usize,
    at: (i32, i32),
) {
    let (x, y) = at;
    let ink = match kind {
        Mark::None => return,
        Mark::Cross => return canvas.cross(cross, at, 8),
        Mark::Beyond => {
            return canvas.polygon(hollow, vec![(x - 9, y + 6), (x, y - 10), (x + 9, y + 6)]);
        }
        Mark::Full => full,
        Mark::Hollow => hollow,
    };
    match marker % 6 {
        0 => canvas.circle(ink, at, 7),
        1 => canvas.rect(ink, (x - 6, y - 6), (x + 6, y + 6)),
        2 => canvas.polygon(ink, vec![(x - 8, y + 6), (x, y - 8), (x + 8, y + 6)]),
        3 => canvas.polygon(ink, vec![(x - 9, y), (x, y - 9), (x + 9, y), (x, y + 9)]),
        4 => canvas.polygon(ink, vec![(x - 8, y - 6), (x, y + 8), (x + 8, y - 6)]),
        _ => canvas.rect(ink, (x - 3, y - 9), (x + 3, y + 9)),
    }
}
