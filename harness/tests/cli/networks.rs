//! `--network namespaces`: brokers in network namespaces of their own, whose
//! link is taken down. Root only; elsewhere it is refused, which is tested too.

use std::fs;
use std::process::Command;

use rustix::process::{Signal, geteuid};
use schedbench_contract::MomentKind;
use schedbench_reports::outcome::{Cell, Outcome};

use crate::harness::{Running, cells_of};
use crate::place::{Place, Said};
use crate::processes::{arguments, descendants, wait_for};

/// 1k/s for 9 s; the link is down from 4 s on for 1 s.
fn scenario(systems: &str, fault: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [{systems}]\n\
         [load]\nrates = [\"1k\"]\narrivals = \"constant\"\nwarmup = \"500 ms\"\n\
         duration = \"9 s\"\nhorizon = \"2500 ms\"\n\
         [[fault]]\n{fault}\nat = \"4 s\"\nfor = \"1 s\"\n"
    )
}

const DOWN: &str = "kind = \"black-hole\"\non = \"links\"";

fn run(place: &Place, text: &str) -> Command {
    let file = place.file("small.toml", text);
    place.schedbench(&["run", file.to_str().expect("UTF-8"), "--network", "namespaces"])
}

/// Whether such a thing can be made at all; where not, the run has to say so.
fn can_be(place: &Place) -> bool {
    if geteuid().is_root() {
        return true;
    }
    let said = Said::of(run(place, &scenario("\"redis-asynq\"", DOWN)).output().expect("a run"));
    said.refused(2).complains_of(&["--network namespaces cannot be had here"]);
    assert!(!place.at("results").exists(), "nothing was started");
    false
}

/// The namespaces of a run, by its process.
fn namespaces(pid: i32) -> Vec<String> {
    let all = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names = all.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with(&format!("schedbench-{pid}-"))).collect()
}

/// The outcome once that many cells are in it.
fn outcome(place: &Place, text: &str, cells: usize) -> Outcome {
    let mut running = Running::start(place, run(place, text));
    let pid = running.pid();
    running.wait_for_cells(cells);
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    assert_eq!(namespaces(pid), Vec::<String>::new());
    place.wait_until_nothing_is_left("after a link that was down");
    outcome
}

fn at(cell: &Cell, second: f64) -> Option<f64> {
    let done = &cell.series.columns["throughput"];
    done[((second - cell.series.start_s) / cell.series.bin_s) as usize]
}

/// A black hole of the proxy's resets what it swallowed from; here TCP sends it
/// again, and no client hears of anything.
#[test]
fn a_short_outage_is_tcps_own_matter() {
    let place = Place::new();
    if !can_be(&place) {
        return;
    }
    let outcome = outcome(&place, &scenario("\"redis-asynq\"", DOWN), 2);
    let [cell] = cells_of(&outcome, "redis-asynq")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");
    let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
    assert_eq!(trial.fault, "black-hole links at 4 s for 1 s");
    assert_eq!(at(cell, 4.5), Some(0.0), "{:?}", cell.series.columns["throughput"]);
    assert!(at(cell, 8.0).is_some_and(|rate| rate > 0.0));
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    let lost = |mark: &&schedbench_reports::outcome::Mark| mark.kind == MomentKind::Disconnected;
    let lost: Vec<_> = cell.moments.iter().filter(lost).collect();
    assert!(lost.is_empty(), "connections survive: {lost:?}");
    assert_eq!(outcome.host.proxy, None);
    assert_eq!(outcome.host.network.as_deref(), Some("namespaces joined by veth"));
    assert!(schedbench_reports::html::render(&outcome).contains("namespaces joined by veth"));
}

#[test]
fn every_broker_of_ours_can_be_in_one() {
    let place = Place::for_everybody();
    if !can_be(&place) {
        return;
    }
    let text = scenario("\"postgres\", \"rabbitmq\", \"kafka\"", DOWN);
    let outcome = outcome(&place, &text, 4);
    for system in ["postgres", "rabbitmq", "kafka"] {
        let [cell] = cells_of(&outcome, system)[..] else { panic!("one cell") };
        assert!(cell.counts.balances && cell.error.is_none(), "{system}: {:?}", cell.error);
        assert_eq!(at(cell, 4.5), Some(0.0), "{system}: {:?}", cell.series.columns["throughput"]);
        // Late or not: how soon is a matter of the machine.
        let ok: u64 = cell.counts.grid.ok.iter().sum();
        assert!(ok > 4_000, "{system}: {:?}", cell.counts);
        assert_eq!(cell.counts.lost, 0, "{system}: {:?}", cell.counts);
    }
}

/// Each node of RabbitMQ's is in a network of its own, and clients are not told
/// that these do not hear each other: nothing is done meanwhile, nothing is lost.
#[test]
fn nodes_that_do_not_hear_each_other_do_nothing() {
    let place = Place::new();
    if !can_be(&place) {
        return;
    }
    let fault = "kind = \"black-hole\"\non = \"between-brokers\"";
    let text =
        scenario("\"rabbitmq/quorum-3\"", fault).replace("[load]", "clusters = true\n[load]");
    let text = text.replace("for = \"1 s\"", "for = \"3 s\"").replace("2500 ms", "20 s");
    let outcome = outcome(&place, &text.replace("1k", "500"), 2);
    let [cell] = cells_of(&outcome, "rabbitmq")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{:?}", cell.error);
    let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
    assert_eq!(trial.fault, "black-hole between-brokers at 4 s for 3 s");
    assert_eq!(at(cell, 6.0), Some(0.0), "{:?}", cell.series.columns["throughput"]);
    assert!(cell.counts.window.done > 0 && cell.counts.lost == 0, "{:?}", cell.counts);
    let lost = |mark: &&schedbench_reports::outcome::Mark| mark.kind == MomentKind::Disconnected;
    let lost: Vec<_> = cell.moments.iter().filter(lost).collect();
    assert!(lost.is_empty(), "every node goes on hearing its clients: {lost:?}");
}

#[test]
fn what_is_no_link_that_is_down_is_refused_before_anything_starts() {
    let place = Place::new();
    for (fault, words) in [
        ("kind = \"stall\"\non = \"links\"", "stall links with --network namespaces"),
        (
            "kind = \"black-hole\"\non = \"worker-broker\"",
            "black-hole worker-broker with --network namespaces",
        ),
        (
            "kind = \"delay\"\ndelay = \"1 ms\"\non = \"between-brokers\"",
            "delay between-brokers with --network namespaces",
        ),
    ] {
        let mut command = run(&place, &scenario("\"redis-asynq\"", fault));
        let said = Said::of(command.output().expect("a run")).refused(2);
        said.complains_of(&[
            words,
            "small.toml:11",
            "expected kind = \"black-hole\", on = \"links\" or \"between-brokers\"",
        ]);
    }
    // Kafka's nodes are in one network; RabbitMQ's only with namespaces apart.
    let between = "clusters = true\n[load]";
    let fault = "kind = \"black-hole\"\non = \"between-brokers\"";
    let mut command = run(&place, &scenario("\"kafka/rf3\"", fault).replace("[load]", between));
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["small.toml:13", "with --network namespaces its nodes are in one network"]);
    let text = scenario("\"rabbitmq/quorum-3\"", fault).replace("[load]", between);
    let file = place.file("small.toml", text);
    let file = file.to_str().expect("UTF-8");
    let said = place.says(&["run", file]).refused(2);
    said.complains_of(&["small.toml:13", "namespaces, as root, these links are taken down"]);
    let said = place.says(&["check", file, "--network", "namespaces"]).ends(0);
    assert!(said.stdout.contains("black-hole between-brokers"), "{}", said.stdout);
    let mut command = run(&place, &scenario("\"redis-asynq\"", DOWN));
    let said = Said::of(command.args(["--env", "compose"]).output().expect("a run")).refused(2);
    said.complains_of(&["expected --env local with it"]);
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn a_killed_run_leaves_none() {
    killed("\"redis-asynq\"", "redis-server", 1, 1);
}

/// Three nodes with a port mapper each, and a namespace where their links meet.
#[test]
fn a_killed_run_leaves_none_of_a_cluster_s() {
    killed("\"rabbitmq/quorum-3\"", "epmd -address", 3, 4);
}

/// Kills a run once so many of its servers are there, in so many namespaces.
fn killed(system: &str, server: &str, servers: usize, networks: usize) {
    let place = Place::new();
    if !can_be(&place) {
        return;
    }
    // Killed at its broker's start: what would come after is short.
    let text = scenario(system, DOWN)
        .replace("[load]", "clusters = true\n[load]")
        .replace("\"9 s\"\nhorizon = \"2500 ms\"", "\"1500 ms\"\nhorizon = \"200 ms\"")
        .replace("at = \"4 s\"\nfor = \"1 s\"", "at = \"200 ms\"\nfor = \"200 ms\"");
    let mut running = Running::start(&place, run(&place, &text));
    let pid = running.pid();
    running.wait_until("namespaces with servers in them", |pid| {
        let all = descendants(pid).into_iter().map(arguments);
        let there = all.filter(|it| it.contains(server)).count();
        namespaces(pid).len() == networks && there == servers
    });
    running.kill();
    wait_for("the watchdog", || namespaces(pid).is_empty());
    place.wait_until_nothing_is_left("after a kill");
}
