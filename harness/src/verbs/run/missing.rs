//! Targets whose broker or worker program is missing here, left out of the plan
//! where asked to.

use std::collections::BTreeMap;

use anyhow::Result;
use schedbench_reports::outcome::Skipped;

use super::faults::{no_small_disk, not_ours_to_hurt};
use super::reachable::reachable;
use crate::environment::{self, Entry, Mode, Need, Workshop};
use crate::plan::{Plan, Target};
use crate::scenario::Scenario;

/// Takes targets out of the plan whose broker is not here, or the server that
/// they need beside it, where asked to.
///
/// # Errors
/// One is missing and `--skip-missing` was not given.
pub(super) fn without_missing(
    plan: &mut Plan,
    scenario: &Scenario,
    mode: Mode,
    skip: bool,
) -> Result<Vec<Skipped>> {
    let mut skipped: Vec<Skipped> = Vec::new();
    let mut kept = Vec::with_capacity(plan.blocks.len());
    for block in plan.blocks.drain(..) {
        let name = block.target.name();
        let Target { system, profile } = block.target;
        let servers = [Some(profile), (system.second)(profile)].into_iter().flatten();
        let mut servers = servers.filter_map(|profile| Some((profile.broker?, profile)));
        // Asked first: what must not be hurt is not asked anything.
        let unfit = not_ours_to_hurt(&block, scenario, mode).or_else(|| no_small_disk(&block));
        let missing = unfit.or_else(|| {
            servers.find_map(|(broker, profile)| {
                let need = Need {
                    who: &name,
                    profile,
                    url_env: scenario.url_env(broker),
                    by_proxies: false,
                };
                reachable(mode, Entry::of(broker), &need).err()
            })
        });
        match missing.map_or(Ok(()), Err) {
            Ok(()) => kept.push(block),
            Err(missing) if skip => {
                if skipped.iter().all(|known| known.target != name) {
                    let remedy = Some(missing.remedy.clone());
                    skipped.push(Skipped { target: name, why: missing.why.clone(), remedy });
                }
            }
            Err(missing) => return Err(missing.into()),
        }
    }
    plan.blocks = kept;
    Ok(skipped)
}

/// Makes the worker programs that the plan needs and are not there yet, before
/// anything is measured; where asked to, takes targets whose program cannot be
/// made out of the plan.
///
/// # Errors
/// A program cannot be made and `--skip-missing` was not given.
pub(super) fn with_workers(
    plan: &mut Plan,
    skip: bool,
    say: &dyn Fn(&str),
) -> Result<Vec<Skipped>> {
    let mut failed: BTreeMap<&'static str, (String, String)> = BTreeMap::new();
    let systems: BTreeMap<_, _> =
        plan.blocks.iter().map(|block| (block.target.system.name, block.target.system)).collect();
    for (name, system) in systems {
        let Some(source) = environment::source_of(system) else { continue };
        match Workshop::open().and_then(|workshop| workshop.have(source, say)) {
            Ok(_) => {}
            Err(environment::Error::Missing(missing)) if skip => {
                failed.insert(name, (missing.why, missing.remedy));
            }
            Err(error) if skip => {
                failed.insert(name, (error.to_string(), format!("schedbench prepare {name}")));
            }
            Err(environment::Error::Missing(missing)) => return Err(missing.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let mut skipped: Vec<Skipped> = Vec::new();
    plan.blocks.retain(|block| {
        let Some((why, remedy)) = failed.get(block.target.system.name) else { return true };
        let target = block.target.name();
        if skipped.iter().all(|known| known.target != target) {
            skipped.push(Skipped { target, why: why.clone(), remedy: Some(remedy.clone()) });
        }
        false
    });
    Ok(skipped)
}
