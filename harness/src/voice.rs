//! How the program speaks: colours and width.

use std::io::{self, IsTerminal, Write, stderr, stdout};

use anstream::ColorChoice;

use crate::cli::{Color, Voice};

/// Narrower than this no table is readable; wider than this no line is.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=120;
/// What a terminal has when it does not say.
const USUAL_WIDTH: usize = 80;

/// The choice that was typed, in anstream's terms; `auto` asks the stream and
/// `NO_COLOR`.
#[must_use]
pub const fn choice(voice: Voice) -> ColorChoice {
    match voice.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// Whether what goes to standard output is coloured.
#[must_use]
pub fn colours_stdout(voice: Voice) -> bool {
    match voice.color {
        Color::Auto => anstream::AutoStream::choice(&stdout()) != ColorChoice::Never,
        Color::Always => true,
        Color::Never => false,
    }
}

/// Columns of the terminal, within reason.
#[must_use]
pub fn width() -> usize {
    let columns = rustix::termios::tcgetwinsize(stdout()).map(|size| usize::from(size.ws_col));
    match columns {
        Ok(columns) if columns > 0 => columns.clamp(*WIDTHS.start(), *WIDTHS.end()),
        Ok(_) | Err(_) => USUAL_WIDTH,
    }
}

/// Columns of the terminal that standard error is, as they are.
#[must_use]
pub fn stderr_columns() -> usize {
    let columns = rustix::termios::tcgetwinsize(stderr()).map(|size| usize::from(size.ws_col));
    columns.ok().filter(|columns| *columns > 0).unwrap_or(USUAL_WIDTH)
}

/// Whether a person watches standard error.
#[must_use]
pub fn stderr_is_terminal() -> bool {
    stderr().is_terminal()
}

/// Whether an error means no more than that whoever read has gone.
#[must_use]
pub fn nobody_reads(error: &anyhow::Error) -> bool {
    let cause = error.root_cause();
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind).or_else(|| {
        // It holds the cause, but does not show it as one.
        cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind)
    });
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// A line on standard error; that nobody reads it changes nothing.
pub fn tell(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}
