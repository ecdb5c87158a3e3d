//! `redis-benchmark` with the adapter's own script, its pipelining and its
//! number of tasks to a call.
//!
//! It takes a password as an argument only, which everybody on the machine may
//! read. So it signs in as a user that lasts as long as it does, needs no
//! password, and may do nothing but run this script on this queue.

use schedbench_contract::Secret;

use crate::command::{Command, Place, Program};
use crate::rows::{Batch, Row};

/// The very text that the adapter sends.
const SCRIPT: &str = include_str!("../../../../adapters/src/redis_asynq/lua/enqueue.lua");
const USER: &str = "parity";
/// Tasks per second of measuring that it is given.
const TASKS_PER_SECOND: u64 = 120_000;
/// What Asynq's message adds to body and queue, with their tags: type 17, id
/// 18, time-out 3, and the tags and lengths of body and queue.
const AROUND_BODY: usize = 17 + 18 + 3 + 2 + 2;

fn cli(place: &Place, args: &[&str]) -> Command {
    let Place { host, port, .. } = place;
    let mut command = Command::new(Program::Named("redis-cli"), ["-h", host, "-p", port]);
    command.args.extend(args.iter().map(|&arg| arg.to_owned()));
    command.env.push(("REDISCLI_AUTH", place.password.clone()));
    command
}

/// Makes the user, and has Redis say what it calls the script.
pub(super) fn before(place: &Place) -> Vec<Command> {
    let keys = format!("~asynq:{{{}}}:*", place.queue);
    let may = ["+evalsha", "+exists", "+hset", "+lpush", "+config|get"];
    let mut args = vec!["ACL", "SETUSER", USER, "on", "nopass", &keys];
    args.extend(may);
    let mut load = cli(place, &["-x", "SCRIPT", "LOAD"]);
    load.stdin = Secret(SCRIPT.into());
    vec![cli(place, &args), load]
}

pub(super) fn after(place: &Place) -> Vec<Command> {
    vec![cli(place, &["ACL", "DELUSER", USER])]
}

const fn tasks_per_call(row: &Row) -> u32 {
    match row.setting.batch {
        Batch::Tasks(tasks) | Batch::Bytes(tasks) => tasks,
    }
}

pub(super) fn command(row: &Row, place: &Place) -> Command {
    let tasks = tasks_per_call(row);
    let Place { host, port, queue, script, .. } = place;
    let pipelined = (row.setting.window / tasks).to_string();
    let connections = row.setting.connections.to_string();
    let calls = (TASKS_PER_SECOND * place.measure_ms / 1_000 / u64::from(tasks)).to_string();
    let mut command = Command::new(Program::Named("redis-benchmark"), ["-h", host, "-p", port]);
    let mut more = |args: &[&str]| command.args.extend(args.iter().map(|&arg| arg.to_owned()));
    more(&["--user", USER, "-a", "none", "-c", &connections, "-P", &pipelined, "-n", &calls]);
    // Ids that do not exist yet, in as many digits as the adapter's.
    more(&["-r", "2000000000", "-q", "EVALSHA", script, "1"]);
    let prefix = format!("asynq:{{{queue}}}:");
    more(&[&format!("{prefix}pending"), &format!("{prefix}t:"), "1700000000000000000"]);
    let message = "x".repeat(row.setting.body + AROUND_BODY + queue.len());
    for _ in 0..tasks {
        more(&["0000__rand_int__", &message]);
    }
    command
}

/// Calls per second, times the tasks in each.
pub(super) fn rate(row: &Row, printed: &str) -> Option<f64> {
    let line = printed.rsplit(['\r', '\n']).find(|line| line.contains("requests per second"))?;
    let calls = super::number_before(line, "requests per second")?;
    Some(calls * f64::from(tasks_per_call(row)))
}
