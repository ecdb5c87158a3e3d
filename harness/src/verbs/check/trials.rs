//! The trials of a plan: on which systems, and what is done when.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::as_text::{cells, timeline};
use super::{as_json, told};
use crate::plan::{CellPlan, Plan};
use crate::scenario::{Nanos, wrapped};

/// A trial and the systems that have a cell of it.
pub(super) struct Planned<'a> {
    name: &'a str,
    /// One of its cells: all have the same faults, but for a `node` that is the
    /// leader in a cluster. Such a trial is told twice.
    cell: &'a CellPlan,
    systems: Vec<String>,
    told: Vec<told::Told>,
}

/// The trials of a plan by name, and in each the systems by name.
pub(super) fn of(plan: &Plan) -> Vec<Planned<'_>> {
    let mut trials: Vec<Planned<'_>> = Vec::new();
    for cell in cells(plan) {
        let Some(name) = cell.trial_name().filter(|_| !cell.is_searching()) else { continue };
        let system = cell.target.name();
        let is_it =
            |trial: &&mut Planned<'_>| trial.name == name && trial.cell.faults == cell.faults;
        match trials.iter_mut().find(is_it) {
            Some(trial) if trial.systems.contains(&system) => {}
            Some(trial) => trial.systems.push(system),
            None => {
                let told = told::each(plan, cell);
                trials.push(Planned { name, cell, systems: vec![system], told });
            }
        }
    }
    trials.sort_by_key(|trial| trial.name);
    trials.iter_mut().for_each(|trial| trial.systems.sort());
    trials
}

pub(super) fn write(trials: &[Planned<'_>], out: &mut impl Write) -> io::Result<()> {
    let windows = || trials.iter().map(|trial| trial.cell.load.window_ns());
    let (least, most) = (windows().min().unwrap_or(0), windows().max().unwrap_or(0));
    write!(out, "trials         each a cell with a window of {}", Nanos(least))?;
    writeln!(out, "{}", if least < most { format!(" to {}", Nanos(most)) } else { String::new() })?;
    for Planned { name, cell, systems, told } in trials {
        let text = format!("{name}: {}", systems.join(", "));
        for (line, text) in wrapped(&text, 76).iter().enumerate() {
            writeln!(out, "{:1$}{text}", "", if line == 0 { 2 } else { 4 })?;
        }
        if let Some(control) = cell.control() {
            writeln!(out, "{:15}{}", "", control.in_words())?;
        }
        timeline(cell, 15, out)?;
        told::write(told, out)?;
    }
    Ok(())
}

/// The same for machines.
pub(super) fn as_json(plan: &Plan) -> Vec<Value> {
    of(plan)
        .into_iter()
        .map(|Planned { name, cell, systems, told }| {
            json!({
                "name": name,
                "systems": systems,
                "faults": as_json::timeline(cell),
                "told": told.iter().map(told::Told::as_json).collect::<Vec<_>>(),
                "control": cell.control().map(|control| json!({
                    "at_s": as_json::seconds(control.at_ns),
                    "for_s": as_json::seconds(control.for_ns),
                })),
            })
        })
        .collect()
}
