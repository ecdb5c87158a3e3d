//! The trials of a scenario: what each does, on which of the systems, and
//! whether any of those can live through it.

use schedbench_reports::outcome::Skipped;

use super::bounds::Bounds;
use super::steps::Group;
use super::{faults, fit_group, shares};
use crate::plan::{CellPlan, Commands, Control, Fault, Step, Target, Trial};
use crate::scenario::{
    self, At, Matrix, Mode, Nanos, RateOrShare, Scenario, ScenarioError, Settings, name, suggest,
};

/// What cells go through: the scenario's faults, or those of a trial.
pub(super) struct Treatment<'a> {
    pub(super) trial: Option<Trial>,
    pub(super) faults: Vec<Fault>,
    pub(super) commands: Vec<Commands>,
    pub(super) own: OwnLoad<'a>,
}

/// What a trial has of its own in place of the load's.
#[derive(Clone, Copy, Default)]
pub(super) struct OwnLoad<'a> {
    pub(super) rates: Option<&'a At<Vec<At<RateOrShare>>>>,
    pub(super) duration: Option<&'a At<Nanos>>,
}

/// Every trial in the order in which they are written; the scenario's own
/// faults, or none, where it has no trials.
pub(super) fn treatments<'a>(
    scenario: &'a Scenario,
    bounds: &Bounds<'_>,
    processes: u32,
) -> Result<Vec<Treatment<'a>>, ScenarioError> {
    let settings = &scenario.settings;
    let mode = *settings.load.mode;
    let faults = |written: &[scenario::Fault]| faults::faults(bounds, written, mode, processes);
    let Some(first) = settings.trial.first() else {
        if let Some(full) = &settings.load.full_rates {
            return Err(scenario.text.error(
                &full.span,
                "`full_rates` has no meaning without trials",
                "expected a [[trial]] with it",
            ));
        }
        if let Some(matrix) = &settings.matrix {
            return Err(scenario.text.error(
                &matrix.span,
                "`matrix` has no meaning without trials",
                "expected a [[trial]] with it",
            ));
        }
        let (faults, commands) = faults(&settings.fault)?;
        return Ok(vec![Treatment { trial: None, faults, commands, own: OwnLoad::default() }]);
    };
    if let Some(fault) = settings.fault.first() {
        return Err(scenario.text.error(
            &fault.kind.span,
            "both [[fault]] and [[trial]]",
            "expected the faults of each trial as its [[trial.fault]]",
        ));
    }
    if mode != Mode::Open {
        return Err(scenario.text.error(
            &first.name.span,
            format!("a trial with mode = \"{}\"", mode.name()),
            "expected mode = \"open\" with it: a rate that does not follow the system",
        ));
    }
    let is_asked = |field| scenario.is_changed(field);
    let mut treatments = Vec::new();
    for (at, trial) in settings.trial.iter().enumerate() {
        name(scenario, trial, &settings.trial[..at])?;
        beside_stages(scenario, trial)?;
        let (faults, commands) = faults(&trial.fault)?;
        treatments.push(Treatment {
            faults,
            commands,
            trial: Some(Trial { name: trial.name.value.clone(), control: None }),
            own: OwnLoad {
                rates: trial.rates.as_ref().filter(|_| !is_asked("load.rates")),
                duration: trial.duration.as_ref().filter(|_| !is_asked("load.duration")),
            },
        });
    }
    let hurt = || treatments.iter().flat_map(|treatment| &treatment.faults);
    let (from, until) = (hurt().map(|f| f.at_ns).min(), hurt().map(Fault::until_ns).max());
    let (Some(from), Some(until)) = (from, until) else {
        return Err(scenario.text.error(
            &first.name.span,
            "no trial has a fault",
            "expected a [[trial.fault]] in one: a control is set beside others",
        ));
    };
    let control = Control { at_ns: from, for_ns: until - from };
    for Treatment { trial, faults, .. } in &mut treatments {
        if let (Some(trial), true) = (trial, faults.is_empty()) {
            trial.control = Some(control);
        }
    }
    Ok(treatments)
}

/// That a trial has no load of its own where the scenario has stages.
fn beside_stages(scenario: &Scenario, trial: &scenario::Trial) -> Result<(), ScenarioError> {
    if scenario.settings.load.stages.is_none() {
        return Ok(());
    }
    if let Some(rates) = &trial.rates {
        return Err(scenario.text.error(
            &rates.span,
            "rates of a trial beside stages",
            "expected [load] rates, or none here",
        ));
    }
    if let Some(duration) = &trial.duration {
        return Err(scenario.text.error(
            &duration.span,
            "`duration` of a trial beside stages",
            "expected only the stages' own durations",
        ));
    }
    Ok(())
}

fn name(
    scenario: &Scenario,
    trial: &scenario::Trial,
    earlier: &[scenario::Trial],
) -> Result<(), ScenarioError> {
    let name = &trial.name;
    if let Some(expected) = name::wrong(name, 40) {
        let title = "a trial's name that no table can have";
        return Err(scenario.text.error(&name.span, title, expected));
    }
    if name.value == shares::TRIAL {
        return Err(scenario.text.error(
            &name.span,
            "a trial named `capacity`",
            "expected another name: a search for a capacity goes by this one",
        ));
    }
    if earlier.iter().any(|other| other.name == *name) {
        return Err(scenario.text.error(
            &name.span,
            format!("two trials named `{}`", name.value),
            "expected each name once: reports group by it",
        ));
    }
    Ok(())
}

/// The rates that every trial has besides its own where each runs on all
/// systems, unless the command line names the loads.
pub(super) fn more_rates<'a>(
    scenario: &'a Scenario,
    bounds: &Bounds<'_>,
) -> Result<impl Iterator<Item = &'a At<RateOrShare>>, ScenarioError> {
    let settings = &scenario.settings;
    let more = settings.load.full_rates.as_ref();
    if let Some(more) = more {
        bounds.not_empty(more, "full_rates")?;
        bounds.each_once(more)?;
    }
    let are_meant = is_full(settings) && !scenario.is_changed("load.rates");
    Ok(more.filter(|_| are_meant).into_iter().flat_map(|more| more.iter()))
}

/// The faults of a cell as they are written, in the order of its own.
pub(super) fn written<'a>(settings: &'a Settings, cell: &CellPlan) -> &'a [scenario::Fault] {
    match cell.trial_name() {
        None => &settings.fault,
        Some(name) => {
            let named = settings.trial.iter().find(|trial| *trial.name == name);
            named.map_or(&[], |trial| &trial.fault)
        }
    }
}

/// Whether this system takes part in the group's trial, if it is of one.
pub(super) fn wants(settings: &Settings, target: Target, group: &Group) -> bool {
    let Some(name) = trial_of(group) else { return true };
    let trial = settings.trial.iter().find(|trial| *trial.name == name);
    is_full(settings)
        || trial.is_some_and(|trial| trial.names(target.system.name, target.profile.name))
}

/// Whether one of these runs the group's trial, if it is of one and there are
/// any.
pub(super) fn is_among(group: &Group, beside: &[(Target, Vec<Group>)]) -> bool {
    let name = trial_of(group);
    let mut run = beside.iter().flat_map(|(_, groups)| groups);
    name.is_none() || beside.is_empty() || run.any(|other| trial_of(other) == name)
}

fn is_full(settings: &Settings) -> bool {
    settings.matrix.as_ref().is_some_and(|matrix| **matrix == Matrix::Full)
}

fn trial_of(group: &Group) -> Option<&str> {
    group.iter().find_map(|step| match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell.trial_name(),
        Step::Search(_) => None,
    })
}

/// That every trial is for systems of the scenario, one of which can run it.
/// What the command line leaves of a scenario need not run all of its trials:
/// those that remain without a system are noted.
///
/// # Errors
/// A system that the scenario does not have, or a trial that nobody can run.
pub(super) fn have_systems(
    scenario: &Scenario,
    targets: &[Target],
    skipped: &[Skipped],
    groups: &[Group],
    notes: &mut Vec<String>,
) -> Result<(), ScenarioError> {
    let settings = &scenario.settings;
    let is_narrowed = scenario.is_changed("systems") || scenario.is_changed("profiles");
    for trial in settings.trial.iter().filter(|_| !is_narrowed) {
        are_in_the_scenario(scenario, trial, targets, skipped)?;
    }
    let mut idle: Vec<&str> = Vec::new();
    for trial in &settings.trial {
        let of_it = |group: &&Group| trial_of(group) == Some(trial.name.as_str());
        let Some(group) = groups.iter().find(of_it) else { continue };
        let wanting = targets.iter().filter(|target| wants(settings, **target, group));
        let mut tried = wanting.map(|target| (*target, fit_group(scenario, *target, group)));
        let Some((target, first)) = tried.next() else {
            idle.push(&trial.name);
            continue;
        };
        let Err((misfit, _)) = first else { continue };
        if is_narrowed || is_full(settings) || tried.any(|(_, fit)| fit.is_ok()) {
            continue;
        }
        return Err(scenario
            .text
            .error(
                &misfit.span,
                format!("no system of trial `{}` can {}", trial.name.value, misfit.what),
                format!("{}: {}", target.name(), misfit.why),
            )
            .help("schedbench list shows what each system does."));
    }
    if !targets.is_empty() && idle.len() == settings.trial.len() && !idle.is_empty() {
        return Err(scenario
            .text
            .error(
                &settings.systems.span,
                "no trial is for these systems",
                format!("expected one of {}", suggest::one_of(named(settings))),
            )
            .help("To run every trial on them:  --matrix full"));
    }
    if !idle.is_empty() {
        let idle: Vec<String> = idle.iter().map(|name| format!("`{name}`")).collect();
        notes.push(format!("no system here is one of trial {}", idle.join(", ")));
    }
    Ok(())
}

/// The systems that trials name, each once.
fn named(settings: &Settings) -> Vec<&str> {
    let all = settings.trial.iter().filter_map(|trial| trial.systems.as_ref());
    let mut named: Vec<&str> = Vec::new();
    for system in all.flat_map(|systems| systems.iter()) {
        if !named.contains(&system.as_str()) {
            named.push(system);
        }
    }
    named
}

fn are_in_the_scenario(
    scenario: &Scenario,
    trial: &scenario::Trial,
    targets: &[Target],
    skipped: &[Skipped],
) -> Result<(), ScenarioError> {
    let Some(systems) = &trial.systems else { return Ok(()) };
    if systems.is_empty() {
        return Err(scenario.text.error(
            &systems.span,
            "a trial of no system",
            "expected one or more of the scenario's, or no `systems` for all of them",
        ));
    }
    for written in systems.iter() {
        let system = written.split_once('/').map_or(written.as_str(), |(name, _)| name);
        let is_one = |target: &Target| {
            target.system.name == written.as_str() || target.name() == written.as_str()
        };
        let is_left_out =
            |out: &Skipped| out.target.split('/').next().is_some_and(|name| name == system);
        if targets.iter().any(is_one) || skipped.iter().any(is_left_out) {
            continue;
        }
        let names = || scenario.settings.systems.iter().map(|name| name.as_str());
        let near = suggest::nearest(written, names())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(scenario.text.error(
            &written.span,
            format!("`{}` is not among the scenario's systems", written.value),
            format!("expected {}{near}", suggest::one_of(names())),
        ));
    }
    Ok(())
}
