//! What the faults of a plan need here before anything starts.

use schedbench_contract::{Broker, Profile};

use crate::environment::{self, Entry, Mode, Source, ordered};
use crate::plan::{Block, Deed, Plan, Target, Victim};
use crate::run::describe;
use crate::scenario::{Bytes, Scenario, ScenarioError};
use crate::voice;

/// That the programs of all command pairs are here, before anything starts: a
/// broker that was hurt and cannot be healed would be worse than no result.
///
/// # Errors
/// One is not.
pub(super) fn commands_are_here(scenario: &Scenario) -> Result<(), ScenarioError> {
    let faults = scenario.settings.faults();
    let lists = faults.flat_map(|fault| [&fault.hurt, &fault.heal]).flatten();
    for program in lists.filter_map(|list| list.first()) {
        if !ordered::is_here(program) {
            return Err(scenario.text.error(
                &program.span,
                format!("no program `{}` here", program.value.escape_debug()),
                "expected the path of a program, or the name of one on PATH",
            ));
        }
    }
    Ok(())
}

/// That brokers can have networks of their own here.
///
/// # Errors
/// They cannot.
pub(super) fn networks_can_be(plan: &Plan, mode: Mode) -> Result<(), ScenarioError> {
    let refuse = |why: String| {
        ScenarioError::new("--network namespaces cannot be had here", why)
            .help("As everywhere:  --network proxies")
    };
    if mode != Mode::Local {
        return Err(refuse(format!("expected --env local with it, found --env {}", mode.name())));
    }
    let left = environment::network::sweep();
    for name in left {
        voice::tell(&format!("removed network namespace {name} of a killed run"));
    }
    // The largest that the plan needs: nodes apart need bridges besides.
    let profiles = plan.blocks.iter().map(|block| block.target.profile);
    let networks = |profile: &Profile| Some(Entry::of(profile.broker?).networks(profile));
    let largest = profiles.filter_map(networks).max().unwrap_or(1);
    environment::Network::lay(largest, None).map(drop).map_err(|error| refuse(error.to_string()))
}

/// Why a broker that is to be hurt must not be: the harness would not start it
/// itself. A URL in the scenario is refused with the plan already.
pub(super) fn not_ours_to_hurt(
    block: &Block,
    scenario: &Scenario,
    mode: Mode,
) -> Option<environment::Missing> {
    let Target { profile, .. } = block.target;
    let broker = profile.broker?;
    let who = block.target.name();
    let cells = block.steps.iter().map(describe::cell_of);
    let mut faults = cells.flat_map(|cell| &cell.faults);
    // Who names a pair of commands says how it is hurt and healed.
    let is_hurt = faults.any(|fault| {
        (fault.on.is_of_the_broker() || matches!(fault.on, Victim::Link(_)))
            && !matches!(fault.deed, Deed::Command(_))
    });
    let source = mode.source(Entry::of(broker), &who, scenario.url_env(broker), profile.topology);
    match source {
        Ok(Source::Url(_) | Source::Compose(_)) if is_hurt => Some(environment::Missing {
            who,
            what: "broker",
            why: "A fault would hurt its broker or the links to it, and only one that schedbench \
                  starts itself is ever hurt."
                .to_owned(),
            remedy: Entry::of(broker).remedy.to_owned(),
            instead: Some("--env local".to_owned()),
        }),
        _ => None,
    }
}

/// Whether its broker needs a disk that can be full. RabbitMQ does not: it is
/// told that it has less room than it wants.
pub(super) fn fills_a_small_disk(block: &Block) -> bool {
    let fills = block.steps.iter().any(|step| describe::cell_of(step).fills_a_disk());
    fills && block.target.profile.broker != Some(Broker::RabbitMq)
}

/// Why its broker cannot have such a disk.
pub(super) fn no_small_disk(block: &Block) -> Option<environment::Missing> {
    if !fills_a_small_disk(block) {
        return None;
    }
    let nodes = block.target.profile.topology.nodes() as u64;
    let (why, remedy) = match environment::small_disk_is_possible() {
        Err(error) => {
            let why = format!("A small disk cannot be mounted for its broker alone ({error})");
            (why, "run it as root".to_owned())
        }
        Ok(()) => {
            let needs = nodes * environment::ROOM_BYTES;
            let has = environment::host::memory_available();
            if has >= needs {
                return None;
            }
            let why = format!(
                "A small disk may take {} of memory, {} are free",
                Bytes(needs),
                Bytes(has)
            );
            (why, "close other programs".to_owned())
        }
    };
    Some(environment::Missing {
        who: block.target.name(),
        what: "small disk",
        why: format!("A full disk is unsupported here. {why}."),
        remedy,
        instead: None,
    })
}
