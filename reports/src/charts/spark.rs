//! The small line in a table's row.

use super::axis::{Axis, Scaling};
use super::canvas::{Canvas, escape};
use crate::metrics::Unit;

/// Throughput against load, both logarithmic, with the hairline
/// `done = offered`. `span` is the smallest and largest load of all rows, so
/// that rows compare.
#[must_use]
pub fn spark(points: &[(f64, f64)], span: (f64, f64), style: usize, name: &str) -> String {
    const SIZE: (i32, i32) = (2 * 96, 2 * 26);
    let axis = Axis::around(Scaling::Log, Unit::PerSecond, [span.0, span.1]);
    let at = |x: f64, y: f64| {
        let (x, y) = (axis.place(x)?, axis.place(y)?);
        Some((
            4 + (x * f64::from(SIZE.0 - 8)).round() as i32,
            SIZE.1 - 4 - (y * f64::from(SIZE.1 - 8)).round() as i32,
        ))
    };
    let line: Vec<(i32, i32)> = points.iter().filter_map(|(x, y)| at(*x, *y)).collect();
    let mut raw = String::new();
    let mut canvas = Canvas::new(&mut raw, SIZE.0 as u32, SIZE.1 as u32);
    if let (Some(a), Some(b)) = (at(span.0, span.0), at(span.1, span.1)) {
        let hair = canvas.ink("hair", None);
        canvas.line(hair, vec![a, b]);
    }
    let ink = canvas.ink(&format!("l s{style}"), None);
    if let Some(end) = line.last() {
        let dot = canvas.ink(&format!("m s{style}"), None);
        canvas.circle(dot, *end, 5);
    }
    canvas.line(ink, line);
    let inks = canvas.finish();
    inks.rewrite(
        &raw,
        &format!("class=\"spark\" role=\"img\" aria-label=\"{}\"", escape(name)),
        &[],
    )
}
