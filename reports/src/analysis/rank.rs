//! Ranks inside one group. Rows whose capacities cannot be told apart share one.

use super::rows::Row;
use super::statistics::{differs, holm, larger};

/// A place in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// From 1; rows that share it leave gaps behind them.
    pub place: usize,
    /// Whether another row shares it.
    pub shared: bool,
    /// What tells it from those before it; of the first place nothing does.
    pub apart: Option<Apart>,
}

/// What tells a capacity from those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// Five repeats or more, by a test against the first of those before it.
    Tested,
    /// The same against the last of those only.
    FromTheLast,
    /// In no repeat did it hold a load that those held, or fail at one that they
    /// failed at.
    Brackets,
}

/// Sorts the rows of each class by capacity, `noop` first, and gives those that
/// may be ranked their place. Ties are sorted by P99 at the common load, for
/// reading only. What tests say of one class is corrected for those of all, and
/// every two rows are tested: who stands beside whom is seen before it is
/// tested (`super::pairs`).
pub(super) fn rank<'a>(classes: impl IntoIterator<Item = &'a mut Vec<Row>>) {
    let mut classes: Vec<Ranked<'a>> = classes.into_iter().map(Ranked::of).collect();
    let pairs: Vec<Vec<Pair>> = classes.iter().map(Ranked::pairs).collect();
    let apart = told_apart(&classes, &pairs);
    for (class, apart) in classes.iter_mut().zip(&apart) {
        class.give_places(apart);
    }
}

/// Two places in the order of capacity, the earlier first.
type Pair = (usize, usize);

/// The first of those that cannot be told apart, and what tells it from those
/// before it.
#[derive(Clone, Copy)]
struct Leader {
    place: usize,
    apart: Option<Apart>,
}

/// The rows of a class, and which of them may be ranked, the highest first.
struct Ranked<'a> {
    rows: &'a mut Vec<Row>,
    order: Vec<usize>,
}

impl<'a> Ranked<'a> {
    fn of(rows: &'a mut Vec<Row>) -> Self {
        rows.sort_by(|a, b| {
            b.is_noop()
                .cmp(&a.is_noop())
                .then(a.not_comparable.is_some().cmp(&b.not_comparable.is_some()))
                .then(b.capacity.held().total_cmp(&a.capacity.held()))
                .then(reading_order(a).total_cmp(&reading_order(b)))
        });
        let order = (0..rows.len())
            .filter(|i| rows[*i].is_contender() && rows[*i].capacity.held() > 0.0)
            .collect();
        Self { rows, order }
    }

    fn row(&self, place: usize) -> &Row {
        &self.rows[self.order[place]]
    }

    /// Every two of them.
    fn pairs(&self) -> Vec<Pair> {
        let places = 0..self.order.len();
        places.flat_map(|later| (0..later).map(move |earlier| (earlier, later))).collect()
    }

    /// For each row the first of those that it cannot be told from.
    fn leaders(&self, apart: &[Pair]) -> Vec<Leader> {
        let mut leader = Leader { place: 0, apart: None };
        let of = |place: usize| {
            let is_tested = |pair: Pair| apart.contains(&pair);
            if place > leader.place {
                if is_tested((leader.place, place)) {
                    leader = Leader { place, apart: Some(Apart::Tested) };
                } else if is_tested((place - 1, place)) {
                    leader = Leader { place, apart: Some(Apart::FromTheLast) };
                } else if !overlap(self.row(leader.place), self.row(place)) {
                    leader = Leader { place, apart: Some(Apart::Brackets) };
                }
            }
            leader
        };
        (0..self.order.len()).map(of).collect()
    }

    fn give_places(&mut self, apart: &[Pair]) {
        let leaders = self.leaders(apart);
        for (index, leader) in self.order.iter().zip(&leaders) {
            let shared = leaders.iter().filter(|other| other.place == leader.place).count() > 1;
            let Leader { place, apart } = *leader;
            self.rows[*index].rank = Some(Rank { place: place + 1, shared, apart });
        }
    }
}

/// Those of each class's pairs whose capacities five repeats or more tell apart,
/// by Welch's test on logarithms with Holm's correction over all of them. What
/// is only known to be at least so much may be more than the one before it.
fn told_apart(classes: &[Ranked<'_>], pairs: &[Vec<Pair>]) -> Vec<Vec<Pair>> {
    let test = |class: &Ranked<'_>, (high, low): Pair| {
        let (high, low) = (class.row(high), class.row(low));
        (!low.open_ended).then(|| larger(&high.capacities, &low.capacities)).flatten()
    };
    let p: Vec<Vec<Option<f64>>> = classes
        .iter()
        .zip(pairs)
        .map(|(class, pairs)| pairs.iter().map(|pair| test(class, *pair)).collect())
        .collect();
    let tested: Vec<f64> = p.iter().flatten().filter_map(|p| *p).collect();
    let mut adjusted = holm(&tested).into_iter();
    let mut differs_in = |p: &Option<f64>| p.is_some() && adjusted.next().is_some_and(differs);
    p.iter()
        .zip(pairs)
        .map(|(p, pairs)| {
            p.iter().zip(pairs).filter(|(p, _)| differs_in(p)).map(|(_, pair)| *pair).collect()
        })
        .collect()
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
            open_ended: matches!(capacity, Capacity::AtLeast(_)),
            capacities: capacities.to_vec(),
            capacity,
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
        rank([&mut rows]);
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

    /// By the least of its repeats b stands second, and yet most of them lie above
    /// a's: that is no proof that a holds more.
    #[test]
    fn an_order_is_not_proved_by_a_difference_the_other_way() {
        let capacity = |held: f64| Capacity::Is { held, failed: held * 1.1 };
        let mut a = row("a", capacity(50e3), &[50e3; 5]);
        let mut b = row("b", capacity(45e3), &[80e3, 80e3, 80e3, 80e3, 45e3]);
        (a.bracket, b.bracket) = (Some((50e3, 55e3)), Some((45e3, 88e3)));
        assert_eq!(said(&places(vec![a, b])), "a 1=, b 1=");
    }

    #[test]
    fn a_place_says_what_tells_it_from_those_before() {
        let mut rows = vec![
            row("a", Capacity::AtLeast(100e3), &[100e3]),
            row("b", Capacity::Between { held: 20e3, failed: 50e3 }, &[20e3]),
        ];
        rank([&mut rows]);
        let apart = |row: &Row| row.rank.and_then(|rank| rank.apart);
        assert_eq!((apart(&rows[0]), apart(&rows[1])), (None, Some(Apart::Brackets)));
        for row in &mut rows {
            row.capacities = [0.99, 1.0, 1.01, 1.0, 1.0].map(|x| x * row.capacity.held()).to_vec();
        }
        rank([&mut rows]);
        assert_eq!(apart(&rows[1]), Some(Apart::Tested));
    }

    /// Ten repeats of 100k/s and of 50k/s, beyond which the generator offered
    /// nothing: more of them do not say that b cannot hold more.
    #[test]
    fn repeats_tell_nothing_of_what_may_be_more() {
        let rows = vec![
            row("a", Capacity::AtLeast(100e3), &[100e3; 10]),
            row("b", Capacity::AtLeast(50e3), &[50e3; 10]),
        ];
        assert_eq!(said(&places(rows)), "a 1=, b 1=");
    }

    /// A from B: t = 1.97, B from C: t = 2.1, each with 8 degrees of freedom and
    /// p above 0.05; A from C: t = 4.0, p = 0.004, times three.
    #[test]
    fn who_is_told_from_the_first_shares_no_rank_with_it() {
        let near = |label: &str, held: f64| {
            let capacity = Capacity::Is { held, failed: held * 1.1 };
            let repeats = [0.95, 1.05, 1.0, 0.97, 1.03].map(|x| x * held);
            let mut row = row(label, capacity, &repeats);
            row.bracket = Some((held * 0.95, held * 1.15));
            row
        };
        let rows = vec![near("a", 60e3), near("b", 57e3), near("c", 54e3)];
        assert_eq!(said(&places(rows)), "a 1=, b 1=, c 3");
    }

    /// p = 0.02 is a difference of two rows, and none of three, of which any two
    /// might have been neighbours.
    #[test]
    fn every_two_rows_are_tested_and_not_only_those_that_stand_together() {
        let near = |label: &str, shift: f64| {
            let repeats = [4.0, 5.0, 6.0, 7.0, 8.0_f64].map(|x| (x - shift).exp());
            let mut row = row(label, Capacity::Is { held: repeats[2], failed: 1e9 }, &repeats);
            row.bracket = Some((1.0, 1e9));
            row
        };
        assert_eq!(said(&places(vec![near("a", 0.0), near("c", 3.0)])), "a 1, c 2");
        let three = vec![near("a", 0.0), near("b", 0.0), near("c", 3.0)];
        assert_eq!(said(&places(three)), "a 1=, b 1=, c 1=");
    }

    /// p = 0.02 is a difference of one class, and none of four.
    #[test]
    fn the_tests_of_all_classes_are_corrected_together() {
        let near = |label: &str, shift: f64| {
            let repeats = [4.0, 5.0, 6.0, 7.0, 8.0_f64].map(|x| (x - shift).exp());
            let mut row = row(label, Capacity::Is { held: repeats[2], failed: 1e9 }, &repeats);
            row.bracket = Some((1.0, 1e9));
            row
        };
        let class = || vec![near("a", 0.0), near("b", 3.0)];
        let ranked = |classes: usize| {
            let mut all: Vec<Vec<Row>> = (0..classes).map(|_| class()).collect();
            rank(&mut all);
            all.iter().flatten().map(|row| row.rank.expect("it held").place).collect::<Vec<_>>()
        };
        assert_eq!(ranked(1), [1, 2]);
        assert_eq!(ranked(4), [1; 8]);
    }
}
