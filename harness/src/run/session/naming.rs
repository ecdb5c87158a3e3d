//! What tells one cell from another: in the outcome, to a person, in metrics.

use schedbench_reports::outcome::CellKey;

use crate::plan::CellPlan;
use crate::run::describe;
use crate::run::live::Subject;

/// Whose capacity a search finds: the target's, for tasks of this kind.
pub(super) fn tasks_of(plan: &CellPlan) -> String {
    // By the roads of what is hurt a system has another capacity.
    format!("{} {:?} {}", plan.target.name(), plan.delay, plan.is_tried())
}

pub(super) fn key(plan: &CellPlan) -> CellKey {
    CellKey {
        system: plan.target.system.name.to_owned(),
        profile: plan.target.profile.name.to_owned(),
        load: describe::load(&plan.load),
        variant: plan.variant.clone(),
        fault: plan.fault_in_words(),
        trial: plan.trial_name().map(str::to_owned),
        repeat: plan.repeat,
    }
}

pub(super) fn title(plan: &CellPlan) -> String {
    let load = schedbench_reports::numbers::load(describe::load(&plan.load));
    let variant = plan.variant.as_ref().map_or_else(String::new, |text| format!("  {text}"));
    let trial = plan.trial_name().map_or_else(String::new, |name| format!("  {name}"));
    format!("{}  {load}{variant}{trial}  repeat {}", plan.target.name(), plan.repeat)
}

/// What tells it from other cells while it is watched.
pub(super) fn subject(plan: &CellPlan, number: u32) -> Subject {
    let apart = [plan.variant.as_deref(), plan.trial_name()];
    Subject {
        system: plan.target.system.name.to_owned(),
        profile: plan.target.profile.name.to_owned(),
        load: schedbench_reports::numbers::load(describe::load(&plan.load)),
        variant: apart.into_iter().flatten().collect::<Vec<_>>().join(", "),
        repeat: plan.repeat,
        cell: number,
    }
}
