use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// Identity of a task inside a run: 24 bits of cell, 40 bits of sequence.
///
/// The run itself is in the queue's name. An id that carries another cell is a
/// leftover of an earlier cell, not a task of this one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u64);

impl TaskId {
    /// Bits that hold the sequence number.
    pub const SEQUENCE_BITS: u32 = 40;
    /// The highest cell number that fits.
    pub const MAX_CELL: u32 = (1 << 24) - 1;
    /// The highest sequence number that fits.
    pub const MAX_SEQUENCE: u64 = (1 << Self::SEQUENCE_BITS) - 1;

    /// Puts an id together. Numbers that do not fit are a bug of the plan.
    #[must_use]
    pub const fn new(cell: u32, sequence: u64) -> Self {
        assert!(cell <= Self::MAX_CELL, "the cell number must fit into 24 bits");
        assert!(sequence <= Self::MAX_SEQUENCE, "the sequence number must fit into 40 bits");
        Self((cell as u64) << Self::SEQUENCE_BITS | sequence)
    }

    /// Any 64 bits are an id; whether it is one of ours the ledger decides.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The id as it crosses a wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The cell that sent it.
    #[must_use]
    pub const fn cell(self) -> u32 {
        (self.0 >> Self::SEQUENCE_BITS) as u32
    }

    /// Its place in the cell's plan, probes and warm-up first.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        self.0 & Self::MAX_SEQUENCE
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({}:{})", self.cell(), self.sequence())
    }
}

impl FromStr for TaskId {
    type Err = ParseIntError;

    /// Reads the 16 hexadecimal digits that `Display` writes.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_at_both_ends() {
        for (cell, sequence) in [(0, 0), (1, 7), (TaskId::MAX_CELL, TaskId::MAX_SEQUENCE)] {
            let id = TaskId::new(cell, sequence);
            assert_eq!((id.cell(), id.sequence()), (cell, sequence));
            assert_eq!(id.to_string().parse::<TaskId>(), Ok(id));
        }
    }

    #[test]
    fn text_is_sixteen_hexadecimal_digits() {
        assert_eq!(TaskId::new(1, 255).to_string(), "00000100000000ff");
    }
}
