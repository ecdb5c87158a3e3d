//! The last second of a cell, read from its ledger.

use std::iter::Peekable;

use hdrhistogram::Histogram;
use schedbench_contract::ledger::Ledger;

use crate::plan::{Arrivals, CellPlan, Delay, Load};

/// What was read of a cell's last second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// First successes per second.
    pub rate: f64,
    /// Start latency of the tasks that fell due in it.
    pub percentiles: Option<Percentiles>,
    /// The largest pacing lateness, s; `None` where no plan says when tasks are
    /// handed over, or none was.
    pub lateness: Option<f64>,
}

/// Start latencies, s. One that has not started counts with the time that it
/// has waited, so where a system falls behind these are lower bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// P50; `None` with fewer than 10 tasks beyond it.
    pub p50: Option<f64>,
    /// P99; likewise.
    pub p99: Option<f64>,
}

/// When tasks of a cell are due.
#[derive(Clone, Debug)]
pub struct Timetable {
    arrivals: Peekable<Arrivals>,
    first_sequence: u64,
    start: u64,
}

impl Timetable {
    /// Of a cell whose tasks are due as they are intended: in flight and of a
    /// backlog nobody knows when before, and delayed tasks are due in another
    /// order than they come. `start` is monotonic ns.
    #[must_use]
    pub fn of(plan: &CellPlan, first_sequence: u64, start: u64) -> Option<Self> {
        let is_known = matches!(plan.load, Load::Open { .. }) && plan.delay == Delay::None;
        let arrivals = || Arrivals::of(plan).peekable();
        is_known.then(|| Self { arrivals: arrivals(), first_sequence, start })
    }
}

/// Tasks due later than this before a reading belong to the next one: most have
/// not had the time to start, ns.
const TOO_FRESH_NS: u64 = 100_000_000;
/// Tasks that must lie beyond a percentile (`docs/measurement.md` §3).
const BEYOND: f64 = 10.0;

/// Reads seconds; one for a run, so that no cell's memory holds it.
#[derive(Debug)]
pub(super) struct Second(Histogram<u64>);

impl Default for Second {
    fn default() -> Self {
        let made = Histogram::new_with_bounds(1, 3_600_000_000_000, 2);
        Self(made.unwrap_or_else(|_| unreachable!("constant bounds that the crate accepts")))
    }
}

impl Second {
    /// Start latencies of what fell due since the last reading; `None` where
    /// nothing did.
    pub(super) fn read(
        &mut self,
        timetable: &mut Timetable,
        ledger: &Ledger,
        now: u64,
    ) -> Option<Percentiles> {
        self.0.clear();
        let Timetable { arrivals, first_sequence, start } = timetable;
        let until = now.saturating_sub(TOO_FRESH_NS);
        while let Some(arrival) = arrivals.next_if(|arrival| *start + arrival.due <= until) {
            let sequence = (*first_sequence + arrival.index) as usize;
            if sequence >= ledger.len() {
                continue;
            }
            let due = *start + arrival.due;
            let started = ledger.entry(sequence).first_start.unwrap_or(now);
            self.0.saturating_record(started.saturating_sub(due));
        }
        (!self.0.is_empty()).then(|| Percentiles { p50: self.at(0.50), p99: self.at(0.99) })
    }

    fn at(&self, quantile: f64) -> Option<f64> {
        let beyond = self.0.len() as f64 * (1.0 - quantile);
        (beyond >= BEYOND).then(|| self.0.value_at_quantile(quantile) as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use schedbench_contract::{Recorder, Run, RunEnd, Task, TaskId};

    use super::*;
    use crate::plan::tests::cell;
    use crate::plan::{Spacing, Stage};

    const MS: u64 = 1_000_000;

    /// 2,000 tasks a second, of which every twentieth waits, and what is due in
    /// the second second has not started.
    fn two_seconds() -> (CellPlan, Recorder) {
        let stages = vec![Stage { rate: 2_000.0, duration_ns: 2_000 * MS }];
        let load = Load::Open { spacing: Spacing::Constant, stages };
        let plan = CellPlan { load, warmup_ns: 0, ..cell() };
        let log = Recorder::new(Ledger::new(1, 4_010, 0, 60_000 * MS));
        for arrival in Arrivals::of(&plan) {
            let id = TaskId::new(1, 10 + arrival.index);
            let due = arrival.due;
            log.taken(&Task { id, intended: due, due, key: None, body: &[] }, due);
            if due < 1_000 * MS {
                let start = due + if arrival.index % 20 == 0 { 30 * MS } else { 2 * MS };
                log.ran(Run { id, start, end: start, ended: RunEnd::Done });
            }
        }
        (plan, log)
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a percentile");
        assert!((found / expected - 1.0).abs() < 0.02, "{found} is not {expected}");
    }

    #[test]
    fn each_task_is_read_once_and_waiting_counts() {
        let (plan, log) = two_seconds();
        let mut timetable = Timetable::of(&plan, 10, 0).expect("an open loop without delays");
        let mut second = Second::default();
        let first = second.read(&mut timetable, log.ledger(), 1_099 * MS).expect("tasks");
        near(first.p50, 0.002);
        near(first.p99, 0.030);
        // Due from 1 s to 1.9 s, seen at 2 s: between 1 s and 0.1 s of waiting.
        let next = second.read(&mut timetable, log.ledger(), 2_000 * MS).expect("tasks");
        near(next.p50, 0.55);
        assert_eq!(second.read(&mut timetable, log.ledger(), 2_000 * MS), None);
        // 200 tasks are left: enough for a median, not for a P99.
        let last = second.read(&mut timetable, log.ledger(), 9_000 * MS).expect("tasks");
        assert!(last.p50.is_some() && last.p99.is_none(), "{last:?}");
    }

    #[test]
    fn what_has_no_timetable_has_no_latency() {
        let delayed = CellPlan { delay: Delay::Fixed(MS), ..two_seconds().0 };
        let in_flight = Load::InFlight { tasks: 5, window_ns: MS, most_tasks: 50 };
        for plan in [
            delayed,
            CellPlan { load: Load::Backlog { tasks: 5 }, ..cell() },
            CellPlan { load: in_flight, ..cell() },
        ] {
            assert!(Timetable::of(&plan, 0, 0).is_none());
        }
    }
}
