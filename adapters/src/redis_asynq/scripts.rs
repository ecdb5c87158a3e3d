//! Our own scripts with the effects of Asynq's (protocol §3), each for many
//! tasks at once, and how they are called.

use std::sync::LazyLock;

use redis::{Cmd, Script, Value};

/// Tasks per call: Redis serves nobody else during a call, and this many take
/// it about half a millisecond.
pub(super) const TASKS_PER_CALL: usize = 64;
/// Where Asynq's counters start again.
pub(super) const LARGEST_COUNT: i64 = i64::MAX;

macro_rules! scripts {
    ($($name:ident = $file:literal;)+) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!($file)));)+

        const TEXTS: &[&str] = &[$(include_str!($file)),+];
    };
}

scripts! {
    ENQUEUE = "lua/enqueue.lua";
    SCHEDULE = "lua/schedule.lua";
    DEQUEUE = "lua/dequeue.lua";
    DONE = "lua/done.lua";
    RETRY = "lua/retry.lua";
    ARCHIVE = "lua/archive.lua";
    FORWARD = "lua/forward.lua";
    EXPIRED = "lua/expired.lua";
    REQUEUE = "lua/requeue.lua";
    CANCEL = "lua/cancel.lua";
    HEARTBEAT = "lua/heartbeat.lua";
    PURGE = "lua/purge.lua";
}

/// Commands that teach a server all scripts.
pub(super) fn load_all() -> Vec<Cmd> {
    let load = |text: &&str| {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(*text);
        command
    };
    TEXTS.iter().map(load).collect()
}

/// A call of a script with its keys; the arguments follow.
pub(super) fn call(script: &Script, keys: &[&str], expected_bytes: usize) -> Cmd {
    let mut command = Cmd::with_capacity(8 + keys.len(), 256 + expected_bytes);
    command.arg("EVALSHA").arg(script.get_hash()).arg(keys.len());
    for key in keys {
        command.arg(*key);
    }
    command
}

/// The places (from 0) that a script replies with, counted there from 1.
pub(super) fn places(reply: &Value) -> impl Iterator<Item = usize> {
    let places = if let Value::Array(places) = reply { places.as_slice() } else { &[] };
    places.iter().filter_map(|place| match place {
        Value::Int(place) => usize::try_from(place - 1).ok(),
        _ => None,
    })
}
