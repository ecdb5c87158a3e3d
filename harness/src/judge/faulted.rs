//! The faults of a cell as trials: its tasks told to [`recovery`], and what
//! that reads put into the outcome's words.

use std::collections::BTreeMap;

use schedbench_contract::MomentKind;
use schedbench_contract::ledger::Enqueue;
use schedbench_reports::outcome::{self, Reading};

use super::about::Capacity;
use super::limits::Limits;
use super::queues;
use super::recovery::{self, Conditions, Ending, Fact, Facts, Recovery, Times, Trial};
use super::seconds_between;
use super::tasks::{self, Seen, Task};
use super::trial_series;
use crate::plan::Deed;
use crate::record::{Evidence, Injected};

const WHICH: &str = "the system still held some: which of the missing are lost is not known";

/// The tasks of a cell; asked again, they are made again.
struct Told<'a> {
    evidence: &'a Evidence<'a>,
    /// Whether the system was asked and is empty: then what is missing is lost.
    is_empty: bool,
}

impl Facts for Told<'_> {
    fn each(&self, see: &mut dyn FnMut(&Fact)) {
        tasks::each(self.evidence, |seen| {
            if let Seen::Task(task) = seen
                && task.counts()
            {
                see(&self.fact(task));
            }
        });
    }
}

impl Told<'_> {
    fn fact(&self, task: &Task) -> Fact {
        let entry = &task.entry;
        let ending = match entry.first_end {
            Some(at) => Ending::Completed(at),
            None if entry.dead => Ending::Dead,
            None => match entry.enqueue {
                Enqueue::Refused | Enqueue::Unsent => Ending::Never,
                Enqueue::Confirmed if self.is_empty => Ending::Lost,
                Enqueue::Taken | Enqueue::Unknown if self.is_empty => Ending::Never,
                Enqueue::Confirmed | Enqueue::Taken | Enqueue::Unknown => Ending::Open,
            },
        };
        Fact {
            intended: task.intended,
            due: task.due,
            enqueue: entry.enqueue,
            answered: entry.confirmed_at,
            ending,
        }
    }
}

/// When a process was first ended in a stretch of faults, or else its begin: a
/// link that is cut before a kill does not make the kill's losses older.
fn struck_at(evidence: &Evidence<'_>, times: &Times) -> u64 {
    let ends = |one: &&Injected| matches!(one.fault.deed, Deed::Kill | Deed::Terminate);
    let moments = evidence.faults.iter().filter(ends).map(|one| one.took_effect);
    let its = moments.filter(|at| (times.took_effect..times.ended).contains(at));
    its.min().unwrap_or(times.took_effect)
}

/// Judges every fault of a cell, or every stretch of faults that overlap, or a
/// control.
/// `is_empty` says that the system was asked afterwards and held nothing,
/// `lost` how many of the cell are proved lost.
pub(super) fn trials(
    evidence: &Evidence<'_>,
    limits: &Limits,
    is_empty: bool,
    lost: u64,
    capacity: Option<Capacity>,
) -> Vec<outcome::Trial> {
    let mut faults: Vec<recovery::Fault> = evidence
        .faults
        .iter()
        .map(|one| recovery::Fault { took_effect: one.took_effect, cleared: one.cleared })
        .collect();
    // A control is judged as though its time were a fault's: whatever shows in
    // it would show without a fault.
    faults.extend(evidence.plan.control().map(|control| {
        let from = evidence.window.start.saturating_add(control.at_ns);
        recovery::Fault { took_effect: from, cleared: Some(from.saturating_add(control.for_ns)) }
    }));
    let told = Told { evidence, is_empty };
    // Of a capacity that may be higher there is no ρ to count with.
    let load = capacity
        .filter(|capacity| !capacity.is_bound)
        .and_then(|capacity| evidence.plan.load.mean_rate().map(|rate| rate / capacity.rate));
    // A refusal leaves no moment, for its connection stays: the tasks tell it.
    let errors_seen: Vec<u64> = evidence
        .moments
        .iter()
        .filter(|moment| moment.kind == MomentKind::Disconnected)
        .map(|moment| moment.at)
        .collect();
    let mut earlier: Option<(Times, Recovery)> = None;
    // Nothing is offered after the window: what its end does to the goodput
    // is no effect of a fault.
    let all = Times::of(&faults, evidence.window.start, evidence.window.end);
    let last = all.len().saturating_sub(1);
    let mut healed_before = 0;
    all.into_iter()
        .enumerate()
        .map(|(place, times)| {
            // What was acknowledged before a fault was healed can be its loss;
            // later, only the next one's.
            let healed = times.cleared.unwrap_or(times.ended);
            let until = if place == last { u64::MAX } else { healed };
            let acknowledged_in = healed_before..until;
            healed_before = healed;
            // The warm-up lies before the first; before a later one, the
            // earlier fault.
            let (times, undisturbed_from) = match &earlier {
                Some((before, recovery)) => {
                    let times = times.after(before, recovery);
                    (times, times.steady_from)
                }
                None => (times, evidence.start),
            };
            let conditions = Conditions {
                times,
                objective_ns: limits.objective_p99_ns,
                load,
                undisturbed_from,
                errors_seen: errors_seen.clone(),
                struck_at: struck_at(evidence, &times),
                acknowledged_in,
            };
            let trial = Trial::of(&told, conditions);
            let recovery = recovery::judge(&trial);
            let series = trial_series::of(evidence, &trial, limits);
            let load = capacity.map(|_| load);
            let mut trial = in_words(evidence, &times, &recovery, load, series);
            if !is_empty && lost > 0 {
                // How many are gone is known, and not which: they are the last's.
                trial.lost = if place == last { lost } else { 0 };
                trial.readings.insert("loss.window".to_owned(), Reading::not_measured(WHICH));
            }
            earlier = Some((times, recovery));
            trial
        })
        .collect()
}

/// The faults of a backlog as one trial: nothing ran while they were done, so
/// that there is nothing to recover. All that was `confirmed` was exposed.
pub(super) fn at_rest(
    evidence: &Evidence<'_>,
    counts: &outcome::Counts,
    confirmed: u64,
) -> Vec<outcome::Trial> {
    let at_s = |at| seconds_between(evidence.window.start, at);
    let Some(first) = evidence.faults.first() else { return Vec::new() };
    let faults: Vec<String> = evidence.faults.iter().map(|one| one.fault.to_string()).collect();
    let last = evidence.faults.iter().filter_map(|one| one.cleared).max();
    vec![outcome::Trial {
        fault: faults.join(", "),
        took_effect_s: at_s(first.took_effect),
        cleared_s: last.map(at_s),
        ended_s: at_s(evidence.ended),
        interval_s: 0.0,
        resolution_s: 0.0,
        readings: BTreeMap::new(),
        lost: counts.lost,
        exposed: confirmed,
        done: evidence.faults.iter().map(|one| done(one, at_s)).collect(),
        drained_at: None,
        series: outcome::Series::default(),
    }]
}

fn done(one: &Injected, at_s: impl Fn(u64) -> f64) -> outcome::Done {
    outcome::Done {
        fault: one.fault.to_string(),
        took_effect_s: at_s(one.took_effect),
        cleared_s: one.cleared.map(at_s),
    }
}

/// `load` is ρ, and is `None` outside where no capacity was searched.
fn in_words(
    evidence: &Evidence<'_>,
    times: &Times,
    recovery: &Recovery,
    load: Option<Option<f64>>,
    series: outcome::Series,
) -> outcome::Trial {
    let at_s = |at| seconds_between(evidence.window.start, at);
    let in_it = |one: &&Injected| {
        (times.took_effect..=times.cleared.unwrap_or(times.ended)).contains(&one.took_effect)
    };
    let done: Vec<outcome::Done> =
        evidence.faults.iter().filter(in_it).map(|one| done(one, at_s)).collect();
    let control = evidence.plan.control().map(|control| control.in_words());
    let faults: Vec<String> = done.iter().map(|one| one.fault.clone()).chain(control).collect();
    let readings = [
        ("detection.impact", &recovery.detection.impact),
        ("detection.client", &recovery.detection.client),
        ("detection.alarm", &recovery.detection.alarm),
        ("recovery.from_fault", &recovery.from_fault),
        ("recovery.from_heal", &recovery.from_heal),
        ("relapses", &recovery.relapses),
        ("drain", &recovery.drain),
        ("lost_goodput", &recovery.lost_goodput),
        ("served.in_fault", &recovery.attainment.in_fault),
        ("served.overall", &recovery.attainment.overall),
        ("loss.window", &recovery.loss.window_s),
    ];
    let of_capacity = load.map(|load| {
        let bound = || Reading::not_measured("its capacity may be higher than was tried");
        let load = load.map_or_else(bound, Reading::Is);
        [("load.of_capacity", load), ("drain.multiple", recovery.drain_multiple.clone())]
    });
    let owned = |(name, reading): (&str, &Reading)| (name.to_owned(), reading.clone());
    let mut readings: BTreeMap<_, _> = readings.into_iter().map(owned).collect();
    let of_queues = queues::readings(evidence, times);
    readings.extend(of_queues.into_iter().map(|(name, told)| (name.to_owned(), told)));
    readings.extend(of_capacity.into_iter().flatten().map(|(name, told)| (name.to_owned(), told)));
    outcome::Trial {
        fault: faults.join(", "),
        took_effect_s: at_s(times.took_effect),
        cleared_s: times.cleared.map(at_s),
        ended_s: at_s(times.ended),
        interval_s: recovery.resolution.interval_s,
        resolution_s: recovery.resolution.recovery_s(),
        readings,
        lost: recovery.loss.lost,
        exposed: recovery.loss.exposed,
        done,
        drained_at: recovery.baseline.as_ref().map(|baseline| baseline.drained),
        series,
    }
}
