//! A task as a message of Celery's protocol 2, in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use schedbench_contract::TaskId;

/// The task's name in the worker.
pub(super) const TASK: &str = "schedbench.run";
/// What follows the task's one argument: no keyword arguments, nothing to be
/// called afterwards.
const AFTER_BODY: &str =
    "\"],{},{\"callbacks\":null,\"errbacks\":null,\"chain\":null,\"chord\":null}]";
/// Celery's client cuts the arguments it shows in headers at so many characters.
const SHOWN: usize = 1_024;

/// What all messages of a cell have in common: the headers and properties that
/// Celery's own client sends, with its names and types.
pub(super) struct Form {
    headers: FieldTable,
    properties: BasicProperties,
}

impl Form {
    /// `ignore_result`: whether the worker sends no result to `reply_to`.
    pub(super) fn new(reply_to: &ShortString, ignore_result: bool) -> Self {
        let mut headers = FieldTable::default();
        let mut set = |name: &str, value: AMQPValue| {
            headers.insert(name.into(), value);
        };
        set("lang", text("py"));
        set("task", text(TASK));
        for null in ["shadow", "expires", "group", "group_index", "parent_id", "stamped_headers"] {
            set(null, AMQPValue::Void);
        }
        set("eta", AMQPValue::Void);
        set("retries", AMQPValue::LongInt(0));
        let limits = vec![AMQPValue::Void, AMQPValue::Void];
        set("timelimit", AMQPValue::FieldArray(FieldArray::from(limits)));
        set("kwargsrepr", text("{}"));
        set("origin", text("schedbench"));
        set("ignore_result", AMQPValue::Boolean(ignore_result));
        set("replaced_task_nesting", AMQPValue::LongInt(0));
        set("stamps", AMQPValue::FieldTable(FieldTable::default()));
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_content_encoding("utf-8".into())
            .with_delivery_mode(2)
            .with_priority(0)
            .with_reply_to(reply_to.clone());
        Self { headers, properties }
    }

    /// The properties of one task's message; `json` is what [`write_body`] made.
    pub(super) fn properties(
        &self,
        id: TaskId,
        due_unix_ns: Option<u64>,
        json: &[u8],
    ) -> BasicProperties {
        let id = id.to_string();
        let mut headers = self.headers.clone();
        headers.insert("id".into(), text(&id));
        headers.insert("root_id".into(), text(&id));
        headers.insert("argsrepr".into(), text(&shown(json)));
        if let Some(due) = due_unix_ns {
            headers.insert("eta".into(), text(&iso(due)));
        }
        self.properties.clone().with_correlation_id(id.into()).with_headers(headers)
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Appends the JSON that carries a body.
pub(super) fn write_body(json: &mut Vec<u8>, body: &[u8]) {
    json.extend_from_slice(b"[[\"");
    let from = json.len();
    json.resize(from + body.len().div_ceil(3) * 4, 0);
    // The room is exactly what base64 takes, so that this cannot fail.
    let written = STANDARD.encode_slice(body, &mut json[from..]).unwrap_or(0);
    json.truncate(from + written);
    json.extend_from_slice(AFTER_BODY.as_bytes());
}

/// The arguments as Python would print them, cut where Celery's client cuts.
fn shown(json: &[u8]) -> String {
    let base64 = &json[3..json.len() - AFTER_BODY.len()];
    let cut = &base64[..base64.len().min(SHOWN - "('...',)".len())];
    let dots = if cut.len() < base64.len() { "..." } else { "" };
    // Base64 is ASCII.
    format!("('{}{dots}',)", String::from_utf8_lossy(cut))
}

/// A wall-clock time as Celery's client writes it, in whole µs rounded up: a
/// task is not to be early.
fn iso(unix_ns: u64) -> String {
    // 64 bits of ns end in the year 2554, well inside what jiff holds.
    let micros = i64::try_from(unix_ns.div_ceil(1_000)).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_three_elements_of_json_for_every_length() {
        for length in [0_usize, 1, 2, 3, 100, 5_000] {
            let body: Vec<u8> = (0..length).map(|place| place as u8).collect();
            let mut json = Vec::new();
            write_body(&mut json, &body);
            let read: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            assert_eq!(read.as_array().map(Vec::len), Some(3));
            let argument = read[0][0].as_str().expect("a string");
            assert_eq!(STANDARD.decode(argument).expect("base64"), body);
            assert_eq!(read[1], serde_json::json!({}));
            assert_eq!(read[2].as_object().map(serde_json::Map::len), Some(4));
            let shown = shown(&json);
            assert!(shown.starts_with("('") && shown.ends_with("',)") && shown.len() <= SHOWN);
            assert_eq!(shown.contains("..."), length == 5_000);
        }
    }

    #[test]
    fn times_are_iso_8601_in_utc_and_never_earlier() {
        for (unix_ns, text) in [
            (0, "1970-01-01T00:00:00.000000+00:00"),
            (951_782_399_000_000_001, "2000-02-28T23:59:59.000001+00:00"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000+00:00"),
            (1_795_542_895_999_999_001, "2026-11-24T17:54:56.000000+00:00"),
            (u64::MAX, "2554-07-21T23:34:33.709552+00:00"),
        ] {
            assert_eq!(iso(unix_ns), text);
        }
    }
}
