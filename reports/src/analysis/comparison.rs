//! Which differences in P99 the verdict may state.

use super::groups::Group;
use super::pairs::{Pairs, pairs};
use super::rows::Row;

/// The rows of a group that a sentence may compare by their P99 at the common
/// load, each two tested with all of all groups.
pub(super) struct Comparison {
    /// Rows with a P99 above what pacing resolves, the lowest first.
    pub(super) order: Vec<usize>,
    /// What the tests say of their places in that order.
    pub(super) pairs: Pairs,
}

impl Comparison {
    /// Rows that differ from the lowest, or do not.
    pub(super) fn others(&self, different: bool) -> impl Iterator<Item = usize> {
        (1..self.order.len())
            .filter(move |place| self.pairs.apart(0, *place).unwrap_or(false) == different)
            .map(|place| self.order[place])
    }
}

/// The comparisons of each group; `None` where there is nothing to compare.
pub(super) fn compare(groups: &[Group]) -> Vec<Option<Comparison>> {
    let orders: Vec<Vec<usize>> = groups.iter().map(by_p99).collect();
    let samples: Vec<Vec<&[f64]>> = groups
        .iter()
        .zip(&orders)
        .map(|(group, order)| order.iter().map(|row| sample(group, &group.rows[*row])).collect())
        .collect();
    let pairs = pairs(&samples);
    let told = orders.into_iter().zip(pairs);
    told.map(|(order, pairs)| (order.len() > 1).then_some(Comparison { order, pairs })).collect()
}

/// What each repeat says; nothing where one of them has no P99 of its own, for
/// those that have may have it because they were slower.
fn sample<'g>(group: &Group, row: &'g Row) -> &'g [f64] {
    let repeats = group.common_load.and_then(|at| row.at(at)).map(|point| point.n());
    if repeats == Some(row.p99.repeats.len()) { &row.p99.repeats } else { &[] }
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
