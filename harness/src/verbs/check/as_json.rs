use schedbench_contract::Broker;
use serde_json::{Value, json};

use super::trials;
use crate::plan::{
    CellPlan, Commands, Deed, Estimate, Fault, Load, Pacing, Plan, Resolved, Spacing, Step,
};

/// The plan for machines. Times in seconds.
pub(super) fn plan(resolved: &Resolved) -> Value {
    let plan = &resolved.plan;
    let estimate = Estimate::of(plan);
    let blocks: Vec<Value> = plan
        .blocks
        .iter()
        .map(|block| {
            json!({
                "system": block.target.system.name,
                "profile": block.target.profile.name,
                "brokers": block.target.brokers().into_iter().map(Broker::name).collect::<Vec<_>>(),
                "repeat": block.repeat,
                "steps": block.steps.iter().map(step).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "scenario": plan.source.name,
        "summary": plan.source.summary,
        "overrides": plan.source.overrides,
        "hash": plan.hash,
        "seed": plan.seed,
        "repeats": plan.repeats,
        "shape": plan.shape,
        "objective_p99_s": seconds(plan.objective_p99_ns),
        "objective_holds": plan.objective_holds,
        "objectives": plan.objectives,
        "pacing": plan.pacing.map(|pacing| match pacing {
            Pacing::Grid => "grid",
            Pacing::Spin => "spin",
        }),
        "blocks": blocks,
        "parts": plan.parts.iter().map(part).collect::<Vec<_>>(),
        "faults": faults(resolved),
        "trials": trials::as_json(plan),
        "estimate": {
            "cells": estimate.cells,
            "measuring_s": seconds(estimate.measuring_ns),
            "least_s": seconds(estimate.least_ns),
            "most_cells": estimate.most_cells,
            "most_measuring_s": seconds(estimate.most_measuring_ns),
            "largest_tasks": estimate.largest_tasks,
            "ledger_bytes": estimate.ledger_bytes,
            "disk_bytes": estimate.disk_bytes,
        },
        "skipped": resolved.skipped,
        "notes": resolved.notes,
    })
}

fn part(plan: &Plan) -> Value {
    let estimate = Estimate::of(plan);
    json!({
        "name": plan.source.name,
        "cells": estimate.cells,
        "measuring_s": seconds(estimate.measuring_ns),
        "most_cells": estimate.most_cells,
        "most_measuring_s": seconds(estimate.most_measuring_ns),
    })
}

/// The timeline of faults, the same in every cell that has any, but for a `node`
/// that is the leader in a cluster: then that of clusters follows. None where
/// trials have their own.
fn faults(resolved: &Resolved) -> Vec<Value> {
    let steps = resolved.plan.blocks.iter().flat_map(|block| &block.steps);
    let cells = steps.filter_map(|step| match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => Some(cell),
        Step::Search(_) => None,
    });
    let mut told: Vec<&CellPlan> = Vec::new();
    for cell in cells.filter(|cell| !cell.faults.is_empty() && cell.trial.is_none()) {
        if told.iter().all(|other| other.faults != cell.faults) {
            told.push(cell);
        }
    }
    told.sort_by_key(|cell| cell.target.profile.topology.is_of_several());
    told.into_iter().flat_map(timeline).collect()
}

/// The faults of a cell in the order in which they are written.
pub(super) fn timeline(cell: &CellPlan) -> Vec<Value> {
    cell.faults.iter().map(|one| fault(one, &cell.commands)).collect()
}

fn fault(fault: &Fault, commands: &[Commands]) -> Value {
    let pair = match fault.deed {
        Deed::Command(place) => commands.get(place),
        _ => None,
    };
    let mut told = json!({
        "kind": fault.deed.kind(),
        "does": fault.deed,
        "on": fault.on,
        "at_s": seconds(fault.at_ns),
        "for_s": seconds(fault.for_ns),
    });
    if let Some(pair) = pair {
        told["does"] = json!({ "command": pair });
    }
    told
}

fn step(step: &Step) -> Value {
    match step {
        Step::Cell(plan) => json!({ "cell": cell(plan) }),
        Step::Search(search) => json!({
            "search": {
                "from": search.from,
                "to": search.to,
                "precision": search.precision,
                "cell": cell(&search.template),
            },
        }),
        Step::AtCapacity { share, cell: plan } => {
            json!({ "at_capacity": { "share": share, "cell": cell(plan) } })
        }
    }
}

fn cell(cell: &CellPlan) -> Value {
    let load = match &cell.load {
        Load::Open { spacing, stages } => json!({
            "arrivals": match spacing {
                Spacing::Poisson => "poisson",
                Spacing::Constant => "constant",
            },
            "stages": stages
                .iter()
                .map(|stage| {
                    let duration_s = seconds(stage.duration_ns);
                    json!({
                        "rate": stage.rate,
                        "duration_s": duration_s,
                        "tasks": stage.rate * duration_s,
                    })
                })
                .collect::<Vec<_>>(),
        }),
        Load::InFlight { tasks, window_ns, most_tasks } => json!({
            "in_flight": tasks,
            "duration_s": seconds(*window_ns),
            "most_tasks": most_tasks,
        }),
        Load::Backlog { tasks } => json!({ "backlog": tasks }),
    };
    json!({
        "load": load,
        "variant": cell.variant,
        "trial": cell.trial_name(),
        "seed": cell.seed,
        "warmup_s": seconds(cell.warmup_ns),
        "horizon_s": seconds(cell.horizon_ns),
        "drain_s": seconds(cell.drain_ns()),
        "body_bytes": cell.body_bytes,
        "keys": cell.keys,
        "cancel_ppm": cell.cancel_ppm,
        "fail_ppm": cell.fail_ppm,
        "handler": cell.handler,
        "retry": { "max": cell.retry.max, "backoff_s": seconds(cell.retry.backoff_ns) },
    })
}

pub(super) fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
