use std::ops::Range;

use super::error::{Place, ScenarioError};

/// A scenario's text and the command-line arguments that change it, laid end
/// to end, so that one position says where anything was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    origin: String,
    start: usize,
    text: String,
}

impl Text {
    /// The text of a file, or of a built-in scenario.
    pub(super) fn of(origin: impl Into<String>, text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece { origin: origin.into(), start: 0, text: text.into() }] }
    }

    /// Appends an argument; gives the position of its first byte.
    pub(super) fn append(&mut self, argument: &str) -> usize {
        // One byte apart, so that the end of one piece is not the start of the
        // next: an error at the end of a file points into the file.
        let start = self.pieces.last().map_or(0, |piece| piece.start + piece.text.len() + 1);
        self.pieces.push(Piece {
            origin: "command line".to_owned(),
            start,
            text: argument.to_owned(),
        });
        start
    }

    /// The scenario itself, without arguments.
    #[must_use]
    pub fn scenario(&self) -> &str {
        self.pieces.first().map_or("", |piece| piece.text.as_str())
    }

    /// Where the scenario came from.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.pieces.first().map_or("", |piece| piece.origin.as_str())
    }

    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().skip(1).map(|piece| piece.text.as_str())
    }

    /// Every piece, with the position of its first byte.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (usize, &str)> {
        self.pieces.iter().map(|piece| (piece.start, piece.text.as_str()))
    }

    fn place(&self, span: &Range<usize>) -> Option<Place> {
        let piece = self.pieces.iter().rev().find(|piece| piece.start <= span.start)?;
        let inside = |at: usize| {
            let mut at = at.saturating_sub(piece.start).min(piece.text.len());
            while !piece.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (inside(span.start), inside(span.end));
        // A table's span can be many lines long; its first one is enough.
        let line_end =
            piece.text[start..].find(['\n', '\r']).map_or(end, |len| end.min(start + len));
        Some(Place {
            origin: piece.origin.clone(),
            text: piece.text.clone(),
            span: start..line_end.max(start),
        })
    }

    /// An error at a position.
    pub(crate) fn error(
        &self,
        span: &Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> ScenarioError {
        ScenarioError::at(self.place(span), title, label)
    }

    /// An error at `span` that prints `secret` as asterisks.
    pub(crate) fn secret_error(
        &self,
        span: &Range<usize>,
        secret: &Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> ScenarioError {
        let mut place = self.place(span);
        if let (Some(place), Some(secret)) = (&mut place, self.place(secret)) {
            // As many bytes as before, so that the caret stays where it is.
            let mask = "*".repeat(secret.span.len());
            let moved = place.span.start >= secret.span.start;
            place.text.replace_range(secret.span.clone(), &mask);
            if moved {
                place.span = secret.span;
            }
        }
        ScenarioError::at(place, title, label)
    }

    /// What follows the key that ends at `at`, to the end of its line.
    pub(super) fn value_after(&self, at: usize) -> Range<usize> {
        let piece = self.pieces().take_while(|(start, _)| *start <= at).last();
        let rest = piece.and_then(|(start, piece)| piece.get(at - start..)).unwrap_or("");
        let line = rest.split('\n').next().unwrap_or(rest);
        let value = line.trim_start_matches([' ', '\t', '=']);
        at + (line.len() - value.len())..at + line.len()
    }
}
