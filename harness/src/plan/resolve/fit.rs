//! Whether a system can do what a cell asks, by its claims.

use std::ops::Range;

use schedbench_contract::{AckMode, Broker, Delay as Claim, Handler, Retries, Topology};

use super::targets::CEILING;
use super::trials;
use crate::fault::Links;
use crate::plan::{CellPlan, Deed, Delay, Fault, Load, Road, Target, Victim};
use crate::scenario::{Bytes, Scenario};

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
    scenario: &Scenario,
) -> Result<CellPlan, Misfit> {
    let settings = &scenario.settings;
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
    if cell.cancel_ppm > 0 && !cell.faults.is_empty() && target.profile.broker.is_some() {
        let why = "an answer that is lost leaves open whether the task was taken back".to_owned();
        return Err(misfit("cancel a task in a fault", why, &task.cancel.span));
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
    let is_cluster = target.profile.topology.is_of_several();
    cell.faults.iter_mut().for_each(|fault| fault.on = fault.on.of(is_cluster));
    for (fault, written) in cell.faults.iter().zip(trials::written(settings, &cell)) {
        if let Some(why) = fault_misfit(fault, target, scenario) {
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
        (Deed::DiskFull, _) => "have its broker's disk full",
        (Deed::Kill, _) => "have a worker killed",
        (Deed::Terminate, _) => "have a worker terminated",
        (Deed::Pause, _) => "have a worker paused",
        (Deed::Link(_), Victim::Link(Road::Between)) => "have the links between its nodes hurt",
        (Deed::Link(_), _) => "have its links hurt",
    }
}

fn fault_misfit(fault: &Fault, target: Target, scenario: &Scenario) -> Option<String> {
    if matches!(fault.on, Victim::Workers | Victim::Worker(_)) {
        return None;
    }
    let Some(broker) = target.profile.broker else { return Some("it has no broker".to_owned()) };
    // Whose the broker is does not matter to who says how to hurt and heal it.
    if let Deed::Command(_) = fault.deed {
        return None;
    }
    if let Some(external) = scenario.settings.brokers.named(broker.name()) {
        let variable = &external.url_env.value;
        return Some(format!("its broker is the one of {variable}: schedbench did not start it"));
    }
    let topology = target.profile.topology;
    let is_one = topology == Topology::Single;
    let why = match (fault.on, broker) {
        (Victim::Link(Road::Between) | Victim::Replica | Victim::Replicas, _)
            if topology == Topology::Shards =>
        {
            "its masters divide the queues: none follows another"
        }
        (Victim::Link(Road::Between), _) if is_one => {
            "its broker is one node: no link goes to another"
        }
        (Victim::Link(_), _) if topology == Topology::Shards => {
            "its masters send all clients one way: no road is apart"
        }
        (Victim::Link(Road::Between), _) => return between_misfit(broker, scenario.links),
        (Victim::Link(_), Broker::Redis) if !is_one => {
            "its sentinels send all clients one way: no road is apart"
        }
        (on, _) if on.is_of_nodes() && is_one => "its broker is one node: it has no leader",
        _ if fault.deed == Deed::DiskFull => return disk_misfit(broker, target),
        _ => return None,
    };
    Some(why.to_owned())
}

/// Why the links between the nodes of its cluster cannot be hurt, if they cannot.
fn between_misfit(broker: Broker, links: Links) -> Option<String> {
    let why = match (links, broker) {
        (Links::Proxies, Broker::RabbitMq) => {
            "its nodes tell each other no port that could be a proxy's; \
             with --network namespaces, as root, these links are taken down"
        }
        (Links::Namespaces, Broker::Kafka | Broker::Redis) => {
            "with --network namespaces its nodes are in one network; as everywhere, \
             --network proxies"
        }
        (Links::Proxies | Links::Namespaces, _) => return None,
    };
    Some(why.to_owned())
}

/// Why its broker's disk cannot be full, if it cannot.
fn disk_misfit(broker: Broker, target: Target) -> Option<String> {
    let keeps_a_file = target.profile.broker_settings.contains(&("appendonly", "yes"));
    match (broker, target.profile.topology) {
        (Broker::Redis, _) if !keeps_a_file => Some("it writes nothing to a disk".to_owned()),
        (Broker::Redis, Topology::Cluster) => {
            Some("unsupported: nodes with sentinels get no disks that can be full".to_owned())
        }
        (Broker::Redis, Topology::Shards) => {
            Some("unsupported: nodes of a cluster get no disks that can be full".to_owned())
        }
        (Broker::Redis | Broker::RabbitMq | Broker::Kafka | Broker::Postgres, _) => None,
    }
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
