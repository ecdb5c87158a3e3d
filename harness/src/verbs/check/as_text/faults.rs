//! The timeline of faults.

use std::io::{self, Write};

use schedbench_contract::Topology;

use super::cells;
use crate::plan::{CellPlan, Deed, Plan};
use crate::scenario::Nanos;
use crate::verbs::check::{told, trials};

/// The timeline of faults, the same in every cell that has any; but `node` is
/// the leader in a cluster.
pub(super) fn faults(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let trials = trials::of(plan);
    if !trials.is_empty() {
        return trials::write(&trials, out);
    }
    let Some(cell) = cells(plan).find(|cell| !cell.faults.is_empty()) else {
        return writeln!(out, "faults         none");
    };
    if cell.load.is_backlog() {
        let after = "once its tasks are handed over";
        writeln!(out, "faults         in each cell, the time counted from {after}")?;
    } else {
        let window = Nanos(cell.load.window_ns());
        writeln!(out, "faults         in each cell but noop's, in its window of {window}")?;
    }
    timeline(cell, 15, out)?;
    told::write(&told::each(plan, cell), out)?;
    let is_other = |other: &&CellPlan| !other.faults.is_empty() && other.faults != cell.faults;
    let Some(other) = cells(plan).find(is_other) else { return Ok(()) };
    let in_words = |cell: &CellPlan| match cell.target.profile.topology {
        Topology::Cluster | Topology::Shards => "in clusters",
        Topology::Single => "elsewhere",
    };
    writeln!(out, "{:15}{}", "", in_words(other))?;
    timeline(other, 15, out)?;
    told::write(&told::each(plan, other), out)
}

/// A line per fault of a cell, in the order in which they begin.
pub(in crate::verbs::check) fn timeline(
    cell: &CellPlan,
    indent: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut faults = cell.faults.clone();
    faults.sort_by_key(|fault| fault.at_ns);
    for fault in faults {
        let what = match fault.deed {
            Deed::Kill => "   SIGKILL, then started again",
            Deed::Terminate => "   SIGTERM, then started again",
            Deed::Pause => "   SIGSTOP, then SIGCONT",
            Deed::DiskFull => "   no room, then room again",
            Deed::Command(_) | Deed::Link(_) => "",
        };
        writeln!(out, "{:indent$}{fault}{what}", "")?;
        let Deed::Command(pair) = fault.deed else { continue };
        if let Some(pair) = cell.commands.get(pair) {
            // As a list: what a shell would make of it does not matter.
            writeln!(out, "{:indent$}  hurt  {:?}", "", pair.hurt)?;
            writeln!(out, "{:indent$}  heal  {:?}", "", pair.heal)?;
        }
    }
    Ok(())
}
