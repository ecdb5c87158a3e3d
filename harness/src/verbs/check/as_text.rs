//! The plan for a person.

mod blocks;
mod faults;
mod loads;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use schedbench_contract::Broker;

use blocks::blocks;
use faults::faults;
pub(super) use faults::timeline;
use loads::loads;
use settings::settings;

use super::amounts::{grouped, length, size};
use super::headline::{at_most, headline, usual_cells};
use crate::plan::{CellPlan, Estimate, MOST_FAILURES, MOST_TRIES, Plan, Resolved};
use crate::run::describe;
use crate::run::quiet;
use crate::scenario::wrapped;

pub(super) fn write(resolved: &Resolved, out: &mut impl Write) -> io::Result<()> {
    let plan = &resolved.plan;
    let estimate = Estimate::of(plan);
    writeln!(out, "{}", headline(plan))?;
    writeln!(out, "{}", plan.source.summary)?;
    for change in &plan.source.overrides {
        writeln!(out, "  changed: {change}")?;
    }
    if plan.parts.is_empty() {
        settings(plan, out)?;
        brokers(plan, out)?;
        loads(plan, out)?;
        blocks(plan, out)?;
        faults(plan, out)?;
    } else {
        for part in &plan.parts {
            let took = Estimate::of(part);
            let (cells, most) = (usual_cells(part, &took), at_most(part, &took));
            let time = length(took.measuring_ns);
            write!(out, "\npart {}: {cells}, {time}{most}", part.source.name)?;
            settings(part, out)?;
            loads(part, out)?;
            faults(part, out)?;
        }
        brokers(plan, out)?;
        blocks(plan, out)?;
        writeln!(out)?;
    }
    searches(plan, out)?;
    writeln!(
        out,
        "ledger         {} for the largest cell, {} tasks",
        size(estimate.ledger_bytes),
        grouped(estimate.largest_tasks)
    )?;
    writeln!(out, "disk           at most {}", size(estimate.disk_bytes))?;
    writeln!(out, "plan           {}", plan.hash)?;
    for skipped in &resolved.skipped {
        writeln!(out, "skipped        {}: {}", skipped.target, skipped.why)?;
        if let Some(remedy) = &skipped.remedy {
            writeln!(out, "               {remedy}")?;
        }
    }
    for note in &resolved.notes {
        writeln!(out, "note           {note}")?;
    }
    Ok(())
}

/// The cells of a plan; of a search the one that its steps are made from.
pub(super) fn cells(plan: &Plan) -> impl Iterator<Item = &CellPlan> {
    plan.blocks.iter().flat_map(|block| &block.steps).map(describe::cell_of)
}

/// Which brokers the plan needs, and for what; nothing where it needs none.
fn brokers(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let mut alike: BTreeMap<Vec<Broker>, BTreeSet<String>> = BTreeMap::new();
    for target in plan.blocks.iter().map(|block| block.target) {
        alike.entry(target.brokers()).or_default().insert(target.name());
    }
    alike.remove(&Vec::new());
    for (at, (brokers, targets)) in alike.into_iter().enumerate() {
        let names: Vec<&str> = brokers.into_iter().map(Broker::name).collect();
        let targets: Vec<String> = targets.into_iter().collect();
        let text = format!("{} for {}", names.join(" and "), targets.join(", "));
        labelled(if at == 0 { "brokers" } else { "" }, &text, out)?;
    }
    Ok(())
}

/// What the cells of a search, and the most that the plan can cost, come from.
fn searches(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    if !plan.has_searches() {
        return Ok(());
    }
    let text = format!(
        "a rate that is held takes 1 cell, one that is not takes {MOST_FAILURES}; where cells are \
         disturbed any rate may take {MOST_TRIES}, and any other cell {}, each further one after up \
         to {} s in which it waits for a quieter moment: that is the most",
        1 + plan.reruns,
        quiet::LONGEST.as_secs()
    );
    labelled("searches", &text, out)
}

fn labelled(label: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    for (line, text) in wrapped(text, 65).iter().enumerate() {
        writeln!(out, "{:15}{text}", if line == 0 { label } else { "" })?;
    }
    Ok(())
}
