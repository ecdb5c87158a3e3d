//! `run` in its other modes, and of the built-in scenarios.

use std::fs;

use schedbench_reports::outcome::{Ended, Load};

use crate::harness::cells_of;
use crate::place::{Place, small, small_in_flight};
use crate::runs::run;

#[test]
fn in_flight() {
    let place = Place::new();
    let (_, results) = run(&place, &small_in_flight("\"wheel/1us\""), &[]);
    let outcome = results.outcome();
    let wheel = cells_of(&outcome, "wheel");
    assert!(wheel.iter().all(|cell| cell.key.profile == "1us"));
    assert!(wheel.iter().any(|cell| cell.key.load == Load::InFlight(50)));
    assert!(wheel.iter().all(|cell| cell.metrics["throughput"].number() > Some(0.0)));
}

#[test]
fn delays_make_a_cell_each() {
    let place = Place::new();
    let delays = "[task]\ndelay = [{ fixed = \"10 ms\" }, { uniform = [\"1 ms\", \"20 ms\"] }]\n";
    let (_, results) = run(&place, &(small("\"wheel\"") + delays), &["--rate", "1k"]);
    let outcome = results.outcome();
    let wheel = cells_of(&outcome, "wheel");
    assert_eq!(wheel.len(), 2);
    assert_ne!(wheel[0].key.variant, wheel[1].key.variant);
    for cell in wheel {
        assert_eq!(cell.counts.early, 0, "never early");
        assert!(cell.metrics["firing_error.p50"].number().is_some(), "{:?}", cell.metrics);
    }
}

#[test]
fn a_search_ends_at_its_top_at_the_latest() {
    let place = Place::new();
    let mode = "mode = \"capacity\"\nfrom = \"500\"\nto = \"2k\"";
    let scenario =
        place.file("small.toml", small("\"wheel\"").replace("rates = [\"500\", \"1k\"]", mode));
    let said = place.says(&["run", scenario.to_str().expect("UTF-8")]).ends_well();
    assert!(said.stdout.contains("wheel"), "{}", said.stdout);
    let results = place.results().expect("results");
    let outcome = results.outcome();
    let logs = fs::read_dir(results.at("hlog")).expect("a directory").count();
    assert_eq!(logs, outcome.cells.len());
    assert_eq!(outcome.ended, Ended::Complete);
    let tried = cells_of(&outcome, "wheel");
    assert_eq!(tried.first().map(|cell| cell.key.load), Some(Load::Rate(500.0)));
    assert!(tried.iter().all(|cell| cell.key.load.amount() <= 2_000.0));
    assert!(tried.iter().all(|cell| cell.counts.balances && cell.error.is_none()));
}

#[test]
fn a_built_in_scenario_and_where_its_results_go() {
    let place = Place::new();
    let short = ["--systems", "wheel", "--loads", "1k", "--duration", "100ms", "--repeats", "1"];
    let args = [&["run", "quick", "-o", "out/of/here"], &short[..]].concat();
    let latest = place.at("out/of/here/quick/latest");
    let mut before = None;
    for _ in 0..2 {
        let said = place.says(&args).ends_well();
        let page = said.stdout.lines().last().and_then(|line| line.strip_prefix("Report: "));
        let page = fs::canonicalize(place.at(page.expect("a page"))).expect("a page");
        assert!(page.starts_with(fs::canonicalize(&latest).expect("a directory")), "the newest");
        assert_ne!(before.replace(page.clone()), Some(page));
    }
    assert!(before.expect("a page").exists());
    let runs = fs::read_dir(place.at("out/of/here/quick")).expect("a directory").count();
    assert_eq!(runs, 3, "two runs and the link");
    assert!(!place.at("results").exists());
}

#[test]
fn parts_come_to_one_result_with_a_scorecard() {
    let place = Place::new();
    let scenario = small("\"wheel\"").replace("rates = [\"500\", \"1k\"]", "")
        + "[[part]]\nname = \"ramp\"\nload = { rates = [\"500\", \"1k\"] }\n\
           [[part]]\nname = \"delays\"\nload = { rates = [\"1k\"] }\n\
           task = { delay = { fixed = \"10 ms\" } }\n";
    let (_, results) = run(&place, &scenario, &[]);
    let outcome = results.outcome();
    let wheel = cells_of(&outcome, "wheel");
    let delayed = wheel.iter().filter(|cell| cell.key.variant.is_some()).count();
    assert_eq!((wheel.len(), delayed), (3, 1));
    assert_eq!(cells_of(&outcome, "noop").len(), 2, "each load once");
    let page = fs::read_to_string(results.at("report.html")).expect("a report");
    assert!(page.contains("of 23 items have a figure in this run"), "no scorecard");
}
