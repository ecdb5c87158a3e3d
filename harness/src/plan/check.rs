//! What a plan will take, and what it cannot show.

use schedbench_contract::{Broker, Handler};

use super::{CellPlan, Load, Plan, Spacing, Step};
use crate::scenario::{Nanos, Rate};

/// What running a plan takes. Times and sizes are bounds from above for its
/// cells, but for what happens between them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Cells, those of a search as many as it usually takes.
    pub cells: u64,
    /// Warm-up, window and drain of all of them, ns.
    pub measuring_ns: u64,
    /// The same without any drain, ns.
    pub least_ns: u64,
    /// Cells at most, whatever a search finds and however often one is
    /// disturbed.
    pub most_cells: u64,
    /// Warm-up, window and drain of so many, ns.
    pub most_measuring_ns: u64,
    /// Tasks of the largest cell.
    pub largest_tasks: u64,
    /// Memory of its ledger, bytes.
    pub ledger_bytes: u64,
    /// Room for results and for what brokers write, bytes.
    pub disk_bytes: u64,
}

/// The ledger's bytes per task.
const LEDGER_BYTES: u64 = 16;

/// Histograms, series and counts of a cell in `result.json`, its `.hlog` and
/// its share of the report.
const RESULT_BYTES: u64 = 200_000;

/// What a broker's log takes for a task beside its body: ids, keys, framing,
/// and every change of its state.
const BROKER_BYTES: u64 = 1_024;

/// The longest stall at a rate that is held, seconds: far beyond any seen, so
/// that there is room for what queues up in it.
const STALL_S: f64 = 120.0;

impl Estimate {
    /// What `plan` takes.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut all = Self::default();
        let (mut kept, mut broker_bytes) = (0, 0);
        for block in &plan.blocks {
            // Each node of a cluster keeps a copy.
            let copies = block.target.profile.topology.nodes() as u64;
            for step in &block.steps {
                let (cell, tasks) = match step {
                    Step::Cell(cell) | Step::AtCapacity { cell, .. } => (cell, most_tasks(cell)),
                    Step::Search(search) => {
                        let largest = search.template.at_rate(search.to);
                        (&search.template, most_tasks(&largest))
                    }
                };
                let count = Count::of(step, plan.reruns);
                all.cells += count.usual;
                all.most_cells += count.most;
                kept += count.kept;
                let undrained = cell.warmup_ns + cell.load.window_ns();
                let time = undrained + cell.drain_ns();
                let add = |sum: &mut u64, time: u64, cells: u64| {
                    *sum = sum.saturating_add(time.saturating_mul(cells));
                };
                add(&mut all.least_ns, undrained, count.usual);
                add(&mut all.measuring_ns, time, count.usual);
                add(&mut all.most_measuring_ns, time, count.most);
                all.largest_tasks = all.largest_tasks.max(tasks);
                if let Some(broker) = block.target.profile.broker {
                    let task = cell.body_bytes as u64 + BROKER_BYTES;
                    let kept = tasks.min(most_kept(broker, step)).saturating_mul(copies);
                    broker_bytes = kept.saturating_mul(task).max(broker_bytes);
                }
            }
        }
        all.ledger_bytes = all.largest_tasks.saturating_mul(LEDGER_BYTES);
        all.disk_bytes = (kept * RESULT_BYTES).saturating_add(broker_bytes);
        all
    }
}

/// How many cells a step takes.
struct Count {
    usual: u64,
    most: u64,
    /// Of the most, those that stay in the outcome: another try takes the place
    /// of the one before it, but for what is hurt (`docs/decisions/0026`).
    kept: u64,
}

impl Count {
    fn of(step: &Step, reruns: u32) -> Self {
        match step {
            Step::Search(search) => Self {
                usual: search.usual_cells(),
                most: search.most_cells(),
                kept: search.most_rates,
            },
            Step::Cell(cell) | Step::AtCapacity { cell, .. } => {
                let most = 1 + u64::from(reruns);
                Self { usual: 1, most, kept: if cell.faults.is_empty() { 1 } else { most } }
            }
        }
    }
}

/// Tasks of a step that a broker may have on its disk at one time. What runs at
/// a share of a rate that was just held piles up in a stall at most, unless
/// the broker's log keeps what is done.
fn most_kept(broker: Broker, step: &Step) -> u64 {
    match (broker, step) {
        (Broker::Redis | Broker::RabbitMq | Broker::Postgres, Step::AtCapacity { cell, .. }) => {
            cell.load.mean_rate().map_or(u64::MAX, |rate| (rate * STALL_S) as u64)
        }
        _ => u64::MAX,
    }
}

/// Tasks of a cell that its ledger must hold.
fn most_tasks(cell: &CellPlan) -> u64 {
    match &cell.load {
        Load::InFlight { most_tasks, .. } => *most_tasks,
        Load::Backlog { tasks } => *tasks,
        Load::Open { stages, spacing } => {
            let warmup =
                stages.first().map_or(0.0, |stage| stage.rate * cell.warmup_ns as f64 / 1e9);
            let mean = warmup + in_window(cell);
            // Six standard deviations of a Poisson count.
            let spread = if *spacing == Spacing::Poisson { 6.0 * mean.sqrt() } else { 0.0 };
            (mean + spread).ceil() as u64
        }
    }
}

/// Tasks expected in the window of an open-loop cell.
fn in_window(cell: &CellPlan) -> f64 {
    let Load::Open { stages, .. } = &cell.load else { return 0.0 };
    stages.iter().map(|stage| stage.rate * stage.duration_ns as f64 / 1e9).sum()
}

/// What a plan cannot show or does without need, a sentence each.
pub(super) fn warnings(plan: &Plan) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut say = |sentence: String| {
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    };
    for block in &plan.blocks {
        for step in &block.steps {
            let cell = match step {
                Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
                Step::Search(search) => &search.template,
            };
            if let Some(few) = too_few(cell) {
                say(few);
            }
            if plan.objective_p99_ns > cell.horizon_ns {
                say(format!(
                    "objective {} is beyond the horizon {}: a P99 between the two reads \"> {}\"",
                    Nanos(plan.objective_p99_ns),
                    Nanos(cell.horizon_ns),
                    Nanos(cell.horizon_ns)
                ));
            }
            if cell.cancel_ppm > 0 && cell.longest_delay_ns() == 0 {
                say("tasks without a delay start at once: hardly any cancel can succeed".to_owned());
            }
            if let Some(slow) = saturated(cell, plan) {
                say(slow);
            }
        }
    }
    said
}

/// Why a cell's P99 cannot be shown: it needs 10 tasks beyond it.
fn too_few(cell: &CellPlan) -> Option<String> {
    let Load::Open { stages, spacing } = &cell.load else { return None };
    let rate = cell.load.mean_rate()?;
    let mean = in_window(cell);
    let surely = if *spacing == Spacing::Poisson { mean - 3.0 * mean.sqrt() } else { mean };
    let needed = 1_000.0;
    if surely >= needed || stages.is_empty() {
        return None;
    }
    // With mean n, n − 3 √n ≥ 1,000 from n = 1,100 on.
    let seconds = ((1_100.0 / rate) * 10.0).ceil() / 10.0;
    Some(format!(
        "{}/s for {} is about {mean:.0} tasks: too few for a P99, which needs 10 beyond it (from {seconds} s on)",
        Rate(rate),
        Nanos(cell.load.window_ns()),
    ))
}

/// Why the handlers alone cannot keep up with a cell's rate.
fn saturated(cell: &CellPlan, plan: &Plan) -> Option<String> {
    let (Handler::SleepNs(ns) | Handler::CpuNs(ns)) = cell.handler else { return None };
    let rate = cell.load.mean_rate()?;
    let handlers = u64::from(plan.shape.processes) * u64::from(plan.shape.concurrency);
    let most = handlers as f64 * 1e9 / ns.max(1) as f64;
    (rate > most).then(|| {
        format!(
            "{}/s is more than {handlers} handlers of {} can do ({:.0}/s)",
            Rate(rate),
            Nanos(ns),
            most
        )
    })
}
