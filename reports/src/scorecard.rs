//! The one table of the scorecard: 23 items, each with the metrics that it is
//! read from and the scenario that measures it. Cells are found by the names of
//! metrics; an item whose metric no cell has yet reads "not measured yet".

/// Where in an outcome a figure is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At each rate.
    EachRate,
    /// At the highest rate held.
    HighestHeld,
    /// At the lowest rate tried, where nothing waits for anything else.
    LowestRate,
    /// At the rate where it is best.
    Best,
    /// The capacity itself.
    Capacity,
    /// Over the trials of each fault.
    Trials,
    /// Over the backlogs of each size.
    Backlogs,
}

/// Tasks whose cells are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// Immediate ones.
    Immediate,
    /// Those delayed by 10 ms.
    Delayed,
}

/// What is read of an item in one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Metrics, by their names in the one table, which has unit and direction;
    /// none where no cell has them yet.
    pub metrics: &'static [&'static str],
    /// Where they are read.
    pub at: At,
    /// Of which tasks.
    pub tasks: Tasks,
    /// The scenario that measures them; empty where there is none yet.
    pub scenario: &'static str,
}

/// An item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// 1 to 23.
    pub number: u8,
    /// What it is called.
    pub name: &'static str,
    /// What it is read from.
    pub part: Part,
    /// What else it is read from, in another place.
    pub also: Option<Part>,
}

const fn part(metrics: &'static [&'static str], at: At, scenario: &'static str) -> Part {
    Part { metrics, at, tasks: Tasks::Immediate, scenario }
}

const fn item(
    number: u8,
    name: &'static str,
    metrics: &'static [&'static str],
    at: At,
    scenario: &'static str,
) -> Item {
    Item { number, name, part: part(metrics, at, scenario), also: None }
}

const fn delayed(number: u8, name: &'static str, metrics: &'static [&'static str], at: At) -> Item {
    let part = Part { tasks: Tasks::Delayed, ..part(metrics, at, "delays") };
    Item { number, name, part, also: None }
}

impl Item {
    const fn and(self, part: Part) -> Self {
        Self { also: Some(part), ..self }
    }

    /// All that it is read from.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.part).chain(&self.also)
    }
}

/// An item that no scenario measures yet.
const fn later(number: u8, name: &'static str) -> Item {
    item(number, name, &[], At::Best, "")
}

/// All of them, in their order.
pub const ITEMS: [Item; 23] = [
    item(1, "throughput", &["throughput"], At::EachRate, "ramp"),
    item(2, "P95 start latency", &["start_latency.p95"], At::EachRate, "ramp"),
    item(3, "failure rate", &["failure_rate"], At::EachRate, "ramp"),
    item(
        4,
        "P99 and P99.9 at the highest load held",
        &["start_latency.p99", "start_latency.p999"],
        At::HighestHeld,
        "ramp",
    ),
    item(5, "capacity", &["throughput"], At::Capacity, "capacity"),
    item(
        6,
        "handing over",
        &["enqueue_latency.p50", "enqueue_latency.p99"],
        At::LowestRate,
        "ramp",
    ),
    item(
        7,
        "immediate dispatch",
        &["start_latency.p50", "start_latency.p99"],
        At::LowestRate,
        "ramp",
    ),
    item(8, "immediate throughput", &["throughput"], At::Best, "ramp"),
    delayed(9, "firing error of 10 ms", &["firing_error.p50", "firing_error.p99"], At::LowestRate),
    delayed(10, "throughput with a delay of 10 ms", &["throughput"], At::Best),
    later(11, "long time-outs under a million pending"),
    later(12, "effects exactly once under retries"),
    later(13, "order kept by key"),
    later(14, "aggregation: flush latency and loss"),
    later(15, "a flash sale's burst"),
    item(16, "drain of a backlog", &["backlog.drain_rate"], At::Backlogs, "backlog"),
    item(17, "what survives a node's death", &["backlog.lost"], At::Backlogs, "backlog"),
    item(18, "time to resume", &["backlog.resume"], At::Backlogs, "backlog"),
    item(
        19,
        "memory of workers and of pending tasks",
        &["rss.per_worker"],
        At::HighestHeld,
        "ramp",
    )
    .and(part(&["backlog.bytes_per_task"], At::Backlogs, "backlog")),
    item(
        20,
        "CPU-seconds per million tasks",
        &["cpu.client", "cpu.broker", "cpu.workers", "cpu.total"],
        At::HighestHeld,
        "ramp",
    ),
    item(
        21,
        "longest pause, and allocations",
        &["pause.workers", "pause.broker", "allocations.per_task"],
        At::HighestHeld,
        "ramp",
    ),
    item(
        22,
        "detection and recovery",
        &["detection.impact", "detection.alarm", "recovery.from_fault"],
        At::Trials,
        "faults",
    ),
    item(23, "SLA attainment", &["served.in_fault", "served.overall"], At::Trials, "faults"),
];
