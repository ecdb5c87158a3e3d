//! What a scenario and a seed resolve to: blocks and cells in their order.
//!
//! Pure: the same scenario and seed give the same plan on every machine.

mod arrivals;
mod bracket;
mod check;
mod fault;
mod hash;
mod resolve;
mod search;
mod trial;

pub use arrivals::{Arrival, Arrivals, Spacing};
pub use bracket::Bracket;
pub use check::Estimate;
pub use fault::{Commands, Deed, Fault, FaultKind, Road, Victim};
pub use resolve::{Missing, Resolved, resolve};
use schedbench_adapters::System;
use schedbench_contract::{Broker, Handler, Profile, Retry, Runtime, WorkersShape};
use schedbench_reports::outcome::Demand;
pub use search::{MOST_FAILURES, MOST_TRIES, Search};
pub use trial::{Control, Trial};

/// The most that [`Plan::reruns`] can be.
pub const MOST_RERUNS: u32 = 2;

/// Everything that will be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it came from.
    pub source: Source,
    /// The seed of order, arrivals, bodies, keys and failures.
    pub seed: u64,
    /// Repeats of every cell.
    pub repeats: u32,
    /// How often at most a disturbed cell is measured again at the plan's end.
    pub reruns: u32,
    /// Hash of what decides the measurement: not seed, repeats or paths.
    pub hash: String,
    /// Blocks in the order in which they run; the first is `noop`'s.
    pub blocks: Vec<Block>,
    /// Workers and connections, equal for all systems.
    pub shape: WorkersShape,
    /// P99 start latency up to which a load counts as held, ns.
    pub objective_p99_ns: u64,
    /// Tasks per second that every system must hold, if that is demanded.
    pub objective_holds: Option<f64>,
    /// What else is demanded of the systems.
    pub objectives: Vec<Demand>,
    /// How the generator keeps time; `None` lets the kind of system decide.
    pub pacing: Option<Pacing>,
    /// The plans of its parts, whose blocks these are; none where it has none.
    pub parts: Vec<Plan>,
}

/// The scenario a plan came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its one line.
    pub summary: String,
    /// Its text as read.
    pub text: String,
    /// What the command line changed, as `key=value`.
    pub overrides: Vec<String>,
}

/// A system in one of its profiles.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The system.
    pub system: &'static System,
    /// The profile.
    pub profile: &'static Profile,
}

impl Plan {
    /// Whether what it runs depends on what it finds.
    #[must_use]
    pub fn has_searches(&self) -> bool {
        let mut steps = self.blocks.iter().flat_map(|block| &block.steps);
        steps.any(|step| matches!(step, Step::Search(_)))
    }

    /// Whether anything is hurt in it, or compared with what is.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.blocks.iter().flat_map(|block| &block.steps).any(|step| {
            let (Step::Cell(cell) | Step::AtCapacity { cell, .. }) = step else { return false };
            cell.is_tried()
        })
    }
}

impl Target {
    /// `system/profile`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.system.name, self.profile.name)
    }

    /// The servers that it needs, its broker first.
    #[must_use]
    pub fn brokers(&self) -> Vec<Broker> {
        self.system.brokers(self.profile)
    }

    /// Whether it runs on threads of this process: no broker, no program.
    #[must_use]
    pub const fn is_in_process(&self) -> bool {
        self.profile.broker.is_none() && matches!(self.system.runtime, Runtime::Rust)
    }
}

/// One repeat of one target, with a fresh broker of its own.
#[derive(Clone, Debug)]
pub struct Block {
    /// The system and profile.
    pub target: Target,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// What is run, in this order.
    pub steps: Vec<Step>,
}

/// One thing a block does.
#[derive(Clone, Debug)]
pub enum Step {
    /// One cell.
    Cell(CellPlan),
    /// Cells at rates found as it goes: the highest rate held.
    Search(Search),
    /// A cell at a share of the capacity that the block's search found.
    AtCapacity {
        /// Share of the capacity, 0.5 for half.
        share: f64,
        /// The cell; its rates are replaced.
        cell: CellPlan,
    },
}

/// One cell, resolved.
#[derive(Clone, Debug)]
pub struct CellPlan {
    /// The system and profile.
    pub target: Target,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// What else tells cells of one load apart, as in `delay 10 ms`.
    pub variant: Option<String>,
    /// The load.
    pub load: Load,
    /// Seed of this cell: of the run's seed, load, variant and repeat, not of
    /// the system, so that all systems see the same arrivals.
    pub seed: u64,
    /// Warm-up at the first stage's rate, ns.
    pub warmup_ns: u64,
    /// T: how long each task is watched after its due time, ns; of a backlog,
    /// the longest that it may build up, and that its drain may take.
    pub horizon_ns: u64,
    /// When tasks are due after they are handed over.
    pub delay: Delay,
    /// Bytes of each body.
    pub body_bytes: usize,
    /// Distinct keys; 0 for tasks without a key.
    pub keys: u32,
    /// Tasks to cancel, per million.
    pub cancel_ppm: u32,
    /// What the handler does.
    pub handler: Handler,
    /// Attempts that fail, per million.
    pub fail_ppm: u32,
    /// What follows a failure.
    pub retry: Retry,
    /// What is done to its processes meanwhile.
    pub faults: Vec<Fault>,
    /// The command pairs of those that are done by commands.
    pub commands: Vec<Commands>,
    /// Which trial it is, where the scenario has trials.
    pub trial: Option<Trial>,
    /// Which part it is of, where the scenario has parts.
    pub part: Option<String>,
}

/// How a cell is loaded.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// The plan says when each task is handed over.
    Open {
        /// How arrivals are spaced.
        spacing: Spacing,
        /// Rates one after another; together they are the window.
        stages: Vec<Stage>,
    },
    /// So many tasks are submitted and not completed.
    InFlight {
        /// N.
        tasks: u64,
        /// The window, ns.
        window_ns: u64,
        /// Room in the ledger; the window ends when it is used up.
        most_tasks: u64,
    },
    /// So many tasks build up while no worker runs, and are then drained. The
    /// window is all of it, from the first hand-over to the drain's end.
    Backlog {
        /// N.
        tasks: u64,
    },
}

/// A rate held for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Tasks per second.
    pub rate: f64,
    /// For how long, ns.
    pub duration_ns: u64,
}

/// When a task is due after it is handed over.
#[derive(Clone, Debug, PartialEq)]
pub enum Delay {
    /// At once.
    None,
    /// After this, ns.
    Fixed(u64),
    /// Uniform between the two, ns.
    Uniform(u64, u64),
    /// One of these, ns, each with its weight.
    Mix(Vec<(u64, u32)>),
}

/// How the generator keeps time (`docs/measurement.md` §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// Sleeps on a grid of 100 µs.
    Grid,
    /// Spins, but sleeps at least 50 µs in each ms.
    Spin,
}

impl Load {
    /// The window D, ns; 0 of a backlog, whose window is as long as it takes.
    #[must_use]
    pub fn window_ns(&self) -> u64 {
        match self {
            Self::Open { stages, .. } => stages.iter().map(|stage| stage.duration_ns).sum(),
            Self::InFlight { window_ns, .. } => *window_ns,
            Self::Backlog { .. } => 0,
        }
    }

    /// Whether it is a backlog, built up while no worker runs.
    #[must_use]
    pub const fn is_backlog(&self) -> bool {
        matches!(self, Self::Backlog { .. })
    }

    /// Mean rate over the window; `None` where no rate is planned.
    #[must_use]
    pub fn mean_rate(&self) -> Option<f64> {
        let Self::Open { stages, .. } = self else { return None };
        let tasks: f64 = stages.iter().map(|stage| stage.rate * stage.duration_ns as f64).sum();
        Some(tasks / self.window_ns() as f64)
    }
}

impl CellPlan {
    /// The same cell at one constant rate over the same window.
    #[must_use]
    pub fn at_rate(&self, rate: f64) -> Self {
        let spacing = match &self.load {
            Load::Open { spacing, .. } => *spacing,
            Load::InFlight { .. } | Load::Backlog { .. } => Spacing::Poisson,
        };
        let stages = vec![Stage { rate, duration_ns: self.load.window_ns() }];
        Self { load: Load::Open { spacing, stages }, ..self.clone() }
    }

    /// Whether its system runs on threads of this process. Where anything is
    /// hurt it does not: it is in a child then, which can be killed.
    #[must_use]
    pub fn is_in_process(&self) -> bool {
        self.target.is_in_process() && !self.is_in_a_child()
    }

    /// Whether its system would run in this process and is in a child of it.
    #[must_use]
    pub fn is_in_a_child(&self) -> bool {
        self.target.is_in_process() && self.is_tried()
    }

    /// Whether something is hurt in it, or it is set beside cells in which
    /// something is, as a control or for a share of what it finds: all that a
    /// fault needs is around it then.
    #[must_use]
    pub fn is_tried(&self) -> bool {
        !self.faults.is_empty() || self.trial.is_some()
    }

    /// Whether its broker's disk is full in it, so that it needs one that can be.
    #[must_use]
    pub fn fills_a_disk(&self) -> bool {
        self.faults.iter().any(|fault| fault.deed == Deed::DiskFull)
    }

    /// Whether it is a step of the search for a capacity whose share others
    /// offer while something is hurt.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.trial.is_some() && self.faults.is_empty() && self.control().is_none()
    }

    /// Its faults in words; `None` without any.
    #[must_use]
    pub fn fault_in_words(&self) -> Option<String> {
        let words: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// The longest time between a hand-over and its task's due time, ns.
    #[must_use]
    pub fn longest_delay_ns(&self) -> u64 {
        match &self.delay {
            Delay::None => 0,
            Delay::Fixed(ns) | Delay::Uniform(_, ns) => *ns,
            Delay::Mix(parts) => parts.iter().map(|(ns, _)| *ns).max().unwrap_or(0),
        }
    }

    /// The shortest delay of any task, ns; 0 where one is due at once.
    #[must_use]
    pub fn shortest_delay_ns(&self) -> u64 {
        match &self.delay {
            Delay::None => 0,
            Delay::Fixed(ns) | Delay::Uniform(ns, _) => *ns,
            Delay::Mix(parts) => parts.iter().map(|(ns, _)| *ns).min().unwrap_or(0),
        }
    }

    /// The longest the drain may last after the last hand-over: the last
    /// task's horizon and its promised back-offs, ns.
    #[must_use]
    pub fn drain_ns(&self) -> u64 {
        let backoffs = if self.fail_ppm > 0 {
            self.retry.backoff_ns.saturating_mul(u64::from(self.retry.max))
        } else {
            0
        };
        self.longest_delay_ns() + self.horizon_ns + backoffs
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A cell to start from: noop, 1,000/s for 1 s, no warm-up.
    pub(crate) fn cell() -> CellPlan {
        let system = schedbench_adapters::find("noop").expect("noop is always there");
        CellPlan {
            target: Target { system, profile: &system.profiles[0] },
            repeat: 1,
            variant: None,
            load: Load::Open {
                spacing: Spacing::Poisson,
                stages: vec![Stage { rate: 1_000.0, duration_ns: 1_000_000_000 }],
            },
            seed: 7,
            warmup_ns: 0,
            horizon_ns: 1_000_000_000,
            delay: Delay::None,
            body_bytes: 0,
            keys: 0,
            cancel_ppm: 0,
            handler: Handler::None,
            fail_ppm: 0,
            retry: Retry { max: 0, backoff_ns: 1_000_000_000 },
            faults: Vec::new(),
            commands: Vec::new(),
            trial: None,
            part: None,
        }
    }
}
