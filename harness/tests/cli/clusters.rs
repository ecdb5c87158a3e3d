//! Several servers that are one broker.
//!
//! Apart from the others of its broker, for it takes two minutes, mostly of
//! waiting: tests begin in the order of their names, and one that is long and
//! begins last has the machine to itself.

use crate::harness::cells_of;
use crate::place::{Place, Said};
use crate::rabbitmq::run;

#[test]
fn a_cluster_of_three_runs_where_it_is_asked_for() {
    let place = Place::new();
    let said = Said::of(run(&place, "\"rabbitmq/quorum-3\"", &[]).output().expect("a run"));
    said.refused(2).complains_of(&["rabbitmq/quorum-3 is a cluster of 3", "--clusters"]);

    let mut command = run(&place, "\"rabbitmq/quorum-3\"", &["--clusters"]);
    let said = Said::of(command.output().expect("a run")).ends_well();
    said.complains_of(&["started as a cluster of 3 on 127.0.0.1:"]);
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "rabbitmq");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.balances, "{:?}", cell.error);
        assert!(cell.counts.window.done > 0 && cell.counts.lost == 0, "{:?}", cell.counts);
    }
    let system = outcome.systems.iter().find(|system| system.system == "rabbitmq");
    let server = system.and_then(|system| system.server.as_ref()).expect("it says who it is");
    for (key, value) in [("queue type", "quorum"), ("members asked for, a queue", "3")] {
        assert!(server.settings.contains(&(key.into(), value.into())), "{:?}", server.settings);
    }
    place.wait_until_nothing_is_left("after a run on a cluster");
}
