//! The verdict of a fault run: which promises were kept, then who was back
//! when. Nothing is set against each other across classes of durability.

use statrs::function::factorial::binomial;

use super::control;
use super::guarantee::{Guarantee, Kept};
use super::promise::OnLoss;
use super::recovery::{Recovery, find};
use super::{Faults, Median, once};
use crate::analysis::statistics::differs;
use crate::analysis::{ClassKey, ENOUGH, Sentence, Subject};
use crate::metrics::Unit;
use crate::numbers::{Medium, load, seconds, whole};
use crate::outcome::{Outcome, Reading};

const MEDIUM: Medium = Medium::Page;

/// Faults, or rows of one kind, that are named one by one; more are counted.
const NAMED: usize = 4;

/// The reading that the verdict speaks of.
const RECOVERED: &str = "recovery.from_fault";

/// What was broken, whether a control vouches for the times, then for each
/// fault what was promised and seen, and who was back when. Each has a head
/// before its first colon.
pub(in super::super) fn sentences(outcome: &Outcome, faults: &Faults) -> Vec<Sentence> {
    let planned = faults.planned();
    // Of several faults in a cell each has times of its own; a control has been
    // told.
    let hurt = faults.recoveries.iter().filter(|one| !is_control(outcome, one));
    let apart = once(hurt.map(|one| one.tried.fault.as_str()));
    let apart = apart.into_iter().filter(|fault| !planned.contains(fault)).take(NAMED);
    let apart: Vec<&str> = apart.collect();
    let of_faults = planned.iter().take(NAMED).chain(&apart);
    let pairs = of_faults.map(|fault| pairs(&classes(outcome, faults, fault))).sum();
    let mut texts: Vec<String> = control::sentence(outcome).into_iter().collect();
    for fault in planned.iter().take(NAMED) {
        let head = capital(fault);
        let of: Vec<&Guarantee> =
            faults.guarantees.iter().filter(|one| one.tried.fault == *fault).collect();
        texts.push(format!("{head}: {}", promises(&of)));
        let told = recovered(outcome, faults, fault, pairs);
        texts.extend(told.map(|told| format!("Recovered from it: {told}.")));
    }
    for fault in apart {
        let told = recovered(outcome, faults, fault, pairs);
        texts.extend(told.map(|told| format!("Recovered from {fault}: {told}.")));
    }
    if planned.len() > NAMED {
        let more = planned.len() - NAMED;
        texts.push(format!("And {}: in the tables.", plural(count(more), "more fault")));
    }
    let broken = broken(&faults.guarantees).map(|text| Sentence { text, about: Subject::Broken });
    let others = texts.into_iter().map(|text| Sentence { text, about: Subject::Faults });
    broken.into_iter().chain(others).collect()
}

fn is_control(outcome: &Outcome, one: &Recovery) -> bool {
    let mut trials = one.trials.iter().filter_map(|place| find(outcome, *place));
    trials.next().is_some_and(|(_, trial)| trial.is_control())
}

/// `Promise broken: redis-asynq, 12 lost in 2 of 5 kills.`
fn broken(all: &[Guarantee]) -> Option<String> {
    let all: Vec<&Guarantee> = all.iter().collect();
    let broken: Vec<String> = all
        .iter()
        .filter(|one| one.kept() == Kept::No)
        .map(|one| format!("{}, {}", named(&all, one), one.broken().join(" and ")))
        .collect();
    let head = if broken.len() == 1 { "Promise broken" } else { "Promises broken" };
    (!broken.is_empty()).then(|| format!("{head}: {}.", few(&broken, "; ")))
}

/// `5 trials of 1 system, no promise was broken. 0 lost in 5 kills of
/// redis-asynq (a kill loses something in ≤ 45 % of cases, 95 %).`
fn promises(all: &[&Guarantee]) -> String {
    let trials: u32 = all.iter().map(|one| one.seen.trials + one.seen.unbalanced).sum();
    if trials == 0 {
        return "it was never done, every cell ended before.".to_owned();
    }
    let mut systems: Vec<&str> = all.iter().map(|one| one.tried.label.as_str()).collect();
    systems.sort_unstable();
    systems.dedup();
    let of_kind = |kept| all.iter().filter(|one| one.kept() == kept).count();
    let kept = match (of_kind(Kept::No), of_kind(Kept::Yes)) {
        (0, 0) => "whether a promise was kept could not be told",
        (0, _) => "no promise was broken",
        (_, 0) => "a promise was broken",
        (_, _) => "a promise was broken, others were kept",
    };
    let of = plural(count(systems.len()), "system");
    let mut text = format!("{} of {of}, {kept}.", plural(trials, "trial"));
    text.push_str(&zeros(all));
    let others: Vec<String> =
        all.iter().filter_map(|one| Some(named(all, one) + &other(one)?)).collect();
    if !others.is_empty() {
        text.push_str(&format!(" {}.", few(&others, "; ")));
    }
    text
}

/// What is neither a zero with its bound nor a broken promise.
fn other(one: &Guarantee) -> Option<String> {
    let seen = &one.seen;
    let losing = seen.decided.losing > 0;
    match one.promise.on_loss {
        OnLoss::Unconfirmed if seen.missing > 0 => Some(format!(": {}", one.losses())),
        OnLoss::Allowed(_) if losing => Some(format!(": {}, as its profile allows", one.losses())),
        OnLoss::Broken | OnLoss::Allowed(_) if seen.missing_in > 0 => Some(format!(
            ": {} missing in {}, not proved",
            whole(seen.missing),
            plural(seen.missing_in, one.unit())
        )),
        _ => None,
    }
}

/// Zeros with their bounds, those with as many trials together.
fn zeros(all: &[&Guarantee]) -> String {
    let mut groups: Vec<(&Guarantee, Vec<String>)> = Vec::new();
    for one in all {
        let decided = one.seen.decided;
        if one.promise.on_loss == OnLoss::Unconfirmed || decided.kills == 0 || decided.losing > 0 {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| known.seen.decided.kills == decided.kills) {
            Some((_, names)) => names.push(named(all, one)),
            None => groups.push((one, vec![named(all, one)])),
        }
    }
    let told = groups.iter().map(|(one, names)| {
        let each = if names.len() > 1 { " each" } else { "" };
        let n = plural(one.seen.decided.kills, one.unit());
        format!(" 0 lost in {n}{each} of {} ({}).", few(names, ", "), one.bound())
    });
    told.collect()
}

/// Its label, with the fault and the load where there are several.
fn named(all: &[&Guarantee], one: &Guarantee) -> String {
    let mut name = one.tried.label.clone();
    if all
        .iter()
        .any(|other| other.tried.label == one.tried.label && other.tried.load != one.tried.load)
    {
        name.push_str(&format!(" at {}", load(one.tried.load)));
    }
    if let Some(variant) = &one.tried.variant {
        name.push_str(&format!(", {variant}"));
    }
    if all.iter().any(|other| other.tried.fault != one.tried.fault) {
        name.push_str(&format!(" ({})", one.tried.fault));
    }
    name
}

/// Systems whose recoveries may be compared, and what they have in common.
type Class<'a> = ((ClassKey, String), Vec<&'a Recovery>);

/// The classes of a fault. Nothing is compared across classes, nor across
/// loads: one rate for all, or one share of each system's own capacity.
fn classes<'a>(outcome: &Outcome, faults: &'a Faults, fault: &str) -> Vec<Class<'a>> {
    let mut classes: Vec<Class<'_>> = Vec::new();
    for one in faults.recoveries.iter().filter(|one| one.tried.fault == fault && one.valid > 0) {
        let Some(system) = one.tried.system_of(outcome) else { continue };
        let at = one.share().map_or_else(|| load(one.tried.load), str::to_owned);
        let class = (ClassKey::of(&system.claims), at);
        match classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, rows)) => rows.push(one),
            None => classes.push((class, vec![one])),
        }
    }
    classes
}

/// How many twos of systems there are of which one could be the faster.
fn pairs(classes: &[Class<'_>]) -> usize {
    let back = |rows: &Vec<&Recovery>| {
        let numbers = rows.iter().filter_map(|row| row.figures.get(RECOVERED)?.value.number());
        numbers.count()
    };
    classes.iter().map(|(_, rows)| back(rows)).map(|n| n * n.saturating_sub(1) / 2).sum()
}

/// Who was back when, class by class; `None` where no valid trial says. `pairs`
/// are those of all that the verdict tells.
fn recovered(outcome: &Outcome, faults: &Faults, fault: &str, pairs: usize) -> Option<String> {
    let classes = classes(outcome, faults, fault);
    let first = classes.first()?.0.clone();
    let several_classes = classes.iter().any(|(key, _)| key.0 != first.0);
    let several_loads = classes.iter().any(|(key, _)| key.1 != first.1);
    let told: Vec<String> = classes
        .iter()
        .filter_map(|((class, at), rows)| {
            let mut head = if several_classes { class.title() } else { String::new() };
            if several_loads {
                let between = if head.is_empty() { "" } else { ", " };
                head.push_str(&format!("{between}at {at}"));
            }
            let told = in_class(rows, pairs)?;
            Some(if head.is_empty() { told } else { format!("{head}: {told}") })
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Who of a class was back first and last.
fn in_class(rows: &[&Recovery], pairs: usize) -> Option<String> {
    let of = |row: &Recovery| row.figures.get(RECOVERED).cloned();
    let mut back: Vec<(&Recovery, Median, f64)> = rows
        .iter()
        .filter_map(|row| {
            let median = of(row)?;
            let number = median.value.number()?;
            Some((*row, median, number))
        })
        .collect();
    back.sort_by(|a, b| a.2.total_cmp(&b.2));
    let is_unhurt =
        |row: &&&Recovery| of(row).is_some_and(|median| median.value == Reading::NoImpact);
    let unhurt: Vec<String> =
        rows.iter().filter(is_unhurt).map(|row| row.tried.label.clone()).collect();
    let mut parts = Vec::new();
    match back.as_slice() {
        [] => {}
        [(row, median, _)] => parts.push(format!(
            "{} was back {} after it took effect{}",
            row.tried.label,
            written(row, median),
            of_trials(median)
        )),
        [first, .., last] => parts.push(apart(first, last, (back.len(), pairs))),
    }
    if !unhurt.is_empty() {
        let shortest = rows.iter().filter(is_unhurt).map(|row| row.shortest_impact_s);
        let shortest = seconds(shortest.fold(0.0, f64::max), MEDIUM);
        parts.push(format!("no impact of {shortest} or more on {}", few(&unhurt, ", ")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

type Back<'a> = (&'a Recovery, Median, f64);

/// The fastest and the slowest of a class, if more than noise parts them.
///
/// They are called apart where every trial of the one was back before every
/// trial of the other by more than both resolutions. With five trials each
/// that happens to two equal systems in 2 of C(10, 5) = 252 cases, 0.8 %; and
/// since the fastest and the slowest are chosen after looking, that many times
/// as often as there are `pairs` that could have been these (Bonferroni). With
/// fewer trials, or more pairs, it is said that this is what was seen and no
/// more. What was cut off counts as its lower bound, so that it may only be the
/// slower one.
fn apart(first: &Back<'_>, last: &Back<'_>, (all, pairs): (usize, usize)) -> String {
    let said =
        |(row, median, _): &Back<'_>| format!("{}, {}", row.tried.label, written(row, median));
    let noise = first.0.resolution_s.max(last.0.resolution_s);
    let is_apart = match (&first.1.range, &last.1.range) {
        // No impact is below every number, and neither fast nor slow.
        (Some((_, Reading::Is(latest))), Some((earliest, _))) if last.1.no_impact == 0 => {
            earliest.number().is_some_and(|earliest| latest + noise < earliest)
        }
        _ => false,
    };
    let n = judged(&first.1).min(judged(&last.1));
    if !is_apart {
        let names = if all == 2 { "both" } else { "the fastest and the slowest" };
        return format!(
            "{names} cannot be told apart in {} each ({}; {})",
            plural(count(n), "trial"),
            said(first),
            said(last)
        );
    }
    let seen = || format!(", as seen in {} each", plural(count(n), "trial"));
    let caveat = if n < ENOUGH {
        format!("{} (differences are tested from {ENOUGH} on)", seen())
    } else if differs(parted_by_chance(judged(&first.1), judged(&last.1)) * pairs as f64) {
        String::new()
    } else {
        format!("{} (among {pairs} twos of systems chance alone may part one so)", seen())
    };
    format!("back fastest is {} after it took effect; slowest {}{caveat}", said(first), said(last))
}

/// How often all trials of one of two equal systems come before all of the
/// other's: 2 / C(n₁ + n₂, n₁) (Fisher 1935, "The Design of Experiments", §21).
fn parted_by_chance(one: usize, other: usize) -> f64 {
    2.0 / binomial((one + other) as u64, one as u64)
}

/// The median with its range, or with its resolution where it is one trial's.
fn written(row: &Recovery, median: &Median) -> String {
    let text = median.written(Unit::Seconds, MEDIUM);
    match (judged(median), &median.value) {
        (1, Reading::Is(_)) => format!("{text} ± {}", seconds(row.resolution_s, MEDIUM)),
        _ => text,
    }
}

/// Trials that a median is of.
const fn judged(median: &Median) -> usize {
    median.measured + median.censored + median.no_impact
}

fn of_trials(median: &Median) -> String {
    let n = judged(median);
    if n > 1 { format!(" (median of {n})") } else { String::new() }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

pub(super) fn plural(n: u32, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `a, b and 3 more`.
pub(super) fn few(names: &[String], between: &str) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::super::median;
    use super::*;

    /// Of four systems with five trials each any two may be the fastest and the
    /// slowest, which are six twos; of five systems they are ten.
    #[test]
    fn chance_parts_five_trials_of_one_two_among_more_than_six() {
        let told = |pairs: f64| differs(parted_by_chance(5, 5) * pairs);
        assert!((parted_by_chance(5, 5) - 2.0 / 252.0).abs() < 1e-12);
        assert!(told(1.0) && told(6.0));
        assert!(!told(7.0) && !told(10.0));
    }

    /// Of five valid trials three had no steady time before the fault: what is
    /// said of the other two is said of two.
    #[test]
    fn a_median_counts_the_trials_that_are_in_it() {
        let unsteady = || Reading::NotSteady("three bad intervals".to_owned());
        let trials = [Reading::Is(1.0), Reading::Is(1.1), unsteady(), unsteady(), unsteady()];
        assert_eq!(judged(&median(&trials)), 2);
        assert_eq!(of_trials(&median(&trials)), " (median of 2)");
        assert_eq!(judged(&median(&[Reading::MoreThan(9.0), Reading::NoImpact])), 2);
    }
}
