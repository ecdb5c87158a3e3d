//! Nodes of a cluster: found by asking who leads, hurt, and healed by their
//! places, whoever leads by then.

use super::{NOT_OURS, Scene};
use crate::environment::Child;
use crate::plan::{Deed, Victim};

/// The nodes that a fault found.
pub(super) struct Nodes {
    /// Their places among all of the cluster.
    pub(super) places: Vec<usize>,
    /// Their processes as they were found. They are let go on by these: while
    /// another node is started, the broker is not on the stage.
    children: Vec<Child>,
    /// How many of the cell's queues are with them, of how many.
    queues: Option<(usize, usize)>,
}

impl Nodes {
    /// Those that are meant. Of the followers those that are hurt already are
    /// passed over.
    pub(super) fn find(on: Victim, scene: &Scene<'_, '_>, hurt: &[usize]) -> Result<Self, String> {
        let broker = scene.stage.broker.as_deref().filter(|broker| broker.child().is_some());
        let broker = broker.ok_or_else(|| NOT_OURS.to_owned())?;
        let leader = broker.leader(scene.queue).map_err(|error| error.to_string())?;
        let all = broker.children();
        let mut followers =
            (0..all.len()).filter(|place| *place != leader && !hurt.contains(place));
        let places: Vec<usize> = match on {
            Victim::Replica => followers.next().into_iter().collect(),
            Victim::Replicas => followers.collect(),
            _ => vec![leader],
        };
        let children: Vec<Child> = places
            .iter()
            .filter_map(|place| all.get(*place))
            .map(|child| (*child).clone())
            .collect();
        match places.is_empty() {
            true => Err("no node follows the leader".to_owned()),
            false => {
                let queues = broker.queues_at(scene.queue, &places);
                Ok(Self { places, children, queues })
            }
        }
    }

    /// `, with 4 of 12 queues`, where a cell has several.
    pub(super) fn queues_in_words(&self) -> String {
        let queues = self.queues.map(|(there, all)| format!(", with {there} of {all} queues"));
        queues.unwrap_or_default()
    }

    /// Does it to them.
    pub(super) fn suffer(&self, deed: Deed) {
        match deed {
            Deed::Kill => Child::kill_all(self.children.iter()),
            Deed::Terminate => self.children.iter().for_each(Child::ask_to_end),
            Deed::Pause | Deed::Link(_) | Deed::Command(_) | Deed::DiskFull => {
                self.children.iter().for_each(Child::pause);
            }
        }
    }

    /// Lets them go on.
    pub(super) fn resume(&self) {
        self.children.iter().for_each(Child::resume);
    }
}

/// `node 2`, `nodes 1 and 3`: as people count them.
pub(super) fn named(places: &[usize]) -> String {
    let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
    let word = if numbers.len() == 1 { "node" } else { "nodes" };
    format!("{word} {}", numbers.join(" and "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn nodes_are_counted_from_one() {
        assert_eq!(super::named(&[1]), "node 2");
        assert_eq!(super::named(&[0, 2]), "nodes 1 and 3");
    }
}
