//! The fields of a scenario, exactly as written.
//!
//! The doc comments here are the text of the JSON schema and of
//! `docs/scenarios.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::At;
use super::demand::Demanded;
use super::kinds::{DelayKind, Variants, WorkKind};
use super::parts::Part;
use super::trials::{Matrix, Trial};
use super::units::{Bytes, Count, Fraction, Nanos, Rate, RateOrShare};
use crate::fault::Side;
use crate::plan::{FaultKind, Spacing, Victim};

/// What to measure: which systems, under which load, with which tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the tables of a scenario")]
pub struct Settings {
    /// Name of the scenario: letters, digits, `-` and `_`. Results go to a
    /// directory of this name.
    pub name: At<String>,
    /// One line that says what the scenario shows.
    pub summary: At<String>,
    /// Systems to measure, each `system` (its default profile) or
    /// `system/profile`; `schedbench list` shows them. `noop`, the harness's
    /// own ceiling, always runs first and need not be named.
    pub systems: At<Vec<At<String>>>,
    /// Profiles for the systems that are named without one: each runs in all
    /// of these that it has, or in its default if it has none of them. `all`
    /// for every profile.
    #[serde(default)]
    pub profiles: Vec<At<String>>,
    /// Whether profiles that need a cluster may run: three servers of a broker,
    /// all on this machine. `profiles = ["all"]` leaves them out without it.
    #[serde(default)]
    pub clusters: bool,
    /// How often each cell is measured. From 5 on, intervals are computed.
    #[serde(default = "one")]
    pub repeats: At<Count>,
    /// The seed of arrivals, order, bodies, keys and failures.
    #[serde(default = "seven")]
    pub seed: u64,
    /// How the generator keeps time. Without it, brokers get the grid and
    /// in-process systems the spin.
    #[serde(default)]
    pub pacing: Option<PacingKind>,
    /// The load.
    pub load: At<Load>,
    /// The tasks.
    #[serde(default)]
    pub task: Task,
    /// What follows a failed attempt.
    #[serde(default)]
    pub retry: Retry,
    /// Workers and connections, equal for all systems.
    #[serde(default)]
    pub workers: Workers,
    /// What is done to processes meanwhile, in every cell of every system but
    /// `noop`.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// Instead of `fault`: trials, each with faults of its own and a cell of its
    /// own, behind a fresh broker.
    #[serde(default)]
    pub trial: Vec<Trial>,
    /// Which systems each trial runs on: those that it names, or all. `listed`
    /// if left out.
    #[serde(default)]
    pub matrix: Option<At<Matrix>>,
    /// Parts that are measured one after another, each with a load and tasks of
    /// its own, and come to one result. What is written outside of them is
    /// theirs too, as far as they do not say otherwise.
    #[serde(default)]
    pub part: Vec<Part>,
    /// What `--quick` changes, each as `field=value`; without it `--quick` is
    /// one repeat.
    #[serde(default)]
    pub quick: Vec<At<String>>,
    /// What counts as keeping up.
    #[serde(default)]
    pub objective: Objective,
    /// What is demanded of the systems, such as `"p99 < 50 ms at 10k"` or
    /// `"lost == 0"`; if one does not meet it, or that cannot be told, the exit
    /// code is 3. How they are written stands at the end of docs/scenarios.md.
    #[serde(default)]
    pub objectives: Vec<At<Demanded>>,
    /// Brokers that already run elsewhere.
    #[serde(default)]
    pub brokers: Brokers,
}

impl Settings {
    /// Whatever is done to processes and links in it, in all of its trials and
    /// parts.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        let own = self.fault.iter().chain(self.trial.iter().flat_map(|trial| &trial.fault));
        let parts = self.part.iter().flat_map(|part| {
            part.fault.iter().chain(part.trial.iter().flat_map(|trial| &trial.fault))
        });
        own.chain(parts)
    }

    /// Whether anything in it, or in one of its parts, is a trial.
    #[must_use]
    pub fn has_trials(&self) -> bool {
        !self.trial.is_empty() || self.part.iter().any(|part| !part.trial.is_empty())
    }
}

fn one() -> At<Count> {
    At::nowhere(Count(1))
}

fn seven() -> u64 {
    7
}

/// How the generator keeps time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PacingKind {
    /// Sleeps on a grid of 100 µs.
    Grid,
    /// Spins, but sleeps at least 50 µs in each ms.
    Spin,
}

/// The load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the table [load]")]
pub struct Load {
    /// How the load is made.
    #[serde(default = "open")]
    pub mode: At<Mode>,
    /// Mode `open`: rates in tasks per second, a cell each. Where something is
    /// hurt also shares of each system's own capacity, such as `"50 %"`: it is
    /// searched for once in the run, before the system's other cells.
    pub rates: Option<At<Vec<At<RateOrShare>>>>,
    /// Further rates of every trial with `matrix = "full"`.
    pub full_rates: Option<At<Vec<At<RateOrShare>>>>,
    /// Mode `open`, instead of `rates`: one cell whose window is these rates
    /// one after another.
    pub stages: Option<At<Vec<Stage>>>,
    /// Mode `in-flight`: numbers of tasks submitted and not completed, a cell
    /// each.
    pub in_flight: Option<At<Vec<At<Count>>>>,
    /// Mode `in-flight`: the window ends early after this many tasks, because
    /// the ledger has 16 bytes for each. 10M if left out.
    pub most_tasks: Option<At<Count>>,
    /// Mode `backlog`: numbers of tasks that build up, a cell each.
    pub pending: Option<At<Vec<At<Count>>>>,
    /// How arrivals are spaced; `poisson` if left out.
    pub arrivals: Option<At<Spacing>>,
    /// Load before the window, measured but not counted.
    #[serde(default = "two_seconds")]
    pub warmup: At<Nanos>,
    /// D: the window. 10 s if left out; stages have durations of their own.
    pub duration: Option<At<Nanos>>,
    /// T: every task is watched this long after it is due; what is not done by
    /// then has failed. Mode `backlog`: the longest that it may build up, and
    /// that its drain may take; the rest is counted and thrown away.
    #[serde(default = "two_seconds")]
    pub horizon: At<Nanos>,
    /// Modes `capacity` and `soak`, and for shares of a capacity: the first
    /// rate tried; 1k if left out.
    pub from: Option<At<Rate>>,
    /// The same: no rate above this is tried. If left out 1M, and 100k for
    /// shares.
    pub to: Option<At<Rate>>,
    /// The same: the search ends when it knows the capacity to within this
    /// share; 5 % if left out.
    pub precision: Option<At<Fraction>>,
    /// Mode `soak`, and for shares of a capacity: the window of each step of
    /// the search; 10 s if left out.
    pub search: Option<At<Nanos>>,
    /// Mode `soak`: the share of the capacity found that is then held for
    /// `duration`; 0.5 if left out.
    pub share: Option<At<Fraction>>,
}

fn open() -> At<Mode> {
    At::nowhere(Mode::Open)
}

fn two_seconds() -> At<Nanos> {
    At::nowhere(Nanos(2_000_000_000))
}

/// How the load is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Tasks arrive when the plan says, whether or not the system keeps up.
    Open,
    /// A fixed number of tasks is submitted and not completed.
    InFlight,
    /// A search for the highest rate that is held.
    Capacity,
    /// That search, then a long cell at a share of what it found.
    Soak,
    /// A number of tasks builds up while no worker runs, as fast as the system
    /// takes them; faults are done to the broker while they rest, their `at`
    /// counted from the last hand-over; then workers are started and drain it.
    Backlog,
}

impl Mode {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InFlight => "in-flight",
            Self::Capacity => "capacity",
            Self::Soak => "soak",
            Self::Backlog => "backlog",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        use Mode::{Backlog, Capacity, InFlight, Open, Soak};
        [Open, InFlight, Capacity, Soak, Backlog].into_iter().find(|mode| mode.name() == name)
    }

    /// In which modes a field of `[load]` means something, where no share of a
    /// capacity is offered; all where it is of no mode's own.
    #[must_use]
    pub fn with(field: &str) -> &'static [Self] {
        use Mode::{Backlog, Capacity, InFlight, Open, Soak};
        match field {
            "rates" | "full_rates" | "stages" => &[Open],
            "in_flight" | "most_tasks" => &[InFlight],
            "pending" => &[Backlog],
            "warmup" | "duration" => &[Open, InFlight, Capacity, Soak],
            "arrivals" => &[Open, Capacity, Soak],
            "from" | "to" | "precision" => &[Capacity, Soak],
            "search" | "share" => &[Soak],
            _ => &[Open, InFlight, Capacity, Soak, Backlog],
        }
    }

    /// Whether that field means something in it.
    #[must_use]
    pub fn has(self, field: &str) -> bool {
        Self::with(field).contains(&self)
    }
}

/// A rate held for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a stage such as { rate = \"1k\", duration = \"10 s\" }")]
pub struct Stage {
    /// Tasks per second.
    pub rate: At<Rate>,
    /// For how long.
    pub duration: At<Nanos>,
}

/// The tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [task]")]
pub struct Task {
    /// Size of each body.
    pub body: At<Bytes>,
    /// How long after its hand-over a task is due: one of the kinds below, or
    /// a list of them, which makes a cell of each.
    pub delay: At<Variants<DelayKind>>,
    /// What a handler does.
    pub work: At<WorkKind>,
    /// Share of attempts that fail.
    pub fail: At<Fraction>,
    /// Number of distinct keys; 0 for tasks without a key.
    pub keys: At<Count>,
    /// Share of tasks that are cancelled.
    pub cancel: At<Fraction>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            body: At::nowhere(Bytes(100)),
            delay: At::nowhere(Variants::one(DelayKind::None)),
            work: At::nowhere(WorkKind::None),
            fail: At::nowhere(Fraction(0.0)),
            keys: At::nowhere(Count(0)),
            cancel: At::nowhere(Fraction(0.0)),
        }
    }
}

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [retry]")]
pub struct Retry {
    /// Further attempts after the first; then the task is dead.
    pub max: At<Count>,
    /// Wait before each further attempt, always the same.
    pub backoff: At<Nanos>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max: At::nowhere(Count(0)), backoff: At::nowhere(Nanos(1_000_000_000)) }
    }
}

/// Workers and connections, equal for all systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [workers]")]
pub struct Workers {
    /// Worker processes; in-process systems have none.
    pub processes: At<Count>,
    /// Handlers that run at a time in each process; threads of the pool of an
    /// in-process system.
    pub concurrency: At<Count>,
    /// Tasks a worker may hold before it has acknowledged them.
    pub prefetch: At<Count>,
    /// Connections of the producing client, and of each worker process.
    pub connections: At<Count>,
    /// Tasks the producing client may have unconfirmed.
    pub window: At<Count>,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            processes: At::nowhere(Count(1)),
            concurrency: At::nowhere(Count(8)),
            prefetch: At::nowhere(Count(256)),
            connections: At::nowhere(Count(1)),
            window: At::nowhere(Count(4_096)),
        }
    }
}

/// A fault: what is done to which process or link, when and for how long. Only
/// to processes that schedbench started itself, and to links to them; to a
/// broker that it did not start, by a pair of commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table [[fault]]")]
pub struct Fault {
    /// What is done.
    pub kind: At<FaultKind>,
    /// To whom. A process: `broker`, `workers` for all worker processes, or
    /// `worker:1`. Of a cluster: `leader` for the node that leads the queue when
    /// the fault is due, `replica` for one that follows it, `replicas` for all
    /// that do; `broker` is every node. `node` is one server of any system: the
    /// leader of a cluster, else the broker. A link: `producer-broker`,
    /// `worker-broker`, or `links` for both; `between-brokers` for all links
    /// between the nodes of a cluster of Kafka, or of Redis with sentinels, or,
    /// with `--network namespaces`, of RabbitMQ. The road on which loss is proved
    /// is never hurt.
    pub on: At<Victim>,
    /// When, from the window's start on: what lies before it in the window is
    /// the baseline that it is measured against. Of a backlog, from the last
    /// hand-over on.
    pub at: At<Nanos>,
    /// For how long. A `reset` is over at once and has none.
    #[serde(rename = "for")]
    pub lasts: Option<At<Nanos>>,
    /// Kinds `stall`, `black-hole`, `delay`, `bandwidth`, `slice` and `cut`:
    /// `to-broker` or `from-broker` for one way only; both if left out. Between
    /// brokers the one that is followed is the broker.
    pub side: Option<At<Side>>,
    /// Kind `delay`: by how much at least.
    pub delay: Option<At<Nanos>>,
    /// Kind `delay`: by how much more at most; 0 if left out.
    pub jitter: Option<At<Nanos>>,
    /// Kind `bandwidth`: per second, of each connection. Kind `slice`: of a
    /// piece. Kind `cut`: until each connection is reset.
    pub bytes: Option<At<Bytes>>,
    /// Kind `command`: a program and its arguments, run without a shell, such
    /// as `["systemctl", "stop", "redis"]`. It is in every result, so it holds
    /// no password; it has the environment of schedbench.
    pub hurt: Option<At<Vec<At<String>>>>,
    /// Kind `command`: the same for when the fault is over. It is run on every
    /// way out, also after a `hurt` that failed.
    pub heal: Option<At<Vec<At<String>>>>,
}

/// What counts as keeping up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "the table [objective]")]
pub struct Objective {
    /// P99 start latency up to which a load counts as held.
    pub p99: At<Nanos>,
    /// Tasks per second that every system must hold; if one does not, or it
    /// cannot be told, the exit code is 3. Without it nothing is demanded.
    pub holds: Option<At<Rate>>,
}

impl Default for Objective {
    fn default() -> Self {
        Self { p99: At::nowhere(Nanos(1_000_000_000)), holds: None }
    }
}

/// Brokers that already run elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "tables such as [brokers.redis]")]
pub struct Brokers {
    /// A Redis server to use instead of starting one.
    pub redis: Option<ExternalBroker>,
    /// A RabbitMQ server to use instead of starting one.
    pub rabbitmq: Option<ExternalBroker>,
    /// A Kafka cluster to use instead of starting one.
    pub kafka: Option<ExternalBroker>,
    /// A PostgreSQL server to use instead of starting one.
    pub postgres: Option<ExternalBroker>,
}

impl Brokers {
    /// The one of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&ExternalBroker> {
        match name {
            "redis" => self.redis.as_ref(),
            "rabbitmq" => self.rabbitmq.as_ref(),
            "kafka" => self.kafka.as_ref(),
            "postgres" => self.postgres.as_ref(),
            _ => None,
        }
    }
}

/// A broker that already runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with url_env")]
pub struct ExternalBroker {
    /// Name of the environment variable that holds its URL. A scenario never
    /// holds the URL itself: it is copied into every result.
    pub url_env: At<String>,
}
