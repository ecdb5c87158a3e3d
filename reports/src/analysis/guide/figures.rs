//! Questions that figures answer: the highest rate, the exactness of delays,
//! the cost of a task.

use super::{Able, Choice, Other, Question, not_tested};
use crate::analysis::capacity::Capacity;
use crate::analysis::groups::{Group, Mode};
use crate::analysis::pairs::{Pairs, pairs};
use crate::analysis::points::Figure;
use crate::analysis::rank::Apart;
use crate::analysis::rows::Row;
use crate::analysis::statistics::ENOUGH;
use crate::metrics::Unit;
use crate::numbers::{Medium, load, seconds, short};
use crate::outcome::{Load, Outcome, Value};

const MEDIUM: Medium = Medium::Page;

/// A class by its title, with its systems in the order of a figure.
type Ordered<'a> = (String, Vec<(&'a Row, &'a Figure)>);

/// A delay is exact to the millisecond when its P99 is no later.
const EXACT_S: f64 = 1e-3;

/// The highest rate, by capacity.
pub(super) fn peak(groups: &[Group]) -> Option<Question> {
    let mut ordered: Vec<(String, Vec<&Row>)> = Vec::new();
    let mut others = Vec::new();
    let open = groups.iter().filter(|group| group.mode == Mode::Open && group.variant.is_none());
    for group in open {
        let mut able: Vec<&Row> = Vec::new();
        for row in group.rows.iter().filter(|row| !row.is_noop()) {
            if row.rank.is_some() {
                able.push(row);
            } else {
                let held = row.capacity.text();
                let why = row.not_comparable.clone().unwrap_or(held);
                others.push(Other { label: row.label.clone(), why });
            }
        }
        able.sort_by_key(|row| row.rank.map_or(usize::MAX, |rank| rank.place));
        if able.is_empty() {
            continue;
        }
        ordered.push((group.class.title(), able));
    }
    let choice = |row: &&Row| Choice {
        label: row.label.clone(),
        place: row.rank.map(|rank| rank.place),
        by: row.capacity.text(),
    };
    let class = |(title, able): (String, Vec<&Row>)| Able {
        title,
        systems: able.iter().map(choice).collect(),
        margin: capacity_margin(&able),
    };
    let classes: Vec<Able> = ordered.into_iter().map(class).collect();
    let by = "Capacity: the highest rate held. Those that share a place cannot be told apart.";
    (!classes.is_empty()).then_some(Question {
        asks: "What is the highest rate?",
        by,
        classes,
        others,
    })
}

/// `2.1 times the next`, and what tells the two apart, which is what gave them
/// their places.
fn capacity_margin(able: &[&Row]) -> String {
    let Some(first) = able.first() else { return String::new() };
    let Some(next) = next_place(able) else {
        let several = able.len() > 1;
        return if several { "they cannot be told apart".to_owned() } else { String::new() };
    };
    let repeated = [first, next].iter().all(|row| row.capacities.len() >= ENOUGH);
    let noise = match next.rank.and_then(|rank| rank.apart) {
        Some(Apart::Tested) => "more than noise".to_owned(),
        Some(Apart::FromTheLast) => match able.iter().rev().find(|row| is_before(row, next)) {
            Some(last) => format!("which repeats tell from {}", last.label),
            None => not_tested(),
        },
        Some(Apart::Brackets) if repeated => "in every repeat".to_owned(),
        _ => not_tested(),
    };
    match times(&first.capacity, &next.capacity) {
        Some(times) => format!("{times} times {}, {noise}", next.label),
        None => format!("before {}, {noise}", next.label),
    }
}

/// How many times the next one's capacity the first one's is: `2.1` from two
/// searches; of grids, which leave both open up to their next rates, from where
/// to where it may lie. `None` where that says nothing.
fn times(first: &Capacity, next: &Capacity) -> Option<String> {
    if let (Capacity::Is { held, .. }, Capacity::Is { held: next, .. }) = (first, next) {
        return Some(format!("{:.1}", held / next));
    }
    let ((held, failed), (next_held, next_failed)) = (first.bracket()?, next.bracket()?);
    let (least, most) = (held / next_failed, failed / next_held);
    // Of brackets that touch only the upper end says something.
    match (least > 1.0, most.is_finite()) {
        (true, true) => Some(format!("{least:.1} to {most:.1}")),
        (true, false) => Some(format!("at least {least:.1}")),
        (false, true) => Some(format!("up to {most:.1}")),
        (false, false) => None,
    }
}

/// The first of those that do not share the first's place.
fn next_place<'r>(able: &[&'r Row]) -> Option<&'r Row> {
    let first = able.first()?;
    able.iter().copied().find(|row| is_before(first, row))
}

fn is_before(one: &Row, other: &Row) -> bool {
    let place = |row: &Row| row.rank.map_or(0, |rank| rank.place);
    place(one) < place(other)
}

/// Delays that are exact to the millisecond, by the P99 of their firing error.
pub(super) fn delays(outcome: &Outcome, groups: &[Group]) -> Option<Question> {
    let delayed =
        || groups.iter().filter(|group| group.mode == Mode::Open && group.variant.is_some());
    let mut others: Vec<Other> = Vec::new();
    let mut ordered: Vec<Ordered<'_>> = Vec::new();
    for group in delayed() {
        let mut able: Vec<(&Row, &Figure)> = Vec::new();
        for row in group.rows.iter().filter(|row| row.is_contender()) {
            let at = group.common_load.map_or_else(String::new, |at| format!(" at {}", load(at)));
            let is_exact = row.p99.number().is_some_and(|p99| p99 <= EXACT_S)
                && !matches!(row.p99.value, Value::AtLeast(_));
            let early = early(outcome, row);
            let why = match (row.not_valid, early) {
                (Some(word), _) => word.to_owned(),
                (None, 1..) => format!("{early} started before they were due"),
                (None, 0) if is_exact => {
                    able.push((row, &row.p99));
                    continue;
                }
                (None, 0) if group.common_load.is_some_and(|load| !is_held(row, load)) => {
                    format!("not held{at}")
                }
                (None, 0) => format!("P99 {}{at}", short(&row.p99.value, Unit::Seconds, MEDIUM)),
            };
            let variant = group.variant.as_deref().unwrap_or_default();
            others.push(Other { label: row.label.clone(), why: format!("{variant}: {why}") });
        }
        able.sort_by(|a, b| a.1.number().unwrap_or(0.0).total_cmp(&b.1.number().unwrap_or(0.0)));
        if !able.is_empty() {
            let at = group.common_load.map_or_else(String::new, |at| format!(", at {}", load(at)));
            ordered.push((format!("{}{at}", group.title()), able));
        }
    }
    for system in outcome.systems.iter().filter(|system| system.system != crate::analysis::NOOP) {
        if let Some(why) = system.claims.delay.strip_prefix("unsupported: ") {
            let label = crate::analysis::label_of_system(outcome, system);
            others.push(Other { label, why: format!("unsupported: {why}") });
        }
    }
    let classes = by_figure(ordered, Unit::Seconds);
    (delayed().next().is_some()).then_some(Question {
        asks: "Must delays be exact to the millisecond?",
        by: "P99 of the firing error at most 1 ms at the highest load that the class holds, and \
             none early at any.",
        classes,
        others,
    })
}

fn early(outcome: &Outcome, row: &Row) -> u64 {
    let cells = row.points.iter().flat_map(|point| &point.counted);
    let cells = cells.filter_map(|index| outcome.cells.get(*index));
    cells.fold(0, |sum: u64, cell| sum.saturating_add(cell.counts.early))
}

/// Whether nothing says that a load was not held. The class's load is held by
/// all that hold any; who holds none has figures there as well.
fn is_held(row: &Row, at: Load) -> bool {
    row.at(at).and_then(|point| point.held) != Some(false)
}

/// What a task costs, by CPU.
pub(super) fn cost(groups: &[Group]) -> Option<Question> {
    let mut ordered = Vec::new();
    let mut others = Vec::new();
    for group in groups.iter().filter(|it| it.mode == Mode::Open && it.variant.is_none()) {
        let Some(at) = group.common_load else { continue };
        let mut able: Vec<(&Row, &Figure)> = Vec::new();
        for row in group.rows.iter().filter(|row| row.is_contender()) {
            let why = match (row.not_valid, row.cpu.number()) {
                (Some(word), _) => word,
                (None, _) if !is_held(row, at) => "not held",
                (None, Some(_)) => {
                    able.push((row, &row.cpu));
                    continue;
                }
                (None, None) => "not measured",
            };
            others.push(Other { label: row.label.clone(), why: why.to_owned() });
        }
        able.sort_by(|a, b| a.1.number().unwrap_or(0.0).total_cmp(&b.1.number().unwrap_or(0.0)));
        if !able.is_empty() {
            ordered.push((format!("{}, at {}", group.class.title(), load(at)), able));
        }
    }
    let mut classes = by_figure(ordered, Unit::CpuSecondsPerMillion);
    for class in &mut classes {
        for choice in &mut class.systems {
            choice.by.push_str(" CPU-s per million");
        }
    }
    (!classes.is_empty()).then_some(Question {
        asks: "What may it cost?",
        by: "CPU of client, broker, workers and generator for a million tasks; memory stands in \
             the table above.",
        classes,
        others,
    })
}

/// Classes whose systems are ordered by a figure, less first. The first has a
/// place, and who cannot be told from it shares that; below five repeats nobody
/// has one.
fn by_figure(ordered: Vec<Ordered<'_>>, unit: Unit) -> Vec<Able> {
    // What lies below the pacing's own lateness is not ordered.
    let told = |able: &[(&Row, &Figure)]| able.iter().all(|(_, figure)| figure.is_exact());
    let repeats: Vec<Vec<&[f64]>> = ordered
        .iter()
        .map(|(_, able)| match told(able) {
            true => able.iter().map(|(_, figure)| figure.repeats.as_slice()).collect(),
            false => Vec::new(),
        })
        .collect();
    let class = |((title, able), pairs): (Ordered<'_>, Pairs)| {
        let shares = |at: usize| at == 0 || pairs.apart(0, at) == Some(false);
        let systems = able.iter().enumerate().map(|(at, (row, figure))| Choice {
            label: row.label.clone(),
            place: (pairs.is_tested() && shares(at)).then_some(1),
            by: short(&figure.value, unit, MEDIUM),
        });
        let margin = if told(&able) { margin(&able, &pairs, unit) } else { String::new() };
        Able { title, systems: systems.collect(), margin }
    };
    let pairs = pairs(&repeats);
    ordered.into_iter().zip(pairs).map(class).collect()
}

/// How far the first is before the next that it can be told from.
fn margin(able: &[(&Row, &Figure)], pairs: &Pairs, unit: Unit) -> String {
    let Some((first, one)) = able.first().filter(|_| able.len() > 1) else { return String::new() };
    let (at, noise) = match (1..able.len()).find(|at| pairs.apart(0, *at) == Some(true)) {
        Some(at) => (at, "more than noise".to_owned()),
        None if !pairs.is_tested() => (1, not_tested()),
        None if pairs.are_all_alike() => {
            return "every difference lies inside the noise".to_owned();
        }
        None => return format!("none can be told from {}", first.label),
    };
    let (next, other) = able[at];
    let (Some(a), Some(b)) = (one.number(), other.number()) else { return noise };
    let less = match unit {
        Unit::Seconds => format!("{} less", seconds(b - a, MEDIUM)),
        _ if b > 0.0 => format!("{:.0} % less", 100.0 * (b - a) / b),
        _ => return noise,
    };
    format!("{less} than {}, {noise}", next.label)
}

#[cfg(test)]
mod tests {
    use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass};

    use super::*;
    use crate::analysis::groups::ClassKey;
    use crate::analysis::rank::rank;

    fn row(place: usize, capacity: Capacity, from: i32) -> Row {
        Row {
            system: format!("s{place}"),
            profile: String::new(),
            label: format!("s{place}"),
            index: None,
            version: String::new(),
            runtime: String::new(),
            points: Vec::new(),
            not_comparable: None,
            bracket: capacity.bracket(),
            open_ended: matches!(capacity, Capacity::AtLeast(_)),
            capacity,
            capacities: (from..from + 5).map(|x| f64::from(x).exp()).collect(),
            rank: None,
            not_valid: None,
            p99: Figure::missing(""),
            failed_10k: Figure::missing(""),
            failed_100k: Figure::missing(""),
            cpu: Figure::missing(""),
            pss: Figure::missing(""),
        }
    }

    fn margins(classes: usize, next: &Capacity) -> Vec<String> {
        let class = ClassKey {
            durability: DurabilityClass::InProcess,
            ack: AckMode::None,
            confirms: ConfirmMode::Confirmed,
        };
        let group = || Group {
            class,
            mode: Mode::Open,
            variant: None,
            latency: "start_latency",
            rows: vec![row(1, Capacity::AtLeast(2e5), 4), row(2, next.clone(), 1)],
            common_load: None,
        };
        let mut groups: Vec<Group> = (0..classes).map(|_| group()).collect();
        rank(groups.iter_mut().map(|group| &mut group.rows));
        let classes = peak(&groups).expect("a question").classes;
        classes.into_iter().map(|class| class.margin).collect()
    }

    /// Logs 4…8 against 1…5: t = 3 with 8 degrees of freedom, p = 0.0171, and
    /// four times that is above 0.05. The next may hold up to 100k/s, which is
    /// what then tells it from the first.
    #[test]
    fn a_margin_says_what_the_places_are_given_by() {
        let next = Capacity::Between { held: 5e4, failed: 1e5 };
        assert_eq!(margins(1, &next), ["at least 2.0 times s2, more than noise"]);
        let four = margins(4, &next);
        assert_eq!(four, ["at least 2.0 times s2, in every repeat"; 4]);
    }

    /// The first scatters by so much that only the second tells the third from
    /// what is before it: that is no margin of the first.
    #[test]
    fn who_is_told_from_the_second_only_is_not_behind_the_first() {
        let of = |place, held: f64, repeats: [f64; 5]| {
            let row = row(place, Capacity::Is { held, failed: held * 1.1 }, 1);
            Row { capacities: repeats.to_vec(), bracket: Some((1.0, 1e9)), ..row }
        };
        let mut rows = vec![
            of(1, 60e3, [60e3, 60e3, 60e3, 60e3, 240e3]),
            of(2, 59e3, [59e3, 59.1e3, 59e3, 59.1e3, 59e3]),
            of(3, 55e3, [55e3, 55.1e3, 55e3, 55.1e3, 55e3]),
        ];
        rank([&mut rows]);
        let able: Vec<&Row> = rows.iter().collect();
        assert_eq!(capacity_margin(&able), "1.1 times s3, which repeats tell from s2");
    }

    #[test]
    fn there_is_no_factor_to_what_may_hold_more() {
        assert_eq!(margins(1, &Capacity::AtLeast(5e4)), ["they cannot be told apart"]);
    }

    #[test]
    fn a_grid_leaves_a_factor_open_to_its_next_rates() {
        let between = |held: f64, failed: f64| Capacity::Between { held, failed };
        let is = |held: f64| Capacity::Is { held, failed: held * 1.1 };
        assert_eq!(times(&is(60e3), &is(40e3)).as_deref(), Some("1.5"));
        let (high, low) = (between(50e3, 100e3), between(10e3, 20e3));
        assert_eq!(times(&high, &low).as_deref(), Some("2.5 to 10.0"));
        let touching = between(20e3, 50e3);
        assert_eq!(times(&high, &touching).as_deref(), Some("up to 5.0"));
        assert_eq!(times(&Capacity::AtLeast(100e3), &high), None);
    }
}
