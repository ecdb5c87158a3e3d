//! The outcome: the versioned result file, `result.json`.
//!
//! It suffices alone to render, merge and compare. Figures are rows of named
//! [metrics](crate::metrics), never a struct per chart; what was not measured
//! says so in its [`Value`].

use std::collections::BTreeMap;

use schedbench_contract::{
    AckMode, ConfirmMode, DurabilityClass, MomentKind, Server, WorkersShape,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this schema. Readers refuse any other. Version 2 has a
/// cell's `started_s`, its `limit` with who and why, and `not_comparable`.
pub const SCHEMA_VERSION: u32 = 2;

/// Everything one run found, and everything needed to run it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The run.
    pub run: Run,
    /// What was planned.
    pub plan: Plan,
    /// Where it ran.
    pub host: Host,
    /// The systems and profiles that took part, in the order of tables.
    pub systems: Vec<System>,
    /// Systems that were asked for and left out, and why.
    pub skipped: Vec<Skipped>,
    /// One row per cell, in the order in which they ran.
    pub cells: Vec<Cell>,
    /// How the run ended.
    pub ended: Ended,
}

/// The run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Short id, also in the directory's name.
    pub id: String,
    /// Version of schedbench.
    pub tool: String,
    /// Commit it was built from, where known.
    pub commit: Option<String>,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// Seconds from start to end.
    pub elapsed_s: f64,
    /// The exact command.
    pub command: Vec<String>,
}

/// What was planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// Its one line.
    pub summary: String,
    /// Its text as it was read.
    pub text: String,
    /// What the command line changed, as `key=value`.
    pub overrides: Vec<String>,
    /// Hash of what decides the measurement: not seed, repeats or paths.
    pub hash: String,
    /// The seed of arrivals, order, bodies and failures.
    pub seed: u64,
    /// Repeats of each cell.
    pub repeats: u32,
    /// Cells planned (a search's cells count as they come).
    pub planned: u32,
    /// Workers and connections, equal for all systems.
    #[schemars(with = "BTreeMap<String, u32>")]
    pub shape: WorkersShape,
    /// Bytes of each body.
    pub body_bytes: u64,
    /// What a handler does, in words.
    pub handler: String,
    /// Arrivals in words: `poisson`, `constant`, `in flight`.
    pub arrivals: String,
    /// P99 start latency up to which a load counts as held, seconds.
    pub objective_p99_s: f64,
    /// Tasks per second that every system must hold, if that was demanded.
    #[serde(default)]
    pub objective_holds: Option<f64>,
    /// What else was demanded of the systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Demand>,
}

/// Something that was demanded of the systems: a metric, compared with a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Demand {
    /// As it was written: `p99 < 50 ms at 10k`.
    pub text: String,
    /// Its name in the table of metrics, or `capacity`.
    pub metric: String,
    /// How it must compare with the bound.
    pub comparison: Comparison,
    /// The bound, in the metric's base unit.
    pub bound: f64,
    /// At which loads.
    pub at: DemandedAt,
    /// Of this system alone; of every one but `noop` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Of this profile of it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// In this trial alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
}

/// How a value must compare with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// Below it.
    #[serde(rename = "<")]
    Below,
    /// It or less.
    #[serde(rename = "<=")]
    AtMost,
    /// Above it.
    #[serde(rename = ">")]
    Above,
    /// It or more.
    #[serde(rename = ">=")]
    AtLeast,
    /// Exactly it.
    #[serde(rename = "==")]
    Is,
}

impl Comparison {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Below, Self::AtMost, Self::Above, Self::AtLeast, Self::Is];

    /// As it is written.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Is => "==",
        }
    }

    /// Whether the value compares so with the bound.
    #[must_use]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Is => value == bound,
        }
    }
}

/// At which loads a demand must be met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DemandedAt {
    /// At each of the scenario's.
    Each,
    /// At this one.
    Load(Load),
    /// At this share of each system's own capacity: `50 %`.
    Share(String),
    /// At the highest rate held, which a search finds.
    HighestHeld,
    /// In the longest window, behind a search in shorter ones.
    LongestWindow,
}

/// Where it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Processor's name.
    pub cpu: String,
    /// Cores the harness may use.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Kernel's release.
    pub kernel: String,
    /// Distribution's name.
    pub os: String,
    /// The kernel's clock source.
    pub clock_source: String,
    /// Cost of one reading of the clock, ns.
    pub clock_read_ns: f64,
    /// `shared`, or `split` with the cores left to the system.
    pub placement: String,
    /// Whether the pacer ran under SCHED_FIFO.
    pub fifo: bool,
    /// The pacer's timer slack, ns.
    pub timer_slack_ns: u64,
    /// How brokers were had: `local`, `compose` or `external`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What the proxy on the roads costs; only of a run with faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyCost>,
    /// What brokers had between them and their clients, where it was not the
    /// loopback interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// Round trips of 100 B over the loopback interface, one in flight, straight
/// and through the proxy on which faults are laid, in turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProxyCost {
    /// Trips on each road.
    pub trips: u64,
    /// P50 of a trip without it, seconds.
    pub straight_p50_s: f64,
    /// P99 of a trip without it, seconds.
    pub straight_p99_s: f64,
    /// P50 of a trip through it, seconds.
    pub through_p50_s: f64,
    /// P99 of a trip through it, seconds.
    pub through_p99_s: f64,
}

/// A system and profile that took part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// The profile's one line.
    pub summary: String,
    /// What the profile promises.
    pub claims: Claims,
    /// The worker's runtime, as in `Rust`, `Go 1.26`, `Python 3.11`.
    pub worker_runtime: String,
    /// Its server as it described itself.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub server: Option<Server>,
}

/// What a profile promises, in the words of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// What survives what.
    #[schemars(with = "String")]
    pub durability: DurabilityClass,
    /// Acknowledged before or after the handler.
    #[schemars(with = "String")]
    pub ack: AckMode,
    /// Whether each task is vouched for.
    #[schemars(with = "String")]
    pub confirms: ConfirmMode,
    /// How tasks are held back.
    pub delay: String,
    /// Order of handlers.
    pub order: String,
    /// Whether a task can be taken back.
    pub cancel: bool,
    /// What follows a failure.
    pub retries: String,
    /// Why cells with immediate tasks are shown and not ranked, where they are
    /// not comparable; `null` where they are.
    pub not_comparable: Option<String>,
}

/// A system that was asked for and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// `system/profile`.
    pub target: String,
    /// Why.
    pub why: String,
    /// The command that would make it run, if there is one.
    pub remedy: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It is still going on: a file with this is the trace of a killed run.
    Running,
    /// Every planned cell was run.
    Complete,
    /// A signal ended it; the cells so far are whole.
    Interrupted(String),
    /// It could not go on.
    Failed(String),
}

/// Which cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellKey {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// The load.
    pub load: Load,
    /// What else differs between cells of one load, as in `delay 10 ms`.
    pub variant: Option<String>,
    /// The fault injected, if any.
    pub fault: Option<String>,
    /// The scenario's trial that it is; one without a fault is a control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
    /// Which repeat, from 1.
    pub repeat: u32,
}

impl CellKey {
    /// Whether it is of a trial, which is not set beside other cells: not even a
    /// control, which may have run through proxies.
    #[must_use]
    pub fn is_of_a_trial(&self) -> bool {
        self.fault.is_some() || self.trial.is_some()
    }

    /// Whether it is a backlog, which has no rate and no latencies.
    #[must_use]
    pub const fn is_of_a_backlog(&self) -> bool {
        matches!(self.load, Load::Backlog(_))
    }

    /// What it is called among trials: the trial's name, or the fault in words.
    #[must_use]
    pub fn trial_or_fault(&self) -> Option<&str> {
        self.trial.as_deref().or(self.fault.as_deref())
    }

    /// Both: `broker-kill: kill broker at 10 s for 5 s`.
    #[must_use]
    pub fn trial_and_fault(&self) -> Option<String> {
        match (&self.trial, &self.fault) {
            (Some(trial), Some(fault)) => Some(format!("{trial}: {fault}")),
            (trial, fault) => trial.clone().or_else(|| fault.clone()),
        }
    }
}

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Open loop at this many tasks per second (the mean over its stages).
    Rate(f64),
    /// This many tasks submitted and not completed.
    InFlight(u64),
    /// This many tasks built up while no worker ran, then drained.
    Backlog(u64),
}

impl Load {
    /// The number on a load axis.
    #[must_use]
    pub fn amount(self) -> f64 {
        match self {
            Self::Rate(rate) => rate,
            Self::InFlight(tasks) | Self::Backlog(tasks) => tasks as f64,
        }
    }
}

/// One system × profile × load × repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Which.
    pub key: CellKey,
    /// Number of the cell in its run, the upper bits of its tasks' ids.
    pub number: u32,
    /// Block it belonged to.
    pub block: u32,
    /// Seconds from the run's start to the cell's: when its first arrival was
    /// due; where it came to none, when it was begun. The window is `warmup_s`
    /// later.
    pub started_s: f64,
    /// How often it had been measured before because it was disturbed.
    pub reruns: u32,
    /// Whether this measurement may be ranked.
    pub validity: Validity,
    /// The state the system was in.
    pub state: State,
    /// Whether the system kept up.
    pub held: Held,
    /// Who limited the rate, with the figures that say so.
    pub limit: Limit,
    /// The error that ended the cell, with the last lines of a log.
    pub error: Option<CellError>,
    /// Warm-up, window and drain.
    pub window: Window,
    /// How the generator kept time: `grid 100 µs`, `spin`.
    pub pacing: String,
    /// The ledger's sums.
    pub counts: Counts,
    /// Named figures; names are those of the table of metrics.
    pub metrics: BTreeMap<String, Value>,
    /// HdrHistogram V2, deflated, base64; values in ns; completed values only.
    pub histograms: BTreeMap<String, Histogram>,
    /// Figures over time.
    pub series: Series,
    /// What happened when.
    pub moments: Vec<Mark>,
    /// What became of each fault that was done to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<Trial>,
}

/// A fault, or several that overlapped, and how long it took until it was over
/// (`docs/measurement.md` §9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// What was done, in words.
    pub fault: String,
    /// t_f: when it had taken effect, seconds from the window's start.
    pub took_effect_s: f64,
    /// t_c: when it was undone; `null` where it was not, while it was watched.
    pub cleared_s: Option<f64>,
    /// When the watching ended.
    pub ended_s: f64,
    /// Δ: the length of an interval, seconds.
    pub interval_s: f64,
    /// ± of impact, recovery and drain, seconds.
    pub resolution_s: f64,
    /// `detection.impact`, `detection.client`, `detection.alarm`,
    /// `recovery.from_fault`, `recovery.from_heal`, `drain`, `loss.window`
    /// (seconds), `relapses`, `lost_goodput` (tasks), `served.in_fault`,
    /// `served.overall` (shares of 1). Where the run has searched the capacity
    /// also `load.of_capacity` (ρ) and `drain.multiple` (the drain over
    /// D ρ / (1 − ρ), with D the fault's length), plain numbers. Where a cell
    /// has several queues also `queues.stalled` (a share of 1) and
    /// `queues.resumed` (seconds).
    pub readings: BTreeMap<String, Reading>,
    /// Acknowledged tasks that were proved lost.
    pub lost: u64,
    /// Tasks acknowledged in the last second before it; of a backlog, all.
    pub exposed: u64,
    /// Each fault that was done in it; none in a control.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Done>,
    /// Backlog up to which it counts as drained, tasks; `null` without a
    /// baseline.
    #[serde(default)]
    pub drained_at: Option<f64>,
    /// From its baseline to the end of the watching, on the intervals that it
    /// was judged by, several to a bin where there are more than 240. Columns:
    /// `throughput` (first completions, 1/s); `backlog` (the b of drain: tasks
    /// due and not gone, handed over or not, when an interval begins; of
    /// several the largest); by due time, seconds, `p99` (start latency, where
    /// at least 10 tasks lie beyond it) and `largest` (where fewer do), T
    /// standing for what had no success within T; `at_infinity` (their number).
    #[serde(default, skip_serializing_if = "Series::is_empty")]
    pub series: Series,
}

/// One fault of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// What was done, in words.
    pub fault: String,
    /// When it took effect, seconds from the window's start.
    pub took_effect_s: f64,
    /// When it was undone; `null` where it was not.
    pub cleared_s: Option<f64>,
}

/// A figure of a fault, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Measured.
    Is(f64),
    /// It had not happened when the watching ended; the true figure is at
    /// least this.
    MoreThan(f64),
    /// The fault did not show, so there is nothing to recover from.
    NoImpact,
    /// There was no steady time before it, and why that is said.
    NotSteady(String),
    /// Not measured, and why.
    NotMeasured(String),
}

impl Reading {
    /// No figure, because of `why`.
    #[must_use]
    pub fn not_measured(why: &str) -> Self {
        Self::NotMeasured(why.into())
    }

    /// The number, if there is one, exact or as a lower bound.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Is(number) | Self::MoreThan(number) => Some(*number),
            Self::NoImpact | Self::NotSteady(_) | Self::NotMeasured(_) => None,
        }
    }

    /// The same figure in another unit or from another origin. `change` must
    /// not turn larger into smaller: a lower bound stays one.
    #[must_use]
    pub fn map(self, change: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Self::Is(number) => Self::Is(change(number)),
            Self::MoreThan(number) => Self::MoreThan(change(number)),
            other => other,
        }
    }
}

/// An error that ended a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellError {
    /// One sentence.
    pub message: String,
    /// The last lines of the log of who failed.
    pub log: Vec<String>,
}

/// Whether a measurement may be ranked (`docs/measurement.md` §4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// It may.
    Valid,
    /// The generator did not offer what was planned, or too late.
    GeneratorLimited(String),
    /// A client thread of ours was the bottleneck.
    ClientLimited(String),
    /// Something outside the process tree took CPU.
    Disturbed(String),
    /// The clocks disagreed.
    ClockSuspect(String),
    /// The cell was not measured to its end.
    Incomplete(String),
    /// The ledger or Little's law does not close.
    Unbalanced(String),
    /// It was measured well, and something else than for others of its class.
    NotComparable(String),
}

impl Validity {
    /// Whether the cell may be ranked.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        matches!(self, Self::Valid)
    }

    /// The verdict's word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::GeneratorLimited(_) => "generator-limited",
            Self::ClientLimited(_) => "client-limited",
            Self::Disturbed(_) => "disturbed",
            Self::ClockSuspect(_) => "clock-suspect",
            Self::Incomplete(_) => "incomplete",
            Self::Unbalanced(_) => "unbalanced",
            Self::NotComparable(_) => "not-comparable",
        }
    }

    /// Why, for all but `valid`.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Valid => None,
            Self::GeneratorLimited(why)
            | Self::ClientLimited(why)
            | Self::Disturbed(why)
            | Self::ClockSuspect(why)
            | Self::Incomplete(why)
            | Self::Unbalanced(why)
            | Self::NotComparable(why) => Some(why),
        }
    }
}

/// The state of the system: a finding, not a fault of the measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Latency and backlog did not trend.
    Steady,
    /// They did, and why that is said.
    NotSteady(String),
    /// It could not take the load.
    Overloaded(String),
}

/// Whether the system kept up with the load (`docs/measurement.md` §3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// It did.
    Yes,
    /// It did not, and which condition failed.
    No(String),
    /// The question has no answer here (in flight, or not measured).
    NotJudged(String),
}

/// Who limited the rate of a cell (`docs/measurement.md` §4). Each says why,
/// with the CPU of each role and how long the producer's window was full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Nobody: the system kept up with the load.
    NotSaturated(String),
    /// The generator.
    Generator(String),
    /// The client of the system in the harness.
    Client(String),
    /// The broker.
    Broker(String),
    /// The workers.
    Workers(String),
    /// All cores were busy, and no role had half of what was used.
    Machine(String),
    /// What lies between broker and workers, with CPU to spare: prefetch,
    /// acknowledgements, a lock.
    Delivery(String),
    /// No CPU and no full window: round trips, the disk or a lock.
    Waiting(String),
    /// It cannot be told.
    Unknown(String),
}

impl Limit {
    /// The one word of a table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotSaturated(_) => "not saturated",
            Self::Generator(_) => "generator",
            Self::Client(_) => "client",
            Self::Broker(_) => "broker",
            Self::Workers(_) => "workers",
            Self::Machine(_) => "machine",
            Self::Delivery(_) => "delivery",
            Self::Waiting(_) => "waiting",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why, in figures.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::NotSaturated(why)
            | Self::Generator(why)
            | Self::Client(why)
            | Self::Broker(why)
            | Self::Workers(why)
            | Self::Machine(why)
            | Self::Delivery(why)
            | Self::Waiting(why)
            | Self::Unknown(why) => why,
        }
    }

    /// Whether somebody is named.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        !matches!(self, Self::NotSaturated(_) | Self::Unknown(_))
    }
}

/// Warm-up, window and drain, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Warm-up before the window.
    pub warmup_s: f64,
    /// The window itself, D.
    pub duration_s: f64,
    /// How long each task is watched after its due time, T.
    pub horizon_s: f64,
    /// How long the drain took.
    pub drain_s: f64,
}

/// The ledger's sums. `grid` covers every task handed over, probes and warm-up
/// included; `window` only the tasks intended in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Tasks the plan held: probes sent, warm-up, window.
    pub attempted: u64,
    /// What became of them.
    pub grid: Grid,
    /// Of the plan, never handed over.
    pub unsent: u64,
    /// Whether grid and unsent add up to `attempted`.
    pub balances: bool,
    /// Confirmed, not completed, and proved absent from the system.
    pub lost: u64,
    /// Confirmed, not completed, and no proof of loss: still held, or not asked.
    pub residual: u64,
    /// Confirmed and set aside after the last attempt.
    pub dead: u64,
    /// Taken back before they started.
    pub cancelled: u64,
    /// Said to be cancelled, and ran.
    pub cancelled_but_ran: u64,
    /// Completions after the first.
    pub repeated: u64,
    /// Of the tasks that completed more than once, who did it.
    #[serde(default)]
    pub again: Again,
    /// Completions of tasks of an earlier cell.
    pub leftovers: u64,
    /// Completions of ids that were never given out.
    pub unexpected: u64,
    /// Tasks whose body was not the one sent.
    pub corrupt: u64,
    /// Starts before the due time, among tasks of the window.
    pub early: u64,
    /// First starts out of order within a key (or queue), where there are keys.
    pub inversions: u64,
    /// Attempts that failed, seen.
    pub failed_attempts: u64,
    /// Attempts that the plan had fail, of the tasks that ran.
    pub planned_failures: u64,
    /// Tasks intended in the window.
    pub window: WindowCounts,
}

/// Tasks that completed more than once, by who did it; their sum is the grid's
/// last column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Again {
    /// Sent once: the system delivered them again, or to several workers.
    pub redelivered: u64,
    /// Sent more than once by their producer. The system may have delivered
    /// them again besides.
    pub sent_again: u64,
    /// Not told apart: the client library repeats unseen, an attempt of theirs
    /// had failed, after which a worker sends them again itself, or they were
    /// never sent.
    pub not_told: u64,
}

/// The 3 × 3 grid: what the enqueue came to × how often the handler completed
/// (0, 1, 2 or more).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grid {
    /// Confirmed: residual, dead or lost · once · duplicated.
    pub ok: [u64; 3],
    /// Unknown: vanished · recovered · recovered and duplicated.
    pub unknown: [u64; 3],
    /// Refused or never handed over: rejected · phantom · phantom and duplicated.
    pub fail: [u64; 3],
}

impl Grid {
    /// All nine cells together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        [self.ok, self.unknown, self.fail].iter().flatten().sum()
    }
}

/// What became of the tasks intended in the window. `intended` is the sum of
/// the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowCounts {
    /// Intended in the window.
    pub intended: u64,
    /// First success within T of due.
    pub done: u64,
    /// Refused.
    pub refused: u64,
    /// Never handed over.
    pub unsent: u64,
    /// Unknown, and no success within T.
    pub unknown: u64,
    /// Confirmed; succeeded after T, or still held.
    pub late: u64,
    /// Confirmed, never succeeded, proved absent.
    pub lost: u64,
    /// Dead by plan: left out of the failure rate.
    pub planned_dead: u64,
    /// Cancelled: left out of the failure rate.
    pub cancelled: u64,
}

/// A figure, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Measured.
    Is(f64),
    /// At least this: a percentile beyond the horizon, the top of a grid.
    AtLeast(f64),
    /// At most this: below what the generator's pacing resolves.
    AtMost(f64),
    /// Not measured, and why.
    NotMeasured(String),
    /// The system does not do it, and why.
    Unsupported(String),
}

impl Value {
    /// The number, if there is one, whatever its bound.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Is(number) | Self::AtLeast(number) | Self::AtMost(number) => Some(*number),
            Self::NotMeasured(_) | Self::Unsupported(_) => None,
        }
    }
}

/// A histogram of completed values and how many have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// V2, deflated, base64; values in ns.
    pub data: String,
    /// Values in it.
    pub count: u64,
    /// Values at +∞: unfinished within T, or refused.
    pub at_infinity: u64,
    /// Values below zero, started before they were due: in no histogram of
    /// their own here (`earliness` has those of all tasks), and below all
    /// others in a percentile.
    pub early: u64,
}

/// Figures over time, one value per bin; `null` where nothing can be said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Width of a bin, seconds.
    pub bin_s: f64,
    /// Start of the first bin, seconds from the window's start.
    pub start_s: f64,
    /// Columns: `offered`, `throughput` (1/s), `p50`, `p99` (start latency by
    /// due time, s; where `at_infinity` reaches the percentile, T stands for
    /// it), `backlog` (tasks), `at_infinity` (tasks due in the bin without a
    /// success within T).
    pub columns: BTreeMap<String, Vec<Option<f64>>>,
}

impl Series {
    /// Whether it has no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Something that happened, on the time axis of its cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// Seconds from the window's start.
    pub at_s: f64,
    /// What kind.
    #[schemars(with = "String")]
    pub kind: MomentKind,
    /// One short sentence.
    pub text: String,
}
