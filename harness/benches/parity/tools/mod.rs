//! The native tools: what is started for a row, and how its figures are read.

mod kafka;
mod perf_test;
mod pgbench;
mod programs;
mod redis;

use crate::command::{Command, Place};
use crate::rows::{Row, Tool};

/// Both tools in Java get the same heap, and no more of the machine than that.
pub(crate) const JVM: &[&str] = &["-Xmx512m", "-Djava.net.preferIPv4Stack=true"];

/// What a tool says it did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Said {
    /// Tasks per second.
    pub(crate) rate: f64,
    /// Between which instants, monotonic ns, where the tool says so.
    pub(crate) span: Option<(u64, u64)>,
}

/// What is started before the tool, in this order.
pub(crate) fn before(row: &Row, place: &Place) -> Vec<Command> {
    match row.tool {
        Tool::RedisBenchmark => redis::before(place),
        _ => Vec::new(),
    }
}

/// The tool.
pub(crate) fn command(row: &Row, place: &Place) -> Command {
    match row.tool {
        Tool::PerfTest => perf_test::command(row, place),
        Tool::KafkaPerformance => kafka::command(row, place),
        Tool::RedisBenchmark => redis::command(row, place),
        Tool::Asynq => programs::asynq(row, place),
        Tool::Celery => programs::celery(row, place),
        Tool::Pgbench => pgbench::command(row, place),
    }
}

/// What is started after it.
pub(crate) fn after(row: &Row, place: &Place) -> Vec<Command> {
    match row.tool {
        Tool::RedisBenchmark => redis::after(place),
        _ => Vec::new(),
    }
}

/// Reads what the tool printed; `None` while the figure is not there.
pub(crate) fn read(row: &Row, printed: &str) -> Option<Said> {
    let rate = match row.tool {
        Tool::PerfTest => perf_test::rate(row, printed),
        Tool::KafkaPerformance => kafka::rate(row, printed),
        Tool::RedisBenchmark => redis::rate(row, printed),
        Tool::Asynq | Tool::Celery => return programs::said(printed),
        Tool::Pgbench => pgbench::rate(row, printed),
    };
    Some(Said { rate: rate?, span: None })
}

/// The number before a word, as in `12.5 msg/s`.
fn number_before(text: &str, word: &str) -> Option<f64> {
    let before = &text[..text.rfind(word)?];
    let number = before.trim_end().rsplit([' ', '\t', ',', '=', '(']).next()?;
    number.replace(',', "").parse().ok()
}
