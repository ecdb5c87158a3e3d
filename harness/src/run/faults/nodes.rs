//! Nodes of a cluster: found by asking who leads, hurt, and healed by their
//! places, whoever leads by then.

use super::{NOT_OURS, Scene};
use crate::environment::{Child, Running};
use crate::plan::{Deed, Victim};

/// The places of the nodes that are meant. Of the followers those that are
/// hurt already are passed over.
pub(super) fn find(
    on: Victim,
    scene: &Scene<'_, '_>,
    hurt: &[usize],
) -> Result<Vec<usize>, String> {
    let broker = ours(scene)?;
    let leader = broker.leader(scene.queue).map_err(|error| error.to_string())?;
    let all = 0..broker.children().len();
    let mut followers = all.filter(|place| *place != leader && !hurt.contains(place));
    let meant: Vec<usize> = match on {
        Victim::Replica => followers.next().into_iter().collect(),
        Victim::Replicas => followers.collect(),
        _ => vec![leader],
    };
    if meant.is_empty() { Err("no node follows the leader".to_owned()) } else { Ok(meant) }
}

/// Does it to those nodes; who is dead by that is so on purpose.
pub(super) fn hurt(deed: Deed, places: &[usize], scene: &mut Scene<'_, '_>) -> Result<(), String> {
    if deed != Deed::Pause {
        scene.stage.hurt.extend(places);
    }
    let children = ours(scene)?.children();
    for place in places {
        let child = children.get(*place).ok_or("the cluster has fewer nodes")?;
        match deed {
            Deed::Kill => drop(child.kill()),
            Deed::Terminate => child.ask_to_end(),
            Deed::Pause | Deed::Link(_) => child.pause(),
        }
    }
    Ok(())
}

/// Lets those go on that were paused.
pub(super) fn resume(places: &[usize], scene: &Scene<'_, '_>) {
    let children = scene.stage.broker.iter().flat_map(|broker| broker.children()).enumerate();
    children
        .filter(|(place, _)| places.contains(place))
        .for_each(|(_, child)| Child::resume(child));
}

/// `node 2`, `nodes 1 and 3`: as people count them.
pub(super) fn named(places: &[usize]) -> String {
    let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
    let word = if numbers.len() == 1 { "node" } else { "nodes" };
    format!("{word} {}", numbers.join(" and "))
}

fn ours<'s>(scene: &'s Scene<'_, '_>) -> Result<&'s dyn Running, String> {
    let broker = scene.stage.broker.as_deref().filter(|broker| broker.child().is_some());
    broker.ok_or_else(|| NOT_OURS.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn nodes_are_counted_from_one() {
        assert_eq!(super::named(&[1]), "node 2");
        assert_eq!(super::named(&[0, 2]), "nodes 1 and 3");
    }
}
