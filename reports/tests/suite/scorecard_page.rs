//! The scorecard as a reader sees it and as a script reads it.

use schedbench_reports::analysis::{Scorecard, analyse};
use schedbench_reports::export;
use schedbench_reports::html::render;
use schedbench_reports::outcome::Outcome;
use schedbench_reports::scorecard::ITEMS;

use crate::outcomes::{self, whole};
use crate::page_parts::{self, rows, text_of};

fn section(page: &str) -> &str {
    page_parts::section(page, "scorecard")
}

fn card(outcome: &Outcome) -> Scorecard {
    analyse(outcome).scorecard.expect("a scorecard")
}

#[test]
fn it_stands_open_in_its_own_scenario_and_folded_in_others() {
    let page = render(&whole());
    let section = page.split("<section id=\"scorecard\">").nth(1).expect("a section");
    assert!(!section.split("</section>").next().expect("it ends").contains("<details>"));
    let ramp = render(&outcomes::ramp());
    assert!(ramp.contains("of 23 items have a figure in this run</summary>"));
    assert!(!render(&outcomes::empty()).contains("id=\"scorecard\""));
}

/// Reasons below the table, in the order of their numbers.
fn reasons(page: &str) -> Vec<String> {
    let list = section(page).split("<ol class=\"reasons\"").nth(1).expect("reasons");
    let list = list.split("</ol>").next().expect("it ends");
    list.split("<li>").skip(1).map(|one| one.replace("</li>", "")).collect()
}

/// What a cell says, with the reason that its number leads to.
fn with_reason(page: &str, cell: &str) -> String {
    let digits = cell.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (words, number) = cell.split_at(digits);
    let number: usize = number.parse().unwrap_or_else(|_| panic!("{cell:?} has no number"));
    format!("{words}: {}", reasons(page)[number - 1])
}

/// Also in an item of several metrics that no system has a figure of.
#[test]
fn the_page_tells_what_cannot_be_from_what_was_not_measured() {
    let mut outcome = outcomes::ramp();
    outcome.systems[4].claims.delay = "unsupported: no native delay".into();
    let page = render(&outcome);
    let several = ITEMS.iter().find(|item| item.number == 9).expect("item 9");
    let row = &rows(section(&page), several.name)[0];
    assert_eq!(with_reason(&page, &row[5]), "unsupported: no native delay");
    assert_eq!(with_reason(&page, &row[1]), "not measured: not in this run");
}

/// Nothing is said by a pointer's hover alone.
#[test]
fn reasons_and_scenarios_can_be_read() {
    let outcome = whole();
    let page = render(&outcome);
    let card = section(&page);
    assert!(!card.contains("title="), "a phone, a keyboard and paper have no hover");
    for item in &ITEMS {
        let row = &rows(card, item.name)[0];
        let scenario = match item.part.scenario {
            "" => "no scenario measures it yet".to_owned(),
            scenario => format!("scenario {scenario}"),
        };
        assert!(row[0].ends_with(&scenario), "{row:?}");
    }
    let of = |number: usize, system: &str| {
        let name = ITEMS[number - 1].name;
        let heads = &rows(card, "Item")[0];
        let column = heads.iter().position(|head| head == system).expect("the system");
        with_reason(&page, &rows(card, name)[0][column])
    };
    assert_eq!(of(16, "wheel"), "not applicable: no broker that keeps it");
    assert_eq!(of(22, "wheel"), "not applicable: no broker to hurt");
    assert_eq!(of(22, "celery"), "not measured: not in this run");
    assert_eq!(of(16, "redis-asynq/memory"), "not measured: nothing was left to run");
    let mut once = reasons(&page);
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), reasons(&page).len());
}

#[test]
fn each_line_with_figures_leads_to_their_section() {
    let outcome = whole();
    let page = render(&outcome);
    let heads = section(&page).split("<th scope=\"row\">").skip(1);
    let linked = heads
        .clone()
        .filter(|head| head.split("</th>").next().is_some_and(|head| head.contains("<a href=\"#")));
    let told = card(&outcome).lines.iter().filter(|line| line.is_told()).count();
    assert_eq!(linked.count(), told, "of {} lines", heads.count());
}

/// A failure rate says nothing without its window and its horizon.
#[test]
fn failure_rates_have_d_and_t() {
    let head = |outcome: &Outcome| {
        let page = render(outcome);
        rows(section(&page), "failure rate")[0].clone()
    };
    let mut outcome = outcomes::ramp();
    let alike = head(&outcome);
    assert!(alike[0].contains("failed ↓, 1k/s, D 10 s, T 2 s"), "{alike:?}");
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "wheel") {
        cell.window.horizon_s = 5.0;
    }
    let apart = head(&outcome);
    assert!(apart[0].contains("failed ↓, 1k/s") && !apart[0].contains("T 2 s"), "{apart:?}");
    assert!(apart[1..].iter().any(|cell| cell.ends_with("D 10 s, T 5 s")), "{apart:?}");
    assert!(apart[1..].iter().any(|cell| cell.ends_with("D 10 s, T 2 s")), "{apart:?}");
    let others = card(&outcome).lines.into_iter().filter(|line| line.item.number != 3);
    assert!(others.flat_map(|line| line.scores).all(|score| score.terms.is_none()));
}

#[test]
fn one_repeat_says_that_it_has_no_interval() {
    let models = [outcomes::noop(), outcomes::wheel()];
    let of = |repeats: u32| {
        let page = render(&outcomes::ramp_of(&models, &[1e3, 10e3], repeats));
        let card = section(&page);
        (card.matches("1 repeat: no interval").count(), card.matches("In brackets: ").count())
    };
    assert_eq!([of(1), of(3)], [(1, 0), (0, 1)]);
    // Of a broker's kill there are three trials, of a ramp one.
    let page = render(&whole());
    assert_eq!(section(&page).matches("; 1 repeat: no interval").count(), 1);
}

#[test]
fn its_text_is_as_it_was() {
    let page = render(&whole());
    insta::assert_snapshot!("page", text_of(section(&page)));
}

/// All that the page says of a score, a script has as well.
#[test]
fn the_summary_for_scripts_has_it_whole() {
    let outcome = outcomes::repeated();
    let text = export::json(&outcome, &analyse(&outcome));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let all = json["scorecard"].as_array().expect("rows");
    let of = |metric: &str, system: &str| {
        let is_it = |row: &&serde_json::Value| row["metric"] == metric && row["system"] == system;
        all.iter().find(is_it).expect("the row")
    };
    let failed = of("failure_rate", "kafka");
    for (key, is) in [("unit", "fraction"), ("better", "lower"), ("scenario", "ramp")] {
        assert_eq!(failed[key], is, "{key}");
    }
    assert_eq!(
        [&failed["window_s"], &failed["horizon_s"]].map(|it| it.as_f64()),
        [Some(10.0), Some(2.0)]
    );
    let latency = of("start_latency.p95", "kafka");
    assert_eq!(latency["unit"], "s");
    assert_eq!(latency["n"], 5);
    assert!(latency["window_s"].is_null() && latency["range"].is_null());
    let (low, high) = (latency["interval"][0].as_f64(), latency["interval"][1].as_f64());
    assert!(low < latency["value"].as_f64() && latency["value"].as_f64() < high, "{latency}");
    let drill = outcomes::drill();
    let text = export::json(&drill, &analyse(&drill));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = json["scorecard"].as_array().expect("rows");
    let trial = rows.iter().find(|row| row["item"] == 22 && row["range"].is_array());
    let trial = trial.expect("a range over trials");
    assert!(trial["interval"].is_null() && trial["n"].as_u64() > Some(1), "{trial}");
    let later = rows.iter().find(|row| row["item"] == 12).expect("a row");
    assert!(later["scenario"].is_null() && later["unit"].is_null());
}

/// One load has no chart.
#[test]
fn every_link_of_it_leads_somewhere() {
    for (name, outcome) in outcomes::all() {
        links(name, &outcome);
    }
    links("one load", &outcomes::ramp_of(&[outcomes::noop(), outcomes::wheel()], &[10e3], 1));
}

fn links(name: &str, outcome: &Outcome) {
    let page = render(outcome);
    if !page.contains("<section id=\"scorecard\">") {
        return;
    }
    let anchors = section(&page).split("href=\"#").skip(1);
    for anchor in anchors.filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("<section id=\"{anchor}\"")), "{name}: #{anchor}");
    }
}
