//! What every block does: a scenario's load and tasks as steps, before any
//! system is known.

use std::ops::Range;

use schedbench_contract::{Handler, Retry};

use super::bounds::{Bounds, ppm};
use super::{faults, shares, trials};
use crate::plan::{CellPlan, Delay, Load, Search, Spacing, Stage, Step, Target};
use crate::scenario::{
    At, Count, DelayKind, Mode, Rate, RateOrShare, Scenario, ScenarioError, WorkKind,
};

const SECOND: u64 = 1_000_000_000;

/// Steps that stay together, in this order.
pub(super) type Group = Vec<Step>;

/// The groups of a block, in the scenario's order: each delay in each trial at
/// each load.
pub(super) fn groups(
    scenario: &Scenario,
    blank: Target,
    processes: u32,
) -> Result<Vec<Group>, ScenarioError> {
    let bounds = Bounds { text: &scenario.text };
    bounds.mode_has_its_fields(scenario)?;
    let treatments = trials::treatments(scenario, &bounds, processes)?;
    let mut groups = Vec::new();
    let mut names: Vec<Option<String>> = Vec::new();
    for written in &scenario.settings.task.delay.0 {
        let span =
            if written.is_written() { &written.span } else { &scenario.settings.task.delay.span };
        let delay = delay(&bounds, written, span)?;
        let variant = variant(&delay);
        if names.contains(&variant) {
            return Err(scenario.text.error(
                span,
                "a delay is given twice",
                "expected each delay once",
            ));
        }
        names.push(variant.clone());
        let cell = tasks(scenario, &bounds, blank)?;
        let cell = CellPlan { variant, delay, ..cell };
        for treatment in &treatments {
            let trials::Treatment { trial, faults, commands, own } = treatment;
            let cell = CellPlan {
                trial: trial.clone(),
                faults: faults.clone(),
                commands: commands.clone(),
                ..cell.clone()
            };
            loads(scenario, &bounds, &cell, *own, &mut groups)?;
        }
    }
    faults::lie_in_the_window(scenario, &bounds, &groups)?;
    Ok(groups)
}

/// A cell with the scenario's tasks, and no load yet.
fn tasks(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    target: Target,
) -> Result<CellPlan, ScenarioError> {
    let settings = &scenario.settings;
    let (load, task) = (&settings.load, &settings.task);
    bounds.above_zero(&load.horizon, "a horizon of 0", "expected time for a task to be done in")?;
    Ok(CellPlan {
        target,
        repeat: 0,
        variant: None,
        load: Load::Open { spacing: Spacing::Poisson, stages: Vec::new() },
        seed: 0,
        // Of a backlog nothing is measured before it is handed over.
        warmup_ns: if *load.mode == Mode::Backlog { 0 } else { load.warmup.0 },
        horizon_ns: load.horizon.0,
        delay: Delay::None,
        body_bytes: usize::try_from(task.body.0).unwrap_or(usize::MAX),
        keys: bounds.whole(&task.keys, 0, u32::MAX)?,
        cancel_ppm: ppm(bounds, &task.cancel)?,
        handler: match &*task.work {
            WorkKind::None => Handler::None,
            WorkKind::Sleep(time) => Handler::SleepNs(time.0),
            WorkKind::Cpu(time) => Handler::CpuNs(time.0),
        },
        fail_ppm: ppm(bounds, &task.fail)?,
        retry: Retry {
            max: bounds.whole(&settings.retry.max, 0, 1_000)?,
            backoff_ns: settings.retry.backoff.0,
        },
        faults: Vec::new(),
        commands: Vec::new(),
        trial: None,
        part: scenario.part.clone(),
    })
}

fn delay(
    bounds: &Bounds<'_>,
    written: &DelayKind,
    span: &Range<usize>,
) -> Result<Delay, ScenarioError> {
    Ok(match written {
        DelayKind::None => Delay::None,
        DelayKind::Fixed(time) => match time.0 {
            0 => Delay::None,
            ns => Delay::Fixed(ns),
        },
        DelayKind::Uniform((low, high)) => {
            if low.0 >= high.0 {
                return Err(bounds.text.error(
                    &(low.span.start..high.span.end),
                    "a range of delays from high to low",
                    "expected the shorter delay first",
                ));
            }
            Delay::Uniform(low.0, high.0)
        }
        DelayKind::Mix(parts) => {
            let mix = parts
                .iter()
                .map(|(time, weight)| Ok((time.0, bounds.whole(weight, 0, 1_000_000)?)))
                .collect::<Result<Vec<_>, ScenarioError>>()?;
            if mix.iter().all(|(_, weight)| *weight == 0) {
                return Err(bounds.text.error(
                    span,
                    "a mix of nothing",
                    "expected at least one delay with a weight above 0",
                ));
            }
            Delay::Mix(mix)
        }
    })
}

/// What tells cells of one load apart.
pub(super) fn variant(delay: &Delay) -> Option<String> {
    let time = |ns: u64| crate::scenario::Nanos(ns).to_string();
    match delay {
        Delay::None => None,
        Delay::Fixed(ns) => Some(format!("delay {}", time(*ns))),
        Delay::Uniform(low, high) => Some(format!("delay {} to {}", time(*low), time(*high))),
        Delay::Mix(parts) => {
            let times: Vec<String> = parts.iter().map(|(ns, _)| time(*ns)).collect();
            let weights: Vec<String> = parts.iter().map(|(_, w)| w.to_string()).collect();
            Some(format!("delay {}, {}", times.join(" or "), weights.join(":")))
        }
    }
}

/// Adds the groups of every load for one kind of task; rates and window are a
/// trial's own, where it has any.
fn loads(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    cell: &CellPlan,
    own: trials::OwnLoad<'_>,
    groups: &mut Vec<Group>,
) -> Result<(), ScenarioError> {
    let load = &scenario.settings.load;
    let spacing = load.arrivals.as_ref().map_or(Spacing::Poisson, |arrivals| **arrivals);
    let duration = own.duration.or(load.duration.as_ref());
    let window = duration.map_or(10 * SECOND, |window| window.0);
    if let Some(window) = duration {
        bounds.above_zero(window, "a window of 0", "expected time to measure in")?;
    }
    let at = |stages: Vec<Stage>| CellPlan { load: Load::Open { spacing, stages }, ..cell.clone() };
    match *load.mode {
        Mode::Open => match (own.rates.or(load.rates.as_ref()), &load.stages) {
            (_, Some(stages)) => {
                bounds.not_empty(stages, "stages")?;
                let mut window = Vec::new();
                for stage in stages.iter() {
                    bounds.above_zero(&stage.duration, "a stage of 0", "expected time")?;
                    window.push(Stage { rate: stage.rate.0, duration_ns: stage.duration.0 });
                }
                let cell = at(window);
                bounds.some_tasks(&cell, &stages.span)?;
                groups.push(vec![Step::Cell(cell)]);
            }
            (Some(rates), None) => {
                bounds.not_empty(rates, "rates")?;
                bounds.each_once(rates)?;
                let more = trials::more_rates(scenario, bounds)?;
                let more = more.filter(|more| !rates.contains(more));
                for rate in rates.iter().chain(more) {
                    groups.push(vec![at_rate(scenario, bounds, cell, rate, window)?]);
                }
            }
            (None, None) => return Err(bounds.nothing(load, "rates", "[\"1k\", \"10k\"]")),
        },
        Mode::InFlight => {
            let Some(in_flight) = &load.in_flight else {
                return Err(bounds.nothing(load, "in_flight", "[\"1k\", \"10k\"]"));
            };
            bounds.not_empty(in_flight, "in_flight")?;
            bounds.each_once(in_flight)?;
            let most = load.most_tasks.as_ref();
            let most_tasks = most.map_or(10_000_000, |most| most.0);
            for tasks in in_flight.iter() {
                bounds.above_zero(tasks, "no task in flight", "expected 1 or more")?;
                // 3 N completions end a cell that has turned over.
                if most_tasks < tasks.0.saturating_mul(4) {
                    return Err(bounds.text.error(
                        &most
                            .filter(|most| most.is_written())
                            .map_or(&tasks.span, |m| &m.span)
                            .clone(),
                        format!(
                            "room for {} tasks, and {} in flight",
                            Count(most_tasks),
                            tasks.value
                        ),
                        "expected most_tasks to be at least 4 times in_flight",
                    ));
                }
                let load = Load::InFlight { tasks: tasks.0, window_ns: window, most_tasks };
                groups.push(vec![Step::Cell(CellPlan { load, ..cell.clone() })]);
            }
        }
        Mode::Backlog => {
            let Some(pending) = &load.pending else {
                return Err(bounds.nothing(load, "pending", "[\"10k\", \"100k\"]"));
            };
            bounds.not_empty(pending, "pending")?;
            bounds.each_once(pending)?;
            for tasks in pending.iter() {
                bounds.above_zero(tasks, "a backlog of nothing", "expected 1 or more")?;
                bounds.can_be_numbered(tasks)?;
                let load = Load::Backlog { tasks: tasks.0 };
                groups.push(vec![Step::Cell(CellPlan { load, ..cell.clone() })]);
            }
        }
        Mode::Capacity => {
            let search = search(scenario, bounds, &at(Vec::new()), window)?;
            groups.push(vec![Step::Search(search)]);
        }
        Mode::Soak => {
            let search = search_of(scenario, bounds, &at(Vec::new()))?;
            let share = load.share.as_ref().map_or(0.5, |share| share.0);
            if let Some(written) = load.share.as_ref().filter(|share| share.0 == 0.0) {
                return Err(bounds.text.error(
                    &written.span,
                    "a soak without load",
                    "expected a share of the capacity above 0",
                ));
            }
            let cell = at(vec![Stage { rate: search.to * share, duration_ns: window }]);
            groups.push(vec![Step::Search(search), Step::AtCapacity { share, cell }]);
        }
    }
    Ok(())
}

/// A cell at one of the rates of mode `open`.
fn at_rate(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    cell: &CellPlan,
    rate: &At<RateOrShare>,
    duration_ns: u64,
) -> Result<Step, ScenarioError> {
    let load = &scenario.settings.load;
    let spacing = load.arrivals.as_ref().map_or(Spacing::Poisson, |arrivals| **arrivals);
    let at = |rate| {
        let stages = vec![Stage { rate, duration_ns }];
        CellPlan { load: Load::Open { spacing, stages }, ..cell.clone() }
    };
    match rate.value {
        RateOrShare::Rate(Rate(per_second)) => {
            let cell = at(per_second);
            bounds.some_tasks(&cell, &rate.span)?;
            Ok(Step::Cell(cell))
        }
        RateOrShare::Share(_) if !cell.is_tried() => Err(bounds.text.error(
            &rate.span,
            "a share of a capacity where nothing is hurt",
            "expected a rate, a [[fault]] or [[trial]], or mode = \"soak\"",
        )),
        RateOrShare::Share(share) => {
            // The most that it can be until the search says more.
            let search = search_of(scenario, bounds, cell)?;
            let variant = Some(shares::variant(share, cell.variant.as_deref()));
            let cell = CellPlan { variant, ..at(search.to * share.0) };
            Ok(Step::AtCapacity { share: share.0, cell })
        }
    }
}

/// A search with windows of its own, shorter than that of the cell.
pub(super) fn search_of(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    cell: &CellPlan,
) -> Result<Search, ScenarioError> {
    let written = scenario.settings.load.search.as_ref();
    if let Some(written) = written {
        bounds.above_zero(written, "a search of 0", "expected time to measure in")?;
    }
    let window = written.map_or(10 * SECOND, |search| search.0);
    search(scenario, bounds, cell, window)
}

fn search(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    cell: &CellPlan,
    window: u64,
) -> Result<Search, ScenarioError> {
    let load = &scenario.settings.load;
    let rate = |written: &Option<At<Rate>>, otherwise: f64| {
        written.as_ref().map_or(otherwise, |written| written.0)
    };
    // Room is made for a cell at a share of the highest rate, whatever is found.
    let most = if *load.mode == Mode::Open { 100_000.0 } else { 1_000_000.0 };
    let (from, to) = (rate(&load.from, 1_000.0), rate(&load.to, most));
    if from >= to {
        let span = load.to.as_ref().or(load.from.as_ref()).map_or(0..0, |at| at.span.clone());
        return Err(bounds.text.error(
            &span,
            "a search from a high rate to a low one",
            format!("expected from ({}) to be below to ({})", Rate(from), Rate(to)),
        ));
    }
    let precision = load.precision.as_ref().map_or(0.05, |precision| precision.0);
    if let Some(written) = load.precision.as_ref().filter(|at| !(0.001..=0.5).contains(&at.0)) {
        return Err(bounds.text.error(
            &written.span,
            "a precision that no search can reach or none needs",
            "expected 0.1 % to 50 %",
        ));
    }
    let template = cell.at_window(from, window);
    bounds.some_tasks(&template, &load.from.as_ref().map_or(0..0, |from| from.span.clone()))?;
    Ok(Search::new(template, from, to, precision))
}

/// Gives the long cell behind a search the search's own window.
pub(super) fn shorten_soak(group: &mut [Step]) {
    if let [Step::Search(search), Step::AtCapacity { cell, .. }] = group {
        let window = search.template.load.window_ns();
        *cell = cell.at_window(cell.load.mean_rate().unwrap_or(search.from), window);
    }
}

impl CellPlan {
    /// The same cell at one rate over this window.
    fn at_window(&self, rate: f64, window_ns: u64) -> Self {
        let Load::Open { spacing, .. } = self.load else { return self.clone() };
        let stages = vec![Stage { rate, duration_ns: window_ns }];
        Self { load: Load::Open { spacing, stages }, ..self.clone() }
    }
}
