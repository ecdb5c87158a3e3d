//! What was measured, as Markdown.

use std::fmt::Write as _;

use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{self, Medium};

use crate::command::Place;
use crate::rows::{Batch, Row, Side};
use crate::tools;

/// Between these the two sides are alike.
pub(crate) const ALIKE: std::ops::RangeInclusive<f64> = 0.8..=1.25;

/// One side of one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Tasks per second.
    pub(crate) rate: f64,
    /// CPU of the client or worker per task, µs.
    pub(crate) cpu_us: f64,
}

/// A row and its rounds: as many of either side.
#[derive(Clone, Debug)]
pub(crate) struct Compared<'a> {
    pub(crate) row: &'a Row,
    pub(crate) ours: Vec<Measured>,
    pub(crate) native: Vec<Measured>,
}

/// When, where and how all of it was measured.
#[derive(Clone, Debug)]
pub(crate) struct Occasion {
    /// As in `2026-11-28`.
    pub(crate) date: String,
    /// The machine in a line.
    pub(crate) machine: String,
    /// What was typed.
    pub(crate) typed: String,
    pub(crate) rounds: usize,
    pub(crate) measure_s: u64,
    /// What each broker says of itself.
    pub(crate) brokers: Vec<String>,
}

impl Compared<'_> {
    /// The medians' ratio.
    pub(crate) fn ratio(&self) -> f64 {
        median(&rates(&self.ours)) / median(&rates(&self.native))
    }

    /// Why the ratio is where it is: `None` where it needs no reason.
    pub(crate) fn reason(&self) -> Option<Option<&'static str>> {
        match self.ratio() {
            ratio if ALIKE.contains(&ratio) => None,
            ratio if ratio > *ALIKE.end() => Some(self.row.above),
            _ => Some(self.row.below),
        }
    }

    fn line(&self) -> String {
        let Row { system, profile, side, tool, .. } = self.row;
        let cpu = |side: &[Measured]| {
            let each: Vec<f64> = side.iter().map(|one| one.cpu_us).collect();
            format!("{} µs", numbers::figure(median(&each)))
        };
        let reason = match self.reason() {
            None => String::new(),
            Some(Some(why)) => why.to_owned(),
            Some(None) => "**not explained**".to_owned(),
        };
        format!(
            "| {system}/{profile} | {}, {} | {} | {}: {} | {:.2} | {} : {} | {reason} |",
            what(side),
            setting(self.row),
            spread(&self.ours),
            tool.name(*side),
            spread(&self.native),
            self.ratio(),
            cpu(&self.ours),
            cpu(&self.native),
        )
    }
}

const fn what(side: &Side) -> &'static str {
    match side {
        Side::Enqueue => "enqueue",
        Side::Process { .. } => "process",
    }
}

/// What both sides are set to.
fn setting(row: &Row) -> String {
    let setting = row.setting;
    let batch = match setting.batch {
        Batch::Tasks(1) => "1 a request".to_owned(),
        Batch::Tasks(tasks) => format!("{tasks} a request"),
        Batch::Bytes(bytes) => {
            format!("batches of {} B, linger 5 ms", numbers::whole(bytes.into()))
        }
    };
    let connections = match setting.connections {
        1 => String::new(),
        many => format!(", {many} connections"),
    };
    let window = numbers::whole(setting.window.into());
    format!("{} B, window {window}, {batch}{connections}", setting.body)
}

fn rates(side: &[Measured]) -> Vec<f64> {
    side.iter().map(|one| one.rate).collect()
}

/// Median and range.
fn spread(side: &[Measured]) -> String {
    let rates = rates(side);
    let (low, high) = rates
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), &rate| (low.min(rate), high.max(rate)));
    numbers::interval(median(&rates), low, high, Unit::PerSecond, Medium::Terminal)
}

/// The middle one, or the mean of the two in the middle.
fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (count, middle) if count % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The table alone.
pub(crate) fn table(compared: &[Compared<'_>]) -> String {
    let mut text = String::from(
        "| system | what, and what both are set to | ours | native | ratio | CPU a task, ours : \
         native | outside 0.8–1.25, why |\n|---|---|---|---|---|---|---|\n",
    );
    for one in compared {
        text.push_str(&one.line());
        text.push('\n');
    }
    text
}

/// All of `docs/parity.md`.
pub(crate) fn document(occasion: &Occasion, compared: &[Compared<'_>]) -> String {
    let mut text = String::from(HEAD);
    let Occasion { date, machine, typed, rounds, measure_s, brokers } = occasion;
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "## Measured\n\n{date}, on {machine}. `{typed}`: {rounds} rounds of each side, in turn; \
         producers are measured for {measure_s} s after a second of warm-up. Rates are tasks per \
         second: the median, and in brackets the slowest and the fastest round.\n\n"
    );
    for broker in brokers {
        let _ = writeln!(text, "* {broker}");
    }
    let _ = write!(text, "\n{}\n{METHOD}", table(compared));
    text.push_str("\n## The commands of the native tools\n");
    let place = Place::shown(measure_s * 1_000);
    for one in compared {
        let row = one.row;
        let title =
            format!("{}/{}, {}, {}", row.system, row.profile, what(&row.side), setting(row));
        let commands = tools::before(row, &place)
            .into_iter()
            .chain([tools::command(row, &place)])
            .chain(tools::after(row, &place))
            .map(|command| command.shown());
        let commands: Vec<String> = commands.collect();
        let _ = write!(text, "\n{title}:\n\n```sh\n{}\n```\n", commands.join("\n"));
    }
    text
}

const HEAD: &str = "# Parity with each system's own tools

Written by `scripts/parity --markdown docs/parity.md`; what is not in it is not measured.

Whether the harness is the bottleneck: each system is driven through the harness and by
the best-known tool of its own, in turn, on the same running broker, with the same
window, body, batching and confirms. A ratio between 0.8 and 1.25 says that the harness
sees what its users would see. One outside is explained, whichever way it lies: a client
that is faster than its broker's own tool is as suspicious as a slow one.

";

const METHOD: &str = "## How

*Enqueue*: the generator with its ledger and the system's producer, as in a run, but with
all tasks due at once; what the broker confirmed between two instants. Nobody takes them.
*Process*: the same tasks lie in the queue before either side starts; one worker process
whose handler does nothing takes, checks, reports and acknowledges each. From the first
start to the last end. Each side of each round has a queue of its own.

PerfTest is given two seconds, our producers and the Go and Python clients one, before
anything counts; ConsumerPerformance's figure begins when it has joined its group.
ProducerPerformance's is of its whole life, a cold JVM included. CPU a task is that of
the client or worker alone: of our own process (generator, ledger and client), of our
worker, of the tool. Of a tool that does not say when it measured, it is that of the
second half of its life.

What is alike in name and not in everything:

* Our records and messages carry the task's id; those of the native tools carry a body.
* Kafka's Java client counts its window in bytes: as many as the window's bodies have.
* `redis-benchmark` sends a pipeline of calls and waits for all of it, where our producer
  fills the window again as answers come. It cannot acknowledge what it has dequeued (the
  ids are in the reply), so there is no row for the other half.
* pgbench waits for the answer to each statement, where our worker sends the next lease
  while it completes the last. It has the server make the arrays of its INSERT, where our
  producer sends them.
* PerfTest acknowledges every so many messages with one frame, our worker what came
  together, at most 128.
* Our workers check each body, and write a record of 32 bytes per task to the harness,
  which notes it.
";
