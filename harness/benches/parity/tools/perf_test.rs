//! `PerfTest`: a publisher with a window of confirms, or a consumer with a
//! prefetch, on the adapter's own queue.

use schedbench_contract::Secret;

use crate::command::{Command, Place, Program};
use crate::rows::{Batch, Row, Side};

/// Intervals of a second each at the beginning that are left out: the JVM is
/// cold.
const COLD: usize = 2;

pub(super) fn command(row: &Row, place: &Place) -> Command {
    let program = Program::Java { perf_test: true, class: "com.rabbitmq.perf.PerfTest" };
    let Place { queue, .. } = place;
    let window = row.setting.window.to_string();
    let mut command = Command::new(program, ["--predeclared", "--queue", queue]);
    let mut more = |args: &[&str]| command.args.extend(args.iter().map(|&arg| arg.to_owned()));
    match row.side {
        Side::Enqueue => {
            let seconds = (place.measure_ms / 1_000 + COLD as u64).to_string();
            let body = row.setting.body.to_string();
            // The default exchange, and what comes back if there is no queue.
            more(&["--exchange", "", "--routing-key", queue, "--skip-binding-queues"]);
            more(&["--producers", "1", "--consumers", "0", "--confirm", &window]);
            more(&["--size", &body, "--flag", "persistent", "--flag", "mandatory"]);
            more(&["--time", &seconds]);
        }
        Side::Process { tasks } => {
            let tasks = tasks.to_string();
            more(&["--producers", "0", "--consumers", "1", "--qos", &window]);
            // One frame acknowledges so many.
            let (Batch::Tasks(acks) | Batch::Bytes(acks)) = row.setting.batch;
            more(&["--multi-ack-every", &acks.to_string(), "--cmessages", &tasks]);
        }
    }
    let uri =
        format!("amqp://{}:{}@{}:{}/%2f", place.user, place.password.0, place.host, place.port);
    command.env.push(("URI", Secret(uri)));
    command
}

/// The mean of the seconds after the cold ones; of all where there are few.
pub(super) fn rate(row: &Row, printed: &str) -> Option<f64> {
    let (each, all) = match row.side {
        Side::Enqueue => ("confirmed: ", "sending rate avg: "),
        Side::Process { .. } => ("received: ", "receiving rate avg: "),
    };
    let number = |line: &str, after: &str| {
        let rest = line.split_once(after)?.1;
        rest.split_whitespace().next()?.replace(',', "").parse::<f64>().ok()
    };
    let whole = printed.lines().find_map(|line| number(line, all))?;
    let seconds: Vec<f64> = printed
        .lines()
        .filter(|line| line.contains("time "))
        .filter_map(|line| number(line, each))
        .collect();
    // The last one is no whole second.
    match seconds.get(COLD..seconds.len().saturating_sub(1)) {
        Some(warm) if !warm.is_empty() => Some(warm.iter().sum::<f64>() / warm.len() as f64),
        _ => Some(whole),
    }
}
