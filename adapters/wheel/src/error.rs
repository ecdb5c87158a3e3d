//! Why a wheel cannot be built, and why it may refuse a timer.

use std::error::Error;
use std::fmt;

/// Why [`Wheel::new`](crate::Wheel::new) refused its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The resolution is finer than the finest supported, 1 µs.
    ResolutionTooFine {
        /// The resolution asked for, in ns.
        resolution_ns: u64,
    },
    /// The longest delay is shorter than one tick.
    MaxDelayTooShort {
        /// The longest delay asked for, in ns.
        max_delay_ns: u64,
        /// The resolution asked for, in ns.
        resolution_ns: u64,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResolutionTooFine { resolution_ns } => {
                write!(f, "a resolution of {resolution_ns} ns is finer than 1000 ns")
            }
            Self::MaxDelayTooShort { max_delay_ns, resolution_ns } => write!(
                f,
                "a longest delay of {max_delay_ns} ns is shorter than one tick of {resolution_ns} ns"
            ),
        }
    }
}

impl Error for ConfigError {}

/// A timer refused because it is due beyond what the wheel reaches.
///
/// It gives the value back, and says up to when a timer would have been taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TooFar<T> {
    /// What was to be inserted.
    pub value: T,
    /// When it was due, in ns.
    pub due_ns: u64,
    /// The latest due time that would have been taken, in ns.
    pub furthest_ns: u64,
}

impl<T> fmt::Debug for TooFar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TooFar")
            .field("due_ns", &self.due_ns)
            .field("furthest_ns", &self.furthest_ns)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for TooFar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { due_ns, furthest_ns, .. } = self;
        write!(f, "due at {due_ns} ns, but the wheel reaches only to {furthest_ns} ns")
    }
}

impl<T> Error for TooFar<T> {}
