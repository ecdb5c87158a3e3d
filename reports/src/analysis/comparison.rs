//! Which differences in P99 the verdict may state.

use super::groups::Group;
use super::statistics::{difference, differs, holm};

/// The comparisons that a group's sentence may state: the lowest P99 at the
/// common load against each other one, Holm-adjusted over all groups.
pub(super) struct Comparison {
    /// Rows with a P99 above what pacing resolves, the lowest first.
    pub(super) order: Vec<usize>,
    /// For each but the first, its adjusted p against the first; `None` below
    /// five repeats.
    pub(super) adjusted: Vec<Option<f64>>,
}

impl Comparison {
    /// Rows that differ from the lowest, or do not.
    pub(super) fn others(&self, different: bool) -> impl Iterator<Item = usize> {
        self.order
            .iter()
            .skip(1)
            .zip(&self.adjusted)
            .filter(move |(_, p)| p.is_some_and(differs) == different)
            .map(|(row, _)| *row)
    }
}

/// The comparisons of each group; `None` where there is nothing to compare.
pub(super) fn compare(groups: &[Group]) -> Vec<Option<Comparison>> {
    let orders: Vec<Vec<usize>> = groups.iter().map(by_p99).collect();
    let p: Vec<Vec<Option<f64>>> = groups
        .iter()
        .zip(&orders)
        .map(|(group, order)| {
            let of = |row: &usize| &group.rows[*row].p99.repeats;
            let first = order.first();
            order.iter().skip(1).map(|row| difference(of(first?), of(row))).collect()
        })
        .collect();
    let tested: Vec<f64> = p.iter().flatten().filter_map(|p| *p).collect();
    let mut adjusted = holm(&tested).into_iter();
    orders
        .into_iter()
        .zip(p)
        .map(|(order, p)| {
            let adjusted = p.into_iter().map(|p| p.and_then(|_| adjusted.next())).collect();
            (order.len() > 1).then_some(Comparison { order, adjusted })
        })
        .collect()
}

/// Rows by P99 at the common load, those alone that are valid there and above
/// what pacing resolves.
fn by_p99(group: &Group) -> Vec<usize> {
    let mut order: Vec<(usize, f64)> = group
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.is_contender() && row.not_valid.is_none() && row.p99.is_exact())
        .filter_map(|(place, row)| Some((place, row.p99.number()?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order.into_iter().map(|(place, _)| place).collect()
}
