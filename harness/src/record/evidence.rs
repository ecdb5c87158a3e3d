use std::ops::Range;

use hdrhistogram::Histogram;
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{Backlog, Moment};

use super::Footprint;
use crate::plan::{CellPlan, Fault, Load, Pacing};

/// Workers that are asked to end finish what they run; nobody waits longer, ns.
const LAST_TASKS_NS: u64 = 60_000_000_000;

/// Everything the judge is given about one cell. All instants are monotonic ns.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was planned.
    pub plan: &'a CellPlan,
    /// What happened to every task. Sequence numbers `0..probes_sent` are
    /// probes; arrivals begin at `first_arrival`; what lies between was never
    /// planned.
    pub ledger: &'a Ledger,
    /// Probe tasks that were sent.
    pub probes_sent: u64,
    /// Sequence number of arrival 0.
    pub first_arrival: u64,
    /// Arrivals that the plan holds (in flight and of a backlog: that were
    /// handed over).
    pub arrivals: u64,
    /// The instant from which arrivals count: the start of the warm-up.
    pub start: u64,
    /// The window D.
    pub window: Range<u64>,
    /// When the drain ended and nothing more was listened for.
    pub ended: u64,
    /// In flight and of a backlog: when tasks were handed over, which is when they were
    /// intended. Ascending.
    pub hand_overs: Vec<HandOver>,
    /// What the generator saw of itself, for tasks intended in the window.
    pub pacing: PacingSeen,
    /// Whether what is missing was proved to be lost.
    pub proof: Proof,
    /// CPU and memory by role, over the window.
    pub usage: Usage,
    /// What the machine did besides, over the window.
    pub host: Host,
    /// What happened when.
    pub moments: Vec<Moment>,
    /// The faults that were done to it, in the order in which they took effect.
    pub faults: Vec<Injected>,
    /// Of a backlog, once its workers were started: what was done to it.
    pub rested: Option<Rested>,
    /// Why the cell ended before its time, if it did.
    pub cut_short: Option<String>,
}

impl Evidence<'_> {
    /// How long each task was watched after its due time, ns: T; of a backlog,
    /// all of it to the end, and what its workers then finished.
    #[must_use]
    pub const fn watched_ns(&self) -> u64 {
        match self.plan.load {
            Load::Backlog { .. } => {
                self.ended.saturating_sub(self.start).saturating_add(LAST_TASKS_NS)
            }
            Load::Open { .. } | Load::InFlight { .. } => self.plan.horizon_ns,
        }
    }
}

/// What was done around a backlog. Instants are monotonic ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rested {
    /// When the broker answered again; `None` where it was not ended.
    pub answers: Option<u64>,
    /// When the worker processes were started.
    pub workers_on: u64,
    /// When each of them had said that it consumes.
    pub workers_ready: u64,
    /// Whether it was drained: everything had run, or the system said that it
    /// held nothing more.
    pub is_drained: bool,
    /// The broker's memory without and with it, or why that is not known.
    pub footprint: Result<Footprint, &'static str>,
}

/// A fault that was done to a cell. Instants are monotonic ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    /// Which.
    pub fault: Fault,
    /// t_f: when the signal was sent or the link was changed, read just before.
    pub took_effect: u64,
    /// t_c: when it was undone. For what was killed that is when its process
    /// was started again: the time until it answers is part of its recovery.
    pub cleared: Option<u64>,
}

/// Tasks from `first` (an arrival's index) on were handed over at `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// Index of the batch's first task.
    pub first: u64,
    /// When it was offered.
    pub at: u64,
}

/// What the generator saw of itself. Histograms are in ns and hold the tasks
/// intended in the window.
#[derive(Clone, Debug)]
pub struct PacingSeen {
    /// How it kept time.
    pub how: Pacing,
    /// Whether its thread ran under SCHED_FIFO.
    pub fifo: bool,
    /// Offered − intended.
    pub lateness: Histogram<u64>,
    /// Accepted − offered.
    pub back_pressure: Histogram<u64>,
    /// Calls of `submit` that took something, in the window.
    pub batches: u64,
    /// Tasks that those calls took.
    pub tasks: u64,
    /// Share of the window in which a call of the producer pended: its window was
    /// full, or the answer to a `cancel` was awaited.
    pub pending_share: f64,
    /// Share of the window that its thread spent inside `submit` and `cancel`,
    /// parked or not.
    pub submit_share: f64,
    /// Time in the window that its thread spun while it waited, ns: idle.
    pub spun_ns: u64,
}

/// What was asked of the system after its workers were gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The workers' connections were gone, and the system said what it holds.
    Asked(Backlog),
    /// It could not be asked, and why: missing tasks are residual.
    NotAsked(String),
}

/// CPU and memory by role. A role that has no process or thread of its own is
/// `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU-seconds of the generator's threads in the window.
    pub generator_cpu_s: Option<f64>,
    /// CPU-seconds of the client's threads in the harness.
    pub client_cpu_s: Option<f64>,
    /// CPU-seconds of the broker (or the system's own threads).
    pub broker_cpu_s: Option<f64>,
    /// CPU-seconds of worker processes (or threads).
    pub workers_cpu_s: Option<f64>,
    /// Share of the window that the busiest client thread was on a core.
    pub busiest_client_thread: Option<f64>,
    /// Memory of the harness itself.
    pub harness: Option<Memory>,
    /// Memory of the broker's processes.
    pub broker: Option<Memory>,
    /// Memory of the worker processes.
    pub workers: Option<Memory>,
    /// Their RSS at one reading for each worker program that lived then, the
    /// largest, bytes: a program and all that it has forked are one.
    pub rss_per_worker: Option<u64>,
    /// The longest pause that the collector of a worker process reported, from
    /// its readiness to the end of the drain, ns.
    pub longest_pause_ns: Option<u64>,
    /// The longest time for which the broker's JVM stopped all of its threads,
    /// from the start to the end of the drain, ns; of several nodes the longest.
    pub broker_pause_ns: Option<u64>,
    /// For systems in process: what the allocator held.
    pub allocated: Option<Allocated>,
}

/// Memory at one instant, or the largest seen, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident set.
    pub rss: u64,
    /// Proportional share, where the kernel says it.
    pub pss: Option<u64>,
}

/// What the harness's allocator was asked for during the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// Most bytes held in this cell.
    pub here: u64,
    /// The same in `noop`'s cell at the same load; `None` when there was none.
    pub noop: Option<u64>,
    /// How often something was allocated in the window, by whom in the process
    /// ever.
    pub calls: u64,
}

/// What the machine did besides, over the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Host {
    /// Cores' worth of CPU that went to processes outside our tree.
    pub foreign_cores: Option<f64>,
    /// Cores' worth of CPU that was in no process's time: the kernel's, which
    /// wakes and switches for us, or that of processes which came and went.
    pub unattributed_cores: Option<f64>,
    /// Share of all CPU time that the hypervisor gave to others.
    pub steal: Option<f64>,
    /// How far the monotonic and the wall clock drifted apart, ns.
    pub clock_drift_ns: u64,
    /// How long the harness waited for quiet before the cell, ns.
    pub settle_wait_ns: u64,
}
