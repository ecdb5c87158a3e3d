//! Outcomes of one plan, measured apart, as one: other systems of it, or more
//! repeats.
//!
//! Cells are kept whole, each a repeat of its own, and the report merges their
//! histograms as it does those of one run. A histogram of several runs in a
//! cell would hide how far the runs lie apart, which is what intervals are
//! made of.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::analysis::NOOP;
use crate::compare::{Difference, Weight, differences};
use crate::outcome::{Cell, Demand, Ended, Outcome, Plan, Run};

/// Why outcomes do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Apart {
    /// There is nothing to merge.
    #[error("two outcomes at least are needed, there is {0}")]
    TooFew(usize),
    /// Two are of the same run: its tasks would count twice.
    #[error("{first} and {second} are of the same run, {run}: its tasks would count twice")]
    Twice {
        /// The first, by its place from 1.
        first: usize,
        /// The second.
        second: usize,
        /// The run's id.
        run: String,
    },
    /// Two were not measured alike.
    #[error("the outcomes {first} and {second} were not measured alike")]
    Differs {
        /// The first, by its place from 1.
        first: usize,
        /// The second.
        second: usize,
        /// In which fields.
        fields: Vec<Difference>,
    },
}

/// Merges outcomes in the order given.
///
/// # Errors
/// They are of different plans, hosts, environments or versions, or of the
/// same run.
pub fn merge(outcomes: &[Outcome]) -> Result<Outcome, Apart> {
    let Some((first, others)) = outcomes.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return Err(Apart::TooFew(outcomes.len()));
    };
    for (place, outcome) in outcomes.iter().enumerate() {
        for (first, before) in outcomes[..place].iter().enumerate() {
            if let Some(run) = common_run(before, outcome) {
                let run = run.to_owned();
                return Err(Apart::Twice { first: first + 1, second: place + 1, run });
            }
        }
    }
    // Each against each: systems that the first has not must agree as well.
    for (place, outcome) in outcomes.iter().enumerate().skip(1) {
        for (first, before) in outcomes[..place].iter().enumerate() {
            let mut fields = differences(before, outcome);
            // An outcome has one version of everything: a warning is too much.
            fields.retain(|difference| difference.weight != Weight::Notes);
            if !fields.is_empty() {
                let (first, second) = (first + 1, place + 1);
                return Err(Apart::Differs { first, second, fields });
            }
        }
    }
    let mut whole = first.clone();
    whole.run = run(outcomes);
    whole.plan = plan(outcomes);
    whole.cells = cells(outcomes);
    whole.ended = ended(outcomes);
    for outcome in others {
        for system in &outcome.systems {
            let known = whole
                .systems
                .iter()
                .any(|it| (&it.system, &it.profile) == (&system.system, &system.profile));
            if !known {
                whole.systems.push(system.clone());
            }
        }
        for skipped in &outcome.skipped {
            if !whole.skipped.contains(skipped) {
                whole.skipped.push(skipped.clone());
            }
        }
    }
    let has = |target: &str| {
        whole
            .systems
            .iter()
            .any(|it| it.system == target || format!("{}/{}", it.system, it.profile) == target)
    };
    let measured: Vec<bool> = whole.skipped.iter().map(|skipped| has(&skipped.target)).collect();
    let mut measured = measured.into_iter();
    whole.skipped.retain(|_| !measured.next().unwrap_or(false));
    Ok(whole)
}

/// Joins the ids of the runs of a merged outcome, which are all that is known
/// of them.
const AND: char = '+';

/// The run that two outcomes have both.
fn common_run<'a>(one: &Outcome, other: &'a Outcome) -> Option<&'a str> {
    let (one, other) = (&one.run, &other.run);
    let is_merged = one.id.contains(AND) || other.id.contains(AND);
    if !is_merged && one.started != other.started {
        return None;
    }
    other.id.split(AND).find(|id| one.id.split(AND).any(|it| it == *id))
}

fn run(outcomes: &[Outcome]) -> Run {
    let first = outcomes.iter().min_by_key(|outcome| started(outcome)).unwrap_or(&outcomes[0]);
    let ids: Vec<&str> = outcomes.iter().map(|outcome| outcome.run.id.as_str()).collect();
    Run {
        id: ids.join(&AND.to_string()),
        elapsed_s: outcomes.iter().map(|outcome| outcome.run.elapsed_s).sum(),
        ..first.run.clone()
    }
}

fn plan(outcomes: &[Outcome]) -> Plan {
    let repeats = highest_repeats(outcomes);
    // `noop` is in every run, also where each has a system of its own.
    let of_systems = repeats.iter().filter(|((system, _), _)| system != NOOP);
    let highest = of_systems.map(|(_, highest)| *highest).max();
    let highest = highest.or_else(|| repeats.values().copied().max());
    let holds = outcomes.iter().filter_map(|outcome| outcome.plan.objective_holds);
    Plan {
        repeats: highest.unwrap_or(outcomes[0].plan.repeats),
        planned: outcomes.iter().fold(0, |sum, it| sum.saturating_add(it.plan.planned)),
        objectives: objectives(outcomes),
        objective_holds: holds.reduce(f64::max),
        ..outcomes[0].plan.clone()
    }
}

/// Whatever was demanded of one of them is demanded of the whole.
fn objectives(outcomes: &[Outcome]) -> Vec<Demand> {
    let mut all: Vec<Demand> = Vec::new();
    for demand in outcomes.iter().flat_map(|outcome| &outcome.plan.objectives) {
        if !all.contains(demand) {
            all.push(demand.clone());
        }
    }
    all
}

/// The highest repeat of each system and profile, all outcomes together.
fn highest_repeats(outcomes: &[Outcome]) -> BTreeMap<(String, String), u32> {
    let mut repeats: BTreeMap<(String, String), u32> = BTreeMap::new();
    for outcome in outcomes {
        let mut own: BTreeMap<(String, String), u32> = BTreeMap::new();
        for cell in &outcome.cells {
            let highest = own.entry(target(cell)).or_default();
            *highest = (*highest).max(cell.key.repeat);
        }
        for (target, highest) in own {
            let sum = repeats.entry(target).or_default();
            *sum = sum.saturating_add(highest);
        }
    }
    repeats
}

fn target(cell: &Cell) -> (String, String) {
    (cell.key.system.clone(), cell.key.profile.clone())
}

/// All cells, in the order of their runs; repeats, blocks and numbers go on
/// counting, so that no two are taken for one.
fn cells(outcomes: &[Outcome]) -> Vec<Cell> {
    let origin = outcomes.iter().filter_map(started).min();
    let mut all = Vec::new();
    let mut number = 0_u32;
    let mut blocks = 0_u32;
    for (place, outcome) in outcomes.iter().enumerate() {
        let before = highest_repeats(&outcomes[..place]);
        let later = started(outcome)
            .zip(origin)
            .map_or(0.0, |(at, origin)| at.duration_since(origin).as_secs_f64());
        for cell in &outcome.cells {
            let mut cell = cell.clone();
            number = number.saturating_add(1);
            cell.number = number;
            let repeats = before.get(&target(&cell)).copied().unwrap_or(0);
            cell.key.repeat = cell.key.repeat.saturating_add(repeats);
            cell.block = cell.block.saturating_add(blocks);
            cell.started_s += later;
            all.push(cell);
        }
        let own = outcome.cells.iter().map(|cell| cell.block).max();
        blocks = blocks.saturating_add(own.map_or(0, |highest| highest.saturating_add(1)));
    }
    all
}

fn started(outcome: &Outcome) -> Option<Timestamp> {
    outcome.run.started.parse().ok()
}

/// Complete only where each is.
fn ended(outcomes: &[Outcome]) -> Ended {
    let odd = outcomes.iter().find(|outcome| outcome.ended != Ended::Complete);
    match odd {
        None => Ended::Complete,
        Some(outcome) => match &outcome.ended {
            Ended::Complete => Ended::Complete,
            Ended::Running => Ended::Failed(format!("run {} was killed", outcome.run.id)),
            Ended::Interrupted(why) => Ended::Interrupted(format!("run {}: {why}", outcome.run.id)),
            Ended::Failed(why) => Ended::Failed(format!("run {}: {why}", outcome.run.id)),
        },
    }
}
