//! How a worker gives a task's fate to Redis (protocol §3.6, 3.9, 3.10).

use prost::Message;
use redis::{Cmd, Script};

use super::super::keys::Keys;
use super::super::message::TaskMessage;
use super::super::scripts::{self, LARGEST_COUNT, TASKS_PER_CALL};

/// Seconds that the counters of a day are kept, and archived tasks.
const KEPT_S: u64 = 90 * 86_400;
/// Archived tasks kept, one more than there ever are.
const ARCHIVED_AT_MOST: u64 = 10_000;

/// What becomes of a task.
#[derive(Clone, Debug)]
enum Fate {
    Done,
    Retry { message: Vec<u8>, at_s: u64 },
    Archive { message: Vec<u8> },
}

/// A task whose fate Redis has to hear.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    pub(super) id: String,
    /// After this Unix second nothing may be written for it: it belongs to the
    /// recoverer.
    pub(super) lease_until_s: u64,
    fate: Fate,
}

impl Closing {
    /// Its handler completed.
    pub(super) fn done(message: TaskMessage, lease_until_s: u64) -> Self {
        Self { id: message.id, lease_until_s, fate: Fate::Done }
    }

    /// Its attempt failed at `now_s`; it is tried again at `retry_at_s` where
    /// it may be.
    pub(super) fn failed(
        mut message: TaskMessage,
        lease_until_s: u64,
        why: &str,
        now_s: u64,
        retry_at_s: u64,
    ) -> Self {
        message.error_msg = why.to_owned();
        message.last_failed_at = now_s as i64;
        let fate = if is_last_attempt(&message) {
            Fate::Archive { message: message.encode_to_vec() }
        } else {
            message.retried += 1;
            Fate::Retry { message: message.encode_to_vec(), at_s: retry_at_s }
        };
        Self { id: message.id, lease_until_s, fate }
    }
}

/// Whether no retry is left.
pub(super) fn is_last_attempt(message: &TaskMessage) -> bool {
    message.retried >= message.retry
}

/// One script call and the tasks it closes.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) command: Cmd,
    pub(super) closings: Vec<Closing>,
}

/// The calls that close these tasks.
pub(super) fn calls(keys: &Keys, closings: Vec<Closing>, now_s: u64) -> Vec<Call> {
    let mut by_fate: [Vec<Closing>; 3] = Default::default();
    for closing in closings {
        let fate = match closing.fate {
            Fate::Done => 0,
            Fate::Retry { .. } => 1,
            Fate::Archive { .. } => 2,
        };
        by_fate[fate].push(closing);
    }
    let mut calls = Vec::new();
    for closings in by_fate {
        let mut rest = closings;
        while !rest.is_empty() {
            let others = rest.split_off(rest.len().min(TASKS_PER_CALL));
            calls.push(Call { command: command(keys, &rest, now_s), closings: rest });
            rest = others;
        }
    }
    calls
}

/// A call for tasks of one fate.
fn command(keys: &Keys, closings: &[Closing], now_s: u64) -> Cmd {
    let begin = |script: &Script, names: &[&str]| {
        let mut call = scripts::call(script, names, closings.len() * 32);
        call.arg(&keys.task).arg(now_s + KEPT_S).arg(LARGEST_COUNT);
        call
    };
    let processed_today = keys.processed_on(now_s);
    let failed_today = keys.failed_on(now_s);
    let mut call = match closings[0].fate {
        Fate::Done => {
            begin(&scripts::DONE, &[&keys.active, &keys.lease, &processed_today, &keys.processed])
        }
        Fate::Retry { .. } => begin(
            &scripts::RETRY,
            &[
                &keys.active,
                &keys.lease,
                &keys.retry,
                &processed_today,
                &failed_today,
                &keys.processed,
                &keys.failed,
            ],
        ),
        Fate::Archive { .. } => begin(
            &scripts::ARCHIVE,
            &[
                &keys.active,
                &keys.lease,
                &keys.archived,
                &processed_today,
                &failed_today,
                &keys.processed,
                &keys.failed,
            ],
        ),
    };
    if matches!(closings[0].fate, Fate::Archive { .. }) {
        call.arg(now_s).arg(now_s.saturating_sub(KEPT_S)).arg(ARCHIVED_AT_MOST);
    }
    for closing in closings {
        call.arg(&closing.id);
        match &closing.fate {
            Fate::Done => {}
            Fate::Retry { message, at_s } => {
                call.arg(message.as_slice()).arg(*at_s);
            }
            Fate::Archive { message } => {
                call.arg(message.as_slice());
            }
        }
    }
    call
}
