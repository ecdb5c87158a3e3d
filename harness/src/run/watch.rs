//! Beside the generator and after it: snapshots, progress, deaths, the drain.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use schedbench_adapters::clock;
use schedbench_contract::Recorder;

use super::cell::RunCell;
use super::faults::{Faults, Scene};
use super::halt::Halt;
use super::live::Phase;
use super::staff::Staff;
use crate::drive::{self, Driven};
use crate::record::{Snapshot, allocator};

/// What was read at the window's edges.
#[derive(Default)]
pub(super) struct Edges {
    pub(super) snapshots: (Option<Snapshot>, Option<Snapshot>),
    /// Most bytes that the allocator held.
    pub(super) most_held: u64,
    /// Allocations of the process until then.
    allocations: (u64, u64),
}

impl Edges {
    /// Allocations of the process in the window.
    pub(super) const fn allocations(&self) -> u64 {
        self.allocations.1.saturating_sub(self.allocations.0)
    }

    const fn phase(&self) -> Phase {
        match self.snapshots {
            (None, _) => Phase::WarmUp,
            (Some(_), None) => Phase::Window,
            (Some(_), Some(_)) => Phase::Drain,
        }
    }
}

/// What the pacer tells while it drives.
pub(super) struct Pacer<'a> {
    /// When the window opened or is to open, monotonic ns; 0 while in flight
    /// it has not.
    pub(super) opened: &'a AtomicU64,
    /// When the window closes, by plan.
    pub(super) closes: u64,
    /// Whether it has closed, where no plan says when.
    pub(super) is_closed: &'a AtomicBool,
    /// Whether it has ended.
    pub(super) is_done: &'a AtomicBool,
}

impl RunCell<'_, '_> {
    /// Stands beside the pacer until it has ended: snapshots at the window's
    /// edges, the progress line, the faults, and an eye on broker and workers. An
    /// open loop may hand over what was held up long after its window.
    pub(super) fn watch(
        &mut self,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        pacer: &Pacer<'_>,
        faults: &mut Faults,
    ) -> Edges {
        let mut edges = Edges::default();
        // In flight the pacer decides when the window closes.
        let closes = if self.is_open_loop() { pacer.closes } else { u64::MAX };
        let look_every = if self.is_open_loop() { 50_000_000 } else { 5_000_000 };
        let mut next_tick = 0;
        loop {
            let now = clock::now();
            edges.most_held = edges.most_held.max(allocator::held());
            let opens = pacer.opened.load(Ordering::Acquire);
            if edges.snapshots.0.is_none() && opens > 0 && now >= opens {
                edges.snapshots.0 = Some(self.stage.sampler.snapshot());
                edges.allocations.0 = allocator::calls();
                self.stage.progress.turn(log.counts(), Phase::WarmUp);
            }
            let done = pacer.is_done.load(Ordering::Acquire);
            let is_over = now >= closes || done && (closes == u64::MAX || halt.is_set());
            let has_closed = is_over || pacer.is_closed.load(Ordering::Acquire);
            if has_closed && edges.snapshots.1.is_none() {
                self.stage.progress.turn(log.counts(), edges.phase());
                edges.allocations.1 = allocator::calls();
                edges.snapshots.1 = Some(self.stage.sampler.last_snapshot());
            }
            if is_over && done {
                return edges;
            }
            let (stage, roads, queue) = (&mut *self.stage, &self.roads, self.at.prefix.as_str());
            faults.act(&mut Scene { stage, staff, roads, queue, log, halt });
            if now >= next_tick {
                next_tick = now + 200_000_000;
                halt.look(staff, self.stage);
                self.stage.progress.tick(log.counts(), edges.phase());
            }
            let edge = if edges.snapshots.0.is_some() { closes } else { opens };
            let next = (now + look_every).min(faults.next().unwrap_or(u64::MAX).max(now));
            drive::sleep_until(if edge > now { edge.min(next) } else { next });
        }
    }

    /// Listens until the last task's horizon; promised back-offs are waited
    /// for only while something is missing.
    pub(super) fn drain(
        &mut self,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        driven: &Driven,
        faults: &mut Faults,
    ) {
        let horizon = driven.window.end + self.plan.longest_delay_ns() + self.plan.horizon_ns;
        let latest = driven.window.end + self.plan.drain_ns() + self.rehearsal.patience_ns;
        let open_loop = self.is_open_loop();
        loop {
            let now = clock::now();
            let counts = log.counts();
            let all_in =
                counts.finished + counts.refused >= counts.taken && counts.settled >= counts.taken;
            if now >= latest || all_in && (now >= horizon || !open_loop) {
                return;
            }
            let (stage, roads, queue) = (&mut *self.stage, &self.roads, self.at.prefix.as_str());
            faults.act(&mut Scene { stage, staff, roads, queue, log, halt });
            halt.look(staff, self.stage);
            if halt.flag().load(Ordering::Relaxed) {
                return;
            }
            self.stage.progress.tick(counts, Phase::Drain);
            drive::sleep_until((now + 20_000_000).min(latest));
        }
    }
}
