//! The plan of a scenario of several parts: theirs, one after another, repeat
//! by repeat.

mod demands;

use std::collections::BTreeSet;

use schedbench_contract::Handler;
use schedbench_reports::outcome::Skipped;

use super::{Missing, Resolved, one, targets};
use crate::plan::{Block, CellPlan, Load, Plan, Step, hash};
use crate::scenario::{At, Scenario, ScenarioError};

/// Resolves each part and joins them.
///
/// # Errors
/// A part cannot be resolved, or two measure the same cell.
pub(super) fn resolve(scenario: &Scenario, missing: Missing) -> Result<Resolved, ScenarioError> {
    let mut parts: Vec<(&At<String>, Resolved)> = Vec::new();
    let mut hashes = Vec::new();
    let mut idle = Vec::new();
    let mut holds = Holds::default();
    for (name, part) in &scenario.parts {
        let part = &holds.taken_out(part, missing);
        if part.settings.systems.is_empty() {
            // It decides what is measured all the same.
            hashes.push(one(&of_noop(part), missing)?.plan.hash);
            idle.push(format!("no system here is one of part `{}`", name.value));
            continue;
        }
        let resolved = one(part, missing)?;
        hashes.push(resolved.plan.hash.clone());
        parts.push((name, resolved));
    }
    let objective_holds = holds.answered()?;
    have_the_same_tasks(scenario, &parts)?;
    let mut seen: Vec<Key> = Vec::new();
    for (name, part) in &mut parts {
        once(scenario, name, &mut part.plan, &mut seen)?;
    }
    let Some((_, first)) = parts.first() else {
        let systems = &scenario.settings.systems;
        return Err(scenario.text.error(
            &systems.span,
            "no part is for these systems",
            "expected one that a [[part]] is for",
        ));
    };
    let mut plan = first.plan.clone();
    plan.source.name = scenario.settings.name.value.clone();
    plan.source.overrides = scenario.overrides.clone();
    plan.hash = hash::of_parts(hashes);
    plan.objective_holds = objective_holds;
    plan.blocks = joined(&parts, plan.repeats);
    let skipped = skipped(&parts, &plan);
    plan.objectives = demands::of(scenario, missing)?;
    let mut notes = idle;
    for (name, part) in &parts {
        let left_out = part.skipped.iter().filter(|left_out| !skipped.contains(left_out));
        notes.extend(left_out.map(|out| format!("{}: {}: {}", name.value, out.target, out.why)));
        for note in &part.notes {
            let note = format!("{}: {note}", name.value);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    plan.parts = parts
        .into_iter()
        .map(|(name, mut part)| {
            part.plan.source.name = name.value.clone();
            let own = plan.objectives.iter().filter(|one| one.part.as_ref() == Some(&name.value));
            part.plan.objectives = own.cloned().collect();
            part.plan
        })
        .collect();
    Ok(Resolved { plan, skipped, notes })
}

/// The rate that must be held: one part that tries it is enough.
#[derive(Default)]
struct Holds {
    rate: Option<f64>,
    refused: Option<ScenarioError>,
}

impl Holds {
    /// The part without what is demanded of it; the rate is tried on it.
    fn taken_out(&mut self, part: &Scenario, missing: Missing) -> Scenario {
        let mut without = part.clone();
        without.settings.objectives.clear();
        if without.settings.objective.holds.take().is_some() && self.rate.is_none() {
            match one(&of_noop(part), missing) {
                Ok(resolved) => self.rate = resolved.plan.objective_holds,
                Err(error) => drop(self.refused.get_or_insert(error)),
            }
        }
        without
    }

    fn answered(self) -> Result<Option<f64>, ScenarioError> {
        match (self.rate, self.refused) {
            (None, Some(error)) => Err(error),
            (rate, _) => Ok(rate),
        }
    }
}

fn of_noop(part: &Scenario) -> Scenario {
    let mut part = part.clone();
    part.settings.objectives.clear();
    part.settings.systems.value = vec![At::nowhere(targets::CEILING.to_owned())];
    // Trials are for systems that are not here.
    for trial in &mut part.settings.trial {
        trial.systems = None;
    }
    part
}

/// Repeats interleave, as those of one plan do: each has all parts.
fn joined(parts: &[(&At<String>, Resolved)], repeats: u32) -> Vec<Block> {
    let of = |repeat: u32| {
        let blocks = parts.iter().flat_map(|(_, part)| &part.plan.blocks);
        blocks.filter(move |block| block.repeat == repeat)
    };
    (1..=repeats).flat_map(of).filter(|block| !block.steps.is_empty()).cloned().collect()
}

/// Those that no part runs; one reason each.
fn skipped(parts: &[(&At<String>, Resolved)], plan: &Plan) -> Vec<Skipped> {
    let runs: BTreeSet<String> = plan.blocks.iter().map(|block| block.target.name()).collect();
    let mut skipped: Vec<Skipped> = Vec::new();
    for one in parts.iter().flat_map(|(_, part)| &part.skipped) {
        let is_told = skipped.iter().any(|known| known.target == one.target);
        if !runs.contains(&one.target) && !is_told {
            skipped.push(one.clone());
        }
    }
    skipped
}

/// What tells cells of an outcome apart.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    target: String,
    repeat: u32,
    kind: &'static str,
    amount: f64,
    variant: Option<String>,
    trial: Option<String>,
    fault: Option<String>,
}

impl Key {
    fn of(cell: &CellPlan) -> Self {
        let (kind, amount) = match &cell.load {
            Load::Open { .. } => ("rate", cell.load.mean_rate().unwrap_or_default()),
            Load::InFlight { tasks, .. } => ("in flight", *tasks as f64),
            Load::Backlog { tasks } => ("backlog", *tasks as f64),
        };
        Self {
            target: cell.target.name(),
            repeat: cell.repeat,
            kind,
            amount,
            variant: cell.variant.clone(),
            trial: cell.trial_name().map(str::to_owned),
            fault: cell.fault_in_words(),
        }
    }
}

/// Leaves out of a part what `noop` does in an earlier one. What a system does
/// in two parts would be taken for repeats of one cell.
fn once(
    scenario: &Scenario,
    name: &At<String>,
    plan: &mut Plan,
    seen: &mut Vec<Key>,
) -> Result<(), ScenarioError> {
    let mut own = Vec::new();
    let mut twice = None;
    for block in &mut plan.blocks {
        let is_ceiling = block.target.system.name == targets::CEILING;
        block.steps.retain(|step| {
            let Step::Cell(cell) = step else { return true };
            let key = Key::of(cell);
            let known = seen.contains(&key);
            if known && !is_ceiling {
                twice = Some(key.clone());
            }
            own.push(key);
            !(known && is_ceiling)
        });
    }
    seen.append(&mut own);
    match twice {
        None => Ok(()),
        Some(key) => Err(scenario.text.error(
            &name.span,
            format!("part `{}` has a cell of an earlier part", name.value),
            format!("expected each cell once, found {} at {} again", key.target, key.amount),
        )),
    }
}

/// The result says once what a task is.
fn have_the_same_tasks(
    scenario: &Scenario,
    parts: &[(&At<String>, Resolved)],
) -> Result<(), ScenarioError> {
    let task = |part: &Resolved| -> Option<(usize, Handler)> {
        let mut cells = part.plan.blocks.iter().flat_map(|block| &block.steps).map(cell_of);
        // noop's have no handler.
        let of = |cell: &CellPlan| (cell.body_bytes, cell.handler);
        cells.clone().find(|it| it.target.system.name != targets::CEILING).or(cells.next()).map(of)
    };
    let Some((_, first)) = parts.first() else { return Ok(()) };
    for (name, part) in parts {
        if task(part) != task(first) {
            return Err(scenario.text.error(
                &name.span,
                format!("part `{}` has other bodies or work than the first", name.value),
                "expected `task.body` and `task.work` alike: the result says them once",
            ));
        }
    }
    Ok(())
}

fn cell_of(step: &Step) -> &CellPlan {
    match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
        Step::Search(search) => &search.template,
    }
}
