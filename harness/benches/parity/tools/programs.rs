//! Asynq's and Celery's own clients and workers, in programs of a page each.

use schedbench_contract::Secret;
use serde_json::{Value, json};

use super::Said;
use crate::command::{Command, Place, Program};
use crate::rows::{CELERY_PROCESSES, Row, Side};

/// Before a client is measured.
const WARMUP_MS: u64 = 1_000;

fn job(row: &Row, place: &Place) -> Value {
    let (side, tasks) = match row.side {
        Side::Enqueue => ("enqueue", 0),
        Side::Process { tasks } => ("process", tasks),
    };
    json!({
        "side": side,
        "queue": place.queue,
        "body": row.setting.body,
        "window": row.setting.window,
        "warmup_ms": WARMUP_MS,
        "measure_ms": place.measure_ms,
        "tasks": tasks,
    })
}

fn command(program: Program, job: &Value) -> Command {
    let mut command = Command::new(program, []);
    command.stdin = Secret(format!("{job}\n"));
    command
}

pub(super) fn asynq(row: &Row, place: &Place) -> Command {
    let mut job = job(row, place);
    job["addr"] = format!("{}:{}", place.host, place.port).into();
    job["password"] = place.password.0.clone().into();
    command(Program::Asynq, &job)
}

pub(super) fn celery(row: &Row, place: &Place) -> Command {
    let mut job = job(row, place);
    let Place { host, port, user, password, .. } = place;
    job["url"] = format!("amqp://{user}:{}@{host}:{port}//", password.0).into();
    job["concurrency"] = CELERY_PROCESSES.into();
    command(Program::Celery, &job)
}

/// Reads the one line that either program says.
pub(super) fn said(printed: &str) -> Option<Said> {
    let line = printed.lines().find_map(|line| line.strip_prefix("parity "))?;
    let said: Value = serde_json::from_str(line).ok()?;
    let (from, to) = (said["from"].as_u64()?, said["to"].as_u64()?);
    let seconds = to.checked_sub(from).filter(|ns| *ns > 0)? as f64 / 1e9;
    Some(Said { rate: said["tasks"].as_u64()? as f64 / seconds, span: Some((from, to)) })
}
