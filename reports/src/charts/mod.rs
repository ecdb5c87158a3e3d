//! Charts as SVG text without colours of their own: every element carries
//! classes, and the page's variables paint them in light, dark and print.
//!
//! plotters draws; what it draws in stands for a class ([`canvas`]).

mod axis;
mod bars;
mod canvas;
mod labels;
mod lines;
mod moments;
mod spark;

pub use axis::{Axis, Scaling};
pub use bars::{Bar, Bars};
pub use canvas::escape;
pub use lines::{BROAD, Dot, Drawn, Join, Lines, Mark, NARROW, Series};
pub use moments::Moment;
pub use spark::spark;
