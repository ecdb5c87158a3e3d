//! What a system does not do is refused before anything is started.

use schedbench::plan::{CellPlan, Delay, Missing, Step, Target, resolve};
use schedbench::scenario::read;
use schedbench_contract::{Delay as Claim, Retries};

use crate::systems::{Choice, Lane, each};

/// The cells that a scenario of this system alone plans for it, or why not.
fn planned(target: Target, asks: &str) -> Result<Vec<CellPlan>, String> {
    let name = target.name();
    let text = format!(
        "name = \"asks\"\nsummary = \"a test\"\nsystems = [\"{name}\"]\nclusters = true\n\
         [load]\nrates = [\"1k\"]\n{asks}\n"
    );
    let scenario = read("asks.toml", text.as_bytes(), &[]).expect("a scenario");
    let resolved = resolve(&scenario, Missing::IsAnError).map_err(|error| error.to_string())?;
    let blocks = resolved.plan.blocks.into_iter().filter(|block| block.target.name() == name);
    let cells = blocks.flat_map(|block| block.steps).map(|step| match step {
        Step::Cell(cell) => cell,
        other => panic!("{other:?}"),
    });
    Ok(cells.collect())
}

/// A system that claims it gets it; of another the plan says why not, or it
/// is `noop`, the ceiling, which runs the cell without it.
fn is_asked_only_if_claimed(
    target: Target,
    asks: &str,
    claimed: Result<(), &str>,
    has: impl Fn(&CellPlan) -> bool,
) {
    let name = target.name();
    match (planned(target, asks), claimed) {
        (Ok(cells), Ok(())) => assert!(!cells.is_empty() && cells.iter().all(has), "{name}"),
        (Ok(cells), Err(_)) => assert!(!cells.iter().any(has), "{name} was asked for it"),
        (Err(said), Err(why)) => assert!(said.contains(why), "{name}: {said}"),
        (Err(said), Ok(())) => panic!("{name}: {said}"),
    }
}

fn what_is_not_claimed_is_not_asked(target: Target) {
    let claims = &target.profile.claims;
    let delay = match claims.delay {
        Claim::Unsupported(why) => Err(why),
        _ => Ok(()),
    };
    is_asked_only_if_claimed(target, "[task]\ndelay = { fixed = \"1 s\" }", delay, |cell| {
        cell.delay != Delay::None
    });
    let cancel = if claims.cancel { Ok(()) } else { Err("it has no way to take one back") };
    let asks = match delay {
        Ok(()) => "[task]\ndelay = { fixed = \"1 s\" }\ncancel = \"10 %\"",
        Err(_) => "[task]\ncancel = \"10 %\"",
    };
    is_asked_only_if_claimed(target, asks, cancel, |cell| cell.cancel_ppm > 0);
    let retries = match claims.retries {
        Retries::Unsupported(why) => Err(why),
        Retries::Native => Ok(()),
    };
    let asks = "[task]\nfail = \"10 %\"\n[retry]\nmax = 2";
    is_asked_only_if_claimed(target, asks, retries, |cell| cell.retry.max > 0);
}

#[test]
fn what_no_profile_claims_is_not_asked_of_it() {
    let all: Choice = |_, _| true;
    for lane in [Lane::InProcess, Lane::Brokers] {
        each(lane, all, what_is_not_claimed_is_not_asked);
    }
}
