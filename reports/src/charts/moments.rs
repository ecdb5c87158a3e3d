//! Moments on the time axis: a line each, and a name where there is room.

use super::canvas::{Anchor, Canvas};
use super::labels::{Flag, flags};
use super::lines::{Frame, Lines, NARROW};

/// Something that happened, on the time axis.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Where on the x axis.
    pub x: f64,
    /// How its line and its name look: `s<style>`, the page's number of its
    /// system and profile, or a kind of moment.
    pub class: String,
    /// One short sentence.
    pub text: String,
}

/// A row of moments' names, as high as a phone's text, which is enlarged.
pub(super) const ROW: i32 = 2 * 20;

impl Lines {
    /// Where the names of the moments stand. The table below the chart has
    /// those for which there is no room.
    pub(super) fn flags(&self, frame: &Frame) -> Vec<Option<Flag>> {
        // As wide as on a phone, where it is wider.
        let letter = if self.width > NARROW { 15 } else { 19 };
        let wanted: Vec<(i32, i32)> = self
            .moments
            .iter()
            .filter_map(|moment| {
                let width = letter * moment.text.chars().count() as i32;
                Some((self.across(moment, frame)?, width))
            })
            .collect();
        let room = (frame.left, 2 * self.width as i32 - 8);
        let mut told = flags(&wanted, self.name_rows, room).into_iter();
        let place = |moment| self.across(moment, frame).and_then(|_| told.next().flatten());
        self.moments.iter().map(place).collect()
    }

    /// Where a moment lies in the drawing, if it does.
    fn across(&self, moment: &Moment, frame: &Frame) -> Option<i32> {
        self.x.place(moment.x).filter(|place| (0.0..=1.0).contains(place)).map(|p| frame.x(p))
    }

    pub(super) fn moments(&self, canvas: &mut Canvas<'_>, frame: &Frame, flags: &[Option<Flag>]) {
        for (moment, flag) in self.moments.iter().zip(flags) {
            let Some(x) = self.across(moment, frame) else { continue };
            let middle = |flag: &Flag| frame.top - ROW * flag.row as i32 - ROW / 2 - 4;
            let line = canvas.ink(&format!("moment {}", moment.class), None);
            let top = flag.as_ref().map_or(frame.top, |flag| middle(flag) - 14);
            canvas.line(line, vec![(x, top), (x, frame.bottom)]);
            if let Some(flag) = flag {
                let text = canvas.ink(&format!("label flag {}", moment.class), None);
                let anchor = if flag.is_left { Anchor::End } else { Anchor::Start };
                canvas.text(text, (flag.at, middle(flag)), anchor, &moment.text);
            }
        }
    }
}
