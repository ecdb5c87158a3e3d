//! Whether a cell's result hangs on the cell before it, in its block.
//!
//! Between two cells of a block the queue is new and the broker quiet, and the
//! order is shuffled by the seed, so nothing of the load before should show.
//! Over all repeats this looks whether it does: the rank correlation (Spearman
//! 1904, American Journal of Psychology 15, 72–101) between the load before and
//! how far a cell's P50 start latency lies from the mean of its own load. Its p
//! is by the t approximation (Kendall and Stuart, "The Advanced Theory of
//! Statistics" 2, §31.19).

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::outcome::{Cell, CellKey, Load, Outcome};

/// With fewer pairs no rank correlation below 0.7 could be told from chance.
const ENOUGH_PAIRS: usize = 8;

/// The effect of the preceding cell on the cells of one system.
#[derive(Clone, Debug, PartialEq)]
pub struct Preceding {
    /// `system/profile`.
    pub target: String,
    /// Pairs of neighbours that were looked at.
    pub pairs: usize,
    /// Spearman's ρ; positive when a heavier load before goes with more latency.
    pub correlation: f64,
    /// Two-sided p of it under no effect, by the t approximation.
    pub p: f64,
}

/// One per system with enough repeats; none means that nothing can be said.
#[must_use]
pub(super) fn effects(outcome: &Outcome) -> Vec<Preceding> {
    let mut by_target: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
    for cell in &outcome.cells {
        let target = format!("{}/{}", cell.key.system, cell.key.profile);
        by_target.entry(target).or_default().push(cell);
    }
    by_target.into_iter().filter_map(|(target, cells)| effect(target, &cells)).collect()
}

fn effect(target: String, cells: &[&Cell]) -> Option<Preceding> {
    let mut of_load: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for cell in cells {
        of_load.entry(place(cell)).or_default().extend(latency(cell));
    }
    let (mut before, mut residual) = (Vec::new(), Vec::new());
    for pair in cells.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        // A cell that ran again stands outside its block's order.
        let neighbours = first.block == second.block
            && first.reruns == 0
            && second.reruns == 0
            && is_alike(first.key.load, second.key.load);
        let same_load = of_load.get(&place(second)).filter(|all| all.len() > 1);
        if let (true, Some(own), Some(all)) = (neighbours, latency(second), same_load) {
            before.push(first.key.load.amount());
            residual.push(own - all.iter().sum::<f64>() / all.len() as f64);
        }
    }
    let pairs = before.len();
    if pairs < ENOUGH_PAIRS {
        return None;
    }
    let (correlation, p) = spearman(&before, &residual)?;
    Some(Preceding { target, pairs, correlation, p })
}

/// All of a cell's key but its repeat: cells of one place are repeats of each
/// other. What a broker does at 10k/s when it is killed is no repeat of what it
/// does at 10k/s.
fn place(cell: &Cell) -> String {
    let CellKey { system: _, profile: _, load, variant, fault, trial, repeat: _ } = &cell.key;
    format!("{load:?} {variant:?} {fault:?} {trial:?}")
}

/// Whether one may be called heavier than the other: a backlog of 10,000 tasks
/// is not as heavy as 10,000 tasks a second.
fn is_alike(one: Load, other: Load) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

/// Spearman's ρ of two lists of one length, and its two-sided p under no
/// effect; none where one of them does not vary, or there are fewer than three.
fn spearman(one: &[f64], other: &[f64]) -> Option<(f64, f64)> {
    let correlation = pearson(&ranks(one), &ranks(other))?;
    let freedom = one.len() as f64 - 2.0;
    let t = correlation * (freedom / (1.0 - correlation * correlation).max(1e-12)).sqrt();
    let law = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some((correlation, (2.0 * law.sf(t.abs())).clamp(0.0, 1.0)))
}

fn latency(cell: &Cell) -> Option<f64> {
    let seconds = cell.metrics.get("start_latency.p50")?.number()?;
    (cell.validity.is_valid() && seconds > 0.0 && seconds.is_finite()).then(|| seconds.ln())
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: f64| {
        let below = values.iter().filter(|other| other.total_cmp(&value).is_lt()).count();
        let equal = values.iter().filter(|other| other.total_cmp(&value).is_eq()).count();
        below as f64 + (equal as f64 + 1.0) / 2.0
    };
    values.iter().map(|&value| rank(value)).collect()
}

fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    let n = one.len() as f64;
    let (mean1, mean2) = (one.iter().sum::<f64>() / n, other.iter().sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        one.iter().zip(other).map(|(a, b)| f(a - mean1, b - mean2)).sum()
    };
    let scale = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    (scale > 0.0).then(|| sum(&|a, b| a * b) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn correlations_that_are_known() {
        let up = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(pearson(&ranks(&up), &ranks(&[10.0, 20.0, 25.0, 90.0])), Some(1.0));
        assert_eq!(pearson(&ranks(&up), &ranks(&[9.0, 5.0, 2.0, 1.0])), Some(-1.0));
        assert_eq!(pearson(&up, &[1.0, 1.0, 1.0, 1.0]), None);
        // Worked by hand: d = 1, 1, 1, 1 of n = 4: ρ = 1 − 6·4/(4·15) = 0.6.
        let swapped = pearson(&ranks(&up), &ranks(&[2.0, 1.0, 4.0, 3.0])).expect("it varies");
        assert!((swapped - 0.6).abs() < 1e-12, "{swapped}");
    }

    /// Siegel, "Nonparametric Statistics for the Behavioral Sciences" (1956),
    /// chapter 9: scores of twelve students for authoritarianism and for social
    /// status striving, Σd² = 52, so that ρ = 1 − 6·52/(12·143) = 9/11 (0.82
    /// there). Then t = 9/11 · √(10/(1 − 81/121)) = 4.5, and the two-sided p at
    /// 10 degrees of freedom by the finite sum of Abramowitz and Stegun 26.7.4.
    #[test]
    fn a_textbooks_correlation_and_its_p() {
        let authoritarianism =
            [82.0, 98.0, 87.0, 40.0, 116.0, 113.0, 111.0, 83.0, 85.0, 126.0, 106.0, 117.0];
        let striving = [42.0, 46.0, 39.0, 37.0, 65.0, 88.0, 86.0, 56.0, 62.0, 92.0, 54.0, 81.0];
        let (correlation, p) = spearman(&authoritarianism, &striving).expect("both vary");
        assert!((correlation - 9.0 / 11.0).abs() < 1e-12, "{correlation}");
        let cos2 = 40.0_f64 / 121.0;
        let series = 1.0
            + 0.5 * cos2
            + 0.375 * cos2.powi(2)
            + 0.3125 * cos2.powi(3)
            + 0.273_437_5 * cos2.powi(4);
        let expected = 1.0 - 9.0 / 11.0 * series;
        assert!((p - expected).abs() < 1e-9, "{p} is not {expected}");
        assert!((p - 0.001_143).abs() < 1e-6, "{p}");
    }

    /// The example in SciPy's documentation of `spearmanr`, which has a tie.
    #[test]
    fn what_scipy_documents() {
        let one = [1.0, 2.0, 3.0, 4.0, 5.0];
        let (correlation, p) = spearman(&one, &[5.0, 6.0, 7.0, 8.0, 7.0]).expect("both vary");
        assert!((correlation - 0.820_782_681_668_123_3).abs() < 1e-12, "{correlation}");
        assert!((p - 0.088_587_005_313_543_81).abs() < 1e-9, "{p}");
        assert_eq!(spearman(&one, &[1.0; 5]), None);
        assert_eq!(spearman(&one[..2], &[1.0, 2.0]), None, "no degree of freedom is left");
    }
}
