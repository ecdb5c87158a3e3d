//! Whether a system can do what a cell asks, by its claims.

use std::ops::Range;

use schedbench_contract::{AckMode, Broker, Delay as Claim, Handler, Retries, Topology};

use super::targets::CEILING;
use super::trials;
use crate::plan::{CellPlan, Deed, Delay, Fault, Load, Target, Victim};
use crate::scenario::{Bytes, Settings};

/// Why a target cannot run a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// What was asked, after "cannot".
    pub(super) what: &'static str,
    /// The claim that says no.
    pub(super) why: String,
    /// The field that asks for it.
    pub(super) span: Range<usize>,
}

/// The cell for this target.
///
/// `noop` runs it without what it does not do: it measures the harness, not
/// itself. Two cells that differ only in that become equal for it.
pub(super) fn fit(
    cell: &CellPlan,
    target: Target,
    settings: &Settings,
) -> Result<CellPlan, Misfit> {
    let mut cell = CellPlan { target, ..cell.clone() };
    if let (Load::Backlog { .. }, Some(pending)) = (&cell.load, &settings.load.pending)
        && dies_with_its_workers(target)
    {
        let why = "its tasks are in the program that runs them".to_owned();
        let what = "hold tasks while no worker runs";
        return Err(Misfit { what, why, span: pending.span.clone() });
    }
    if target.system.name == CEILING {
        cell.variant = None;
        cell.delay = Delay::None;
        cell.handler = Handler::None;
        cell.cancel_ppm = 0;
        cell.fail_ppm = 0;
        cell.retry.max = 0;
        cell.faults.clear();
        cell.commands.clear();
        cell.trial = None;
        return Ok(cell);
    }
    let claims = &target.profile.claims;
    let task = &settings.task;
    let misfit = |what, why: String, span: &Range<usize>| Misfit { what, why, span: span.clone() };
    if let Some(why) = delay_misfit(&cell.delay, &claims.delay) {
        return Err(misfit("delay a task", why, &task.delay.span));
    }
    if cell.cancel_ppm > 0 && !claims.cancel {
        let why = "it has no way to take one back".to_owned();
        return Err(misfit("cancel a task", why, &task.cancel.span));
    }
    if cell.retry.max > 0
        && let Retries::Unsupported(why) = claims.retries
    {
        return Err(misfit("try a task again", why.to_owned(), &settings.retry.max.span));
    }
    if cell.body_bytes > claims.largest_body {
        let why = format!("its largest has {}", Bytes(claims.largest_body as u64));
        return Err(misfit("take such a body", why, &task.body.span));
    }
    for (fault, written) in cell.faults.iter().zip(trials::written(settings, &cell)) {
        if let Some(why) = fault_misfit(fault, target, settings) {
            return Err(misfit(suffering(fault), why, &written.on.span));
        }
    }
    Ok(cell)
}

/// Whether its tasks are where its handlers are; a server beside it holds no
/// more than locks.
fn dies_with_its_workers(target: Target) -> bool {
    let profile = target.profile;
    profile.broker.is_none() || matches!(profile.claims.ack, AckMode::None | AckMode::Locked)
}

/// What a fault asks of a system, after "cannot".
fn suffering(fault: &Fault) -> &'static str {
    match (fault.deed, fault.on) {
        (Deed::Kill, Victim::Broker) => "have its broker killed",
        (Deed::Terminate, Victim::Broker) => "have its broker terminated",
        (Deed::Pause, Victim::Broker) => "have its broker paused",
        (Deed::Kill, on) if on.is_of_nodes() => "have a node of its cluster killed",
        (Deed::Terminate, on) if on.is_of_nodes() => "have a node of its cluster terminated",
        (Deed::Pause, on) if on.is_of_nodes() => "have a node of its cluster paused",
        (Deed::Command(_), _) => "have its broker hurt by a command",
        (Deed::Kill, _) => "have a worker killed",
        (Deed::Terminate, _) => "have a worker terminated",
        (Deed::Pause, _) => "have a worker paused",
        (Deed::Link(_), _) => "have its links hurt",
    }
}

fn fault_misfit(fault: &Fault, target: Target, settings: &Settings) -> Option<String> {
    if matches!(fault.on, Victim::Workers | Victim::Worker(_)) {
        return None;
    }
    let Some(broker) = target.profile.broker else { return Some("it has no broker".to_owned()) };
    // Whose the broker is does not matter to who says how to hurt and heal it.
    if let Deed::Command(_) = fault.deed {
        return None;
    }
    if let Some(external) = settings.brokers.named(broker.name()) {
        let variable = &external.url_env.value;
        return Some(format!("its broker is the one of {variable}: schedbench did not start it"));
    }
    let is_one = target.profile.topology == Topology::Single;
    if broker == Broker::Redis && !is_one && matches!(fault.on, Victim::Link(_)) {
        let why = "its clients go where sentinels send them, round any proxy";
        return Some(why.to_owned());
    }
    (fault.on.is_of_nodes() && is_one)
        .then(|| "its broker is one node: it has no leader".to_owned())
}

fn delay_misfit(delay: &Delay, claim: &Claim) -> Option<String> {
    match (delay, claim) {
        (Delay::None, _) | (_, Claim::Native { .. } | Claim::InTheWorker) => None,
        (_, Claim::Unsupported(why)) => Some((*why).to_owned()),
        (Delay::Uniform(..), Claim::Classes(_)) => {
            Some("each delay needs a queue of its own".to_owned())
        }
        (Delay::Mix(parts), Claim::Classes(most)) if parts.len() > *most as usize => {
            Some(format!("it can hold at most {most} different delays"))
        }
        (Delay::Fixed(_) | Delay::Mix(_), Claim::Classes(_)) => None,
    }
}
