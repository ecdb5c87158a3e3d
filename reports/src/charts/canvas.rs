//! plotters' SVG with classes instead of colours.
//!
//! plotters writes colours as attributes. Each ink is drawn in a colour that
//! is its number, and the finished text is rewritten element by element:
//! geometry stays, the colour becomes the ink's class. That also drops the
//! attributes that CSS says better, half of the bytes.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// An ink: what its elements are, to CSS.
#[derive(Clone, Debug)]
struct Ink {
    /// Classes of its elements.
    class: String,
    /// Index of the series it belongs to; its elements share a `<g>`.
    series: Option<usize>,
}

/// Where text stands relative to its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A surface of integer pixels. Charts are drawn at twice their size, since
/// plotters has no halves.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    inks: Vec<Ink>,
}

/// A named colour of a canvas.
#[derive(Clone, Copy)]
pub(super) struct InkId(u16);

impl InkId {
    const fn color(self) -> RGBColor {
        RGBColor((self.0 >> 8) as u8, self.0 as u8, 0xA7)
    }
}

type Point = (i32, i32);

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut String, width: u32, height: u32) -> Self {
        let area = SVGBackend::with_string(buffer, (width, height)).into_drawing_area();
        Self { area, inks: Vec::new() }
    }

    pub(super) fn ink(&mut self, class: &str, series: Option<usize>) -> InkId {
        let known = self.inks.iter().position(|ink| ink.class == class && ink.series == series);
        let index = known.unwrap_or_else(|| {
            self.inks.push(Ink { class: class.to_owned(), series });
            self.inks.len() - 1
        });
        InkId(u16::try_from(index).unwrap_or(u16::MAX))
    }

    pub(super) fn line(&self, ink: InkId, points: Vec<Point>) {
        if points.len() > 1 {
            // Writing into a string cannot fail.
            let _ = self.area.draw(&PathElement::new(points, ink.color().stroke_width(1)));
        }
    }

    pub(super) fn polygon(&self, ink: InkId, points: Vec<Point>) {
        let _ = self.area.draw(&Polygon::new(points, ink.color().filled()));
    }

    pub(super) fn circle(&self, ink: InkId, center: Point, radius: i32) {
        let _ = self.area.draw(&Circle::new(center, radius, ink.color().filled()));
    }

    pub(super) fn cross(&self, ink: InkId, center: Point, size: i32) {
        let _ = self.area.draw(&Cross::new(center, size, ink.color().stroke_width(1)));
    }

    pub(super) fn rect(&self, ink: InkId, from: Point, to: Point) {
        let _ = self.area.draw(&Rectangle::new([from, to], ink.color().filled()));
    }

    pub(super) fn text(&self, ink: InkId, at: Point, anchor: Anchor, text: &str) {
        let h = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let color = ink.color();
        let style = TextStyle::from(("sans-serif", 20).into_font())
            .color(&color)
            .pos(Pos::new(h, VPos::Center));
        // An empty text makes plotters' layout misbehave nowhere, but says nothing.
        if !text.is_empty() {
            let _ = self.area.draw(&Text::new(text.to_owned(), at, style));
        }
    }

    /// Finishes the drawing and gives up its inks.
    pub(super) fn finish(self) -> Inks {
        let _ = self.area.present();
        Inks(self.inks)
    }
}

/// What the colours of a finished drawing stand for.
pub(super) struct Inks(Vec<Ink>);

impl Inks {
    /// The drawing as the page carries it. `attributes` go into the `<svg>`
    /// tag; `names` are the accessible names of the series.
    pub(super) fn rewrite(&self, raw: &str, attributes: &str, names: &[String]) -> String {
        let mut out = String::with_capacity(raw.len() / 2);
        let mut open: Option<usize> = None;
        let mut rest = raw;
        while let Some(start) = rest.find('<') {
            let text = rest[..start].trim();
            if !text.is_empty() {
                out.push_str(text);
            }
            // plotters escapes `>` in text and attributes, so the next one ends the tag.
            let Some(end) = rest[start..].find('>') else { break };
            let tag = &rest[start + 1..start + end];
            rest = &rest[start + end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                if name == "svg" && open.take().is_some() {
                    out.push_str("</g>");
                }
                let _ = write!(out, "</{name}>");
                continue;
            }
            let closed = tag.ends_with('/');
            let (name, attrs) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
            if name == "svg" {
                let view = attribute(attrs, "viewBox").unwrap_or_default();
                let _ = write!(out, "<svg viewBox=\"{view}\" {attributes}>");
                continue;
            }
            let ink = self.of(attrs);
            let series = ink.and_then(|ink| ink.series);
            if series != open {
                if open.is_some() {
                    out.push_str("</g>");
                }
                if let Some(index) = series {
                    let name = names.get(index).map_or("", String::as_str);
                    let _ = write!(
                        out,
                        "<g tabindex=\"0\" role=\"img\" aria-label=\"{}\" data-s=\"{index}\">",
                        escape(name)
                    );
                }
                open = series;
            }
            let _ = write!(out, "<{name}");
            for key in
                ["x1", "y1", "x2", "y2", "cx", "cy", "r", "x", "y", "width", "height", "points"]
            {
                if let Some(value) = attribute(attrs, key) {
                    let _ = write!(out, " {key}=\"{}\"", value.trim_end());
                }
            }
            if name == "text" {
                match attribute(attrs, "text-anchor") {
                    Some("middle") => out.push_str(" text-anchor=\"middle\""),
                    Some("end") => out.push_str(" text-anchor=\"end\""),
                    _ => {}
                }
                out.push_str(" dy=\".35em\"");
            }
            if let Some(ink) = ink {
                let _ = write!(out, " class=\"{}\"", ink.class);
            }
            out.push_str(if closed { "/>" } else { ">" });
        }
        out
    }

    fn of(&self, attributes: &str) -> Option<&Ink> {
        let color = ["stroke", "fill"]
            .into_iter()
            .filter_map(|key| attribute(attributes, key))
            .find_map(|value| u32::from_str_radix(value.strip_prefix('#')?, 16).ok())?;
        self.0.get((color >> 8) as usize)
    }
}

/// The value of an attribute in a tag that plotters wrote.
fn attribute<'t>(attributes: &'t str, key: &str) -> Option<&'t str> {
    let mut rest = attributes;
    while let Some(equals) = rest.find("=\"") {
        let name = rest[..equals].trim();
        let value = &rest[equals + 2..];
        let end = value.find('"')?;
        if name == key {
            return Some(&value[..end]);
        }
        rest = &value[end + 1..];
    }
    None
}

/// Text for an attribute or an element of SVG or HTML. Characters that XML
/// forbids become blanks.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_text_stays_text() {
        let mut raw = String::new();
        let mut canvas = Canvas::new(&mut raw, 100, 50);
        let grid = canvas.ink("grid", None);
        let line = canvas.ink("l s1", Some(0));
        canvas.line(grid, vec![(0, 0), (10, 10)]);
        canvas.line(line, vec![(1, 2), (3, 4)]);
        canvas.text(line, (5, 5), Anchor::End, "<b fill=\"#000100\">");
        let inks = canvas.finish();
        let svg = inks.rewrite(&raw, "class=\"c\"", &["a \"name\"".to_owned()]);
        assert_eq!(
            svg,
            "<svg viewBox=\"0 0 100 50\" class=\"c\">\
             <polyline points=\"0,0 10,10\" class=\"grid\"/>\
             <g tabindex=\"0\" role=\"img\" aria-label=\"a &quot;name&quot;\" data-s=\"0\">\
             <polyline points=\"1,2 3,4\" class=\"l s1\"/>\
             <text x=\"5\" y=\"5\" text-anchor=\"end\" dy=\".35em\" class=\"l s1\">\
             &lt;b fill=&quot;#000100&quot;&gt;</text></g></svg>"
        );
    }
}
