use schedbench_contract::{Handler, WorkersShape};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CellPlan, Delay, Load, Pacing, Spacing, Step};

/// The version of what is hashed: raised when a field that existed all along
/// starts to decide the measurement.
const VERSION: u32 = 1;

/// 16 hexadecimal digits over what decides a measurement: loads, tasks,
/// retries, workers, objective and pacing.
///
/// Two outcomes with the same hash measured the same thing and can be merged
/// or compared. Left out are the name, the seed, the repeats, the order in
/// which loads are listed, and the systems: a run of one system may be set
/// beside a run of another.
pub(super) fn of(
    steps: &[Step],
    shape: &WorkersShape,
    objective_p99_ns: u64,
    pacing: Option<Pacing>,
) -> String {
    // Objects of serde_json are sorted by key, and its floats are printed in
    // the shortest form that reads back the same: the text is canonical.
    let mut steps: Vec<String> = steps.iter().map(|each| step(each).to_string()).collect();
    steps.sort();
    let decides = json!({
        "version": VERSION,
        "steps": steps,
        "shape": shape,
        "objective_p99_ns": objective_p99_ns,
        "pacing": pacing.map(|pacing| match pacing {
            Pacing::Grid => "grid",
            Pacing::Spin => "spin",
        }),
    });
    digest(&decides)
}

/// The same over the parts of a scenario.
pub(super) fn of_parts(mut parts: Vec<String>) -> String {
    parts.sort();
    digest(&json!({ "version": VERSION, "parts": parts }))
}

fn digest(decides: &Value) -> String {
    let digest = Sha256::digest(decides.to_string());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn step(step: &Step) -> Value {
    match step {
        Step::Cell(plan) => json!({ "cell": cell(plan) }),
        Step::Search(search) => json!({
            "search": cell(&search.template),
            "from": search.from,
            "to": search.to,
            "precision": search.precision,
        }),
        Step::AtCapacity { share, cell: plan } => json!({ "share": share, "cell": cell(plan) }),
    }
}

// Destructured in full, so that a new field has to be thought of here.
fn cell(plan: &CellPlan) -> Value {
    let CellPlan {
        target: _,
        repeat: _,
        variant: _,
        load,
        seed: _,
        warmup_ns,
        horizon_ns,
        delay,
        body_bytes,
        keys,
        cancel_ppm,
        handler,
        fail_ppm,
        retry,
        faults,
        commands,
        trial: _,
        part: _,
    } = plan;
    let mut cell = json!({
        "load": self::load(load),
        "warmup_ns": warmup_ns,
        "horizon_ns": horizon_ns,
        "delay": match delay {
            Delay::None => json!("none"),
            Delay::Fixed(ns) => json!({ "fixed": ns }),
            Delay::Uniform(low, high) => json!({ "uniform": [low, high] }),
            Delay::Mix(parts) => json!({ "mix": parts }),
        },
        "body_bytes": body_bytes,
        "keys": keys,
        "cancel_ppm": cancel_ppm,
        "handler": match handler {
            Handler::None => json!("none"),
            Handler::SleepNs(ns) => json!({ "sleep": ns }),
            Handler::CpuNs(ns) => json!({ "cpu": ns }),
        },
        "fail_ppm": fail_ppm,
        "retry": retry,
    });
    // Without faults a cell measures what it did before there were any.
    if !faults.is_empty() {
        let faults =
            faults.iter().map(|fault| json!([fault.deed, fault.on, fault.at_ns, fault.for_ns]));
        cell["faults"] = faults.collect();
        if !commands.is_empty() {
            cell["commands"] = json!(commands);
        }
    }
    // By the roads of what is hurt, which have a capacity of their own.
    if plan.is_searching() {
        cell["tried"] = json!(true);
    }
    // A trial's name is in no figure; that its cell is a control is in one.
    if let Some(control) = plan.control() {
        cell["control"] = json!([control.at_ns, control.for_ns]);
    }
    cell
}

fn load(load: &Load) -> Value {
    match load {
        Load::Open { spacing, stages } => json!({
            "spacing": match spacing {
                Spacing::Poisson => "poisson",
                Spacing::Constant => "constant",
            },
            "stages": stages.iter().map(|s| json!([s.rate, s.duration_ns])).collect::<Vec<_>>(),
        }),
        Load::InFlight { tasks, window_ns, most_tasks } => {
            json!({ "in_flight": tasks, "window_ns": window_ns, "most_tasks": most_tasks })
        }
        Load::Backlog { tasks } => json!({ "backlog": tasks }),
    }
}
