/// A positive number in 16 bits: 5 bits of exponent, 11 of mantissa.
///
/// Exact below 4,096, within 2⁻¹² of the value above (it rounds to nearest),
/// up to 2⁴² units. The ledger keeps lateness and run times in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SmallFloat(u16);

const MANTISSA_BITS: u32 = 11;
const HIDDEN: u64 = 1 << MANTISSA_BITS;

impl SmallFloat {
    /// The largest value; what is larger is kept as this.
    pub const MAX: Self = Self(u16::MAX);

    /// Rounds to the nearest value that can be kept.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        if value < 2 * HIDDEN {
            return Self(value as u16);
        }
        let shift = 63 - value.leading_zeros() - MANTISSA_BITS;
        let rounded = (value >> shift) + ((value >> (shift - 1)) & 1);
        let (shift, mantissa) =
            if rounded == 2 * HIDDEN { (shift + 1, HIDDEN) } else { (shift, rounded) };
        if shift > 30 {
            return Self::MAX;
        }
        Self(((shift as u16 + 1) << MANTISSA_BITS) | (mantissa - HIDDEN) as u16)
    }

    /// The value kept.
    #[must_use]
    pub const fn get(self) -> u64 {
        let exponent = self.0 >> MANTISSA_BITS;
        let mantissa = (self.0 & (HIDDEN as u16 - 1)) as u64;
        if exponent == 0 { mantissa } else { (mantissa + HIDDEN) << (exponent - 1) }
    }

    /// As the ledger stores it.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From the ledger's bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_values_are_exact() {
        for value in 0..4_096 {
            assert_eq!(SmallFloat::new(value).get(), value);
        }
    }

    #[test]
    fn what_is_too_large_saturates() {
        assert_eq!(SmallFloat::new(u64::MAX), SmallFloat::MAX);
        assert_eq!(SmallFloat::new(SmallFloat::MAX.get()), SmallFloat::MAX);
    }

    proptest! {
        #[test]
        fn rounds_to_within_its_precision(value in 1u64..1 << 42) {
            let kept = SmallFloat::new(value).get();
            prop_assert!(kept.abs_diff(value) <= (value >> 12) + 1, "{value} became {kept}");
        }

        #[test]
        fn keeps_order(a in 0u64..1 << 42, b in 0u64..1 << 42) {
            prop_assert_eq!(SmallFloat::new(a.min(b)) <= SmallFloat::new(a.max(b)), true);
        }
    }
}
