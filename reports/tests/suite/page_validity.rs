//! What is not valid is marked wherever the page and the summary have it.

use schedbench_reports::analysis::analyse;
use schedbench_reports::export::{json, markdown};
use schedbench_reports::html::render;
use schedbench_reports::outcome::*;

use crate::outcomes;
use crate::page_parts::{rows, section, tips};

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

/// Page, Markdown and terminal rank nothing, and say why.
#[test]
fn with_all_cells_invalid_nothing_is_ranked() {
    let outcome = outcomes::invalid();
    let analysis = analyse(&outcome);
    let said = "No cell is valid, so nothing can be ranked.";
    assert!(render(&outcome).contains(said));
    assert!(markdown(&outcome, &analysis).contains(said));
    let text = schedbench_reports::terminal::render(&outcome, &analysis, false, 200);
    assert!(text.contains("0 of 90 cells valid"), "{text}");
    assert!(text.contains("90 disturbed"), "{text}");
    let rows = || analysis.groups.iter().flat_map(|group| &group.rows);
    assert_eq!(rows().count(), 3);
    assert!(rows().all(|row| row.rank.is_none() && row.not_valid == Some("disturbed")));
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

#[test]
fn a_curve_that_is_not_valid_is_crosses_and_its_row_says_why() {
    let mut outcome = outcomes::ramp();
    outcome.cells.retain(|cell| cell.key.load == Load::Rate(10e3));
    disturb(&mut outcome, "wheel", 10e3);
    let page = render(&outcome);
    let percentiles = section(&page, "percentiles");
    assert_eq!(rows(percentiles, "wheel")[0][0], "wheeldisturbed");
    assert!(percentiles.contains("class=\"l s2\"") && percentiles.contains("class=\"x s1\""));
    assert!(!percentiles.contains("class=\"l s1\""));
    let told = "wheel\nP99 ";
    assert!(tips(&page).iter().any(|tip| tip.starts_with(told) && tip.contains("\ndisturbed: ")));
}

/// Of one system the hand-over was 3 ms late, of another that does not count
/// 50 ms: pooled over the class the first would hide behind the others.
#[test]
fn the_lateness_drawn_is_that_of_the_latest_valid_system() {
    let mut outcome = outcomes::ramp();
    outcome.cells.retain(|cell| cell.key.load == Load::Rate(10e3));
    for (system, late) in [("heap", 3e-3), ("tokio", 50e-3)] {
        for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == system) {
            let lateness = outcomes::histogram(100_000, || Some(late)).0;
            cell.histograms.insert("pacing_lateness".to_owned(), lateness);
        }
    }
    disturb(&mut outcome, "tokio", 10e3);
    let page = render(&outcome);
    let late = &rows(section(&page, "percentiles"), "pacing lateness")[0];
    assert_eq!(late[1..4], ["3 ms", "3 ms", "3 ms"], "{late:?}");
}
