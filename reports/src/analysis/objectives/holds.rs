//! The rate that every system had to hold (`objective.holds`).

use crate::numbers::{Medium, rate, seconds};
use crate::outcome::{Load, Outcome};

use super::super::capacity::Capacity;
use super::super::groups::{Group, Mode};
use super::super::{NOOP, Row};
use super::{About, Met, Objective};

/// Each system's in the order of the systems; empty when none was set.
pub(super) fn objectives(outcome: &Outcome, groups: &[Group]) -> Vec<Objective> {
    let Some(holds) = outcome.plan.objective_holds else { return Vec::new() };
    let p99 = seconds(outcome.plan.objective_p99_s, Medium::Terminal);
    let demand = format!("holds {} with a P99 of at most {p99}", rate(holds));
    let mut objectives = Vec::new();
    for system in outcome.systems.iter().filter(|system| system.system != NOOP) {
        let name = format!("{}/{}", system.system, system.profile);
        let is_own = |row: &&Row| row.system == system.system && row.profile == system.profile;
        let known = objectives.len();
        let open = groups.iter().enumerate().filter(|(_, group)| group.mode == Mode::Open);
        for (index, group) in open {
            for row in group.rows.iter().filter(is_own) {
                objectives.push(Objective {
                    target: match &group.variant {
                        Some(variant) => format!("{name}, {variant}"),
                        None => name.clone(),
                    },
                    demand: demand.clone(),
                    met: met(row, holds),
                    seen: row.capacity.text(),
                    about: About::Group(index),
                });
            }
        }
        if objectives.len() == known {
            let met = Met::Unknown("it was not measured".to_owned());
            let (demand, seen) = (demand.clone(), String::new());
            objectives.push(Objective { target: name, demand, met, seen, about: About::Cells });
        }
    }
    objectives
}

/// A load below one that was held is held too, as a search skips most of them;
/// but where it was measured itself, that decides.
fn met(row: &Row, holds: f64) -> Met {
    match &row.capacity {
        Capacity::Unknown(why) => {
            Met::Unknown(if why.is_empty() { "no valid cell".to_owned() } else { why.clone() })
        }
        capacity if capacity.held() >= holds => match row.at(Load::Rate(holds)) {
            Some(point) if point.held == Some(false) => not_at(holds, point.why_not.as_ref()),
            _ => Met::Yes,
        },
        Capacity::AtLeast(held) => {
            Met::Unknown(format!("no valid cell above {}, which it holds", rate(*held)))
        }
        capacity => {
            let failed = capacity.bracket().map_or(f64::INFINITY, |(_, failed)| failed);
            if failed > holds {
                // Held below, failed above, nothing valid between.
                return Met::Unknown(format!("no valid cell {}", between(capacity)));
            }
            let point = row.points.iter().find(|point| point.load.amount() == failed);
            not_at(failed, point.and_then(|point| point.why_not.as_ref()))
        }
    }
}

fn not_at(load: f64, why: Option<&String>) -> Met {
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    Met::No(format!("not at {}{why}", rate(load)))
}

fn between(capacity: &Capacity) -> String {
    let (held, failed) = capacity.bracket().unwrap_or_default();
    let failed = rate(failed);
    if held > 0.0 {
        format!("between {}, which it holds, and {failed}", rate(held))
    } else {
        format!("below {failed}, which it does not hold")
    }
}
