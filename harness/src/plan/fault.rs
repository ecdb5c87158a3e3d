//! Faults as a plan has them: what is done to which process, when and for how
//! long. Nothing here does it.

mod kind;
mod victim;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub use kind::FaultKind;
pub use victim::{Road, Victim};

use crate::fault::{LinkFault, Side};
use crate::scenario::{Bytes, Nanos};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// SIGKILL, then started again.
    Kill,
    /// SIGTERM, then started again.
    Terminate,
    /// SIGSTOP, then SIGCONT.
    Pause,
    /// The command pair of that place among its cell's.
    Command(usize),
    /// No room on its disk, then room again.
    DiskFull,
    /// Laid on a link by the proxy.
    Link(LinkFault),
}

impl Deed {
    /// Its name in a scenario.
    #[must_use]
    pub const fn kind(self) -> FaultKind {
        match self {
            Self::Kill => FaultKind::Kill,
            Self::Terminate => FaultKind::Terminate,
            Self::Pause => FaultKind::Pause,
            Self::Command(_) => FaultKind::Command,
            Self::DiskFull => FaultKind::DiskFull,
            Self::Link(LinkFault::Stall(_)) => FaultKind::Stall,
            Self::Link(LinkFault::BlackHole(_)) => FaultKind::BlackHole,
            Self::Link(LinkFault::Reset) => FaultKind::Reset,
            Self::Link(LinkFault::Refuse) => FaultKind::Refuse,
            Self::Link(LinkFault::Delay { .. }) => FaultKind::Delay,
            Self::Link(LinkFault::Bandwidth { .. }) => FaultKind::Bandwidth,
            Self::Link(LinkFault::Slice { .. }) => FaultKind::Slice,
            Self::Link(LinkFault::CutAfter { .. }) => FaultKind::Cut,
        }
    }
}

/// Commands that hurt and heal, each a program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Commands {
    /// What hurts.
    pub hurt: Vec<String>,
    /// What heals; harmless where nothing is hurt any more.
    pub heal: Vec<String>,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is done.
    pub deed: Deed,
    /// To whom.
    pub on: Victim,
    /// When, ns from the window's start.
    pub at_ns: u64,
    /// For how long, ns; 0 for what is over at once.
    pub for_ns: u64,
}

impl Fault {
    /// When it is over, ns from the window's start.
    #[must_use]
    pub const fn until_ns(&self) -> u64 {
        self.at_ns.saturating_add(self.for_ns)
    }
}

/// `kill broker at 10 s for 5 s`, `delay links 20 ms + 0 to 5 ms at 10 s for 5 s`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.deed.kind().name(), self.on)?;
        let side = match self.deed {
            Deed::Link(LinkFault::Stall(side) | LinkFault::BlackHole(side)) => side,
            Deed::Link(LinkFault::Delay { side, base, jitter }) => {
                let ns = |time: Duration| Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
                write!(f, " {}", ns(base))?;
                if !jitter.is_zero() {
                    write!(f, " + 0 to {}", ns(jitter))?;
                }
                side
            }
            Deed::Link(LinkFault::Bandwidth { side, per_second }) => {
                write!(f, " to {}/s", Bytes(per_second.get()))?;
                side
            }
            Deed::Link(LinkFault::Slice { side, bytes }) => {
                write!(f, " into {}", Bytes(bytes.get() as u64))?;
                side
            }
            Deed::Link(LinkFault::CutAfter { side, bytes }) => {
                write!(f, " after {}", Bytes(bytes))?;
                side
            }
            Deed::Kill | Deed::Terminate | Deed::Pause | Deed::Command(_) | Deed::DiskFull => {
                Side::Both
            }
            Deed::Link(LinkFault::Reset | LinkFault::Refuse) => Side::Both,
        };
        match side {
            Side::Both => {}
            Side::ToBroker => f.write_str(" to the broker only")?,
            Side::FromBroker => f.write_str(" from the broker only")?,
        }
        write!(f, " at {}", Nanos(self.at_ns))?;
        if self.for_ns > 0 { write!(f, " for {}", Nanos(self.for_ns)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    #[test]
    fn a_fault_reads_aloud() {
        let fault = Fault {
            deed: Deed::Kill,
            on: Victim::Broker,
            at_ns: 10_000_000_000,
            for_ns: 5_000_000_000,
        };
        assert_eq!(fault.to_string(), "kill broker at 10 s for 5 s");
        assert_eq!(fault.until_ns(), 15_000_000_000);
        let (base, jitter) = (Duration::from_millis(20), Duration::from_millis(5));
        let late = LinkFault::Delay { side: Side::ToBroker, base, jitter };
        let late = Fault { deed: Deed::Link(late), on: Victim::Link(Road::Both), ..fault };
        let words = "delay links 20 ms + 0 to 5 ms to the broker only at 10 s for 5 s";
        assert_eq!(late.to_string(), words);
        let per_second = NonZeroU64::new(64_000).expect("not 0");
        let slow = LinkFault::Bandwidth { side: Side::Both, per_second };
        let slow = Fault { deed: Deed::Link(slow), ..late };
        assert_eq!(slow.to_string(), "bandwidth links to 64 kB/s at 10 s for 5 s");
        let cut = LinkFault::CutAfter { side: Side::FromBroker, bytes: 1_000 };
        let cut = Fault { deed: Deed::Link(cut), ..late };
        let words = "cut links after 1 kB from the broker only at 10 s for 5 s";
        assert_eq!(cut.to_string(), words);
        let reset = Fault { deed: Deed::Link(LinkFault::Reset), for_ns: 0, ..late };
        assert_eq!(reset.to_string(), "reset links at 10 s");
    }
}
