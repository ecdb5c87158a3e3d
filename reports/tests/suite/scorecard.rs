//! The scorecard: 23 items, read by the names of metrics from whatever an
//! outcome holds; what it does not hold says why.

use schedbench_reports::analysis::{Scorecard, Scored, What, analyse};
use schedbench_reports::export;
use schedbench_reports::metrics::find;
use schedbench_reports::outcome::{Held, Load, Outcome, Reading, Skipped, Validity, Value};
use schedbench_reports::scorecard::ITEMS;

use crate::outcomes::{self, whole};

#[test]
fn there_are_23_items_of_the_one_table_of_metrics() {
    for (place, item) in ITEMS.iter().enumerate() {
        assert_eq!(usize::from(item.number), place + 1);
        for part in item.parts() {
            assert_eq!(part.metrics.is_empty(), part.scenario.is_empty(), "{}", item.name);
            for name in part.metrics {
                assert!(find(name).is_some(), "{name}");
            }
        }
    }
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
    let mut outcome = whole();
    // As if its workers had a collector and its broker a JVM: those of all others
    // here have none.
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "redis-asynq") {
        for name in ["pause.workers", "pause.broker"] {
            cell.metrics.insert(name.into(), Value::Is(3.0));
        }
    }
    let card = card(&outcome);
    let lines = |number: u8| card.lines.iter().filter(move |line| line.item.number == number);
    for item in &ITEMS {
        assert_eq!(
            lines(item.number).any(|line| line.is_told()),
            !item.part.metrics.is_empty(),
            "{}",
            item.name
        );
    }
    assert_eq!(lines(1).count(), 6, "a line for each rate");
    assert_eq!(lines(21).count(), 3, "pauses of workers and broker, allocations");
    assert_eq!(score(&outcome, 12, "wheel"), "not measured yet");
    assert_eq!(score(&outcome, 16, "wheel"), "not applicable: no broker that keeps it");
    assert_eq!(score(&outcome, 5, "wheel"), "≥ 100k/s");
    assert_eq!(score(&outcome, 21, "redis-asynq"), "3");
    let none = Value::Unsupported("its workers have no garbage collector".into());
    assert_eq!(score(&outcome, 21, "wheel"), format!("{none:?}"));
}

/// A search may try a round rate on its way, which the others then have not.
#[test]
fn what_a_search_tried_on_its_way_is_no_line_and_no_lowest_rate() {
    let models = [outcomes::noop(), outcomes::wheel(), outcomes::asynq_rust()];
    let mut outcome = outcomes::ramp_of(&models, &[1e3, 10e3], 1);
    let probe = outcomes::cell(&outcomes::asynq_rust(), Load::Rate(10.0), 1, 900);
    outcome.cells.push(probe);
    let all = card(&outcome);
    let at = |number: u8| -> Vec<&str> {
        let lines = all.lines.iter().filter(|line| line.item.number == number);
        lines.map(|line| line.at.as_str()).collect()
    };
    assert_eq!(at(1), ["1k/s", "10k/s"]);
    for line in all.lines.iter().filter(|line| matches!(line.item.number, 6 | 7)) {
        assert!(line.scores.iter().all(|score| score.at != "10/s"), "{line:?}");
    }
    // Columns stand in the order of the table above them.
    let names: Vec<&str> =
        all.systems.iter().map(|index| outcome.systems[*index].system.as_str()).collect();
    let rows = analyse(&outcome).groups.into_iter().flat_map(|group| group.rows);
    let mut expected: Vec<String> = Vec::new();
    for row in rows {
        if !expected.contains(&row.system) {
            expected.push(row.system);
        }
    }
    assert_eq!(names, expected);
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

/// The workers' at the highest rate held, a pending task's over the backlogs.
#[test]
fn an_item_may_be_read_in_two_places() {
    let outcome = whole();
    let card = card(&outcome);
    let lines: Vec<_> = card.lines.iter().filter(|line| line.item.number == 19).collect();
    let of_line = |line: &&Scored| (line.metric.map(|it| it.name), line.at.clone());
    let read: Vec<_> = lines.iter().map(of_line).collect();
    let told = Some::<&str>;
    let at = |tasks| format!("{tasks} pending, kill broker at 3 s for 1 s");
    assert_eq!(
        read,
        [
            (told("rss.per_worker"), String::new()),
            (told("backlog.bytes_per_task"), at("10k")),
            (told("backlog.bytes_per_task"), at("100k")),
        ]
    );
    let of = |line: &Scored, system: &str| {
        let is_it = |index: &usize| outcome.systems[*index].system == system;
        line.scores[card.systems.iter().position(is_it).expect("the system")].what.clone()
    };
    let What::Figure(kafka) = of(lines[1], "kafka") else { panic!("a figure") };
    assert_eq!(kafka.value, Value::AtMost(40.0));
    let What::Words(wheel) = of(lines[1], "wheel") else { panic!("it has no broker") };
    assert_eq!(wheel, "not applicable: no broker that keeps it");

    // Each of its two workers, not both of them.
    let What::Figure(redis) = of(lines[0], "redis-asynq") else { panic!("a figure") };
    assert_eq!(redis.value, Value::Is(13e6));

    // A ramp has the first of the two, and the other says that it is not there.
    let ramp = analyse(&outcomes::ramp()).scorecard.expect("a scorecard");
    let second = ramp.lines.iter().rfind(|line| line.item.number == 19).expect("a line");
    assert!(!second.is_told() && second.metric.is_some_and(|it| it.name.ends_with("per_task")));
}

/// The sum over all workers stands in for none of them.
#[test]
fn a_result_from_before_workers_were_counted_has_no_memory_of_each() {
    let mut outcome = outcomes::ramp();
    for cell in &mut outcome.cells {
        cell.metrics.remove("rss.per_worker");
    }
    assert_eq!(score(&outcome, 19, "redis-asynq"), "not measured");
}

/// Summed over all repeats, valid or not, and with the number of them.
#[test]
fn what_a_backlog_lost_is_no_mean() {
    let mut outcome = outcomes::piled();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.counts.lost == 12) {
        cell.validity = Validity::Disturbed("1 core".into());
    }
    let card = card(&outcome);
    let is_it = |number| {
        card.lines.iter().find(|line| line.item.number == number && line.at.starts_with("100k"))
    };
    let line = is_it(17).expect("a line");
    let of = |system: &str, profile: &str| {
        let is_it = |index: &usize| {
            let one = &outcome.systems[*index];
            (one.system.as_str(), one.profile.as_str()) == (system, profile)
        };
        let score = &line.scores[card.systems.iter().position(is_it).expect("the system")];
        let What::Figure(figure) = &score.what else { panic!("a figure") };
        (figure.value.clone(), score.at.clone())
    };
    let in_three = || "in 3 trials".to_owned();
    assert_eq!(of("kafka", "acks-all"), (Value::Is(12.0), in_three()));
    assert_eq!(of("postgres", "skip-locked"), (Value::Is(0.0), in_three()));
    let (Value::NotMeasured(why), _) = of("celery", "late-ack") else { panic!("no zero") };
    assert!(why.starts_with("0 lost, ") && why.ends_with(" left"), "{why}");
    let (Value::NotMeasured(why), _) = of("rabbitmq", "transient-no-confirm") else {
        panic!("no zero")
    };
    assert!(why.ends_with(" missing, never confirmed"), "{why}");
}

/// Which of the two a line would show is the seed's choice.
#[test]
fn a_fault_at_a_share_of_the_capacity_has_a_line_of_its_own() {
    let mut outcome = outcomes::drill();
    let mut shares = outcome.cells.clone();
    shares.retain(|cell| cell.key.fault.is_some());
    for cell in &mut shares {
        cell.key.variant = Some("50 % of its capacity".into());
        cell.key.load = Load::Rate(7e3);
    }
    let lines = |outcome: &Outcome| -> Vec<String> {
        let all = card(outcome).lines;
        all.into_iter().filter(|line| line.item.number == 23).map(|line| line.at).collect()
    };
    let before = lines(&outcome).len();
    outcome.cells.extend(shares);
    let after = lines(&outcome);
    assert_eq!(after.len(), 2 * before, "{after:#?}");
    let shared = after.iter().filter(|at| at.ends_with(", 50 % of its capacity"));
    assert_eq!(shared.count(), before);
    let text = export::json(&outcome, &analyse(&outcome));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let at = "kill broker at 15 s for 5 s, 50 % of its capacity, 7k/s";
    assert!(json["scorecard"].as_array().expect("rows").iter().any(|row| row["at"] == at));
}

#[test]
fn what_was_not_judged_is_no_figure() {
    let mut outcome = outcomes::ramp();
    for cell in &mut outcome.cells {
        cell.validity = Validity::Disturbed("1 core".into());
        cell.held = Held::NotJudged("disturbed".into());
    }
    let all = card(&outcome);
    let line = all.lines.iter().find(|line| line.item.number == 5).expect("a line");
    assert!(!line.is_told());
    assert_eq!(score(&outcome, 5, "wheel"), "disturbed");
    let mut outcome = outcomes::drill();
    for trial in outcome.cells.iter_mut().flat_map(|cell| &mut cell.trials) {
        let why = || Reading::NotSteady("goodput scatters".into());
        trial.readings.values_mut().for_each(|reading| *reading = why());
    }
    let card = card(&outcome);
    let trials = card.lines.iter().filter(|line| line.item.number >= 22);
    assert!(trials.clone().count() > 0);
    assert!(trials.into_iter().all(|line| !line.is_told()));
}

/// As far as the outcome knows it.
#[test]
fn what_was_not_measured_says_why() {
    // The pipes' timers are in the ramp, and in no kill.
    let mut outcome = whole();
    let timers = outcomes::go_timers();
    outcome.systems.push(outcomes::system(&timers));
    for (number, rate) in (900..).zip([1e3, 10e3]) {
        outcome.cells.push(outcomes::cell(&timers, Load::Rate(rate), 1, number));
    }
    assert_eq!(score(&outcome, 9, "go-timers"), "not measured: not in this run");
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.is_of_a_trial()) {
        let fault = cell.key.fault.as_mut().expect("all have one");
        *fault = fault.replace("broker", "workers");
        cell.trials.iter_mut().for_each(|trial| trial.fault.clone_from(fault));
    }
    assert_eq!(score(&outcome, 22, "go-timers"), "not measured: not in this run");
    let card = card(&outcome);
    let column = card.systems.iter().position(|at| outcome.systems[*at].system == "go-timers");
    let at_20k = card.lines.iter().find(|line| line.item.number == 1 && line.at == "20k/s");
    let What::Words(why) = &at_20k.expect("a line").scores[column.expect("it")].what else {
        panic!("it was not tried there")
    };
    assert_eq!(why, "not measured: not tried at this rate");

    outcome.cells.retain(|cell| cell.key.system != "go-timers");
    outcome.skipped.push(Skipped {
        target: "go-timers/afterfunc".into(),
        why: "no Go here".into(),
        remedy: None,
    });
    assert_eq!(score(&outcome, 1, "go-timers"), "not measured: no Go here");

    let mut outcome = outcomes::ramp();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "wheel") {
        cell.validity = Validity::Disturbed("1 core".into());
    }
    assert_eq!(score(&outcome, 7, "wheel"), "not measured: disturbed: 1 core");
    for cell in &mut outcome.cells {
        let why = Value::NotMeasured("no probe".into());
        cell.metrics.insert("enqueue_latency.p50".into(), why);
    }
    assert_eq!(score(&outcome, 6, "heap"), "not measured: no probe");
}
