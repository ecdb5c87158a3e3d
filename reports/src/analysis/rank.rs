//! Ranks inside one group. Rows whose capacities cannot be told apart share one.

use super::groups::Row;
use super::statistics::{difference, differs, holm};

/// A place in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// From 1; rows that share it leave gaps behind them.
    pub place: usize,
    /// Whether another row shares it.
    pub shared: bool,
}

/// Sorts rows by capacity, `noop` first, and gives those that may be ranked
/// their place. Ties are sorted by P99 at the common load, for reading only.
pub(super) fn rank(rows: &mut [Row]) {
    rows.sort_by(|a, b| {
        b.is_noop()
            .cmp(&a.is_noop())
            .then(b.capacity.held().total_cmp(&a.capacity.held()))
            .then(reading_order(a).total_cmp(&reading_order(b)))
    });
    let ranked: Vec<usize> =
        (0..rows.len()).filter(|i| !rows[*i].is_noop() && rows[*i].capacity.held() > 0.0).collect();
    let told_apart = neighbours_told_apart(rows, &ranked);
    let mut leader = 0;
    let mut places = Vec::new();
    for place in 0..ranked.len() {
        // A row ties with the first of its rank, not with its neighbour, so
        // that ties do not chain from the best to the worst.
        if place > leader
            && (told_apart[place - 1] || !overlap(&rows[ranked[leader]], &rows[ranked[place]]))
        {
            leader = place;
        }
        places.push(leader + 1);
    }
    for (place, index) in ranked.iter().enumerate() {
        let shared = places.iter().filter(|other| **other == places[place]).count() > 1;
        rows[*index].rank = Some(Rank { place: places[place], shared });
    }
}

/// For each neighbouring pair whether five repeats or more tell their
/// capacities apart, by Welch's test on logarithms with Holm's correction.
fn neighbours_told_apart(rows: &[Row], ranked: &[usize]) -> Vec<bool> {
    let p: Vec<Option<f64>> = ranked
        .windows(2)
        .map(|pair| difference(&rows[pair[0]].capacities, &rows[pair[1]].capacities))
        .collect();
    let tested: Vec<f64> = p.iter().filter_map(|p| *p).collect();
    let mut adjusted = holm(&tested).into_iter();
    p.iter().map(|p| p.is_some() && adjusted.next().is_some_and(differs)).collect()
}

/// Whether the brackets in which two capacities lie, over all repeats, touch.
fn overlap(one: &Row, other: &Row) -> bool {
    let (Some(a), Some(b)) = (one.bracket, other.bracket) else { return true };
    a.0 < b.1 && b.0 < a.1
}

fn reading_order(row: &Row) -> f64 {
    row.p99.number().unwrap_or(f64::INFINITY)
}
