//! Objectives: what every system had to hold, and whether it did.

use crate::numbers::{Medium, rate, seconds};
use crate::outcome::Outcome;

use super::capacity::Capacity;
use super::groups::{Group, Mode};
use super::{NOOP, Row};

/// What was demanded of one system, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// `system/profile`, with its variant where there is one.
    pub target: String,
    /// `holds 20k/s with a P99 of at most 100 ms`.
    pub demand: String,
    /// Whether it was met.
    pub met: Met,
}

/// Whether an objective was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// That load, or a higher one, was held in every valid repeat.
    Yes,
    /// It was not, and why.
    No(String),
    /// No valid cell says, and why. A demand that is not proven is not met.
    Unknown(String),
}

/// The objectives in the order of the systems; empty when none was set.
pub(super) fn objectives(outcome: &Outcome, groups: &[Group]) -> Vec<Objective> {
    let Some(holds) = outcome.plan.objective_holds else { return Vec::new() };
    let p99 = seconds(outcome.plan.objective_p99_s, Medium::Terminal);
    let demand = format!("holds {} with a P99 of at most {p99}", rate(holds));
    let mut objectives = Vec::new();
    for system in outcome.systems.iter().filter(|system| system.system != NOOP) {
        let name = format!("{}/{}", system.system, system.profile);
        let is_own = |row: &&Row| row.system == system.system && row.profile == system.profile;
        let known = objectives.len();
        for group in groups.iter().filter(|group| group.mode == Mode::Open) {
            for row in group.rows.iter().filter(is_own) {
                objectives.push(Objective {
                    target: match &group.variant {
                        Some(variant) => format!("{name}, {variant}"),
                        None => name.clone(),
                    },
                    demand: demand.clone(),
                    met: met(row, holds),
                });
            }
        }
        if objectives.len() == known {
            let met = Met::Unknown("it was not measured".to_owned());
            objectives.push(Objective { target: name, demand: demand.clone(), met });
        }
    }
    objectives
}

/// A load below one that was held is held too: a search skips most of them.
fn met(row: &Row, holds: f64) -> Met {
    match &row.capacity {
        Capacity::Unknown(why) => {
            Met::Unknown(if why.is_empty() { "no valid cell".to_owned() } else { why.clone() })
        }
        capacity if capacity.held() >= holds => Met::Yes,
        Capacity::AtLeast(held) => {
            Met::Unknown(format!("no valid cell above {}, which it holds", rate(*held)))
        }
        capacity => {
            let failed = capacity.bracket().map_or(f64::INFINITY, |(_, failed)| failed);
            let why = row
                .points
                .iter()
                .find(|point| point.load.amount() == failed)
                .and_then(|point| point.why_not.clone());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            if failed > holds {
                // Held below, failed above, nothing valid between.
                Met::Unknown(format!("no valid cell between {}", between(capacity)))
            } else {
                Met::No(format!("not at {}{why}", rate(failed)))
            }
        }
    }
}

fn between(capacity: &Capacity) -> String {
    let (held, failed) = capacity.bracket().unwrap_or_default();
    format!("{}, which it holds, and {}", rate(held), rate(failed))
}
