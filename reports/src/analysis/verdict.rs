//! The verdict: sentences made from the data. Broken promises first; then one
//! per class that has something to say of its load, what its faults did, what
//! delayed tasks show, and what bounds it all. A difference is claimed only
//! when five repeats or more carry it after Holm's correction.

use schedbench_contract::DurabilityClass;

use crate::metrics::Unit;
use crate::numbers::{Medium, amount, interval, load, rate, short};
use crate::outcome::{Outcome, Value};

use super::capacity::Capacity;
use super::comparison::{Comparison, compare};
use super::counts::Counts;
use super::faults::Faults;
use super::groups::{Group, Mode};
use super::points::{Figure, Quality};
use super::rows::Row;
use super::statistics::ENOUGH;

/// One sentence of the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Plain text.
    pub text: String,
    /// What it is about.
    pub about: Subject,
}

/// What a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The whole run.
    Run,
    /// Promises that were broken under its faults.
    Broken,
    /// Its faults.
    Faults,
    /// A group, by its place in the analysis.
    Group(usize),
}

const MEDIUM: Medium = Medium::Page;

pub(super) fn sentences(
    outcome: &Outcome,
    groups: &[Group],
    counts: &Counts,
    faults: &Faults,
) -> Vec<Sentence> {
    let mut out = Vec::new();
    if let Some(ended) = &counts.ended {
        out.push(about_all(format!(
            "The run did not finish ({ended}): {} of {} cells were measured{}.",
            counts.measured - counts.cut_short(),
            counts.planned,
            match counts.cut_short() {
                0 => String::new(),
                n => format!(", {n} more not to the end"),
            }
        )));
    }
    if counts.measured == 0 {
        out.push(about_all("No cell was measured.".to_owned()));
        return out;
    }
    // Losses count whatever the validity, and each sentence says whose times.
    let of_faults = super::faults::sentences(outcome, faults).into_iter();
    let (broken, of_faults): (Vec<Sentence>, Vec<Sentence>) =
        of_faults.partition(|sentence| sentence.about == Subject::Broken);
    out.extend(broken);
    if counts.valid == 0 {
        out.extend(of_faults);
        out.push(about_all("No cell is valid, so nothing can be ranked.".to_owned()));
    } else {
        let (of_loads, of_delays) = of_groups(groups);
        out.extend(of_loads.into_iter().chain(of_faults).chain(of_delays));
    }
    out.push(about_all(bound(outcome, groups)));
    out
}

/// A sentence for each group that says something: those of immediate tasks, and
/// those of others.
fn of_groups(groups: &[Group]) -> (Vec<Sentence>, Vec<Sentence>) {
    let comparisons = compare(groups);
    let (mut immediate, mut others) = (Vec::new(), Vec::new());
    for (place, group) in groups.iter().enumerate() {
        let text = match (group.mode, &group.variant) {
            (Mode::Open, None) => open(group, comparisons[place].as_ref()),
            (Mode::Open, Some(_)) => delayed(groups, place),
            (Mode::InFlight, _) => in_flight(group),
        };
        let Some(text) = text else { continue };
        let kind = if group.variant.is_none() { &mut immediate } else { &mut others };
        kind.push(Sentence { text, about: Subject::Group(place) });
    }
    (immediate, others)
}

fn about_all(text: String) -> Sentence {
    Sentence { text, about: Subject::Run }
}

/// The sentence of one class under open load.
fn open(group: &Group, comparison: Option<&Comparison>) -> Option<String> {
    let rows: Vec<&Row> = group.contenders().collect();
    if rows.is_empty() {
        return None;
    }
    let class = capital(&group.class.title());
    let able: Vec<&Row> = rows.iter().copied().filter(|r| r.capacity.held() > 0.0).collect();
    if able.is_empty() {
        let each: Vec<String> =
            rows.iter().map(|row| format!("{}: {}", row.label, why_nothing(row))).collect();
        let judged = rows.iter().any(|row| matches!(row.capacity, Capacity::NotHeld(_)));
        let what = if judged { "no load was held" } else { "no cell could be judged" };
        return Some(format!("{class}: {what} ({}).", each.join("; ")));
    }
    // Who held nothing comes last: the latency is of those before.
    let mut text = format!("{class}: {}", who_holds(&able));
    text.push_str(&latency(group, &able, comparison));
    // Without a valid answer it is not known what a row holds.
    let is_unknown = |row: &Row| matches!(row.capacity, Capacity::Unknown(_));
    for (unknown, told) in
        [(false, "held none of the loads"), (true, "cannot be judged by any valid cell")]
    {
        let of = |row: &&Row| row.capacity.held() == 0.0 && is_unknown(row) == unknown;
        let unable: Vec<&Row> = rows.iter().copied().filter(of).collect();
        match unable.as_slice() {
            [] => {}
            [one] => text.push_str(&format!("; {} {told}{}", one.label, why_not_even(one))),
            all => {
                let each: Vec<String> =
                    all.iter().map(|row| row.label.clone() + &why_not_even(row)).collect();
                let each: Vec<&str> = each.iter().map(String::as_str).collect();
                text.push_str(&format!("; {} {told}", list(&each)));
            }
        }
    }
    text.push('.');
    if let Some(stacks) = stacks(&able) {
        text.push_str(&stacks);
    }
    Some(text)
}

/// Why a row did not hold its lowest load, in the last and commonest of the
/// reasons: ` (at 10/s: P99 start latency 1.29 s, objective 1 s)`.
fn why_not_even(row: &Row) -> String {
    let why = row.points.first().and_then(|lowest| {
        let why = lowest.why_not.as_ref()?.rsplit("; ").next()?;
        let why = why.replace(" (", ", ").replace(')', "");
        Some(format!(" (at {}: {why})", load(lowest.load)))
    });
    why.unwrap_or_default()
}

/// Why a row has no capacity: `not held at 1k/s`, `incomplete: broker died`.
fn why_nothing(row: &Row) -> String {
    let invalid = row.points.iter().find_map(|point| match &point.quality {
        Quality::Invalid { word, why } if !why.is_empty() => Some(format!("{word}: {why}")),
        _ => None,
    });
    match (&row.capacity, invalid) {
        (Capacity::Unknown(_), Some(why)) => why,
        (capacity, _) => capacity.text(),
    }
}

/// `redis-asynq holds the most, 52k/s, before asynq with 20k/s`.
fn who_holds(able: &[&Row]) -> String {
    let place = |row: &Row| row.rank.map_or(0, |rank| rank.place);
    let first: Vec<&str> =
        able.iter().filter(|row| place(row) == 1).map(|row| row.label.as_str()).collect();
    let top = able[0];
    let behind: Vec<String> = able
        .iter()
        .filter(|row| place(row) > 1)
        .map(|row| format!("{} {}", row.label, said(&row.capacity)))
        .collect();
    let equal = able.iter().filter(|row| place(row) == 1).all(|row| row.capacity == top.capacity);
    let mut text = match first.as_slice() {
        [only] if able.len() == 1 => format!("{only} holds {}", said(&top.capacity)),
        [only] => format!("{only} holds the most, {}", said(&top.capacity)),
        all if equal => {
            let each = if all.len() == 2 { "both" } else { "all" };
            format!("{} {each} hold {}", list(all), said(&top.capacity))
        }
        all => {
            let each: Vec<String> = able
                .iter()
                .filter(|row| place(row) == 1)
                .map(|row| format!("{} {}", row.label, said(&row.capacity)))
                .collect();
            format!("{} cannot be told apart ({})", list(all), each.join(", "))
        }
    };
    if !behind.is_empty() {
        text.push_str(&format!("; then {}", behind.join(", ")));
        // What tells them apart is then what was seen, and no test.
        let fewest = able.iter().map(|row| row.capacities.len()).min().unwrap_or(0);
        if fewest < ENOUGH {
            text.push_str(&format!(", as seen in {}", repeats(fewest)));
        }
    }
    text
}

/// `at least 100k/s`, `20k/s (not 50k/s)`: a grid says no more.
fn said(capacity: &Capacity) -> String {
    match (capacity, capacity.beyond()) {
        (Capacity::AtLeast(held), _) => format!("at least {}", rate(*held)),
        (_, Some(beyond)) => format!("{} ({beyond})", capacity.text()),
        _ => capacity.text(),
    }
}

/// `; at 20k/s P99 is …`, with its interval and what it allows to say.
fn latency(group: &Group, able: &[&Row], comparison: Option<&Comparison>) -> String {
    let Some(at) = group.common_load else { return String::new() };
    let name = name(group.latency);
    let at = load(at);
    if let [only] = able {
        let p99 = written(&only.p99);
        return match only.p99.number() {
            Some(_) => format!(", at {at} with a P99 {name} of {p99}"),
            None => String::new(),
        };
    }
    let below: Vec<&str> = able
        .iter()
        .filter(|row| row.not_valid.is_none() && matches!(row.p99.value, Value::AtMost(_)))
        .map(|row| row.label.as_str())
        .collect();
    if let Some(comparison) = comparison {
        let others = compared(group, comparison, name);
        return match below.as_slice() {
            [] => format!("; at {at} {others}"),
            // Lower than what is compared, by how much is not known.
            lower => format!(
                "; at {at} the P99 of {} lies below what the pacing resolves; of the others {others}",
                list(lower)
            ),
        };
    }
    if below.len() == able.len() {
        return format!("; at {at} every P99 lies below what the pacing resolves");
    }
    let seen: Vec<String> = able
        .iter()
        .filter(|row| row.p99.number().is_some())
        .map(|row| format!("{} {}", row.label, written(&row.p99)))
        .collect();
    if seen.is_empty() {
        return String::new();
    }
    format!("; P99 {name} at {at}: {}", seen.join(", "))
}

/// What may be said about the P99 of a class.
fn compared(group: &Group, comparison: &Comparison, name: &str) -> String {
    let said = |row: usize| {
        let row = &group.rows[row];
        format!("{}, {}", row.label, written(&row.p99))
    };
    let said_all = |rows: &[usize]| {
        let each: Vec<String> = rows.iter().map(|row| said(*row)).collect();
        each.join("; ")
    };
    let best = comparison.order[0];
    if !comparison.pairs.is_tested() {
        return format!(
            "P99 {name} is lowest for {}, against {}, as seen in {}",
            said(best),
            said(comparison.order[1]),
            why_untested(group)
        );
    }
    let same: Vec<usize> = comparison.others(false).collect();
    let Some(next) = comparison.others(true).next() else {
        return match comparison.pairs.are_all_alike() {
            true => format!(
                "every difference in P99 {name} lies inside the noise ({})",
                said_all(&comparison.order)
            ),
            false => format!(
                "P99 {name} is lowest for {}, and none can be told from it ({})",
                said(best),
                said_all(&comparison.order[1..])
            ),
        };
    };
    if same.is_empty() {
        return format!("P99 {name} is lowest for {}, against {}", said(best), said(next));
    }
    format!(
        "P99 {name} is lowest for {}, from which {} cannot be told; against {}",
        said(best),
        said_all(&same),
        said(next)
    )
}

/// `3 repeats (differences are tested from 5 on)`, or what else stands in the
/// way of a test.
fn why_untested(group: &Group) -> String {
    let n = group
        .common_load
        .and_then(|at| group.contenders().filter_map(|row| Some(row.at(at)?.n())).min())
        .unwrap_or(0);
    match n < ENOUGH {
        true => format!("{} (differences are tested from {ENOUGH} on)", repeats(n)),
        false => format!("{n} repeats together (one alone has too few tasks for a P99)"),
    }
}

fn repeats(n: usize) -> String {
    if n == 1 { "1 repeat".to_owned() } else { format!("{n} repeats") }
}

/// Delayed tasks: one sentence for all variants of a class, said by the first.
fn delayed(groups: &[Group], place: usize) -> Option<String> {
    let own = &groups[place];
    let same = |group: &&Group| {
        group.class == own.class && group.mode == own.mode && group.variant.is_some()
    };
    let all: Vec<&Group> = groups.iter().filter(same).collect();
    if !std::ptr::eq(*all.first()?, own) {
        return None;
    }
    let mut labels: Vec<&str> = Vec::new();
    for row in all.iter().flat_map(|group| group.contenders()) {
        if !labels.contains(&row.label.as_str()) {
            labels.push(&row.label);
        }
    }
    let each: Vec<String> = labels
        .iter()
        .filter_map(|label| {
            let of: Vec<(&Group, &Row)> = all
                .iter()
                .flat_map(|group| group.contenders().map(move |row| (*group, row)))
                .filter(|(_, row)| row.label == *label)
                .collect();
            let is_seen = |row: &Row| row.not_valid.is_none() && row.p99.number().is_some();
            let mut seen: Vec<&Figure> =
                of.iter().filter(|(_, row)| is_seen(row)).map(|(_, row)| &row.p99).collect();
            let order = |figure: &Figure| figure.number().unwrap_or(f64::NAN);
            seen.sort_by(|a, b| order(a).total_cmp(&order(b)));
            let (low, high) = (seen.first()?, seen.last()?);
            let told = |figure: &Figure| short(&figure.value, Unit::Seconds, MEDIUM);
            let mut range = told(high);
            if order(high) - order(low) >= 0.005 * order(high) {
                range = format!("{} to {range}", told(low));
            }
            let silent: Vec<&str> = of
                .iter()
                .filter(|(_, row)| !is_seen(row))
                .filter_map(|(group, _)| group.variant.as_deref())
                .collect();
            if !silent.is_empty() {
                range.push_str(&format!(" (no figure at {})", list(&silent)));
            }
            Some(format!("{label} {range}"))
        })
        .collect();
    let class = capital(&own.class.title());
    let at = match (all.as_slice(), &own.variant) {
        ([_], Some(variant)) => variant.clone(),
        _ => format!("over {} delays", all.len()),
    };
    if each.is_empty() {
        let mut rows = all.iter().flat_map(|group| group.contenders());
        let judged = rows.any(|row| matches!(row.capacity, Capacity::NotHeld(_)));
        let what = if judged { "no load was held" } else { "no cell could be judged" };
        return Some(format!("{class}, {at}: {what}."));
    }
    let name = name(own.latency);
    Some(format!("{class}, {at}: P99 {name} at the load all hold is {}.", each.join(", ")))
}

/// In flight only throughput says something: latency there is Little's law.
fn in_flight(group: &Group) -> Option<String> {
    let each: Vec<String> = group
        .contenders()
        .filter_map(|row| {
            let valid = row.points.iter().filter(|point| point.is_valid());
            let most =
                valid.filter(|point| point.throughput.number().is_some()).max_by(|a, b| {
                    let of = |p: &super::Point| p.throughput.number().unwrap_or(0.0);
                    of(a).total_cmp(&of(b))
                })?;
            Some(format!(
                "{} {} with {}",
                row.label,
                rate(most.throughput.number()?),
                load(most.load)
            ))
        })
        .collect();
    if each.is_empty() {
        return None;
    }
    Some(format!("{}: the most done is {}.", capital(&group.class.title()), each.join(", ")))
}

/// Different runtimes make it a comparison of stacks.
fn stacks(able: &[&Row]) -> Option<String> {
    let first = able.first()?;
    let mixed = able.iter().any(|row| row.runtime != first.runtime);
    mixed.then(|| " Workers differ in runtime, so these are stacks, not brokers.".to_owned())
}

/// What bounds every figure: the cores shared, and the harness's own ceiling.
fn bound(outcome: &Outcome, groups: &[Group]) -> String {
    let host = &outcome.host;
    let brokers = outcome.systems.iter().any(|system| {
        system.claims.durability != DurabilityClass::InProcess
            && outcome.cells.iter().any(|cell| {
                (&cell.key.system, &cell.key.profile) == (&system.system, &system.profile)
            })
    });
    // Brokers that were there before are wherever their URLs point.
    let elsewhere = host.environment.as_deref() == Some("external");
    let who = match brokers && !elsewhere {
        true => "Generator, broker and workers",
        false => "Generator and workers",
    };
    let cores = if host.cores == 1 { "1 core".to_owned() } else { format!("{} cores", host.cores) };
    let placement = host.placement.trim();
    let mut text = if placement == "shared" || placement.is_empty() {
        format!("{who} shared {cores}")
    } else {
        format!("{who} ran on {cores}, placement {placement}")
    };
    if brokers && elsewhere {
        text.push_str("; where the brokers ran, and beside what, is not known");
    }
    let noop = groups
        .iter()
        .filter(|group| group.mode == Mode::Open && group.variant.is_none())
        .flat_map(|group| &group.rows)
        .find(|row| row.is_noop());
    if let Some(noop) = noop {
        match &noop.capacity {
            Capacity::AtLeast(_) => {}
            Capacity::Is { held, .. } | Capacity::Between { held, .. } => text.push_str(&format!(
                "; the harness itself (noop) held no more than {}, so nothing above that is a \
                 system's own limit",
                rate(*held)
            )),
            Capacity::NotHeld(_) | Capacity::Unknown(_) => text.push_str(
                "; the harness's own ceiling (noop) is not known, so a limit may be its own",
            ),
        }
    }
    text.push('.');
    text
}

/// A latency with what its repeats say: `6.2 (5.9–6.6) ms`.
fn written(figure: &Figure) -> String {
    match (&figure.value, figure.spread) {
        (Value::Is(point), Some(spread)) => {
            let (low, high) = spread.ends();
            interval(*point, low, high, Unit::Seconds, MEDIUM)
        }
        (Value::Is(point), None) => amount(*point, Unit::Seconds, MEDIUM),
        (other, _) => crate::numbers::short(other, Unit::Seconds, MEDIUM),
    }
}

/// A latency's name in a sentence.
fn name(latency: &str) -> &str {
    match latency {
        "firing_error" => "firing error",
        _ => "start latency",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// `wheel, heap and tokio`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}
