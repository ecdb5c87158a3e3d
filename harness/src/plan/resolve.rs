//! From a scenario and its seed to a plan.

mod bounds;
mod ceiling;
mod commands;
mod faults;
mod fit;
mod objectives;
mod order;
mod parts;
mod shares;
mod steps;
mod targets;
mod trials;

use schedbench_contract::{Broker, WorkersShape};
use schedbench_reports::outcome::Skipped;

use self::bounds::Bounds;
use self::fit::Misfit;
use self::objectives::Planned;
use self::steps::Group;
use super::{
    Block, CellPlan, MOST_RERUNS, Pacing, Plan, Search, Source, Step, Target, check, hash,
};
use crate::scenario::{Mode, PacingKind, Rate, Scenario, ScenarioError, name};

/// More cells than this is a slip: at 1 s each they would take a day.
const MOST_CELLS: usize = 100_000;

/// What to do about systems that this build lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Stop.
    IsAnError,
    /// Run the rest: `--skip-missing`.
    IsSkipped,
}

/// A plan, and what it leaves out or cannot show.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// Targets that were asked for and have no block.
    pub skipped: Vec<Skipped>,
    /// What the reader should know: cells left out, percentiles that cannot be
    /// shown. One sentence each.
    pub notes: Vec<String>,
}

impl Resolved {
    /// Leaves a target out after all: its broker is not there.
    pub fn skip(&mut self, target: Target, why: impl Into<String>, remedy: Option<String>) {
        let name = target.name();
        self.plan.blocks.retain(|block| block.target.name() != name);
        self.skipped.push(Skipped { target: name, why: why.into(), remedy });
    }
}

/// Resolves a scenario: what runs, in which order, with which arrivals.
///
/// Pure: the same scenario and seed give the same plan.
///
/// # Errors
/// Something in the scenario is unknown, out of range, or does not fit
/// together.
pub fn resolve(scenario: &Scenario, missing: Missing) -> Result<Resolved, ScenarioError> {
    if scenario.settings.part.is_empty() {
        one(scenario, missing)
    } else {
        parts::resolve(scenario, missing)
    }
}

/// Resolves a scenario without parts, or one of them.
fn one(scenario: &Scenario, missing: Missing) -> Result<Resolved, ScenarioError> {
    let settings = &scenario.settings;
    let bounds = Bounds { text: &scenario.text };
    names(scenario)?;
    let (mut targets, mut skipped) = targets::choose(scenario, missing)?;
    let ceiling = ceiling()?;
    targets.retain(|target| target.system.name != targets::CEILING);
    let repeats = bounds.whole(&settings.repeats, 1, 1_000)?;
    let reruns = bounds.whole(&settings.reruns, 0, MOST_RERUNS)?;
    let shape = shape(scenario, &bounds)?;
    let groups = steps::groups(scenario, ceiling, shape.processes)?;
    faults::can_be_links(scenario)?;
    let cells = groups.len().saturating_mul(targets.len() + 1).saturating_mul(repeats as usize);
    if cells > MOST_CELLS {
        return Err(scenario.text.error(
            &settings.load.span,
            format!("a plan of {cells} cells"),
            format!("expected at most {MOST_CELLS}: fewer loads, systems or repeats"),
        ));
    }

    let objective_p99_ns = settings.objective.p99.0;
    bounds.above_zero(&settings.objective.p99, "an objective of 0", "expected a P99 above 0")?;
    let objective_holds = holds(scenario, &groups)?;
    let pacing = settings.pacing.map(|pacing| match pacing {
        PacingKind::Grid => Pacing::Grid,
        PacingKind::Spin => Pacing::Spin,
    });
    let searches = shares::searches(scenario, &bounds, &groups)?;
    let mut flat: Vec<Step> = groups.concat();
    flat.extend(searches.iter().cloned().map(Step::Search));
    let hash = hash::of(&flat, &shape, objective_p99_ns, pacing);

    let mut notes = Vec::new();
    trials::have_systems(scenario, &targets, &skipped, &groups, &mut notes)?;
    let fitted = fit_all(scenario, &targets, &groups, &mut skipped, &mut notes)?;
    let ceiling_groups = ceiling::groups(scenario, ceiling, &groups, &searches, &fitted);
    let objectives = Planned { fitted: &fitted, ceiling: (ceiling, &ceiling_groups) }
        .demands(scenario, &skipped)?;
    let is_hurt = !settings.fault.is_empty() || !settings.trial.is_empty();
    let rests = settings.load.value.mode.value == Mode::Backlog;
    let seed = settings.seed;
    let mut blocks = Vec::new();
    for repeat in 1..=repeats {
        // All repeats of all systems interleave: each round has every target
        // once, in an order of its own, so that a drift of the machine falls
        // on all of them alike.
        let ceiling =
            (!ceiling_groups.is_empty()).then(|| block(ceiling, &ceiling_groups, seed, repeat));
        let mut round: Vec<Block> = ceiling.into_iter().collect();
        let first = round.len();
        for (target, groups) in &fitted {
            // A broker that was hurt serves nobody else's measurement, and one that
            // has held a backlog has the memory for the next.
            let apart = if is_hurt || rests { 1 } else { groups.len().max(1) };
            let blocks = groups.chunks(apart).map(|groups| block(*target, groups, seed, repeat));
            round.extend(blocks);
        }
        // The first block of all is noop's: what it finds about the harness
        // is known before anything else runs. (Of a backlog it has none.) Then
        // comes what decides the rates of others.
        if repeat == 1 {
            blocks.extend(round.drain(..first));
            blocks.extend(shares::blocks(scenario, &searches, &fitted));
        }
        order::shuffle_blocks(&mut round, seed, repeat);
        blocks.append(&mut round);
    }

    let plan = Plan {
        source: Source {
            name: settings.name.value.clone(),
            summary: settings.summary.value.clone(),
            text: scenario.text.scenario().to_owned(),
            overrides: scenario.overrides.clone(),
        },
        seed,
        repeats,
        reruns,
        hash,
        blocks,
        shape,
        objective_p99_ns,
        objective_holds,
        objectives,
        pacing,
        parts: Vec::new(),
    };
    notes.extend(check::warnings(&plan));
    Ok(Resolved { plan, skipped, notes })
}

/// The rate that must be held: one that the plan tries, so that there will be
/// an answer.
fn holds(scenario: &Scenario, groups: &[Vec<Step>]) -> Result<Option<f64>, ScenarioError> {
    let Some(holds) = &scenario.settings.objective.holds else { return Ok(None) };
    let refuse = |expected: String| {
        let problem = format!("no load of {} to hold", **holds);
        Err(scenario.text.error(&holds.span, problem, expected))
    };
    let mut rates = Vec::new();
    for step in groups.iter().flatten() {
        match step {
            Step::Search(search) if (search.from..=search.to).contains(&holds.0) => {
                return Ok(Some(holds.0));
            }
            Step::Search(search) => {
                let (from, to) = (Rate(search.from), Rate(search.to));
                return refuse(format!("expected one between {from} and {to}, which are searched"));
            }
            Step::Cell(cell) => match cell.load.mean_rate() {
                Some(rate) if !rates.contains(&rate) => rates.push(rate),
                Some(_) => {}
                None => {
                    return refuse(
                        "expected a mode with rates: tasks in flight or pending hold none".into(),
                    );
                }
            },
            Step::AtCapacity { .. } => {}
        }
    }
    if rates.is_empty() {
        return refuse("expected a rate among the loads: each system has shares of its own".into());
    }
    if rates.contains(&holds.0) {
        return Ok(Some(holds.0));
    }
    let rates: Vec<String> = rates.into_iter().map(|rate| Rate(rate).to_string()).collect();
    refuse(format!("expected one of the loads: {}", rates.join(", ")))
}

fn ceiling() -> Result<Target, ScenarioError> {
    schedbench_adapters::find(targets::CEILING)
        .and_then(|system| Some(Target { system, profile: system.profile(None)? }))
        .ok_or_else(|| {
            ScenarioError::new("noop is not in this build", "expected it in every build")
        })
}

/// The name is a directory's, and `url_env` names a variable.
fn names(scenario: &Scenario) -> Result<(), ScenarioError> {
    let written = &scenario.settings.name;
    let wrong = name::wrong(written, 64);
    if wrong.is_some() || written.starts_with('-') {
        let expected = wrong.unwrap_or_else(|| "expected a name".to_owned());
        return Err(scenario.text.error(
            &written.span,
            "a name that cannot name a directory",
            format!("{expected}, not starting with `-`"),
        ));
    }
    // It is printed on terminals and in reports.
    let summary = &scenario.settings.summary;
    if summary.chars().any(char::is_control) || summary.chars().count() > 200 {
        return Err(scenario.text.error(
            &summary.span,
            "a summary that is no single line",
            "expected at most 200 characters, no line break among them",
        ));
    }
    let brokers = &scenario.settings.brokers;
    for existing in Broker::ALL.iter().filter_map(|broker| brokers.named(broker.name())) {
        let variable = &existing.url_env;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if variable.is_empty()
            || !variable.chars().all(plain)
            || variable.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(scenario.text.error(
                &variable.span,
                "not the name of an environment variable",
                "expected a name such as \"REDIS_URL\"",
            ));
        }
    }
    Ok(())
}

fn shape(scenario: &Scenario, bounds: &Bounds<'_>) -> Result<WorkersShape, ScenarioError> {
    let workers = &scenario.settings.workers;
    Ok(WorkersShape {
        processes: bounds.whole(&workers.processes, 1, 1_024)?,
        concurrency: bounds.whole(&workers.concurrency, 1, 65_536)?,
        prefetch: bounds.whole(&workers.prefetch, 1, 1_000_000)?,
        connections: bounds.whole(&workers.connections, 1, 1_024)?,
        window: bounds.whole(&workers.window, 1, 10_000_000)?,
    })
}

/// The groups of every target that can run any, noting what is left out.
///
/// # Errors
/// Nothing remains of what was asked for.
fn fit_all(
    scenario: &Scenario,
    targets: &[Target],
    groups: &[Group],
    skipped: &mut Vec<Skipped>,
    notes: &mut Vec<String>,
) -> Result<Vec<(Target, Vec<Group>)>, ScenarioError> {
    let settings = &scenario.settings;
    let mut fitted = Vec::new();
    let mut first_misfit: Option<(Target, Misfit)> = None;
    for &target in targets {
        let mut fitting = Vec::new();
        let mut misfits: Vec<(Misfit, Vec<String>)> = Vec::new();
        for group in groups.iter().filter(|group| trials::wants(settings, target, group)) {
            match fit_group(scenario, target, group) {
                Ok(group) => fitting.push(group),
                Err((misfit, variant)) => {
                    first_misfit.get_or_insert((target, misfit.clone()));
                    let variant = variant.unwrap_or_else(|| misfit.what.to_owned());
                    let alike =
                        |other: &Misfit| other.what == misfit.what && other.why == misfit.why;
                    match misfits.iter_mut().find(|(other, _)| alike(other)) {
                        Some((_, variants)) if variants.contains(&variant) => {}
                        Some((_, variants)) => variants.push(variant),
                        None => misfits.push((misfit, vec![variant])),
                    }
                }
            }
        }
        if fitting.is_empty() {
            let (why, remedy) = match misfits.into_iter().next() {
                Some((misfit, _)) => (format!("it cannot {}: {}", misfit.what, misfit.why), None),
                None => ("no trial is for it".to_owned(), Some("--matrix full".to_owned())),
            };
            skipped.push(Skipped { target: target.name(), why, remedy });
            continue;
        }
        notes.extend(misfits.into_iter().map(|(misfit, variants)| {
            format!("{}: no cells with {}: {}", target.name(), variants.join("; "), misfit.why)
        }));
        fitted.push((target, fitting));
    }
    match first_misfit {
        Some((target, misfit)) if fitted.is_empty() => Err(scenario
            .text
            .error(&misfit.span, format!("{} cannot {}", target.name(), misfit.what), misfit.why)
            .help("No system of this scenario can run it; schedbench list shows what each does.")),
        _ => Ok(fitted),
    }
}

/// The group for this target, or why it cannot run it and the variant.
fn fit_group(
    scenario: &Scenario,
    target: Target,
    group: &Group,
) -> Result<Group, (Misfit, Option<String>)> {
    let fit = |cell: &CellPlan| {
        fit::fit(cell, target, scenario).map_err(|misfit| {
            let trial = cell.trial_name().map(|name| format!("trial {name}"));
            (misfit, trial.or_else(|| cell.variant.clone()))
        })
    };
    group
        .iter()
        .map(|step| {
            Ok(match step {
                Step::Cell(cell) => Step::Cell(fit(cell)?),
                Step::Search(search) => {
                    Step::Search(Search { template: fit(&search.template)?, ..search.clone() })
                }
                Step::AtCapacity { share, cell } => {
                    Step::AtCapacity { share: *share, cell: fit(cell)? }
                }
            })
        })
        .collect()
}

/// One repeat of a target, its groups in the seed's order.
fn block(target: Target, groups: &[Group], seed: u64, repeat: u32) -> Block {
    let mut groups = groups.to_vec();
    order::shuffle_steps(&mut groups, seed, &target.name(), repeat);
    let mut steps = groups.concat();
    for step in &mut steps {
        let cell = match step {
            Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
            Step::Search(search) => &mut search.template,
        };
        cell.repeat = repeat;
        cell.seed = order::cell_seed(seed, cell, repeat);
    }
    Block { target, repeat, steps }
}
