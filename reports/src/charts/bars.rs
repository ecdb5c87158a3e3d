//! Stacked bars: what a task costs, by process.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, escape};
use super::lines::NARROW;

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The page's number of its system and profile.
    pub style: usize,
    /// Its name, at the left.
    pub name: String,
    /// Its parts: class `p<part>`, size.
    pub parts: Vec<(usize, f64)>,
    /// What stands at its end.
    pub total: String,
}

/// Horizontal bars from zero.
#[derive(Clone, Debug)]
pub struct Bars {
    /// Its accessible name.
    pub title: String,
    /// Along.
    pub axis: Axis,
    /// Room for names at the left, CSS pixels.
    pub left: u32,
    /// The bars, from the top.
    pub bars: Vec<Bar>,
}

impl Bars {
    /// Draws them.
    #[must_use]
    pub fn draw(&self) -> String {
        const EACH: i32 = 2 * 30;
        let width = 2 * NARROW as i32;
        let height = EACH * self.bars.len() as i32 + 2 * 30;
        // On a phone text is enlarged to about 10 pixels a letter.
        let longest = self.bars.iter().map(|bar| bar.total.chars().count()).max().unwrap_or(0);
        let room = 2 * (16 + 10 * longest as i32).max(96);
        let (left, right) = ((2 * self.left as i32).min(width / 2), width - room);
        let x = |value: f64| {
            let place = self.axis.place(value).unwrap_or(0.0).clamp(0.0, 1.0);
            left + (place * f64::from(right - left)).round() as i32
        };
        let mut raw = String::new();
        let mut canvas = Canvas::new(&mut raw, width as u32, height as u32);
        let (grid, tick) = (canvas.ink("grid", None), canvas.ink("tick", None));
        let bottom = EACH * self.bars.len() as i32 + 4;
        for (value, label) in self.axis.ticks() {
            canvas.line(grid, vec![(x(value), 0), (x(value), bottom)]);
            canvas.text(tick, (x(value), bottom + 26), Anchor::Middle, &label);
        }
        for (place, bar) in self.bars.iter().enumerate() {
            let top = EACH * place as i32 + 10;
            let name = canvas.ink(&format!("label s{}", bar.style), None);
            canvas.text(name, (left - 16, top + 20), Anchor::End, &bar.name);
            let mut sum = 0.0;
            for (part, size) in &bar.parts {
                let size = if size.is_finite() { size.max(0.0) } else { 0.0 };
                let (from, to) = (x(sum), x(sum + size));
                sum += size;
                if to > from {
                    let ink = canvas.ink(&format!("b p{part} s{}", bar.style), None);
                    canvas.rect(ink, (from, top), (to, top + 40));
                }
            }
            let total = canvas.ink("tick total", None);
            canvas.text(total, (x(sum) + 12, top + 20), Anchor::Start, &bar.total);
        }
        let inks = canvas.finish();
        let attributes =
            format!("class=\"chart bars\" role=\"img\" aria-label=\"{}\"", escape(&self.title));
        inks.rewrite(&raw, &attributes, &[])
    }
}
