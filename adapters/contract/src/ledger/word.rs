//! The fields of a task's two words, and the unit of the times in them.

const TIME_BITS: u32 = 36;
pub(super) const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

pub(super) const STATE: Field = Field { shift: 36, bits: 3 };
pub(super) const REASON: Field = Field { shift: 39, bits: 3 };
pub(super) const SENDS: Field = Field { shift: 42, bits: 3 };
pub(super) const CANCEL: Field = Field { shift: 45, bits: 2 };
pub(super) const FLOAT: Field = Field { shift: 48, bits: 16 };

pub(super) const SUCCESSES: Field = Field { shift: 36, bits: 2 };
pub(super) const FAILURES: Field = Field { shift: 38, bits: 5 };
pub(super) const STARTED: u64 = 1 << 43;
pub(super) const CORRUPT: u64 = 1 << 44;
pub(super) const DEAD: u64 = 1 << 45;

#[derive(Clone, Copy)]
pub(super) struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    const fn max(self) -> u64 {
        (1 << self.bits) - 1
    }
    pub(super) const fn get(self, word: u64) -> u64 {
        (word >> self.shift) & self.max()
    }
    pub(super) const fn set(self, word: u64, value: u64) -> u64 {
        word & !(self.max() << self.shift) | (value & self.max()) << self.shift
    }
    /// One more, staying at the largest value that fits.
    pub(super) const fn bump(self, word: u64) -> u64 {
        let value = self.get(word);
        if value == self.max() { word } else { self.set(word, value + 1) }
    }
}

/// How long a unit of the ledger's times is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    pub(super) shift: u32,
}

impl Unit {
    /// The smallest power of two of ns at which `horizon_ns` fits.
    #[must_use]
    pub const fn fitting(horizon_ns: u64) -> Self {
        let mut shift = 0;
        while horizon_ns >> shift > TIME_MASK {
            shift += 1;
        }
        Self { shift }
    }

    /// Nanoseconds of one unit.
    #[must_use]
    pub const fn ns(self) -> u64 {
        1 << self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_horizon() {
        assert_eq!(Unit::fitting(60_000_000_000).ns(), 1);
        assert_eq!(Unit::fitting(18 * 60 * 1_000_000_000).ns(), 16);
    }
}
