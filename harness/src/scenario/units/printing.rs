use std::fmt;

use super::reading::TIMES;
use super::{Bytes, Count, Fraction, Nanos, Rate, RateOrShare};

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = TIMES.iter().rev().find(|(_, factor)| self.0 >= *factor && self.0 != 0);
        match unit {
            None => f.write_str("0 s"),
            // A time that is no short decimal of its unit reads better in the
            // next smaller one: 90 s, not 1.5 m.
            Some((_, factor)) if *factor > 1_000_000_000 && !self.0.is_multiple_of(*factor) => {
                write!(f, "{} s", self.0 as f64 / 1e9)
            }
            Some((names, factor)) => {
                let name = if names[0] == "m" { "min" } else { names[0] };
                write!(f, "{} {name}", self.0 as f64 / *factor as f64)
            }
        }
    }
}

/// A number with `k` or `M` where that loses nothing.
fn short(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    for (factor, suffix) in [(1e6, "M"), (1e3, "k")] {
        let tenths = number / factor * 10.0;
        if number >= factor && tenths.fract() == 0.0 {
            return write!(f, "{}{suffix}", number / factor);
        }
    }
    write!(f, "{number}")
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        short(f, self.0)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        short(f, self.0 as f64)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1u64 << 20, "MiB"), (1 << 10, "KiB"), (1_000_000, "MB"), (1_000, "kB")];
        for (factor, unit) in units {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(f, "{} {unit}", self.0 / factor);
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded, so that 7 % does not read as 7.000000000000001 %.
        write!(f, "{} %", (self.0 * 1e8).round() / 1e6)
    }
}

impl fmt::Display for RateOrShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => rate.fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}
