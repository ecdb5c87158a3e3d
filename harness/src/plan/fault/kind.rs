//! Faults by their names in a scenario.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fault, by its name in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// On a process: killed with SIGKILL; started again, a broker with its
    /// data, when the fault is over.
    Kill,
    /// On a process: asked to end with SIGTERM; what still runs when the fault
    /// is over is ended, and it is started again.
    Terminate,
    /// On a process: stopped with SIGSTOP, its connections open; it goes on
    /// with SIGCONT.
    Pause,
    /// On the broker, also one that is not ours: the command `hurt`, and `heal`
    /// when it is over.
    Command,
    /// On the broker: no room on its disk, and room again when it is over; who
    /// has ended of it is started again then.
    DiskFull,
    /// On a link: bytes and new connections wait, and go on when it is over.
    Stall,
    /// On a link: bytes are swallowed; connections that lost some are reset
    /// when it is over.
    BlackHole,
    /// On a link: its connections are reset at once; new ones are served.
    Reset,
    /// On a link: new connections are refused; those that exist go on.
    Refuse,
    /// On a link: bytes arrive later, by `delay` and up to `jitter` more.
    Delay,
    /// On a link: each connection carries `bytes` per second at most.
    Bandwidth,
    /// On a link: bytes arrive in pieces of `bytes` at most, 1 ms apart.
    Slice,
    /// On a link: each connection carries `bytes` more, and is reset.
    Cut,
}

impl FaultKind {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Terminate => "terminate",
            Self::Pause => "pause",
            Self::Command => "command",
            Self::DiskFull => "disk-full",
            Self::Stall => "stall",
            Self::BlackHole => "black-hole",
            Self::Reset => "reset",
            Self::Refuse => "refuse",
            Self::Delay => "delay",
            Self::Bandwidth => "bandwidth",
            Self::Slice => "slice",
            Self::Cut => "cut",
        }
    }

    /// Whether it falls on a process; otherwise on a link.
    #[must_use]
    pub const fn is_of_a_process(self) -> bool {
        matches!(self, Self::Kill | Self::Terminate | Self::Pause | Self::Command | Self::DiskFull)
    }
}
