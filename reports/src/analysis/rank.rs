//! Ranks inside one group. Rows whose capacities cannot be told apart share one.

use super::rows::Row;
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
            .then(a.not_comparable.is_some().cmp(&b.not_comparable.is_some()))
            .then(b.capacity.held().total_cmp(&a.capacity.held()))
            .then(reading_order(a).total_cmp(&reading_order(b)))
    });
    let ranked: Vec<usize> = (0..rows.len())
        .filter(|i| rows[*i].is_contender() && rows[*i].capacity.held() > 0.0)
        .collect();
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

#[cfg(test)]
mod tests {
    use super::super::{Capacity, Figure};
    use super::*;

    fn row(label: &str, capacity: Capacity, capacities: &[f64]) -> Row {
        Row {
            system: label.to_owned(),
            profile: String::new(),
            label: label.to_owned(),
            index: None,
            version: String::new(),
            runtime: String::new(),
            points: Vec::new(),
            not_comparable: None,
            bracket: capacity.bracket(),
            capacity,
            capacities: capacities.to_vec(),
            rank: None,
            not_valid: None,
            p99: Figure::missing(""),
            failed_10k: Figure::missing(""),
            failed_100k: Figure::missing(""),
            cpu: Figure::missing(""),
            pss: Figure::missing(""),
        }
    }

    fn places(mut rows: Vec<Row>) -> Vec<(String, Option<(usize, bool)>)> {
        rank(&mut rows);
        rows.into_iter().map(|r| (r.label, r.rank.map(|rank| (rank.place, rank.shared)))).collect()
    }

    fn said(rows: &[(String, Option<(usize, bool)>)]) -> String {
        let each = rows.iter().map(|(label, rank)| match rank {
            Some((place, shared)) => format!("{label} {place}{}", if *shared { "=" } else { "" }),
            None => format!("{label} -"),
        });
        each.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn noop_is_first_and_never_ranked_and_ties_share() {
        let rows = vec![
            row("c", Capacity::Between { held: 20e3, failed: 50e3 }, &[20e3]),
            row("dead", Capacity::NotHeld(1e3), &[]),
            row("a", Capacity::AtLeast(100e3), &[100e3]),
            row("b", Capacity::AtLeast(50e3), &[50e3]),
            row("noop", Capacity::AtLeast(100e3), &[100e3]),
            row("d", Capacity::Between { held: 20e3, failed: 50e3 }, &[20e3]),
        ];
        // b was not tried beyond 50k/s, so nothing tells it from a.
        assert_eq!(said(&places(rows)), "noop -, a 1=, b 1=, c 3=, d 3=, dead -");
    }

    #[test]
    fn what_is_not_comparable_stands_last_and_has_no_place() {
        let mut timers = row("timers", Capacity::AtLeast(100e3), &[100e3]);
        timers.not_comparable = Some("immediate tasks skip its timers".to_owned());
        let between = Capacity::Between { held: 20e3, failed: 50e3 };
        assert_eq!(said(&places(vec![timers, row("a", between, &[20e3])])), "a 1, timers -");
    }

    /// A search: brackets overlap, but five repeats tell a from b, and do not
    /// tell b from c.
    #[test]
    fn five_repeats_tell_apart_what_brackets_do_not() {
        let near = |held: f64| [0.99, 1.0, 1.01, 1.0, 1.0].map(|x| x * held);
        let wide = |held: f64| {
            let mut row = row("", Capacity::Is { held, failed: held * 1.1 }, &near(held));
            row.bracket = Some((held * 0.9, held * 1.2));
            row
        };
        let named = |label: &str, held: f64| Row { label: label.to_owned(), ..wide(held) };
        let rows = vec![named("a", 60e3), named("b", 52e3), named("c", 51.9e3)];
        assert_eq!(said(&places(rows)), "a 1, b 2=, c 2=");
        let mut rows = vec![named("a", 60e3), named("b", 58e3)];
        // Below five repeats the brackets alone speak.
        rows.iter_mut().for_each(|row| row.capacities.truncate(4));
        assert_eq!(said(&places(rows)), "a 1=, b 1=");
    }
}
