//! A task as a Kafka record: its body is the value, its key the key, the rest
//! are headers in text.

use std::fmt::Write as _;

use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use schedbench_contract::TaskId;

/// The task's id, 16 hexadecimal digits.
const ID: &str = "id";
/// The number of the attempt, from 0.
const ATTEMPT: &str = "attempt";
/// When it is due, Unix ns; left out when it is due at once.
const DUE: &str = "due";

/// What the headers of a record say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) id: TaskId,
    pub(super) attempt: u32,
    pub(super) due_wall: Option<u64>,
}

impl Label {
    /// The headers, written with the help of `text`.
    pub(super) fn headers(&self, text: &mut String) -> OwnedHeaders {
        // Writing to a String cannot fail.
        let mut with = |headers: OwnedHeaders, key, value: std::fmt::Arguments<'_>| {
            text.clear();
            let _ = text.write_fmt(value);
            headers.insert(Header { key, value: Some(text.as_str()) })
        };
        let headers = OwnedHeaders::new_with_capacity(3);
        let headers = with(headers, ID, format_args!("{}", self.id));
        let headers = with(headers, ATTEMPT, format_args!("{}", self.attempt));
        match self.due_wall {
            Some(due) => with(headers, DUE, format_args!("{due}")),
            None => headers,
        }
    }

    /// Reads the headers of a record; `None` for one that no producer of ours
    /// has sent.
    pub(super) fn of(message: &BorrowedMessage<'_>) -> Option<Self> {
        let (mut id, mut attempt, mut due_wall) = (None, 0, None);
        for header in message.headers()?.iter() {
            let text = std::str::from_utf8(header.value?).ok()?;
            match header.key {
                ID if text.len() == 16 => id = text.parse().ok(),
                ATTEMPT => attempt = text.parse().ok()?,
                DUE => due_wall = Some(text.parse().ok()?),
                _ => {}
            }
        }
        Some(Self { id: id?, attempt, due_wall })
    }
}
