use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use schedbench_reports::terminal::columns;

use super::wrapped;

/// A scenario, or what the command line made of it, that cannot be run.
///
/// Printed, it says what is wrong, where, what was expected and what to do.
/// `main` ends with exit code 2 on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(Box<Said>);

// Boxed: an error is rare, and every `Result` would carry its size.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    title: String,
    place: Option<Place>,
    /// What was expected; stands at the caret, or under the title.
    label: String,
    /// Further lines: what to do.
    help: Vec<String>,
    /// Whether another part of the scenario may have what this one lacks.
    is_of_here: bool,
}

/// Where the error is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// A file, a built-in scenario, or the command line.
    pub(super) origin: String,
    /// Its whole text.
    pub(super) text: String,
    /// What the caret marks in `text`.
    pub(super) span: Range<usize>,
}

impl ScenarioError {
    /// An error that is nowhere in a text.
    pub fn new(title: impl Into<String>, label: impl Into<String>) -> Self {
        Self::at(None, title, label)
    }

    pub(super) fn at(
        place: Option<Place>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        let (title, label) = (title.into(), label.into());
        Self(Box::new(Said { title, place, label, help: Vec::new(), is_of_here: false }))
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.0.help.push(line.into());
        self
    }

    /// It is that there is no such thing here; another part may have it.
    pub(super) fn of_here(mut self) -> Self {
        self.0.is_of_here = true;
        self
    }

    /// Whether another part of the scenario may have what this one lacks.
    pub(crate) const fn is_of_here(&self) -> bool {
        self.0.is_of_here
    }

    /// The title alone.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The whole message, with colours for a terminal or without.
    #[must_use]
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let Said { title, place, label, help, is_of_here: _ } = &*self.0;
        let title = Level::ERROR.primary_title(title.as_str());
        let mut group = annotate_snippets::Group::with_title(title);
        let mut lines: Vec<String> = Vec::new();
        match place {
            Some(place) => {
                let (at_caret, below) = place.divide(label);
                lines.extend(below.map(indented).into_iter().flatten());
                let mark = AnnotationKind::Primary.span(place.span.clone());
                let mark = if at_caret.is_empty() { mark } else { mark.label(at_caret) };
                group = group.element(
                    Snippet::source(place.text.as_str())
                        .path(place.origin.as_str())
                        .annotation(mark),
                );
            }
            None if !label.is_empty() => lines.extend(indented(label)),
            None => {}
        }
        lines.extend(help.iter().cloned());
        let mut rendered = renderer.render(&[group]).trim_end().to_owned();
        for line in lines {
            rendered.push_str("\n  ");
            rendered.push_str(&line);
        }
        rendered
    }
}

/// Where a line with a caret is full; other lines are at 80.
const WIDTH: usize = 100;

/// In lines that an indentation of two leaves at 80.
fn indented(text: &str) -> Vec<String> {
    wrapped(text, 78)
}

impl Place {
    /// The label in two: what stands at the caret, and what is too long for
    /// that and stands below. A suggestion stays at the caret.
    fn divide<'a>(&self, label: &'a str) -> (&'a str, Option<&'a str>) {
        let before = &self.text[..self.span.start];
        let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
        let marked = columns(&self.text[self.span.clone()]);
        if columns(line) + marked + columns(label) <= WIDTH - 8 {
            return (label, None);
        }
        match label.rsplit_once("; did you mean ") {
            Some((expected, _)) => (&label[expected.len() + 2..], Some(expected)),
            None => ("", Some(label)),
        }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ScenarioError {}
