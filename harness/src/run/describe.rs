//! What the plan and the registry say, in the outcome's words.

use schedbench_adapters::LEFT_OUT;
use schedbench_contract::{Claims, Comparable, Delay, Handler, Order, Retries, Server};
use schedbench_reports::outcome;

use crate::plan::{CellPlan, Load, Plan, Search, Spacing, Step, Target};

/// Claims as a table says them.
#[must_use]
pub fn claims(claims: &Claims) -> outcome::Claims {
    outcome::Claims {
        durability: claims.durability,
        ack: claims.ack,
        confirms: claims.confirms,
        delay: match claims.delay {
            Delay::Unsupported(why) => format!("unsupported: {why}"),
            Delay::Native { early_by_at_most_ns: 0 } => "native, never early".to_owned(),
            Delay::Native { early_by_at_most_ns } => {
                format!("native, early by up to {} ms", early_by_at_most_ns.div_ceil(1_000_000))
            }
            Delay::Classes(most) => format!("up to {most} classes of delay"),
            Delay::InTheWorker => "held in the worker".to_owned(),
        },
        order: match claims.order {
            Order::None => "none",
            Order::Queue => "of the queue",
            Order::Key => "of each key",
        }
        .to_owned(),
        cancel: claims.cancel,
        retries: match claims.retries {
            Retries::Unsupported(why) => format!("unsupported: {why}"),
            Retries::Native => "native".to_owned(),
        },
        not_comparable: None,
    }
}

/// A target that takes part.
#[must_use]
pub fn system(target: Target, server: Option<Server>) -> outcome::System {
    outcome::System {
        system: target.system.name.to_owned(),
        profile: target.profile.name.to_owned(),
        summary: target.profile.summary.to_owned(),
        claims: outcome::Claims {
            not_comparable: match target.system.comparable {
                Comparable::Always => None,
                Comparable::Delayed { why, .. } => Some(why.to_owned()),
            },
            ..claims(&target.profile.claims)
        },
        worker_runtime: target.system.runtime.describe().to_owned(),
        server,
    }
}

/// The first cell of a plan stands for what all cells share.
#[must_use]
pub fn any_cell(plan: &Plan) -> Option<&CellPlan> {
    let steps = plan.blocks.iter().flat_map(|block| &block.steps);
    steps.map(cell_of).next()
}

/// The cell that a step measures, or the template it makes its cells from.
#[must_use]
pub fn cell_of(step: &Step) -> &CellPlan {
    match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
        Step::Search(Search { template, .. }) => template,
    }
}

/// What was planned, in the outcome's words.
#[must_use]
pub fn plan(plan: &Plan) -> outcome::Plan {
    let cell = any_cell(plan);
    let planned: usize = plan.blocks.iter().map(|block| block.steps.len()).sum();
    outcome::Plan {
        scenario: plan.source.name.clone(),
        summary: plan.source.summary.clone(),
        text: plan.source.text.clone(),
        overrides: plan.source.overrides.clone(),
        hash: plan.hash.clone(),
        seed: plan.seed,
        repeats: plan.repeats,
        planned: planned as u32,
        shape: plan.shape,
        body_bytes: cell.map_or(0, |cell| cell.body_bytes as u64),
        handler: cell.map_or_else(String::new, |cell| handler(cell.handler)),
        arrivals: cell.map_or("", |cell| arrivals(&cell.load)).to_owned(),
        objective_p99_s: plan.objective_p99_ns as f64 / 1e9,
        objective_holds: plan.objective_holds,
        objectives: plan.objectives.clone(),
    }
}

fn handler(handler: Handler) -> String {
    match handler {
        Handler::None => "nothing".to_owned(),
        Handler::SleepNs(ns) => format!("sleeps {} µs", ns as f64 / 1e3),
        Handler::CpuNs(ns) => format!("keeps a core busy {} µs", ns as f64 / 1e3),
    }
}

const fn arrivals(load: &Load) -> &'static str {
    match load {
        Load::Open { spacing: Spacing::Poisson, .. } => "poisson",
        Load::Open { spacing: Spacing::Constant, .. } => "constant",
        Load::InFlight { .. } => "in flight",
        Load::Backlog { .. } => "at once",
    }
}

/// A cell's load as the outcome's key has it.
#[must_use]
pub fn load(load: &Load) -> outcome::Load {
    match load {
        Load::Open { .. } => outcome::Load::Rate(load.mean_rate().unwrap_or_default()),
        Load::InFlight { tasks, .. } => outcome::Load::InFlight(*tasks),
        Load::Backlog { tasks } => outcome::Load::Backlog(*tasks),
    }
}

/// What to say of a system that this build was made without.
#[must_use]
pub fn left_out(name: &str) -> Option<String> {
    let (_, feature) = LEFT_OUT.iter().find(|(system, _)| *system == name)?;
    Some(format!("this build lacks {name}: build it with --features {feature}"))
}
