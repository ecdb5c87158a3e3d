//! What is not valid is marked wherever the page and the summary have it.

use schedbench_reports::analysis::analyse;
use schedbench_reports::export::json;
use schedbench_reports::html::render;
use schedbench_reports::outcome::*;

use crate::outcomes;
use crate::page_parts::{rows, section};

fn disturb(outcome: &mut Outcome, system: &str, rate: f64) {
    let is_there =
        |cell: &&mut Cell| cell.key.system == system && cell.key.load == Load::Rate(rate);
    for cell in outcome.cells.iter_mut().filter(is_there) {
        cell.validity = Validity::Disturbed("0.4 core of other work".into());
    }
}

fn row_of(outcome: &Outcome, system: &str) -> serde_json::Value {
    let summary: serde_json::Value =
        serde_json::from_str(&json(outcome, &analyse(outcome))).expect("JSON");
    let all = summary["rows"].as_array().expect("rows");
    all.iter().find(|row| row["system"] == system).expect("its row").clone()
}

/// Its P99 is of another load, and valid.
#[test]
fn a_failure_rate_that_is_not_valid_is_the_verdicts_word() {
    let page = render(&outcomes::wide());
    let kafka = &rows(section(&page, "holds"), "kafka")[0];
    assert_eq!(kafka[5], "client-limited", "{kafka:?}");
    assert!(kafka[3].ends_with("ms"), "{kafka:?}");
    assert_eq!(kafka[4], "0", "{kafka:?}");

    let kafka = row_of(&outcomes::wide(), "kafka");
    assert_eq!(kafka["failed_100k"]["not_valid"], "client-limited");
    for valid in ["p99", "cpu", "pss", "failed_10k"] {
        assert!(kafka[valid].get("not_valid").is_none(), "{valid}");
    }
}

#[test]
fn the_summary_says_of_each_figure_that_it_is_not_valid() {
    let mut outcome = outcomes::single();
    disturb(&mut outcome, "redis-asynq", 20e3);
    let row = row_of(&outcome, "redis-asynq");
    for figure in ["p99", "cpu", "pss"] {
        assert_eq!(row[figure]["not_valid"], "disturbed", "{figure}");
    }
    assert_eq!(row["points"][0]["p50"]["not_valid"], "disturbed");
    assert!(row["failed_10k"].get("not_valid").is_none(), "it was not tried there");
}

/// Three loads, so that a line through the middle one would be the only one.
#[test]
fn a_median_that_is_not_valid_is_not_joined() {
    let mut outcome = outcomes::ramp();
    let few = [5e3, 10e3, 20e3].map(Load::Rate);
    outcome.cells.retain(|cell| few.contains(&cell.key.load));
    let thin = |outcome: &Outcome, style: u8| {
        let page = render(outcome);
        section(&page, "load").contains(&format!("class=\"l s{style} thin\""))
    };
    assert!(thin(&outcome, 1) && thin(&outcome, 2));
    disturb(&mut outcome, "wheel", 10e3);
    assert!(!thin(&outcome, 1), "wheel's is not joined");
    assert!(thin(&outcome, 2), "heap's is");
}
