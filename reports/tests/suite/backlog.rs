//! Backlogs as their readers get them: sums, medians, and how page, terminal
//! and exports show them.

use insta::assert_snapshot;
use schedbench_reports::analysis::{Analysis, Backlog, Kept, analyse};
use schedbench_reports::outcome::{Reading, Validity, Value};
use schedbench_reports::{export, html, terminal};

use crate::outcomes;

fn of<'a>(analysis: &'a Analysis, label: &str, tasks: u64) -> &'a Backlog {
    let mut all = analysis.backlogs.iter();
    all.find(|one| one.label == label && one.tasks == tasks).expect("it is there")
}

#[test]
fn tasks_are_summed_and_times_are_medians() {
    let analysis = analyse(&outcomes::piled());
    let kept = of(&analysis, "redis-asynq/everysec", 100_000);
    assert_eq!((kept.seen.repeats, kept.seen.handed_over), (3, 300_000));
    assert_eq!((kept.seen.survived, kept.seen.lost, kept.seen.again), (300_000, 0, 3));
    assert_eq!(kept.missing(), ["0 lost"]);
    assert_eq!(kept.figures["restart"].value, Reading::Is(0.5));

    let lost = of(&analysis, "redis-asynq/memory", 10_000);
    assert_eq!(lost.missing(), ["30,000 lost in 3 of 3"]);
    assert!(matches!(lost.figures["drain_time"].value, Reading::NotMeasured(_)));

    assert_eq!(of(&analysis, "kafka", 100_000).missing(), ["12 lost in 1 of 3"]);
    let open = of(&analysis, "rabbitmq/durable", 10_000);
    assert_eq!(open.missing(), ["7 missing, not proved"]);
    let unconfirmed = of(&analysis, "rabbitmq/transient-no-confirm", 10_000);
    assert_eq!(unconfirmed.missing(), ["30,000 missing, never confirmed"]);

    // Cut off in one of three: the other two decide the median.
    let cut = of(&analysis, "celery", 100_000);
    assert_eq!(cut.missing(), ["0 lost", "20,000 left"]);
    let time = &cut.figures["drain_time"];
    assert_eq!((time.measured, time.censored), (2, 1));
    assert!(matches!(time.value, Reading::Is(_)), "{time:?}");
}

/// A repeat that only has a bound makes the mean one.
#[test]
fn the_memory_of_a_task_is_a_mean_or_at_most_one() {
    let mut outcome = outcomes::piled();
    let of_all =
        |outcome: &_, label, tasks| of(&analyse(outcome), label, tasks).memory.value.clone();
    assert_eq!(of_all(&outcome, "redis-asynq/everysec", 10_000), Value::Is(820.0));
    assert_eq!(of_all(&outcome, "kafka", 10_000), Value::AtMost(40.0));
    let nobody = of_all(&outcome, "rabbitmq/transient-no-confirm", 10_000);
    assert_eq!(nobody, Value::NotMeasured("nothing was confirmed".into()));
    let bound = outcome.cells.iter_mut().find(|cell| cell.key.system == "celery");
    let metrics = &mut bound.expect("its cell").metrics;
    metrics.insert("backlog.bytes_per_task".into(), Value::AtMost(810.0));
    assert_eq!(of_all(&outcome, "celery", 100_000), Value::AtMost(820.0));
    outcome.cells.iter_mut().for_each(|cell| {
        cell.metrics.remove("backlog.bytes_per_task");
    });
    assert!(matches!(of_all(&outcome, "kafka", 10_000), Value::NotMeasured(_)), "an older run");
}

#[test]
fn they_stand_in_no_ranking_and_in_the_guarantees() {
    let analysis = analyse(&outcomes::piled());
    assert!(analysis.groups.is_empty(), "no load, no latency, no capacity");
    assert!(analysis.faults.recoveries.is_empty(), "nothing ran that could recover");
    let kafka = |one: &&schedbench_reports::analysis::Guarantee| {
        one.tried.system == "kafka" && one.losses().contains("12")
    };
    let broken = analysis.faults.guarantees.iter().find(kafka).expect("its promise");
    assert_eq!(broken.kept(), Kept::No);
    assert_eq!(broken.broken(), ["12 lost in 1 of 3 kills"]);
    let memory = analysis.faults.guarantees.iter().filter(|one| one.tried.profile == "memory");
    assert!(memory.into_iter().all(|one| one.kept() == Kept::Yes), "it promises nothing else");
}

/// Classes are apart, in their order; in each, sizes ascend.
#[test]
fn classes_and_sizes_are_in_order() {
    let analysis = analyse(&outcomes::piled());
    let mut seen = Vec::new();
    for class in analysis.backlogs.chunk_by(|one, other| one.class == other.class) {
        assert!(!seen.contains(&class[0].class), "each class once");
        seen.push(class[0].class);
        assert!(class.is_sorted_by_key(|one| one.tasks));
    }
    assert_eq!(analysis.backlogs.len(), 14);
}

#[test]
fn what_is_not_valid_is_marked_and_its_losses_count() {
    let mut outcome = outcomes::piled();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "kafka") {
        cell.validity = Validity::Disturbed("0.4 core of other work".into());
    }
    let analysis = analyse(&outcome);
    let kafka = of(&analysis, "kafka", 100_000);
    assert_eq!((kafka.not_valid, kafka.seen.lost), (Some("disturbed"), 12));
    let text = terminal::render(&outcome, &analysis, false, 160);
    let line = text.lines().rfind(|line| line.contains("kafka") && line.contains("100k pending"));
    assert!(line.expect("its line").contains(" *"), "{text}");
}

#[test]
fn the_terminal_has_a_table_of_each_class() {
    let outcome = outcomes::piled();
    assert_snapshot!(terminal::render(&outcome, &analyse(&outcome), false, 120));
}

#[test]
fn the_markdown_has_them_too() {
    let outcome = outcomes::piled();
    assert_snapshot!(export::markdown(&outcome, &analyse(&outcome)));
}

#[test]
fn scripts_get_the_same_figures() {
    let outcome = outcomes::piled();
    let value: serde_json::Value =
        serde_json::from_str(&export::json(&outcome, &analyse(&outcome))).expect("it is JSON");
    let rows = value["backlogs"].as_array().expect("rows");
    let is_it = |row: &&serde_json::Value| row["system"] == "kafka" && row["pending"] == 100_000;
    let kafka = rows.iter().find(is_it).expect("its row");
    assert_eq!((&kafka["lost"], &kafka["losing"]), (&12.into(), &1.into()));
    assert_eq!((&kafka["survived"], &kafka["repeats"]), (&299_988.into(), &3.into()));
    assert!(kafka["figures"]["drain_rate"]["value"]["is"].is_number(), "{kafka}");
    assert_eq!(kafka["bytes_per_task"]["at-most"], 4.0, "{kafka}");
    let schema = jsonschema::validator_for(&export::json_schema()).expect("a schema");
    assert!(schema.is_valid(&value));
    let csv = export::csv(&outcome);
    let cut = |line: &&str| line.contains("backlog.drain_time,s,lower,at-least,120,");
    assert_eq!(csv.lines().filter(cut).count(), 1);
    assert!(csv.contains(",100000,tasks pending,"));
}

#[test]
fn the_page_has_a_section_of_its_own() {
    let page = html::render(&outcomes::piled());
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(at("id=\"faults\"") < at("id=\"backlog\""));
    for words in [
        "30,000 lost in 3 of 3",
        "20,000 left",
        "7 missing, not proved",
        "30,000 missing, never confirmed",
        "promise broken: 12 lost in 1 of 3 kills",
        "not yet at the end in 1 of 3",
        "The article, §4.2",
        "memory per task",
        "≤ 4",
    ] {
        assert!(page.contains(words), "no {words}");
    }
    assert!(!html::render(&outcomes::ramp()).contains("id=\"backlog\""));
}
