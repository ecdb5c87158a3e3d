//! What a fault does to a link, as values. Pure: no clock, no socket.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How links to brokers are hurt: `--network`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Links {
    /// By TCP proxies in user space.
    #[default]
    Proxies,
    /// Brokers in network namespaces of their own, whose link is taken down; as root.
    Namespaces,
}

/// Which way of a link a fault lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Both.
    Both,
    /// Only what clients send.
    ToBroker,
    /// Only what the broker sends.
    FromBroker,
}

/// What a fault does to a link. Several may lie on one link: then the worst of
/// each kind counts, and delays add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkFault {
    /// Bytes wait, and go on when it is healed: a short outage to which TCP
    /// has its own answer. New connections wait too.
    Stall(Side),
    /// Bytes are swallowed. A stream with a hole in it would be corrupt, so
    /// that a connection which lost some is reset when it is healed. On one
    /// side only the connection is half open. New connections wait.
    BlackHole(Side),
    /// Connections that exist when it begins are reset, idle ones too.
    Reset,
    /// New connections are refused; those that exist go on.
    Refuse,
    /// Bytes arrive later, and in their order: by `base`, and by something
    /// evenly distributed between 0 and `jitter` more. Resolves 1 ms.
    Delay {
        /// On which way.
        side: Side,
        /// At least this.
        base: Duration,
        /// At most so much more.
        jitter: Duration,
    },
    /// Each connection carries so many bytes per second at most.
    Bandwidth {
        /// On which way.
        side: Side,
        /// Bytes per second.
        per_second: NonZeroU64,
    },
    /// Bytes arrive in pieces of at most so many, 1 ms apart.
    Slice {
        /// On which way.
        side: Side,
        /// Bytes of a piece.
        bytes: NonZeroUsize,
    },
    /// Each connection carries so many bytes more, then it is reset.
    CutAfter {
        /// On which way.
        side: Side,
        /// Bytes from now on.
        bytes: u64,
    },
}

/// What happens to bytes on one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    #[default]
    Passes,
    Waits,
    IsLost,
}

/// One way of a link, with all its faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) flow: Flow,
    /// Base and jitter.
    pub(super) delay: Option<(Duration, Duration)>,
    pub(super) per_second: Option<NonZeroU64>,
    pub(super) piece: Option<NonZeroUsize>,
    pub(super) cut_after: Option<u64>,
}

/// A link with all its faults, as one value: what looks at it sees all of them
/// or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) to_broker: Way,
    pub(super) from_broker: Way,
    pub(super) refuses: bool,
    /// Resets so far.
    pub(super) resets: u64,
}

impl Link {
    /// The link under these faults.
    pub(super) fn under<'a>(faults: impl IntoIterator<Item = &'a LinkFault>, resets: u64) -> Self {
        let mut link = Self { resets, ..Self::default() };
        for fault in faults {
            link.suffer(fault);
        }
        link
    }

    /// Whether a new connection comes about now.
    pub(super) fn admits(&self) -> bool {
        // A handshake needs both ways.
        !self.refuses && [self.to_broker, self.from_broker].iter().all(Way::passes)
    }

    fn suffer(&mut self, fault: &LinkFault) {
        match *fault {
            LinkFault::Reset => {}
            LinkFault::Refuse => self.refuses = true,
            LinkFault::Stall(side) => self.each(side, |way| way.flow = way.flow.max(Flow::Waits)),
            LinkFault::BlackHole(side) => self.each(side, |way| way.flow = Flow::IsLost),
            LinkFault::Delay { side, base, jitter } => self.each(side, |way| {
                let (had, had_jitter) = way.delay.unwrap_or_default();
                way.delay = Some((had.saturating_add(base), had_jitter.saturating_add(jitter)));
            }),
            LinkFault::Bandwidth { side, per_second } => {
                self.each(side, |way| way.per_second = least(way.per_second, per_second));
            }
            LinkFault::Slice { side, bytes } => {
                self.each(side, |way| way.piece = least(way.piece, bytes));
            }
            LinkFault::CutAfter { side, bytes } => {
                self.each(side, |way| way.cut_after = least(way.cut_after, bytes));
            }
        }
    }

    fn each(&mut self, side: Side, mut change: impl FnMut(&mut Way)) {
        if side != Side::FromBroker {
            change(&mut self.to_broker);
        }
        if side != Side::ToBroker {
            change(&mut self.from_broker);
        }
    }
}

impl Way {
    fn passes(&self) -> bool {
        self.flow == Flow::Passes
    }

    /// Whether bytes may be written just as they come.
    pub(super) const fn is_plain(&self) -> bool {
        self.per_second.is_none() && self.piece.is_none() && self.cut_after.is_none()
    }
}

fn least<T: Ord>(had: Option<T>, more: T) -> Option<T> {
    had.into_iter().chain([more]).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_worst_of_each_kind_counts_and_delays_add_up() {
        let size = |bytes| NonZeroUsize::new(bytes).expect("not 0");
        let link = Link::under(
            &[
                LinkFault::BlackHole(Side::ToBroker),
                LinkFault::Stall(Side::Both),
                LinkFault::Delay { side: Side::FromBroker, base: 5 * MS, jitter: MS },
                LinkFault::Delay { side: Side::Both, base: 2 * MS, jitter: MS },
                LinkFault::Slice { side: Side::FromBroker, bytes: size(7) },
                LinkFault::Slice { side: Side::FromBroker, bytes: size(9) },
            ],
            3,
        );
        assert_eq!(link.resets, 3);
        assert_eq!(link.to_broker.flow, Flow::IsLost);
        assert_eq!(link.to_broker.delay, Some((2 * MS, MS)));
        assert!(link.to_broker.is_plain());
        assert_eq!(link.from_broker.flow, Flow::Waits);
        assert_eq!(link.from_broker.delay, Some((7 * MS, 2 * MS)));
        assert_eq!(link.from_broker.piece, Some(size(7)));
        assert!(!link.from_broker.is_plain());
    }

    #[test]
    fn a_connection_comes_about_where_both_ways_pass() {
        assert!(Link::default().admits());
        assert!(Link::under(&[LinkFault::Reset], 1).admits());
        for fault in [
            LinkFault::Refuse,
            LinkFault::Stall(Side::ToBroker),
            LinkFault::BlackHole(Side::FromBroker),
        ] {
            assert!(!Link::under(&[fault], 0).admits(), "{fault:?}");
        }
    }
}
