//! What is demanded of the systems: that every demand is about cells of the
//! plan, so that there will be an answer.

mod told;

use std::ops::Range;

use schedbench_reports::metrics;
use schedbench_reports::outcome::{self, DemandedAt, Skipped};

use super::steps::Group;
use crate::plan::{CellPlan, Load, Step, Target};
use crate::scenario::demand::{self, Slip, Word};
use crate::scenario::{Count, Mode, Rate, RateOrShare, Scenario, ScenarioError, Settings, suggest};

/// What will be run, system by system.
pub(super) struct Planned<'a> {
    pub(super) fitted: &'a [(Target, Vec<Group>)],
    /// `noop`, which is only asked by name.
    pub(super) ceiling: (Target, &'a [Group]),
}

impl Planned<'_> {
    /// The demands of a scenario.
    ///
    /// # Errors
    /// One is none, or nothing of the plan could meet it.
    pub(super) fn demands(
        &self,
        scenario: &Scenario,
        skipped: &[Skipped],
    ) -> Result<Vec<outcome::Demand>, ScenarioError> {
        let written = scenario.settings.objectives.iter();
        let demands = written.map(|written| {
            let checked = demand::read(&written.0)
                .and_then(|read| self.checked(scenario, skipped, &written.0, &read));
            checked.map_err(|slip| {
                let error = slip.at(&scenario.text, written);
                // What the command line took away, it can also stop asking for.
                let is_narrowed = ["systems", "profiles", "load.rates", "load.stages"]
                    .iter()
                    .any(|field| scenario.is_changed(field));
                match is_narrowed {
                    true => error.help("To run without objectives:  --set objectives=[]"),
                    false => error,
                }
            })
        });
        demands.collect()
    }

    fn checked(
        &self,
        scenario: &Scenario,
        skipped: &[Skipped],
        text: &str,
        read: &demand::Demand,
    ) -> Result<outcome::Demand, Slip> {
        let settings = &scenario.settings;
        let part = scenario.part.as_ref();
        let names_part = read.within.as_ref().is_some_and(|name| part == Some(&name.value));
        let within = read.within.clone().filter(|_| !names_part);
        let read = &demand::Demand { within, ..read.clone() };
        let mode = *settings.load.mode;
        let asked = self.asked(settings, skipped, read)?;
        let (system, profile) = match &read.of {
            None => (None, None),
            Some(of) => match of.value.split_once('/') {
                Some((system, profile)) => (Some(system.to_owned()), Some(profile.to_owned())),
                None => (Some(of.value.clone()), None),
            },
        };
        let mut steps: Vec<&Step> = asked.iter().copied().flatten().flatten().collect();
        // Of what was left out nobody can say what it would have run.
        let is_left_out = asked.is_empty();
        if let Some(trial) = &read.within {
            let names = || settings.trial.iter().map(|trial| trial.name.as_str());
            if !names().any(|name| name == trial.value) {
                return Err(unknown_trial(trial, names()));
            }
            steps.retain(|step| cell_of(step).trial_name() == Some(trial.value.as_str()));
            if steps.is_empty() && !is_left_out {
                let title = format!("no system here is one of trial `{}`", trial.value);
                return Err(slip(&trial.span, title, "expected a trial that is run"));
            }
        }
        let at = at(mode, read, &mut steps, is_left_out)?;
        if !is_left_out {
            told::can_be(mode, read, &steps)?;
            told::by_enough_tasks(read, &steps, settings.repeats.0)?;
        }
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(part) = part.filter(|_| !names_part && read.within.is_none()) {
            text.push_str(&format!(" in {part}"));
        }
        Ok(outcome::Demand {
            text,
            metric: read.metric.value.name.to_owned(),
            comparison: read.comparison,
            bound: read.bound,
            at,
            system,
            profile,
            trial: read.within.as_ref().map(|trial| trial.value.clone()),
            part: part.cloned(),
            targets: match part.is_some() || read.within.is_some() {
                true => targets(&steps),
                false => Vec::new(),
            },
        })
    }

    /// The groups of every system that a demand is about; none where it names
    /// one that was left out.
    fn asked(
        &self,
        settings: &Settings,
        skipped: &[Skipped],
        read: &demand::Demand,
    ) -> Result<Vec<&[Group]>, Slip> {
        let Some(of) = &read.of else {
            let all: Vec<&[Group]> = self.fitted.iter().map(|(_, groups)| &groups[..]).collect();
            if all.is_empty() && skipped.is_empty() {
                return Err(slip(
                    &read.metric.span,
                    "an objective of no system",
                    "expected `of noop` with it: the harness's own ceiling is asked by name only",
                ));
            }
            return Ok(all);
        };
        let is_it =
            |target: &Target| target.system.name == of.value.as_str() || target.name() == of.value;
        if is_it(&self.ceiling.0) {
            return Ok(vec![self.ceiling.1]);
        }
        let own = self.fitted.iter().filter(|(target, _)| is_it(target));
        let own: Vec<&[Group]> = own.map(|(_, groups)| &groups[..]).collect();
        let system = of.value.split('/').next().unwrap_or_default();
        let is_left_out = skipped.iter().any(|out| out.target.split('/').next() == Some(system));
        if !own.is_empty() || is_left_out {
            return Ok(own);
        }
        Err(unknown_system(of, settings))
    }
}

/// Whose steps they are: a part or a trial is not for every system.
fn targets(steps: &[&Step]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in steps.iter().map(|step| cell_of(step).target.name()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub(super) fn unknown_system(of: &Word<String>, settings: &Settings) -> Slip {
    let names = || settings.systems.iter().map(|name| name.as_str());
    let near = suggest::nearest(&of.value, names())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    slip(
        &of.span,
        format!("`{}` is not among the scenario's systems", of.value.escape_debug()),
        format!("expected {}{near}", suggest::one_of(names())),
    )
}

fn slip(span: &Range<usize>, title: impl Into<String>, label: impl Into<String>) -> Slip {
    Slip { is_of_here: true, ..Slip::new(span, title, label) }
}

fn cell_of(step: &Step) -> &CellPlan {
    match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
        Step::Search(search) => &search.template,
    }
}

fn unknown_trial<'n>(trial: &Word<String>, names: impl Iterator<Item = &'n str> + Clone) -> Slip {
    if names.clone().next().is_none() {
        let title = "a trial where the scenario has none";
        return slip(&trial.span, title, "expected no `in`, or a [[trial]] of this name");
    }
    let near = suggest::nearest(&trial.value, names.clone())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    slip(
        &trial.span,
        format!("no trial `{}`", trial.value.escape_debug()),
        format!("expected {}{near}", suggest::one_of(names)),
    )
}

/// At which loads it is demanded; leaves only their steps.
fn at(
    mode: Mode,
    read: &demand::Demand,
    steps: &mut Vec<&Step>,
    is_left_out: bool,
) -> Result<DemandedAt, Slip> {
    let is_capacity = read.metric.value.name == metrics::CAPACITY.name;
    let Some(at) = &read.at else {
        return Ok(match mode {
            _ if is_capacity => DemandedAt::Each,
            Mode::Capacity => DemandedAt::HighestHeld,
            Mode::Soak => DemandedAt::LongestWindow,
            Mode::Open | Mode::InFlight | Mode::Backlog => DemandedAt::Each,
        });
    };
    if is_capacity {
        let title = "a load beside `capacity`";
        return Err(slip(&at.span, title, "expected no `at`: a capacity is a load itself"));
    }
    let wrong = |label: String| slip(&at.span, format!("no load `{}`", at.value), label);
    let demanded = match mode {
        Mode::Open => match at.value.parse::<RateOrShare>() {
            Ok(RateOrShare::Rate(Rate(rate))) => DemandedAt::Load(outcome::Load::Rate(rate)),
            Ok(RateOrShare::Share(share)) => DemandedAt::Share(share.to_string()),
            Err(why) => return Err(wrong(expected(&why))),
        },
        Mode::InFlight | Mode::Backlog => match at.value.parse::<Count>() {
            Ok(Count(tasks)) if mode == Mode::InFlight => {
                DemandedAt::Load(outcome::Load::InFlight(tasks))
            }
            Ok(Count(tasks)) => DemandedAt::Load(outcome::Load::Backlog(tasks)),
            Err(why) => return Err(wrong(expected(&why))),
        },
        Mode::Capacity | Mode::Soak => {
            let where_else = match mode {
                Mode::Capacity => "the highest rate held is judged",
                _ => "the long cell is judged",
            };
            return Err(slip(
                &at.span,
                format!("a load with mode = \"{}\"", mode.name()),
                format!("expected no `at`: rates are found as it goes, and {where_else}"),
            ));
        }
    };
    if is_left_out {
        return Ok(demanded);
    }
    let loads: Vec<(DemandedAt, String)> = steps.iter().filter_map(|step| load_of(step)).collect();
    steps.retain(|step| load_of(step).is_some_and(|(load, _)| load == demanded));
    if steps.is_empty() {
        let mut names: Vec<String> = Vec::new();
        for (_, name) in loads {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let whose = read.of.as_ref().map_or_else(String::new, |of| format!(" of {}", of.value));
        return Err(slip(
            &at.span,
            format!("no load of {}{whose}", at.value),
            format!("expected one of the loads: {}", names.join(", ")),
        ));
    }
    Ok(demanded)
}

/// What a text was expected to be, out of the message of a quantity.
fn expected(why: &str) -> String {
    why.split_once(": expected ").map_or(why.to_owned(), |(_, label)| format!("expected {label}"))
}

/// The load of a step as a demand names it; `None` of a search.
fn load_of(step: &Step) -> Option<(DemandedAt, String)> {
    let load = match step {
        Step::Search(_) => return None,
        Step::AtCapacity { share, .. } => {
            let share = crate::scenario::Fraction(*share).to_string();
            return Some((DemandedAt::Share(share.clone()), share));
        }
        Step::Cell(cell) => &cell.load,
    };
    Some(match load {
        Load::Open { .. } => {
            let rate = load.mean_rate().unwrap_or_default();
            (DemandedAt::Load(outcome::Load::Rate(rate)), Rate(rate).to_string())
        }
        Load::InFlight { tasks, .. } => {
            (DemandedAt::Load(outcome::Load::InFlight(*tasks)), Count(*tasks).to_string())
        }
        Load::Backlog { tasks } => {
            (DemandedAt::Load(outcome::Load::Backlog(*tasks)), Count(*tasks).to_string())
        }
    })
}
