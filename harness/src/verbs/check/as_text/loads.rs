//! Arrivals, each load once.

use std::io::{self, Write};

use crate::plan::{Load, Plan, Spacing, Step};
use crate::run::describe;
use crate::scenario::{Nanos, Rate};
use crate::verbs::check::amounts::grouped;

/// Arrivals per stage, each load once.
pub(super) fn loads(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let mut seen: Vec<&Load> = Vec::new();
    // What a search will decide is no load yet.
    let is_known = |step: &&Step| match step {
        Step::Cell(_) => true,
        Step::Search(search) => !search.template.is_tried(),
        Step::AtCapacity { cell, .. } => !cell.is_tried(),
    };
    let steps = plan.blocks.iter().flat_map(|block| &block.steps).filter(is_known);
    let cells = steps.map(describe::cell_of);
    for cell in cells.filter(|cell| cell.load.mean_rate().is_some()) {
        if !seen.contains(&&cell.load) {
            seen.push(&cell.load);
        }
    }
    seen.sort_by(|a, b| {
        a.mean_rate().partial_cmp(&b.mean_rate()).unwrap_or(std::cmp::Ordering::Equal)
    });
    for (at, load) in seen.iter().enumerate() {
        let Load::Open { spacing, stages } = load else { continue };
        let spacing = match spacing {
            Spacing::Poisson => "Poisson",
            Spacing::Constant => "constant",
        };
        for stage in stages {
            let tasks = stage.rate * stage.duration_ns as f64 / 1e9;
            writeln!(
                out,
                "{:15}{:>7}/s for {:<8} {:>14} tasks, {spacing}",
                if at == 0 { "arrivals" } else { "" },
                Rate(stage.rate).to_string(),
                Nanos(stage.duration_ns).to_string(),
                grouped(tasks.round() as u64),
            )?;
        }
    }
    Ok(())
}
