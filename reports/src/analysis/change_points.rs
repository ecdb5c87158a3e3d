//! Where a series of figures, one per run, begins to lie elsewhere.

/// Fewest figures on either side of a change.
const FEWEST: usize = 3;

/// Permutations that decide whether a change is one.
const PERMUTATIONS: u32 = 999;

/// How often chance alone may be called a change, at each step.
const LEVEL: f64 = 0.01;

/// Most figures of a series that are looked at, the last ones: each step takes
/// time with their square.
pub const LONGEST: usize = 200;

/// The places at which a series changes, each the first figure of what is new.
///
/// E-divisive with means: Matteson, D. S. and James, N. A. (2014), "A
/// nonparametric approach for multiple change point analysis of multivariate
/// data", Journal of the American Statistical Association 109, 334–345, with
/// α = 1; used so for benchmarks by Daly et al. (2020), "The use of change
/// point detection to identify software performance regressions in a
/// continuous integration system", ICPE '20. A piece of the series is split
/// where the energy distance between its two sides is largest, if fewer than
/// one permutation of it in a hundred has one as large; then the two sides are
/// looked at likewise. The permutations are the same on every machine.
///
/// Fewer than about ten figures can show no change: too few permutations tell
/// them apart. `series` must be finite.
#[must_use]
pub fn change_points(series: &[f64]) -> Vec<usize> {
    let from = series.len().saturating_sub(LONGEST);
    let mut dice = Dice(0x005e_ed0f_7a9e_u64);
    let mut found = Vec::new();
    let mut pieces = vec![(from, series.len())];
    while let Some((start, end)) = pieces.pop() {
        let piece = &series[start..end];
        let Some((at, energy)) = best_split(piece) else { continue };
        if energy > 0.0 && is_significant(piece, energy, &mut dice) {
            found.push(start + at);
            pieces.push((start, start + at));
            pieces.push((start + at, end));
        }
    }
    found.sort_unstable();
    found
}

/// The split with the largest energy statistic, and that.
fn best_split(piece: &[f64]) -> Option<(usize, f64)> {
    let n = piece.len();
    if n < 2 * FEWEST {
        return None;
    }
    // Sums of distances: within the left side, within the right, between.
    let distances = |from: usize, to: usize, of: f64| -> f64 {
        piece[from..to].iter().map(|x| (x - of).abs()).sum()
    };
    let mut within_left = 0.0;
    let mut within_right: f64 = (0..n).map(|i| distances(i + 1, n, piece[i])).sum();
    let mut between = 0.0;
    let mut best: Option<(usize, f64)> = None;
    for at in 1..n {
        // The figure before `at` moves from the right side to the left.
        let moved = piece[at - 1];
        let to_left = distances(0, at - 1, moved);
        let to_right = distances(at, n, moved);
        within_left += to_left;
        within_right -= to_right;
        between += to_right - to_left;
        if at < FEWEST || n - at < FEWEST {
            continue;
        }
        let (l, r) = (at as f64, (n - at) as f64);
        let pairs = |k: f64| k * (k - 1.0) / 2.0;
        let energy = l * r / (l + r)
            * (2.0 * between / (l * r) - within_left / pairs(l) - within_right / pairs(r));
        if best.is_none_or(|(_, most)| energy > most) {
            best = Some((at, energy));
        }
    }
    best
}

/// Whether fewer than one permutation in a hundred splits as well. Ends early
/// once that is out of the question (Besag and Clifford 1991, Biometrika 78,
/// 301–304).
fn is_significant(piece: &[f64], energy: f64, dice: &mut Dice) -> bool {
    let most = (LEVEL * f64::from(PERMUTATIONS + 1)) as u32;
    let mut as_large = 1;
    let mut shuffled = piece.to_vec();
    for _ in 0..PERMUTATIONS {
        dice.shuffle(&mut shuffled);
        // Rounding must not make the same split a smaller one.
        if best_split(&shuffled).is_some_and(|(_, other)| other >= energy * (1.0 - 1e-9)) {
            as_large += 1;
        }
        if as_large > most {
            return false;
        }
    }
    true
}

/// SplitMix64: the same answer for the same file.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Fisher and Yates.
    fn shuffle(&mut self, numbers: &mut [f64]) {
        for last in (1..numbers.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            numbers.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many figures around each level, with that noise.
    fn series(levels: &[(usize, f64)], noise: f64, seed: u64) -> Vec<f64> {
        let mut dice = Dice(seed);
        let mut unit = || (dice.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut normal = move || (0..12).map(|_| unit()).sum::<f64>() - 6.0;
        let each = levels.iter().flat_map(|(count, level)| std::iter::repeat_n(*level, *count));
        each.map(|level| level * (1.0 + noise * normal())).collect()
    }

    /// By hand: 0, 0, 0 against 1, 1, 1: between 9 pairs of distance 1, within
    /// none, so 9/6 · 2 = 3.
    #[test]
    fn energy_by_hand() {
        let (at, energy) = best_split(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).expect("long enough");
        assert_eq!(at, 3);
        assert!((energy - 3.0).abs() < 1e-12, "{energy}");
        assert_eq!(best_split(&[0.0; 5]), None);
    }

    /// The statistic's own definition, without running sums.
    #[test]
    fn running_sums_are_the_sums() {
        let piece = series(&[(6, 1.0), (5, 1.3)], 0.1, 3);
        let mean = |a: &[f64], b: &[f64], pairs: f64| {
            a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum::<f64>() / pairs
        };
        let energy = |at: usize| {
            let (l, r) = piece.split_at(at);
            let (n, m) = (l.len() as f64, r.len() as f64);
            // Each pair within a side stands twice in the product.
            let within = |s: &[f64], k: f64| mean(s, s, k * (k - 1.0));
            n * m / (n + m) * (2.0 * mean(l, r, n * m) - within(l, n) - within(r, m))
        };
        let (at, most) = best_split(&piece).expect("long enough");
        let best = (FEWEST..=piece.len() - FEWEST).map(energy).fold(f64::NEG_INFINITY, f64::max);
        assert!((most - best).abs() < 1e-12 && (energy(at) - best).abs() < 1e-12);
    }

    #[test]
    fn changes_are_found_where_they_are() {
        let near = |found: &[usize], places: &[usize]| {
            found.len() == places.len()
                && found.iter().zip(places).all(|(a, b)| a.abs_diff(*b) <= 1)
        };
        let found = (0..50).filter(|seed| {
            near(&change_points(&series(&[(20, 1.0), (20, 1.1)], 0.02, *seed)), &[20])
        });
        assert!(found.count() >= 45);
        let found = (0..50).filter(|seed| {
            let levels = [(15, 1.0), (15, 1.1), (15, 0.95)];
            near(&change_points(&series(&levels, 0.02, *seed)), &[15, 30])
        });
        assert!(found.count() >= 45);
    }

    /// 1 % at the first step.
    #[test]
    fn noise_changes_rarely() {
        let alarms = (0..300)
            .filter(|seed| !change_points(&series(&[(30, 1.0)], 0.05, 1_000 + *seed)).is_empty());
        assert!(alarms.count() <= 9, "3 expected of 300, more than 9 in one of a thousand");
    }

    #[test]
    fn short_and_constant_series_have_no_change() {
        assert!(change_points(&[]).is_empty());
        assert!(change_points(&[1.0; 40]).is_empty());
        assert!(change_points(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]).is_empty());
        assert_eq!(change_points(&[[1.0; 6], [2.0; 6]].concat()), [6]);
    }

    #[test]
    fn a_long_series_is_looked_at_from_its_end() {
        let found = change_points(&series(&[(60, 1.0), (200, 2.0), (100, 3.0)], 0.01, 9));
        assert_eq!(found, [260]);
    }
}
