//! What the ledger says of one task.

/// What an enqueue came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enqueue {
    /// Never handed over.
    Unsent,
    /// Handed over; nothing was heard of it. Reads as unknown once settled.
    Taken,
    /// The system vouched for it.
    Confirmed,
    /// The system refused it, or it provably never left.
    Refused,
    /// Nobody knows whether the system has it.
    Unknown,
}

impl Enqueue {
    pub(super) const fn from_bits(bits: u64) -> Self {
        match bits {
            1 => Self::Taken,
            2 => Self::Confirmed,
            3 => Self::Refused,
            4 => Self::Unknown,
            _ => Self::Unsent,
        }
    }
    pub(super) const fn bits(self) -> u64 {
        match self {
            Self::Unsent => 0,
            Self::Taken => 1,
            Self::Confirmed => 2,
            Self::Refused => 3,
            Self::Unknown => 4,
        }
    }
}

/// Why an enqueue was refused or is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// None was given.
    None,
    /// The system is full.
    Full,
    /// The body is too large.
    TooLarge,
    /// The id is taken.
    Duplicate,
    /// The connection was lost.
    ConnectionLost,
    /// No answer in time.
    Timeout,
    /// The server answered with an error.
    ServerError,
    /// The adapter never sent it.
    NeverLeft,
}

impl Reason {
    pub(super) const ALL: [Self; 8] = [
        Self::None,
        Self::Full,
        Self::TooLarge,
        Self::Duplicate,
        Self::ConnectionLost,
        Self::Timeout,
        Self::ServerError,
        Self::NeverLeft,
    ];
    pub(super) const fn bits(self) -> u64 {
        self as u64
    }
}

/// Whether a task was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancel {
    /// Nobody asked.
    NotAsked,
    /// Asked, and the system said it was too late.
    TooLate,
    /// Asked, and the system said it is cancelled: it must not run.
    Cancelled,
}

/// What the ledger holds of one task. Times are monotonic ns, cut off to the
/// ledger's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the enqueue came to.
    pub enqueue: Enqueue,
    /// Why, where it was refused or is unknown.
    pub reason: Reason,
    /// Times it was sent (more than one when the client repeated it), at most 7.
    pub sends: u8,
    /// Whether it was taken back.
    pub cancel: Cancel,
    /// Accepted − intended, ns, within 2⁻¹².
    pub accepted_after_ns: u64,
    /// When the system vouched for it or refused it.
    pub confirmed_at: Option<u64>,
    /// When its handler first started.
    pub first_start: Option<u64>,
    /// When its handler first completed, within 2⁻¹² of the time since the start.
    pub first_end: Option<u64>,
    /// Times its handler completed, at most 3 (the side list has the rest).
    pub successes: u8,
    /// Attempts that failed, at most 31.
    pub failures: u8,
    /// A body arrived that was not the one sent.
    pub corrupt: bool,
    /// The system set it aside after its last attempt.
    pub dead: bool,
}
