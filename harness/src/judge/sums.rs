//! Everything that is summed in the one pass over the ledger.

use super::flow::Flow;
use super::grid::Entries;
use super::latency::{Latencies, unit_ns};
use super::order::Order;
use super::series::OverTime;
use super::tasks::{self, Seen};
use super::window::Window;
use crate::record::Evidence;

/// The sums of one cell; their size does not depend on the number of tasks.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) entries: Entries,
    pub(super) window: Window,
    pub(super) latencies: Latencies,
    pub(super) flow: Flow,
    pub(super) over_time: OverTime,
    pub(super) order: Order,
    /// Arrivals that the plan holds when it is made again from the seed.
    pub(super) planned: u64,
}

impl Sums {
    pub(super) fn of(evidence: &Evidence<'_>) -> Self {
        let (horizon, unit) = (evidence.watched_ns(), unit_ns(evidence));
        let mut sums = Self {
            entries: Entries::default(),
            window: Window::default(),
            latencies: Latencies::new(),
            flow: Flow::over(&evidence.window),
            over_time: OverTime::new(),
            order: Order::of(evidence.plan),
            planned: 0,
        };
        let planned = tasks::each(evidence, |seen| {
            sums.entries.see(seen);
            let Seen::Task(task) = seen else { return };
            sums.flow.see(task);
            sums.over_time.see(task, &sums.flow, horizon, unit);
            sums.order.see(task);
            if task.in_window {
                sums.window.see(task, horizon, evidence.ended);
                sums.latencies.see(task, horizon, unit);
            }
        });
        sums.planned = planned;
        sums
    }
}
