//! Whether trials before and after lie in another order than chance deals
//! them, where some of them are no numbers.

use statrs::stats_tests::Alternative;
use statrs::stats_tests::mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu};

use crate::outcome::Reading;

/// Trials of both sides together up to which every deal is counted; of more,
/// the normal law is right to the digits that are shown.
const COUNTED: usize = 100;

/// The rank test of two sides.
///
/// Mann, H. B. and Whitney, D. R. (1947), "On a test of whether one of two
/// random variables is stochastically larger than the other", Annals of
/// Mathematical Statistics 18, 50–60; with ties, the exact distribution of the
/// sum of mid-ranks given the ties (Lehmann, E. L. (1975), "Nonparametrics",
/// §1.4), counted by the shift algorithm of Streitberg, B. and Röhmel, J.
/// (1986), Statistical Software Newsletter 12, 10–17. `statrs` has the test,
/// the exact one without ties only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankTest {
    /// Two-sided p: how often chance deals ranks at least so far apart.
    pub p: f64,
    /// The smallest p that these trials could have given in any order: 2/252
    /// of five against five without ties, more with them.
    pub least: f64,
    /// Mean rank after less mean rank before.
    pub shift: f64,
    /// Trials at or beyond what all were watched for.
    pub beyond: usize,
    /// Whether all trials of both sides are alike.
    pub alike: bool,
}

impl RankTest {
    /// Of trials that all have a place in an order; `None` where one has none,
    /// or a side has no trial.
    ///
    /// "No impact" lies below every number. Of "> x" no more is known than that
    /// it is at least x: so all are compared as if they had been watched for
    /// the shortest of such times, and what reaches it is alike. That is exact,
    /// since it is known of every trial whether it does.
    #[must_use]
    pub fn of(before: &[Reading], after: &[Reading]) -> Option<Self> {
        let bounds = before.iter().chain(after).filter_map(|reading| match reading {
            Reading::MoreThan(bound) => Some(*bound),
            _ => None,
        });
        let watched = bounds.fold(f64::INFINITY, f64::min);
        let placed = |side: &[Reading]| -> Option<Vec<f64>> {
            side.iter().map(|reading| place(reading, watched)).collect()
        };
        let (before, after) = (placed(before)?, placed(after)?);
        if before.is_empty() || after.is_empty() {
            return None;
        }
        let all = || before.iter().chain(&after);
        let ranks = doubled_ranks(&all().copied().collect::<Vec<_>>());
        let (first, second) = ranks.split_at(before.len());
        let mean = |ranks: &[usize]| ranks.iter().sum::<usize>() as f64 / 2.0 / ranks.len() as f64;
        let (p, least) = if ranks.len() <= COUNTED {
            exactly(&ranks, first.iter().sum(), first.len())
        } else {
            (nearly(&before, &after), 0.0)
        };
        let beyond = all().filter(|place| **place >= watched).count();
        let alike = all().all(|place| place == &before[0]);
        Some(Self { p, least, shift: mean(second) - mean(first), beyond, alike })
    }
}

/// Where a trial stands in the order.
fn place(reading: &Reading, watched: f64) -> Option<f64> {
    match reading {
        Reading::NoImpact => Some(f64::NEG_INFINITY),
        Reading::Is(value) | Reading::MoreThan(value) if value.is_finite() => {
            Some(value.min(watched))
        }
        _ => None,
    }
}

/// Twice the rank of each, which is whole where several share a middle one.
fn doubled_ranks(places: &[f64]) -> Vec<usize> {
    let rank = |place: &f64| {
        let below = places.iter().filter(|other| *other < place).count();
        let alike = places.iter().filter(|other| *other == place).count();
        2 * below + alike + 1
    };
    places.iter().map(rank).collect()
}

/// p of a sum of `size` of these ranks, and the smallest that any such sum has.
fn exactly(ranks: &[usize], seen: usize, size: usize) -> (f64, f64) {
    let ways = ways(ranks, size);
    let all: f64 = ways.iter().sum();
    let total: usize = ranks.iter().sum();
    // Distance from the sum that chance gives in the mean, in whole numbers.
    let apart = |sum: usize| (sum * ranks.len()).abs_diff(total * size);
    let possible = || ways.iter().enumerate().filter(|(_, ways)| **ways > 0.0);
    let at_least = |far: usize| {
        possible().filter(|(sum, _)| apart(*sum) >= far).map(|(_, ways)| ways).sum::<f64>() / all
    };
    let farthest = possible().map(|(sum, _)| apart(sum)).max().unwrap_or(0);
    (at_least(apart(seen)).min(1.0), at_least(farthest).min(1.0))
}

/// In how many ways `size` of the ranks have each sum.
fn ways(ranks: &[usize], size: usize) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; total + 1]; size + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        for taken in (1..=size).rev() {
            let (fewer, more) = ways.split_at_mut(taken);
            let (from, to) = (&fewer[taken - 1], &mut more[0]);
            for (sum, more) in to.iter_mut().skip(*rank).zip(from) {
                *sum += more;
            }
        }
    }
    ways.swap_remove(size)
}

/// p by the normal law, corrected for ties and for whole sums.
fn nearly(before: &[f64], after: &[f64]) -> f64 {
    let method = MannWhitneyUMethod::AsymptoticInclContinuityCorrection;
    let told = mannwhitneyu(before, after, method, Alternative::TwoSided);
    told.map(|(_, p)| p).ok().filter(|p| p.is_finite()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::Reading::{Is, MoreThan, NoImpact};
    use super::*;
    use proptest::prelude::*;

    fn is(numbers: &[f64]) -> Vec<Reading> {
        numbers.iter().map(|x| Is(*x)).collect()
    }

    fn near(got: f64, want: f64, digits: i32) {
        assert!((got - want).abs() <= 0.5 * 10f64.powi(-digits), "{got}, not {want}");
    }

    /// Table I of Mann and Whitney (1947), n = m = 5: P(U ≤ u), here doubled.
    #[test]
    fn five_against_five_as_in_the_table() {
        let before = is(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        for (after, one_sided) in [
            ([6.0, 7.0, 8.0, 9.0, 10.0], 0.004),
            ([4.5, 7.0, 8.0, 9.0, 10.0], 0.008),
            ([3.5, 7.0, 8.0, 9.0, 10.0], 0.016),
            ([3.5, 4.5, 8.0, 9.0, 10.0], 0.028),
            ([3.5, 3.6, 8.0, 9.0, 10.0], 0.048),
            ([3.5, 3.6, 4.5, 9.0, 10.0], 0.075),
        ] {
            let test = RankTest::of(&before, &is(&after)).expect("numbers");
            near(test.p / 2.0, one_sided, 3);
            near(test.least, 2.0 / 252.0, 12);
            assert!(test.shift > 0.0);
        }
    }

    /// Permeability of chorioamnion (Hollander and Wolfe 1973, p. 69), of which
    /// R's manual prints for `wilcox.test(x, y, alternative = "g")`: W = 35,
    /// p-value = 0.1272.
    #[test]
    fn permeability_as_r_prints_it() {
        let x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let y = [1.15, 0.88, 0.90, 0.74, 1.21];
        let test = RankTest::of(&is(&x), &is(&y)).expect("numbers");
        near(test.p, 2.0 * 0.1272, 4);
        assert!(test.shift < 0.0, "y is the smaller one");
    }

    #[test]
    fn no_impact_is_below_and_cut_off_is_above() {
        let before = [NoImpact, NoImpact, Is(1.0), Is(2.0), Is(2.0)];
        let after = [Is(9.0), MoreThan(20.0), MoreThan(25.0), MoreThan(20.0), Is(30.0)];
        let apart = RankTest::of(&before, &after).expect("all have a place");
        near(apart.p, 2.0 / 252.0, 12);
        // At 20 s and beyond nothing is known of their order.
        assert_eq!((apart.beyond, apart.p), (4, apart.least));
        let back = RankTest::of(&after, &before).expect("all have a place");
        assert_eq!((back.p, back.shift), (apart.p, -apart.shift));
    }

    #[test]
    fn what_is_alike_is_in_no_order() {
        let never = vec![MoreThan(20.0); 5];
        let test = RankTest::of(&never, &never).expect("all have a place");
        assert_eq!((test.p, test.least, test.beyond, test.alike), (1.0, 1.0, 10, true));
        // Two of five were back before: 2 × C(8, 3) of 252 deals are so uneven.
        let some = [Is(3.0), Is(4.0), MoreThan(20.0), MoreThan(20.0), MoreThan(20.0)];
        let test = RankTest::of(&some, &never).expect("all have a place");
        near(test.p, 112.0 / 252.0, 12);
        assert_eq!((test.least, test.alike), (test.p, false));
    }

    #[test]
    fn without_a_place_there_is_no_test() {
        let good = is(&[1.0, 2.0]);
        for odd in [
            Reading::NotSteady("noise".into()),
            Reading::not_measured("cut short"),
            Is(f64::NAN),
            MoreThan(f64::INFINITY),
        ] {
            assert_eq!(RankTest::of(&good, &[Is(1.0), odd]), None);
        }
        assert_eq!(RankTest::of(&good, &[]), None);
    }

    /// Where every deal can still be counted, the normal law says nearly the same.
    #[test]
    fn many_trials_go_by_the_normal_law() {
        let side = |shift: f64| (0..40).map(|x| f64::from(x % 20) + shift).collect::<Vec<_>>();
        for shift in [0.0, 1.5, 3.0, 6.0] {
            let (one, other) = (side(0.0), side(shift));
            let exact = RankTest::of(&is(&one), &is(&other)).expect("numbers");
            near(nearly(&one, &other), exact.p, 2);
        }
        let long: Vec<f64> = (0..60).map(f64::from).collect();
        let longer: Vec<f64> = long.iter().map(|x| x + 100.0).collect();
        assert!(RankTest::of(&is(&long), &is(&longer)).expect("numbers").p < 1e-9);
    }

    proptest! {
        /// Against every deal, one by one.
        #[test]
        fn it_counts_what_one_would_count_by_hand(
            numbers in prop::collection::vec(0_u8..5, 4..9),
            size in 1_usize..4,
        ) {
            let places: Vec<f64> = numbers.iter().map(|x| f64::from(*x)).collect();
            let ranks = doubled_ranks(&places);
            let total: usize = ranks.iter().sum();
            let far = |sum: usize| (sum * ranks.len()).abs_diff(total * size);
            let seen: usize = ranks[..size].iter().sum();
            let (mut all, mut as_far) = (0_u32, 0_u32);
            for deal in 0_u32..1 << ranks.len() {
                if deal.count_ones() as usize != size {
                    continue;
                }
                let dealt = |place: &usize| deal & (1 << place) != 0;
                let sum: usize = (0..ranks.len()).filter(dealt).map(|place| ranks[place]).sum();
                all += 1;
                as_far += u32::from(far(sum) >= far(seen));
            }
            let (one, other) = places.split_at(size);
            let test = RankTest::of(&is(one), &is(other)).expect("numbers");
            prop_assert!((test.p - f64::from(as_far) / f64::from(all)).abs() < 1e-12);
            prop_assert!(test.least <= test.p);
        }
    }
}
