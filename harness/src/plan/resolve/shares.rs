//! Rates that are a share of each system's own capacity, and the searches that
//! find it: once in a run, in a block before the system's others, and by the
//! roads of the cells whose rate it decides.

use super::bounds::Bounds;
use super::steps::{self, Group};
use super::{block, fit_group, order};
use crate::plan::{Block, CellPlan, Search, Step, Target, Trial};
use crate::scenario::{Fraction, RateOrShare, Scenario, ScenarioError, Settings};

/// What the cells of these searches have as the name of their trial: they are
/// set beside no cell that goes without proxies.
pub(super) const TRIAL: &str = "capacity";

/// Whether a share is among the rates of the scenario or of a trial.
pub(super) fn are_offered(settings: &Settings) -> bool {
    let of_trials = settings.trial.iter().map(|trial| &trial.rates);
    let all = of_trials.chain([&settings.load.rates, &settings.load.full_rates]);
    let mut rates = all.flatten().flat_map(|rates| rates.iter());
    rates.any(|rate| matches!(rate.value, RateOrShare::Share(_)))
}

/// What tells the cells of a share apart from those of a rate: no two systems
/// have one load there.
pub(super) fn variant(share: Fraction, other: Option<&str>) -> String {
    let other = other.map_or_else(String::new, |other| format!(", {other}"));
    format!("{share} of its capacity{other}")
}

/// A search for each kind of task of which there is a share. Whether a rate is
/// held is known at twice the objective: what is hurt needs longer to come
/// back, and a step of a search would wait that long for nothing.
pub(super) fn searches(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    groups: &[Group],
) -> Result<Vec<Search>, ScenarioError> {
    let mut searches: Vec<Search> = Vec::new();
    for cell in groups.iter().filter_map(|group| at_a_share(group)) {
        if searches.iter().any(|search| search.template.delay == cell.delay) {
            continue;
        }
        let trial = Some(Trial { name: TRIAL.to_owned(), control: None });
        let delay = steps::variant(&cell.delay);
        let horizon_ns = cell.horizon_ns.min(2 * scenario.settings.objective.p99.0);
        let (faults, commands) = Default::default();
        let blank =
            CellPlan { trial, faults, commands, variant: delay, horizon_ns, ..cell.clone() };
        searches.push(steps::search_of(scenario, bounds, &blank)?);
    }
    Ok(searches)
}

/// A block for each target that has shares, with the searches that it needs.
pub(super) fn blocks(
    scenario: &Scenario,
    searches: &[Search],
    fitted: &[(Target, Vec<Group>)],
) -> Vec<Block> {
    let seed = scenario.settings.seed;
    let needs = fitted
        .iter()
        .map(|(target, groups)| (*target, needed(scenario, *target, searches, groups)))
        .filter(|(_, searches)| !searches.is_empty());
    let mut blocks: Vec<Block> =
        needs.map(|(target, searches)| block(target, &searches, seed, 1)).collect();
    order::shuffle_blocks(&mut blocks, seed, 1);
    blocks
}

/// Those of the searches that a target's groups need.
fn needed(
    scenario: &Scenario,
    target: Target,
    searches: &[Search],
    groups: &[Group],
) -> Vec<Group> {
    let is_needed = |search: &&Search| {
        let mut cells = groups.iter().filter_map(|group| at_a_share(group));
        cells.any(|cell| cell.delay == search.template.delay)
    };
    let of_target = searches.iter().filter(is_needed).map(|search| {
        // What can run its share can run the search, which asks for less.
        fit_group(scenario, target, &vec![Step::Search(search.clone())]).ok()
    });
    of_target.flatten().collect()
}

/// The cell of a group that is only that, at a share. The long cell of a soak
/// has its search in its group.
fn at_a_share(group: &Group) -> Option<&CellPlan> {
    match group.as_slice() {
        [Step::AtCapacity { cell, .. }] => Some(cell),
        _ => None,
    }
}

/// Leaves out what is at a share: `noop` has no capacity of its own. What is
/// left of nothing is the first rate of a search.
pub(super) fn without(groups: &mut Vec<Group>, searches: &[Search]) {
    let (shares, others): (Vec<Group>, Vec<Group>) =
        std::mem::take(groups).into_iter().partition(|group| at_a_share(group).is_some());
    *groups = others;
    if let (true, Some(cell), Some(search)) =
        (groups.is_empty(), shares.first().and_then(at_a_share), searches.first())
    {
        groups.push(vec![Step::Cell(cell.at_rate(search.from))]);
    }
}
