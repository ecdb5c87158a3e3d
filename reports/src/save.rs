//! Writing the outcome: JSON whose text depends on nothing but the outcome,
//! and files that are there whole or not at all.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::outcome::{Outcome, Value};

/// The outcome as text: objects indented by two spaces, numbers of an array on
/// one line, keys in the schema's order, a newline at the end. The same
/// outcome gives the same bytes.
///
/// JSON knows no NaN and no infinity. A metric that is one becomes
/// [`Value::NotMeasured`]; a bin of a series becomes `null`, which says the
/// same. Anywhere else such a number is written as `null`, and reading the
/// file says where it stands.
#[must_use]
pub fn to_json(outcome: &Outcome) -> String {
    indented(writable(outcome).as_ref())
}

/// Any of our own types in the form of [`to_json`].
pub(crate) fn indented(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Indented::default());
    // Neither a map with keys other than strings nor a failing writer is
    // possible here, the two ways in which serde_json can fail.
    if let Err(error) = value.serialize(&mut serializer) {
        debug_assert!(false, "it does not serialise: {error}");
    }
    text.push(b'\n');
    String::from_utf8(text).unwrap_or_default()
}

/// The outcome, with a reason in place of each metric that is no number.
pub(crate) fn writable(outcome: &Outcome) -> Cow<'_, Outcome> {
    let unwritable = |value: &Value| value.number().is_some_and(|number| !number.is_finite());
    if !outcome.cells.iter().flat_map(|cell| cell.metrics.values()).any(unwritable) {
        return Cow::Borrowed(outcome);
    }
    let mut mended = outcome.clone();
    for value in mended.cells.iter_mut().flat_map(|cell| cell.metrics.values_mut()) {
        if unwritable(value) {
            let number = value.number().unwrap_or(f64::NAN);
            *value = Value::NotMeasured(format!("came out as {number}"));
        }
    }
    Cow::Owned(mended)
}

/// Indents objects, keeps arrays on one line. serde_json's own pretty printer
/// gives each number of a series a line, which triples the file and makes its
/// differences unreadable.
#[derive(Default)]
struct Indented {
    depth: usize,
    has_fields: bool,
}

impl Indented {
    fn new_line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Indented {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_fields = false;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if self.has_fields {
            self.new_line(writer)?;
        }
        self.has_fields = true;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.has_fields = true;
        self.new_line(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

/// Writes a file whole or not at all: into a new file beside it, flushed to
/// the disk, then renamed over the old one. Gives the file's path.
///
/// # Errors
/// When `name` is not a plain file name, or the file cannot be written; the
/// old file is untouched then and nothing is left behind.
pub fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    if Path::new(name).file_name() != Some(name.as_ref()) {
        let what = format!("{name:?} is not a plain file name");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let target = dir.join(name);
    let (part, mut file) = new_beside(dir, name)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&part, &target));
    if let Err(error) = written {
        // The first error is the one to tell; a part that stays is harmless.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    // The new name is on the disk only once the directory is. Some file
    // systems refuse that; the file itself is safe by then.
    if let Ok(directory) = File::open(dir) {
        let _ = directory.sync_all();
    }
    Ok(target)
}

fn new_beside(dir: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let process = std::process::id();
    let mut attempt = 0;
    loop {
        let part = dir.join(format!(".{name}.{process}-{attempt}.part"));
        match OpenOptions::new().write(true).create_new(true).open(&part) {
            Ok(file) => return Ok((part, file)),
            // A part of a killed run whose process id came round again.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
