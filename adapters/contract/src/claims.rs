use serde::{Deserialize, Serialize};

/// What survives what: results are ranked only inside one class
/// (`docs/measurement.md` §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DurabilityClass {
    /// I: in the harness's own process, in memory.
    InProcess,
    /// M: in the broker's memory.
    BrokerMemory,
    /// W: a bounded window is lost when the broker's process dies.
    BoundedWindow,
    /// P: survives a crash of the broker's process.
    ProcessCrash,
    /// F: survives a power loss by configuration; configured, not verified.
    PowerLoss,
    /// R: replicated on three nodes.
    Replicated,
}

impl DurabilityClass {
    /// The letter that tables and the method text use.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::InProcess => 'I',
            Self::BrokerMemory => 'M',
            Self::BoundedWindow => 'W',
            Self::ProcessCrash => 'P',
            Self::PowerLoss => 'F',
            Self::Replicated => 'R',
        }
    }

    /// What the class promises, as a table's heading says it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::InProcess => "in process, memory",
            Self::BrokerMemory => "broker's memory",
            Self::BoundedWindow => "loses a bounded window when its process dies",
            Self::ProcessCrash => "survives a process crash",
            Self::PowerLoss => "survives power loss (configured, not verified)",
            Self::Replicated => "replicated on three nodes",
        }
    }
}

/// When the worker acknowledges a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckMode {
    /// Before its handler runs: a killed worker loses it.
    Early,
    /// After its handler ran: a killed worker's task comes again.
    Late,
    /// After its handler ran, while nobody was kept from running it too: with
    /// more than one worker a task may run several times at once.
    Unlocked,
    /// There is no broker to tell.
    None,
    /// Each of several instances holds every task and locks it while it runs;
    /// nothing is remembered once the lock is released, so that each of them
    /// may run it.
    Locked,
}

/// Whether the system vouches for what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfirmMode {
    /// Every task is confirmed or refused.
    Confirmed,
    /// Nothing is said: tasks stay `unknown`, missing ones cannot be called lost.
    Unconfirmed,
}

/// How a task is held back until it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delay {
    /// It is not, and why.
    Unsupported(&'static str),
    /// By the system itself; it may start this many ns before it is due.
    Native {
        /// Largest claimed earliness, ns; 0 for "never early".
        early_by_at_most_ns: u64,
    },
    /// By one queue per class of delay, at most this many.
    Classes(u32),
    /// In the worker, which has taken it already.
    InTheWorker,
}

impl Delay {
    /// Whether a delayed task can be given to it at all.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        !matches!(self, Self::Unsupported(_))
    }
}

/// Which of a system's tasks have figures that may be set beside others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparable {
    /// All of them.
    Always,
    /// Those that are delayed by at least so much. Cells with others are shown
    /// and not ranked.
    Delayed {
        /// The shortest delay, ns.
        by_at_least_ns: u64,
        /// What the figures of others would compare instead.
        why: &'static str,
    },
}

/// In which order handlers start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// No promise.
    None,
    /// The order of the queue, with one worker of concurrency one.
    Queue,
    /// The order of each key, with any number of workers.
    Key,
}

/// What becomes of a task whose handler failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retries {
    /// It is not tried again, and why.
    Unsupported(&'static str),
    /// It is tried again after the back-off, then set aside as dead.
    Native,
}

/// Whether a task is sent again by whom nobody sees doing it: what tells a
/// redelivery from a repeat. What a producer of ours repeats it notes with
/// [`crate::Recorder::sent_again`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resends {
    /// Nobody does: each time is noted.
    Noted,
    /// The client library does, and why nobody can count it.
    Unseen(&'static str),
}

/// What a profile promises. The conformance suite tests each claim, the
/// report prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Claims {
    /// What survives what.
    pub durability: DurabilityClass,
    /// Acknowledged before or after the handler.
    pub ack: AckMode,
    /// Whether each task is vouched for.
    pub confirms: ConfirmMode,
    /// How tasks are held back.
    pub delay: Delay,
    /// Order of handlers.
    pub order: Order,
    /// Whether a task can be taken back before it starts.
    pub cancel: bool,
    /// What follows a failure.
    pub retries: Retries,
    /// Whether each sending is known.
    pub resends: Resends,
    /// Largest body in bytes that it takes.
    pub largest_body: usize,
}
