//! What `noop` runs beside the others: what shows the harness, and no more.

use super::fit_group;
use super::steps::{self, Group};
use super::{shares, trials};
use crate::plan::{CellPlan, Load, Search, Step, Target};
use crate::scenario::Scenario;

/// Its longest window beside cells with faults, ns: it goes through none, and
/// shows in it what it does in a step of a search.
const LONGEST_UNHURT: u64 = 10_000_000_000;

/// The loads once each, whatever the delays and trials. Its cells beside faults
/// and its long cell of a soak are as long as the others' only where their
/// memory is counted as the difference to it: what does nothing shows as much
/// about the harness in the window of a search.
pub(super) fn groups(
    scenario: &Scenario,
    ceiling: Target,
    groups: &[Group],
    searches: &[Search],
    beside: &[(Target, Vec<Group>)],
) -> Vec<Group> {
    let settings = &scenario.settings;
    let delays = settings.task.delay.0.len().max(1);
    // Groups come delay by delay, each with all loads of all trials.
    let loads = groups.iter().take(groups.len() / delays);
    let loads = loads.filter(|group| trials::is_among(group, beside));
    let mut fitting: Vec<Group> =
        loads.filter_map(|group| fit_group(scenario, ceiling, group).ok()).collect();
    shares::without(&mut fitting, searches);
    let is_hurt = !settings.fault.is_empty() || !settings.trial.is_empty();
    if !beside.iter().any(|(target, _)| target.is_in_process()) {
        fitting.iter_mut().for_each(|group| steps::shorten_soak(group));
        if is_hurt {
            fitting.iter_mut().for_each(|group| shorten(group));
        }
    }
    if is_hurt {
        each_load_once(&mut fitting);
    }
    fitting
}

/// Cuts the window of a cell, its stages in proportion, so that its mean rate
/// is the same.
fn shorten(group: &mut [Step]) {
    for step in group {
        let Step::Cell(CellPlan { load, .. }) = step else { continue };
        let window = load.window_ns();
        let Load::Open { stages, .. } = load else { continue };
        if window <= LONGEST_UNHURT {
            continue;
        }
        for stage in stages {
            let share = u128::from(stage.duration_ns) * u128::from(LONGEST_UNHURT);
            stage.duration_ns = (share / u128::from(window)) as u64;
        }
    }
}

/// Trials of one rate are one cell for what goes through none.
fn each_load_once(groups: &mut Vec<Group>) {
    let mut seen: Vec<Load> = Vec::new();
    groups.retain(|group| match group.as_slice() {
        [Step::Cell(cell)] if seen.contains(&cell.load) => false,
        [Step::Cell(cell)] => {
            seen.push(cell.load.clone());
            true
        }
        _ => true,
    });
}
