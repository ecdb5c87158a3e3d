//! Asynq's protobuf messages (protocol §2), and a writer of new task messages
//! that copies nothing twice.

use std::collections::HashMap;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

/// The type name of our tasks.
pub(super) const TASK_TYPE: &str = "schedbench:task";
/// Seconds an attempt may take: what Asynq's client writes when nobody says
/// otherwise (30 min). A message with neither timeout nor deadline is an error
/// to its worker.
pub(super) const TIMEOUT_S: i64 = 1_800;

/// A task as it is stored (protocol §2.1).
#[derive(Clone, PartialEq, Message)]
pub(super) struct TaskMessage {
    #[prost(string, tag = "1")]
    pub(super) task_type: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) payload: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(super) id: String,
    #[prost(string, tag = "4")]
    pub(super) queue: String,
    /// Retries it may have.
    #[prost(int32, tag = "5")]
    pub(super) retry: i32,
    /// Retries it has had.
    #[prost(int32, tag = "6")]
    pub(super) retried: i32,
    #[prost(string, tag = "7")]
    pub(super) error_msg: String,
    /// Seconds an attempt may take; 0 for no limit.
    #[prost(int64, tag = "8")]
    pub(super) timeout: i64,
    /// Unix seconds; 0 for none.
    #[prost(int64, tag = "9")]
    pub(super) deadline: i64,
    #[prost(string, tag = "10")]
    pub(super) unique_key: String,
    /// Unix seconds; 0 for never.
    #[prost(int64, tag = "11")]
    pub(super) last_failed_at: i64,
    #[prost(int64, tag = "12")]
    pub(super) retention: i64,
    #[prost(int64, tag = "13")]
    pub(super) completed_at: i64,
    #[prost(string, tag = "14")]
    pub(super) group_key: String,
    #[prost(map = "string, string", tag = "15")]
    pub(super) headers: HashMap<String, String>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

impl Timestamp {
    pub(super) fn of(unix_ns: u64) -> Self {
        Self { seconds: (unix_ns / 1_000_000_000) as i64, nanos: (unix_ns % 1_000_000_000) as i32 }
    }
}

/// What a worker process says of itself (protocol §2.2).
#[derive(Clone, PartialEq, Message)]
pub(super) struct ServerInfo {
    #[prost(string, tag = "1")]
    pub(super) host: String,
    #[prost(int32, tag = "2")]
    pub(super) pid: i32,
    #[prost(string, tag = "3")]
    pub(super) server_id: String,
    #[prost(int32, tag = "4")]
    pub(super) concurrency: i32,
    #[prost(map = "string, int32", tag = "5")]
    pub(super) queues: HashMap<String, i32>,
    #[prost(bool, tag = "6")]
    pub(super) strict_priority: bool,
    #[prost(string, tag = "7")]
    pub(super) status: String,
    #[prost(message, optional, tag = "8")]
    pub(super) start_time: Option<Timestamp>,
    #[prost(int32, tag = "9")]
    pub(super) active_worker_count: i32,
}

/// What it says of a task that it runs (protocol §2.3).
#[derive(Clone, PartialEq, Message)]
pub(super) struct WorkerInfo {
    #[prost(string, tag = "1")]
    pub(super) host: String,
    #[prost(int32, tag = "2")]
    pub(super) pid: i32,
    #[prost(string, tag = "3")]
    pub(super) server_id: String,
    #[prost(string, tag = "4")]
    pub(super) task_id: String,
    #[prost(string, tag = "5")]
    pub(super) task_type: String,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) task_payload: Vec<u8>,
    #[prost(string, tag = "7")]
    pub(super) queue: String,
    #[prost(message, optional, tag = "8")]
    pub(super) start_time: Option<Timestamp>,
    #[prost(message, optional, tag = "9")]
    pub(super) deadline: Option<Timestamp>,
}

/// Writes messages of new tasks of one queue: what they share is encoded once.
#[derive(Clone, Debug)]
pub(super) struct NewTask {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl NewTask {
    /// Messages for `queue` that allow `retries` retries.
    pub(super) fn new(queue: &str, retries: u32) -> Self {
        let before = TaskMessage { task_type: TASK_TYPE.into(), ..Default::default() };
        let after = TaskMessage {
            queue: queue.into(),
            retry: i32::try_from(retries).unwrap_or(i32::MAX),
            timeout: TIMEOUT_S,
            ..Default::default()
        };
        Self { before: before.encode_to_vec(), after: after.encode_to_vec() }
    }

    /// Appends the message of a task: fields in ascending order, empty ones
    /// left out, as Go writes them.
    pub(super) fn append(&self, to: &mut Vec<u8>, id: &str, payload: &[u8]) {
        to.extend_from_slice(&self.before);
        append_bytes(to, 2, payload);
        append_bytes(to, 3, id.as_bytes());
        to.extend_from_slice(&self.after);
    }
}

fn append_bytes(to: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    encode_key(tag, WireType::LengthDelimited, to);
    encode_varint(bytes.len() as u64, to);
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let digits: String = hexadecimal.split_whitespace().collect();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
            .collect()
    }

    /// Both byte strings were taken from a trace of the Go library (§2.1).
    #[test]
    fn golden_bytes_of_the_go_library() {
        let plain = TaskMessage {
            task_type: "email:send".into(),
            payload: br#"{"to":1}"#.to_vec(),
            id: "id-plain".into(),
            queue: "default".into(),
            retry: 25,
            timeout: 1_800,
            ..Default::default()
        };
        let expected = bytes(
            "0a0a656d61696c3a73656e64 12087b22746f223a317d 1a0869642d706c61696e
             220764656661756c74 2819 40880e",
        );
        assert_eq!(plain.encode_to_vec(), expected);
        assert_eq!(TaskMessage::decode(expected.as_slice()), Ok(plain));

        let with_header = TaskMessage {
            task_type: "email:send".into(),
            payload: b"x".to_vec(),
            id: "id-hdr".into(),
            queue: "default".into(),
            timeout: 20,
            deadline: 1_900_000_000,
            retention: 3_600,
            headers: HashMap::from([("k".into(), "v".into())]),
            ..Default::default()
        };
        let expected = bytes(
            "0a0a656d61696c3a73656e64 120178 1a0669642d686472 220764656661756c74 4014
             4880e6fe8907 60901c 7a060a016b120176",
        );
        assert_eq!(with_header.encode_to_vec(), expected);
        assert_eq!(TaskMessage::decode(expected.as_slice()), Ok(with_header));
    }

    #[test]
    fn a_new_task_is_written_as_the_whole_message_would_be() {
        let new = NewTask::new("schedbench.r.c", 3);
        for payload in [&b""[..], b"x", &[7; 300]] {
            let mut written = Vec::new();
            new.append(&mut written, "00000100000000ff", payload);
            let whole = TaskMessage {
                task_type: TASK_TYPE.into(),
                payload: payload.to_vec(),
                id: "00000100000000ff".into(),
                queue: "schedbench.r.c".into(),
                retry: 3,
                timeout: TIMEOUT_S,
                ..Default::default()
            };
            assert_eq!(written, whole.encode_to_vec());
        }
    }
}
