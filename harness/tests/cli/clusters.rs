//! Several servers that are one broker.
//!
//! Apart from the others of its broker, for it takes two minutes, mostly of
//! waiting: tests begin in the order of their names, and one that is long and
//! begins last has the machine to itself.

use schedbench_reports::outcome::Cell;

use crate::faults::{done_between, outcome, scenario};
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
        assert!(cell.counts.grid.ok[1] > 0 && cell.counts.lost == 0, "{:?}", cell.counts);
    }
    let system = outcome.systems.iter().find(|system| system.system == "rabbitmq");
    let server = system.and_then(|system| system.server.as_ref()).expect("it says who it is");
    for (key, value) in [("queue type", "quorum"), ("members asked for, a queue", "3")] {
        assert!(server.settings.contains(&(key.into(), value.into())), "{:?}", server.settings);
    }
    place.wait_until_nothing_is_left("after a run on a cluster");
}

/// Which node a fault found, as its moment says.
fn node(cell: &Cell, fault: &str) -> u32 {
    let mut found = cell.moments.iter().filter_map(|mark| mark.text.strip_prefix(fault));
    let number = found.next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no {fault:?} in {:#?}", cell.moments))
}

/// Who is hurt is asked for when it is due: a replica, then the primary for less
/// than the second after which its sentinels replace it, then whoever is the
/// primary by then, killed and started again beside the one in its place.
#[test]
fn nodes_are_found_hurt_and_healed() {
    let place = Place::new();
    let faults = "kind = \"pause\"\non = \"replica\"\nat = \"2 s\"\nfor = \"1 s\"\n[[fault]]\n\
                  kind = \"pause\"\non = \"leader\"\nat = \"4400 ms\"\nfor = \"800 ms\"\n\
                  [[fault]]\nkind = \"kill\"\non = \"leader\"";
    let text = scenario("\"redis-asynq/sentinel-tuned\"", 18, faults)
        .replace("at = \"6 s\"\nfor = \"2 s\"", "at = \"8 s\"\nfor = \"3 s\"")
        .replace("5k", "500")
        .replace("[load]", "clusters = true\n[load]");
    let outcome = outcome(&place, &text);
    let [cell] = cells_of(&outcome, "redis-asynq")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");

    let replica = node(cell, "fault: pause replica: node ");
    let paused = node(cell, "fault: pause leader: node ");
    let killed = node(cell, "fault: kill leader: node ");
    assert_ne!(replica, paused, "a leader is no replica");
    let said: Vec<&str> = cell.moments.iter().map(|mark| mark.text.as_str()).collect();
    for words in [
        format!("healed: replica: node {replica} goes on"),
        format!("healed: leader: node {paused} goes on"),
        format!("healed: leader: node {killed} started again"),
        format!("node {killed}: in the cluster again"),
    ] {
        assert!(said.contains(&words.as_str()), "{words} in {said:#?}");
    }

    let done = |from, to| done_between(cell, from, to);
    let throughput = &cell.series.columns["throughput"];
    assert!(done(2.1, 2.9) > 250.0, "without a replica it goes on: {throughput:?}");
    assert_eq!(done(4.75, 5.2), 0.0, "while the primary stood still: {throughput:?}");
    assert_eq!(done(8.35, 8.9), 0.0, "while there was none: {throughput:?}");
    assert!(done(15.0, 18.0) > 0.0, "behind the new primary: {throughput:?}");
    let lost: Vec<u64> = cell.trials.iter().map(|trial| trial.lost).collect();
    println!("lost {lost:?}, in all {}", cell.counts.lost);
    assert_eq!(lost.len(), 3, "{:?}", cell.trials);
    assert_eq!(lost[0], 0, "a replica has nothing of its own");
    // A primary that was replaced throws away what it took meanwhile.
    assert!(lost[1] == 0 || killed != paused, "{:?}", cell.trials);
    place.wait_until_nothing_is_left("after faults on nodes");
}
