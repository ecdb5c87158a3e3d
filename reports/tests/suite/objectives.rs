//! Objectives: judged in every way in which they can end, and shown first.

use insta::assert_snapshot;
use schedbench_reports::analysis::{Met, Objective, analyse};
use schedbench_reports::outcome::{
    Comparison::{self, *},
    Demand, DemandedAt, Load, Outcome, Skipped, Validity,
};
use schedbench_reports::{export, html, load, save, terminal};

use crate::outcomes;
use crate::outcomes::demanded::{demand, demanded};

/// What becomes of one demand: `target: word: told`, a line each.
fn said(outcome: &Outcome, demand: Demand) -> Vec<String> {
    let mut outcome = outcome.clone();
    outcome.plan.objectives = vec![demand];
    let line = |one: &Objective| format!("{}: {}: {}", one.target, one.word(), one.told());
    analyse(&outcome).objectives.iter().map(line).collect()
}

/// The same of a metric everywhere.
fn of(outcome: &Outcome, metric: &str, comparison: Comparison, bound: f64) -> Vec<String> {
    said(outcome, demand(metric, metric, comparison, bound, DemandedAt::Each))
}

#[test]
fn they_stand_first_on_the_terminal() {
    let outcome = demanded();
    let text = |width| terminal::render(&outcome, &analyse(&outcome), false, width);
    let first = |text: String| text.split("\n\n").next().unwrap_or_default().to_owned();
    assert_snapshot!("wide", first(text(120)));
    assert_snapshot!("narrow", first(text(40)));
    assert!(text(40).lines().all(|line| line.chars().count() <= 40));
}

#[test]
fn they_stand_first_in_markdown() {
    let outcome = demanded();
    let text = export::markdown(&outcome, &analyse(&outcome));
    assert_snapshot!("markdown", text.split("cells valid").next().unwrap_or_default());
}

#[test]
fn they_stand_first_on_the_page() {
    let outcome = demanded();
    let page = html::render(&outcome);
    let start = page.find("<section id=\"objectives\"").expect("a section");
    assert!(start < page.find("class=\"facts\"").expect("facts"));
    let end = start + page[start..].find("</section>").expect("its end");
    let section = page[start..end].replace("<li>", "\n<li>").replace("</ul>", "\n</ul>");
    assert_snapshot!("page", section);
    for anchor in section.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor} is linked and not there");
    }
    // Nothing demanded, nothing shown.
    assert!(!html::render(&outcomes::ramp()).contains("<section id=\"objectives\""));
}

#[test]
fn scripts_get_them_too() {
    let outcome = demanded();
    let json: serde_json::Value =
        serde_json::from_str(&export::json(&outcome, &analyse(&outcome))).expect("JSON");
    let rows = json["objectives"].as_array().expect("a list");
    let counted = |met: &serde_json::Value| rows.iter().filter(|row| row["met"] == *met).count();
    let counts = [true.into(), false.into(), serde_json::Value::Null].map(|met| counted(&met));
    assert_eq!(counts.iter().sum::<usize>(), 3 * 5 + 1, "three systems, and one left out");
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    for row in rows {
        assert_eq!(row["seen"].is_string(), row["met"] == true, "{row}");
        assert_eq!(row["why"].is_string(), row["met"] != true, "{row}");
    }
}

/// An outcome from before there were objectives, and one with some, are read.
#[test]
fn they_are_part_of_the_outcome() {
    let outcome = demanded();
    let text = save::to_json(&outcome);
    assert!(text.contains("\"comparison\": \"<=\""), "as it is written");
    assert_eq!(load::parse(text.as_bytes()).expect("an outcome"), outcome);
    let plain = save::to_json(&outcomes::ramp());
    assert!(!plain.contains("\"objectives\""));
    assert_eq!(load::parse(plain.as_bytes()).expect("an outcome"), outcomes::ramp());
}

/// A loss counts in any cell whose ledger balances; what is missing without a
/// proof is no zero, and nobody can lose what was never confirmed.
#[test]
fn losses_in_trials() {
    assert_snapshot!("losses", of(&outcomes::drill(), "lost", Is, 0.0).join("\n"));
}

#[test]
fn nothing_lost_until_a_cell_was_cut_short_is_no_zero() {
    let mut outcome = outcomes::ramp_of(&[outcomes::rabbit()], &[10e3], 1);
    let told = |outcome: &Outcome| of(outcome, "lost", Is, 0.0).join("\n");
    assert!(told(&outcome).contains("passed"), "{}", told(&outcome));
    outcome.cells[0].validity = Validity::Incomplete("interrupted: SIGINT".into());
    let lines = told(&outcome);
    assert!(lines.contains("not judged") && lines.contains("cut short"), "{lines}");
}

/// Tasks without keys stand in no order that could be wrong.
#[test]
fn an_order_that_was_not_looked_at_passes_nothing() {
    let mut outcome = outcomes::ramp_of(&[outcomes::rabbit()], &[10e3], 1);
    let told = |outcome: &Outcome| of(outcome, "inversions", Is, 0.0).join("\n");
    let lines = told(&outcome);
    assert!(lines.contains("not judged") && lines.contains("no order was looked at"), "{lines}");
    outcome.cells[0].counts.ordered = 100_000;
    assert!(told(&outcome).contains("passed"), "{}", told(&outcome));
    outcome.cells[0].counts.inversions = 2;
    assert!(told(&outcome).contains("failed"), "{}", told(&outcome));
}

#[test]
fn times_of_trials_are_medians() {
    let outcome = outcomes::drill();
    assert_snapshot!("recoveries", of(&outcome, "recovery.from_fault", Below, 5.6).join("\n"));
    let mut named = outcome.clone();
    for cell in named.cells.iter_mut().filter(|cell| cell.key.system == "kafka") {
        cell.key.trial = Some("broker-kill".into());
    }
    let everywhere = demand("x", "recovery.from_fault", Below, 60.0, DemandedAt::Each);
    let there = Demand { trial: Some("broker-kill".into()), ..everywhere };
    let lines = said(&named, there);
    assert!(lines[0].ends_with("not judged: it was not measured"), "{lines:#?}");
    let kafka = lines.iter().find(|line| line.starts_with("kafka/")).expect("a line");
    assert!(kafka.contains(": not judged: at 5k/s: > "), "{kafka}");
}

#[test]
fn backlogs_are_judged_by_their_own_figures() {
    let lines = of(&outcomes::piled(), "backlog.drain_time", Below, 30.0);
    assert_snapshot!("backlogs", lines.join("\n"));
}

/// As any loss, in whichever repeat it was; and what may still be held, or was
/// never confirmed, is no zero.
#[test]
fn what_a_backlog_lost_is_judged_repeat_by_repeat() {
    let mut outcome = outcomes::piled();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.counts.lost == 12) {
        cell.validity = Validity::Disturbed("1 core".into());
    }
    let lines = of(&outcome, "backlog.lost", Is, 0.0);
    let line = |name: &str| -> &String {
        lines.iter().find(|line| line.starts_with(name)).expect("a line")
    };
    let kafka = line("kafka/");
    assert!(kafka.contains(": failed: 12 at ") && kafka.contains("repeat 2"), "{kafka}");
    assert!(line("celery/").contains(": not judged: ") && line("celery/").contains("not proved"));
    assert!(line("rabbitmq/transient").contains("nothing was confirmed"));
    assert!(line("postgres/").contains(": passed: "), "{}", line("postgres/"));
}

/// A grid of rates leaves open what lies between two of them.
#[test]
fn a_capacity_that_a_grid_leaves_open_is_not_judged() {
    let outcome = demanded();
    let lines = |bound| of(&outcome, "capacity", AtLeast, bound);
    let line = |bound, name: &str| -> String {
        lines(bound).into_iter().find(|line| line.starts_with(name)).expect("a line")
    };
    let slow = "redis-asynq/always";
    assert!(line(10e3, slow).contains(": passed: 10k/s, not 20k/s"), "{}", line(10e3, slow));
    assert!(line(15e3, slow).contains(": not judged: 10k/s, not 20k/s, which leaves it open"));
    assert!(line(20e3, slow).contains(": failed: "));
}

#[test]
fn a_search_is_judged_at_the_highest_rate_held() {
    let outcome = outcomes::ramp();
    let p99 = demand("x", "start_latency.p99", Below, 1.0, DemandedAt::HighestHeld);
    let lines = said(&outcome, p99);
    let redis = lines.iter().find(|line| line.starts_with("redis-asynq")).expect("a line");
    assert!(redis.contains(": passed: ") && redis.ends_with(" at 20k/s"), "{redis}");
}

#[test]
fn who_was_left_out_and_what_is_not_known_has_not_passed() {
    let mut outcome = outcomes::ramp();
    outcome.skipped = vec![Skipped {
        target: "kafka/acks-all".into(),
        why: "no broker here".into(),
        remedy: None,
    }];
    let lost = demand("x", "lost", Is, 0.0, DemandedAt::Each);
    let of_kafka = Demand { system: Some("kafka".into()), ..lost.clone() };
    assert_eq!(said(&outcome, of_kafka), ["kafka: not judged: left out: no broker here"]);
    let of_noop = Demand { system: Some("noop".into()), ..lost.clone() };
    assert!(said(&outcome, of_noop)[0].starts_with("noop/"), "asked by name");
    assert!(said(&outcome, lost.clone()).iter().all(|line| !line.starts_with("noop")));
    // Of what is named, what ran does not speak for what did not.
    let wheel = Demand { system: Some("wheel".into()), ..lost.clone() };
    outcome.skipped[0].target = "wheel/hashed".into();
    let lines = said(&outcome, wheel.clone());
    assert!(lines[0].starts_with("wheel/default: passed: "), "{lines:#?}");
    assert_eq!(lines[1..], ["wheel/hashed: not judged: left out: no broker here"]);
    let that = Demand { profile: Some("default".into()), ..wheel.clone() };
    assert_eq!(said(&outcome, that).len(), 1);
    let other = Demand { profile: Some("sorted".into()), ..wheel };
    assert_eq!(said(&outcome, other), ["wheel/sorted: not judged: it was not measured"]);
    let newer = Demand { metric: "beauty".into(), ..lost };
    assert!(said(&outcome, newer)[0].ends_with("this version has no metric `beauty`"));
    let nowhere = DemandedAt::Load(Load::Rate(123.0));
    let elsewhere = demand("x", "start_latency.p99", Below, 1.0, nowhere);
    assert!(said(&outcome, elsewhere).iter().all(|line| line.ends_with("it was not measured")));
    outcome.systems.clear();
    outcome.skipped.clear();
    let lines = of(&outcome, "lost", Is, 0.0);
    assert_eq!(lines, ["every system: not judged: it was not measured"]);
}

/// What is not comparable with its class is measured all the same.
#[test]
fn what_is_not_ranked_is_judged() {
    let mut outcome = outcomes::ramp_of(&[outcomes::wheel()], &[1e3], 1);
    let lines = |outcome: &Outcome| of(outcome, "start_latency.p99", Below, 1.0);
    for (validity, word) in [
        (Validity::NotComparable("it is fed by a pipe".into()), ": passed: "),
        (
            Validity::Disturbed("1 core".into()),
            ": not judged: at 1k/s: no valid cell: disturbed, 1 core",
        ),
    ] {
        outcome.cells[0].validity = validity;
        assert!(lines(&outcome)[0].contains(word), "{:?}", lines(&outcome));
    }
}

#[test]
fn merged_outcomes_keep_what_was_demanded_of_each() {
    let (mut one, mut other) = (demanded(), demanded());
    other.run.id = "other".into();
    one.plan.objectives.truncate(2);
    other.plan.objectives.drain(..1);
    let whole = schedbench_reports::merge::merge(&[one, other]).expect("of one plan");
    assert_eq!(whole.plan.objectives, demanded().plan.objectives);
}

/// The page of the terminal says nothing of objectives that were all met but
/// their number.
#[test]
fn what_was_met_is_counted() {
    let mut outcome = outcomes::ramp_of(&[outcomes::wheel()], &[1e3], 1);
    let p99 = demand("x", "start_latency.p99", Below, 1.0, DemandedAt::Each);
    outcome.plan.objectives = vec![p99];
    let analysis = analyse(&outcome);
    assert_eq!(analysis.objectives[0].met, Met::Yes);
    let text = terminal::render(&outcome, &analysis, false, 80);
    assert!(text.starts_with("objectives: 1 passed\n\n"), "{text}");
}

/// A part's demand sees its own cells only: here a ramp, and the same system
/// ten times slower in another part.
#[test]
fn parts_are_judged_apart() {
    let mut outcome = outcomes::ramp_of(&[outcomes::asynq_rust()], &[1e3, 10e3], 2);
    let demand = |part: Option<&str>, metric: &str, bound: f64, at: DemandedAt| Demand {
        part: part.map(str::to_owned),
        ..demand("x", metric, Below, bound, at)
    };
    let p99 = |part| demand(part, "start_latency.p99", 1e-9, DemandedAt::Each);
    assert!(said(&outcome, p99(Some("ramp")))[0].ends_with("not judged: it was not measured"));
    for cell in &mut outcome.cells {
        let name = if cell.key.load == Load::Rate(10e3) { "fast" } else { "slow" };
        cell.part = Some(name.to_owned());
    }
    let at = |part| said(&outcome, p99(part)).join("\n");
    assert!(at(None).contains("the worst of 2"), "{}", at(None));
    assert!(at(Some("slow")).contains("at 1k/s") && !at(Some("slow")).contains("worst"));
    assert!(at(Some("fast")).contains("at 10k/s") && !at(Some("fast")).contains("worst"));
    let held =
        |part| said(&outcome, demand(part, "throughput", 1.0, DemandedAt::HighestHeld)).join("\n");
    assert!(held(Some("slow")).contains("at 1k/s"), "{}", held(Some("slow")));
    assert!(held(None).contains("at 10k/s"), "{}", held(None));
    let capacity =
        |part| said(&outcome, demand(part, "capacity", 1.0, DemandedAt::Each)).join("\n");
    assert!(capacity(Some("fast")).contains("failed"), "{}", capacity(Some("fast")));
    assert!(capacity(Some("ramp")).contains("it was not measured"), "{}", capacity(Some("ramp")));
}

/// A part is for some systems; of those it demands an answer also where a run
/// was interrupted before it came to them.
#[test]
fn a_part_demands_nothing_of_systems_that_it_is_not_for() {
    let mut outcome = outcomes::ramp_of(&[outcomes::asynq_rust(), outcomes::wheel()], &[1e3], 1);
    outcome.cells.retain(|cell| cell.key.system != "wheel");
    let of_part = |targets: &[&str]| Demand {
        part: Some("ramp".into()),
        targets: targets.iter().map(|name| (*name).to_owned()).collect(),
        ..demand("x", "lost", Is, 0.0, DemandedAt::Each)
    };
    outcome.cells.iter_mut().for_each(|cell| cell.part = Some("ramp".into()));
    let name = |line: &String| line.split(": ").next().unwrap_or_default().to_owned();
    let all: Vec<String> = said(&outcome, of_part(&[])).iter().map(name).collect();
    assert_eq!(all.len(), 2, "{all:?}");
    for target in &all {
        let lines = said(&outcome, of_part(&[target]));
        assert_eq!(lines.iter().map(name).collect::<Vec<_>>(), [target.as_str()]);
        let is_measured = !target.starts_with("wheel");
        assert_eq!(
            lines[0].ends_with("not judged: it was not measured"),
            !is_measured,
            "{lines:?}"
        );
    }
}
