//! The scorecard: 23 items, read by the names of metrics from whatever an
//! outcome holds; what it does not hold says why.

mod outcomes;

use schedbench_reports::analysis::{Scorecard, What, analyse};
use schedbench_reports::html;
use schedbench_reports::metrics::find;
use schedbench_reports::outcome::{CellKey, Outcome, Value};
use schedbench_reports::scorecard::ITEMS;

#[test]
fn there_are_23_items_of_the_one_table_of_metrics() {
    for (place, item) in ITEMS.iter().enumerate() {
        assert_eq!(usize::from(item.number), place + 1);
        assert_eq!(item.metrics.is_empty(), item.scenario.is_empty(), "{}", item.name);
        for name in item.metrics {
            assert!(find(name).is_some(), "{name}");
        }
    }
}

/// Immediate and delayed tasks, backlogs and faults in one, as `scorecard` will
/// have them.
fn whole() -> Outcome {
    let mut outcome = outcomes::piled();
    for other in [outcomes::ramp(), outcomes::delays(), outcomes::drill()] {
        let of = |key: &CellKey| (key.system.clone(), key.profile.clone());
        for system in other.systems {
            let known = |one: &schedbench_reports::outcome::System| {
                (&one.system, &one.profile) == (&system.system, &system.profile)
            };
            if !outcome.systems.iter().any(known) {
                outcome.systems.push(system);
            }
        }
        outcome.cells.extend(other.cells.into_iter().filter(|cell| {
            let (system, _) = of(&cell.key);
            system != "noop"
        }));
    }
    outcome.plan.scenario = "scorecard".into();
    outcome
}

fn card(outcome: &Outcome) -> Scorecard {
    analyse(outcome).scorecard.expect("a scorecard")
}

/// The words or the number of a system's score in the first line of an item.
fn score(outcome: &Outcome, number: u8, system: &str) -> String {
    let card = card(outcome);
    let column = card.systems.iter().position(|index| outcome.systems[*index].system == system);
    let line = card.lines.iter().find(|line| line.item.number == number).expect("a line");
    match &line.scores[column.expect("the system")].what {
        What::Words(words) => words.clone(),
        What::Capacity(capacity) => capacity.text(),
        What::Figure(figure) => match &figure.value {
            Value::Is(number) => format!("{number:.0}"),
            other => format!("{other:?}"),
        },
        What::Median(median) => format!("{:?}", median.value),
    }
}

#[test]
fn each_item_is_read_where_its_metric_is() {
    let outcome = whole();
    let card = card(&outcome);
    let lines = |number: u8| card.lines.iter().filter(move |line| line.item.number == number);
    for item in &ITEMS {
        assert_eq!(
            lines(item.number).any(|line| line.is_told()),
            !item.metrics.is_empty() && item.number != 6,
            "{}",
            item.name
        );
    }
    assert_eq!(lines(1).count(), 6, "a line for each rate");
    assert_eq!(score(&outcome, 12, "wheel"), "not measured yet");
    assert_eq!(score(&outcome, 16, "wheel"), "not applicable: no broker that keeps it");
    assert_eq!(score(&outcome, 5, "wheel"), "≥ 100k/s");
}

#[test]
fn what_a_system_cannot_do_says_so() {
    let mut outcome = outcomes::delays();
    for system in &mut outcome.systems {
        system.claims.delay = "unsupported: no native delay".into();
    }
    let wheel = outcome.systems[1].system.clone();
    outcome.cells.retain(|cell| cell.key.system != wheel);
    assert_eq!(score(&outcome, 9, &wheel), "unsupported: no native delay");
}

#[test]
fn it_stands_open_in_its_own_scenario_and_folded_in_others() {
    let page = html::render(&whole());
    let section = page.split("<section id=\"scorecard\">").nth(1).expect("a section");
    assert!(!section.split("</section>").next().expect("it ends").contains("<details>"));
    let ramp = html::render(&outcomes::ramp());
    assert!(ramp.contains("of 23 items have a figure in this run</summary>"));
    assert!(!html::render(&outcomes::empty()).contains("id=\"scorecard\""));
}
