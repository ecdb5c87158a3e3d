//! Histograms as `.hlog` files, which HdrHistogram's own tools open, and
//! histograms out of the outcome.
//!
//! A log holds completed values only, in ns. What never completed lies at +∞
//! and stands in a comment beside its histogram, since the format has no place
//! for it: a percentile read from the log alone is too good by those.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use crate::outcome::{Cell, CellKey, Histogram, Load, Run};

/// What the log's third column is divided by: ns to ms, as Java's tools do.
const MAX_VALUE_DIVISOR: f64 = 1e6;

/// The histogram that a reader who names none wants to see.
const HEADLINE: &str = "start_latency";

/// The largest histogram that is unpacked, bytes. One of the widest range at
/// three digits takes 0.4 MB when every bucket is filled.
const LARGEST_UNPACKED: u64 = 64 << 20;

/// A histogram that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its text is no base64.
    #[error("not base64")]
    NotBase64,
    /// Its bytes do not unpack, or to more than a histogram can need.
    #[error("does not unpack: {0}")]
    Packed(String),
    /// Unpacked, it is no HdrHistogram V2.
    #[error("no HdrHistogram V2: {0}")]
    NotHistogram(String),
}

/// A cell's histogram that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HlogError {
    /// The outcome holds it in a form that cannot be read.
    #[error("histogram {name}: {why}")]
    Histogram {
        /// The histogram's name.
        name: String,
        /// What is wrong with it.
        why: Unreadable,
    },
    /// The writer refused it.
    #[error("histogram {name} cannot be written: {why}")]
    Write {
        /// The histogram's name.
        name: String,
        /// The writer's words.
        why: String,
    },
}

/// The histogram of completed values, ns.
///
/// # Errors
/// When the outcome is damaged; never panics, and never unpacks without bound.
pub fn decode(histogram: &Histogram) -> Result<hdrhistogram::Histogram<u64>, Unreadable> {
    let packed = STANDARD.decode(&histogram.data).map_err(|_| Unreadable::NotBase64)?;
    let plain = unpack(&packed)?;
    // The reader allocates what the length field says before it looks at what
    // is there, and negates counts without a look at the smallest of them,
    // which only a damaged file holds, as nine bytes 0xff.
    const HEADER: usize = 40;
    let payload = plain.get(HEADER..).unwrap_or_default();
    let length = plain.get(4..8).map(|b| b.iter().fold(0, |sum, b| sum << 8 | usize::from(*b)));
    if length != Some(payload.len()) || payload.windows(9).any(|nine| nine == [0xff; 9]) {
        return Err(Unreadable::NotHistogram("its length or a count is damaged".to_owned()));
    }
    Deserializer::new()
        .deserialize(&mut plain.as_slice())
        .map_err(|error| Unreadable::NotHistogram(error.to_string()))
}

/// The V2 bytes inside a V2-deflate histogram.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, Unreadable> {
    const COMPRESSED_COOKIE: [u8; 4] = 0x1c84_9314_u32.to_be_bytes();
    let Some(deflated) = packed.strip_prefix(&COMPRESSED_COOKIE).and_then(|rest| rest.get(4..))
    else {
        return Err(Unreadable::NotHistogram("its first bytes are not V2, deflated".to_owned()));
    };
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(deflated)
        .take(LARGEST_UNPACKED + 1)
        .read_to_end(&mut plain)
        .map_err(|error| Unreadable::Packed(error.to_string()))?;
    if plain.len() as u64 > LARGEST_UNPACKED {
        return Err(Unreadable::Packed("larger than any histogram".to_owned()));
    }
    Ok(plain)
}

/// All histograms of a cell as an interval log, format 1.3: one interval per
/// histogram, the window's length, tagged with the histogram's name. With
/// Java's tool: `HistogramLogProcessor -i FILE -tag enqueue_latency`.
///
/// The headline stands first and once more without a tag: asked for no tag,
/// Java's tool takes the untagged intervals only, and dies of a null pointer
/// where there are none.
///
/// # Errors
/// When a histogram of the cell cannot be read or written; the error names it.
pub fn to_hlog(run: &Run, cell: &Cell) -> Result<String, HlogError> {
    let mut log = header(run, cell).into_bytes();
    let mut serializer = V2DeflateSerializer::new();
    let refused = |name: &str, why: String| HlogError::Write { name: name.to_owned(), why };
    let mut writer = IntervalLogWriterBuilder::new()
        .with_max_value_divisor(MAX_VALUE_DIVISOR)
        .begin_log_with(&mut log, &mut serializer)
        .map_err(|error| refused("header", error.to_string()))?;
    let duration = Duration::try_from_secs_f64(cell.window.duration_s).unwrap_or_default();
    // The interval is the window: from the run's start, which the header names
    // as the base, over the cell's start and its warm-up.
    let start = cell.started_s + cell.window.warmup_s;
    let start = Duration::try_from_secs_f64(start).unwrap_or_default();
    let headline = cell.histograms.get_key_value(HEADLINE).or(cell.histograms.first_key_value());
    let untagged = headline.map(|(name, histogram)| (name, histogram, false));
    let tagged = cell.histograms.iter().map(|(name, histogram)| (name, histogram, true));
    for (name, histogram, is_tagged) in untagged.into_iter().chain(tagged) {
        let values =
            decode(histogram).map_err(|why| HlogError::Histogram { name: name.clone(), why })?;
        let tag = tag_of(name);
        let comment = if is_tagged {
            format!("[AtInfinity: {tag} {}]", histogram.at_infinity)
        } else {
            format!("[Untagged: {tag}, the headline; it comes again with its tag]")
        };
        writer.write_comment(&comment).map_err(|error| refused(name, error.to_string()))?;
        if is_tagged && histogram.early > 0 {
            let early = format!("[Early: {tag} {}, below zero and not in it]", histogram.early);
            writer.write_comment(&early).map_err(|error| refused(name, error.to_string()))?;
        }
        let tag = if is_tagged { Tag::new(&tag) } else { None };
        writer
            .write_histogram(&values, start, duration, tag)
            .map_err(|error| refused(name, error.to_string()))?;
    }
    drop(writer);
    Ok(String::from_utf8_lossy(&log).into_owned())
}

/// The header, in the order and with the words of Java's `HistogramLogWriter`;
/// its reader wants the legend before the first interval.
fn header(run: &Run, cell: &Cell) -> String {
    let mut lines = vec![
        "#[Histogram log format version 1.3]".to_owned(),
        format!("#[Logged with schedbench {}, run {}]", one_line(&run.tool), one_line(&run.id)),
        format!("#[Cell: {}]", one_line(&describe(&cell.key))),
        format!(
            "#[Values: ns, completed only; at +inf: no success within {} s of due, or refused]",
            cell.window.horizon_s
        ),
    ];
    if let Some(seconds) = seconds_since_epoch(&run.started) {
        // Both, so that no reader has to guess what an interval's start counts
        // from. The date is what Java writes after the bracket; readers skip it.
        let date = one_line(&run.started);
        lines.push(format!("#[StartTime: {seconds:.3} (seconds since epoch), {date}]"));
        lines.push(format!("#[BaseTime: {seconds:.3} (seconds since epoch)]"));
    }
    lines.push(
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
         \"Interval_Compressed_Histogram\"\n"
            .to_owned(),
    );
    lines.join("\n")
}

fn seconds_since_epoch(rfc3339: &str) -> Option<f64> {
    let started: jiff::Timestamp = rfc3339.parse().ok()?;
    let since = SystemTime::from(started).duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

fn describe(key: &CellKey) -> String {
    let mut words = vec![format!("{}/{}", key.system, key.profile), load_of(key.load)];
    words.extend(key.variant.clone());
    words.extend(key.trial_and_fault().map(|fault| format!("fault {fault}")));
    words.push(format!("repeat {}", key.repeat));
    words.join(", ")
}

fn load_of(load: Load) -> String {
    match load {
        // Only a file that was made by hand has such a rate.
        Load::Rate(rate) if !rate.is_finite() => "no rate".to_owned(),
        Load::Rate(rate) => format!("{rate}/s"),
        Load::InFlight(tasks) => format!("{tasks} in flight"),
        Load::Backlog(tasks) => format!("{tasks} pending"),
    }
}

/// The name of a cell's file: its key in characters that every file system,
/// URL and artifact store takes. Different cells of one run differ in it, for
/// it ends in the cell's number.
#[must_use]
pub fn file_name(cell: &Cell) -> String {
    let plain: String = describe(&cell.key)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(120)
        .collect();
    let words: Vec<_> = plain.split('-').filter(|word| !word.is_empty()).collect();
    format!("{}-cell-{}.hlog", words.join("-").trim_start_matches('.'), cell.number)
}

/// A tag ends at the first comma and its line at a line break.
fn tag_of(name: &str) -> String {
    name.chars()
        .map(|c| if c == ',' || c.is_whitespace() || c.is_control() { '_' } else { c })
        .collect()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
