//! What a seed decides, the same in every language that runs a worker.
//!
//! All of it is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast
//! splittable pseudorandom number generators", OOPSLA 2014; the constants are
//! Stafford's variant 13) over a seed and a place, so that any value can be
//! made again without keeping a generator's state.

use crate::TaskId;

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser: a bijection of 64 bits whose output looks random.
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let mut z = value;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The value of `seed` at `place`: the `place`-th output of SplitMix64.
#[must_use]
pub const fn at(seed: u64, place: u64) -> u64 {
    mix(seed.wrapping_add(place.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA)))
}

/// A seed for one purpose, so that arrivals, delays and keys do not share one.
#[must_use]
pub const fn purpose(seed: u64, purpose: u64) -> u64 {
    mix(seed ^ mix(purpose.wrapping_mul(GOLDEN_GAMMA)))
}

/// Uniform in the open interval (0, 1): never 0, so that its logarithm exists.
#[must_use]
pub fn unit(value: u64) -> f64 {
    ((value >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// Whether attempt number `attempt` (0 is the first) of a task is planned to
/// fail, at `fail_ppm` failures per million attempts.
///
/// Workers in every language must agree; `adapters/contract/vectors` holds the
/// test vectors.
#[must_use]
pub const fn attempt_fails(seed: u64, id: TaskId, attempt: u32, fail_ppm: u32) -> bool {
    let value = mix(mix(seed ^ id.bits()).wrapping_add(attempt as u64));
    value % 1_000_000 < fail_ppm as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 with seed 1234567, as published with
    /// the reference implementation.
    #[test]
    fn is_the_reference_generator() {
        let expected =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        let made: Vec<u64> = (0..3).map(|place| at(1_234_567, place)).collect();
        assert_eq!(made, expected);
    }

    #[test]
    fn unit_never_reaches_its_ends() {
        assert!(unit(0) > 0.0);
        assert!(unit(u64::MAX) < 1.0);
    }

    #[test]
    fn failures_have_the_asked_frequency() {
        let failures =
            (0..100_000).filter(|&n| attempt_fails(7, TaskId::new(3, n), 0, 10_000)).count();
        // Binomial: mean 1,000, standard deviation 31.5.
        assert!((850..1_150).contains(&failures), "{failures} of 100,000 at 1 %");
        assert!(!attempt_fails(7, TaskId::new(3, 1), 0, 0));
        assert!(attempt_fails(7, TaskId::new(3, 1), 0, 1_000_000));
    }
}
