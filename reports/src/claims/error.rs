//! Why a file of claims cannot be used.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A file of claims that cannot be used. Printed, it says what is wrong, where,
/// and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsError(Box<Said>);

// Boxed: an error is rare, and every `Result` would carry its size.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    title: String,
    label: String,
    place: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    origin: String,
    text: String,
    span: Range<usize>,
}

/// What is wrong at which bytes of a text.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) title: String,
    pub(super) label: String,
}

impl Fault {
    pub(super) fn new(
        span: &Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self { span: span.clone(), title: title.into(), label: label.into() }
    }
}

impl ClaimsError {
    /// An error of a whole file.
    pub(super) fn of_file(origin: &str, what: impl fmt::Display) -> Self {
        let title = format!("{origin}: {what}");
        Self(Box::new(Said { title, label: String::new(), place: None }))
    }

    /// An error at a place of a text.
    pub(super) fn at(origin: &str, text: &str, fault: Fault) -> Self {
        let inside = |at: usize| {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (inside(fault.span.start), inside(fault.span.end));
        // A table can be many lines long; its first one is enough.
        let line = text[start..].find(['\n', '\r']).map_or(end, |length| end.min(start + length));
        let place = Place {
            origin: origin.to_owned(),
            text: text.to_owned(),
            span: start..line.max(start),
        };
        Self(Box::new(Said { title: fault.title, label: fault.label, place: Some(place) }))
    }

    /// The whole message, with colours for a terminal or without.
    #[must_use]
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let Said { title, label, place } = &*self.0;
        let mut group = Group::with_title(Level::ERROR.primary_title(title.as_str()));
        if let Some(place) = place {
            let mark = AnnotationKind::Primary.span(place.span.clone());
            let mark = if label.is_empty() { mark } else { mark.label(label.as_str()) };
            group = group.element(
                Snippet::source(place.text.as_str()).path(place.origin.as_str()).annotation(mark),
            );
        }
        renderer.render(&[group]).trim_end().to_owned()
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ClaimsError {}
