//! What is demanded of a scenario of several parts: of the part that a demand
//! names, else of each that has cells to answer it.

use std::ops::Range;

use schedbench_reports::outcome;

use super::super::objectives::unknown_system;
use super::{Missing, one, targets};
use crate::scenario::demand::{self, Demand, Slip, Word};
use crate::scenario::{At, Demanded, Scenario, ScenarioError, suggest};

/// Each demand, once for every part that it is about.
///
/// # Errors
/// One is no demand, is about a part, trial or system that is not there, no
/// part has a cell that could meet it, or one that has has too few tasks.
pub(super) fn of(
    scenario: &Scenario,
    missing: Missing,
) -> Result<Vec<outcome::Demand>, ScenarioError> {
    let mut all = Vec::new();
    for written in &scenario.settings.objectives {
        let at = |slip: Slip| slip.at(&scenario.text, written);
        let read = demand::read(&written.0).map_err(at)?;
        let parts = parts_of(scenario, &read).map_err(at)?;
        let mut answers = Vec::new();
        let mut refused = None;
        for part in parts {
            match asked(part, written, missing) {
                Ok(demands) => answers.extend(demands),
                Err(error) if error.is_of_here() => drop(refused.get_or_insert(error)),
                Err(error) => return Err(error),
            }
        }
        if let (true, Some(error)) = (answers.is_empty(), refused) {
            return Err(error);
        }
        // What noop does in several parts is measured in the first of them.
        if read.of.as_ref().is_some_and(|of| system_of(&of.value) == targets::CEILING) {
            answers.truncate(1);
        }
        all.append(&mut answers);
    }
    Ok(all)
}

/// One demand, asked of one part.
fn asked(
    part: &Scenario,
    written: &At<Demanded>,
    missing: Missing,
) -> Result<Vec<outcome::Demand>, ScenarioError> {
    let mut part = part.clone();
    part.settings.objectives = vec![written.clone()];
    part.settings.objective.holds = None;
    Ok(one(&part, missing)?.plan.objectives)
}

/// The parts that a demand can be about: never none.
fn parts_of<'s>(scenario: &'s Scenario, read: &Demand) -> Result<Vec<&'s Scenario>, Slip> {
    let run = scenario.parts.iter().filter(|(_, part)| !part.settings.systems.is_empty());
    let mut parts: Vec<&Scenario> = run.map(|(_, part)| part).collect();
    if let Some(place) = &read.within {
        is_there(scenario, place)?;
        let names_part = scenario.parts.iter().any(|(name, _)| name.value == place.value);
        parts.retain(|part| match names_part {
            true => part.part.as_ref() == Some(&place.value),
            false => trials(part).any(|name| name == place.value),
        });
        if parts.is_empty() {
            let title = format!("no system here is one of `{}`", place.value);
            return Err(Slip::new(&place.span, title, "expected a part or a trial that is run"));
        }
    }
    let Some(of) = &read.of else { return Ok(parts) };
    let system = system_of(&of.value);
    if system == targets::CEILING {
        return Ok(parts);
    }
    let has = |part: &Scenario| part.settings.systems.iter().any(|it| system_of(it) == system);
    if !has(scenario) {
        return Err(unknown_system(of, &scenario.settings));
    }
    parts.retain(|part| has(part));
    match parts.is_empty() {
        false => Ok(parts),
        true => Err(not_here(&of.span, &of.value)),
    }
}

fn not_here(span: &Range<usize>, system: &str) -> Slip {
    let title = format!("no part that this is about has `{system}`");
    Slip::new(span, title, "expected a system of the part that `in` names")
}

/// That there is a part or a trial of that name.
fn is_there(scenario: &Scenario, place: &Word<String>) -> Result<(), Slip> {
    let parts = scenario.parts.iter().map(|(name, _)| name.value.as_str());
    let mut names: Vec<&str> = parts.collect();
    for name in scenario.parts.iter().flat_map(|(_, part)| trials(part)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.contains(&place.value.as_str()) {
        return Ok(());
    }
    let near = suggest::nearest(&place.value, names.iter().copied())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let title = format!("no part and no trial `{}`", place.value.escape_debug());
    Err(Slip::new(&place.span, title, format!("expected {}{near}", suggest::one_of(names))))
}

fn trials(part: &Scenario) -> impl Iterator<Item = &str> {
    part.settings.trial.iter().map(|trial| trial.name.as_str())
}

/// `kafka` of `kafka/rf3`.
fn system_of(target: &str) -> &str {
    target.split('/').next().unwrap_or_default()
}
