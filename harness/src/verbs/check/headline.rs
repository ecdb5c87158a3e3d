//! A plan in a line: the run's first words, and the plan's.

use super::amounts::{length, plural};
use super::trials;
use crate::plan::{Block, Estimate, Plan, Step};

/// The run in a line: systems, loads, repeats, cells and time.
#[must_use]
pub fn headline(plan: &Plan) -> String {
    let estimate = Estimate::of(plan);
    let mut targets: Vec<String> = plan.blocks.iter().map(|block| block.target.name()).collect();
    targets.sort();
    targets.dedup();
    // A backlog is measured without it.
    let has_noop = targets.iter().any(|name| name.starts_with("noop/"));
    let others = targets.len().saturating_sub(usize::from(has_noop)) as u64;
    let cells = usual_cells(plan, &estimate);
    let systems = match others {
        0 => "noop".to_owned(),
        others if has_noop => format!("noop + {}", plural(others, "system")),
        others => plural(others, "system"),
    };
    let loads = loads_in_words(plan);
    // How long a drain takes is what a trial is about.
    let time = match trials::of(plan).as_slice() {
        [] => format!("about {}", length(estimate.measuring_ns)),
        _ => format!("{} to {}", length(estimate.least_ns), length(estimate.measuring_ns)),
    };
    let most = at_most(plan, &estimate);
    format!(
        "{}: {systems}{loads} × {} = {cells} in {}, {time} of measuring{most}   seed {}",
        plan.source.name,
        plural(u64::from(plan.repeats), "repeat"),
        plural(plan.blocks.len() as u64, "block"),
        plan.seed,
    )
}

/// Cells of a plan; where it searches nobody knows how many.
pub(super) fn usual_cells(plan: &Plan, estimate: &Estimate) -> String {
    let cells = plural(estimate.cells, "cell");
    if plan.has_searches() { format!("usually {cells}") } else { cells }
}

/// The most that a plan with searches can cost; nothing of another.
pub(super) fn at_most(plan: &Plan, estimate: &Estimate) -> String {
    if !plan.has_searches() {
        return String::new();
    }
    let cells = plural(estimate.most_cells, "cell");
    format!(" (at most {cells}, {})", length(estimate.most_measuring_ns))
}

/// ` × 6 loads`, where cells differ in nothing else, and the trials, of which
/// not every system has all.
fn loads_in_words(plan: &Plan) -> String {
    if !plan.parts.is_empty() {
        return format!(" in {}", plural(plan.parts.len() as u64, "part"));
    }
    match trials::of(plan).len() {
        0 => {}
        trials => return format!(" in {}", plural(trials as u64, "trial")),
    }
    let Some(block) = plan.blocks.last() else { return String::new() };
    // Where something is hurt each load is a block of its own.
    let alike =
        |other: &&Block| (other.repeat, other.target.name()) == (block.repeat, block.target.name());
    let steps: Vec<&Step> = plan.blocks.iter().filter(alike).flat_map(|it| &it.steps).collect();
    let of_loads = steps.iter().filter(|step| match step {
        Step::Cell(cell) => cell.variant.is_none(),
        Step::AtCapacity { cell, .. } => cell.is_tried(),
        Step::Search(_) => false,
    });
    let loads = of_loads.count();
    let searches = steps
        .iter()
        .filter(|step| matches!(step, Step::Search(search) if search.template.is_tried()));
    if loads > 0 && loads + searches.count() == steps.len() {
        format!(" × {}", plural(loads as u64, "load"))
    } else {
        String::new()
    }
}
