//! The choice guide: who qualifies, in which order, and why the others do not;
//! nothing in it but what claims and cells say.

use schedbench_reports::analysis::{Guide, Question, analyse};
use schedbench_reports::html;
use schedbench_reports::outcome::Outcome;

use crate::outcomes;

fn guide(outcome: &Outcome) -> Guide {
    analyse(outcome).guide.expect("a guide")
}

fn question<'a>(guide: &'a Guide, words: &str) -> &'a Question {
    guide.questions.iter().find(|one| one.asks.contains(words)).expect("the question")
}

/// `class: 1 a 100k/s, 1 b ≥ 50k/s; margin`, a line for each class.
fn told(question: &Question) -> Vec<String> {
    let classes = question.classes.iter().map(|class| {
        let systems: Vec<String> = class
            .systems
            .iter()
            .map(|choice| {
                let place = choice.place.map_or_else(String::new, |place| format!("{place} "));
                format!("{place}{} {}", choice.label, choice.by)
            })
            .collect();
        format!("{}: {}; {}", class.title, systems.join(", "), class.margin)
    });
    classes.collect()
}

fn why(question: &Question, label: &str) -> String {
    let other = question.others.iter().find(|other| other.label == label);
    other.map(|other| other.why.clone()).unwrap_or_default()
}

#[test]
fn every_class_has_an_order_of_its_own_and_noop_is_no_choice() {
    let guide = guide(&outcomes::wide());
    insta::assert_debug_snapshot!(
        guide.questions.iter().map(|one| (one.asks, told(one))).collect::<Vec<_>>()
    );
    for question in &guide.questions {
        assert!(
            question.classes.iter().flat_map(|class| &class.systems).all(|it| it.label != "noop")
        );
        assert!(question.others.iter().all(|it| it.label != "noop"));
    }
    let peak = question(&guide, "highest rate");
    let fed = why(peak, "go-timers");
    assert!(!fed.is_empty(), "what is not comparable says why");
}

#[test]
fn one_repeat_proves_no_difference_and_five_may() {
    let cost = |outcome: &Outcome| told(question(&guide(outcome), "cost"));
    let one = cost(&outcomes::wide());
    assert!(one.iter().any(|line| line.contains("noise is told from 5 repeats on")), "{one:?}");
    let five = cost(&outcomes::repeated());
    assert!(five.iter().any(|line| line.contains("noise")), "{five:?}");
    assert!(five.iter().all(|line| !line.contains("noise is told from")), "{five:?}");
}

#[test]
fn a_delay_is_exact_by_its_p99_alone() {
    let mut outcome = outcomes::delays();
    let exact = |outcome: &Outcome| -> Vec<String> {
        let guide = guide(outcome);
        let question = question(&guide, "exact to the millisecond");
        let classes = question.classes.iter().flat_map(|class| &class.systems);
        classes.map(|choice| choice.label.clone()).collect()
    };
    let before = exact(&outcome);
    assert!(!before.is_empty(), "somebody is");
    let first = before[0].clone();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == first) {
        cell.counts.early = 1;
    }
    assert!(!exact(&outcome).contains(&first), "one that is early is not exact");
}

#[test]
fn what_kills_showed_stands_beside_what_is_promised() {
    let drill = guide(&outcomes::drill());
    let crash = question(&drill, "survive a crash");
    insta::assert_debug_snapshot!((told(crash), &crash.others));
    // A loss without a fault disproves a promise as well.
    let ramp = guide(&outcomes::ramp());
    let said = why(question(&ramp, "survive a crash"), "redis-asynq");
    assert_eq!(said, "promised, and 12 lost without any fault");
    assert!(why(question(&ramp, "survive a crash"), "wheel").contains("process"));
}

/// A ledger that does not balance says nothing, and sums of any file end at the
/// largest number.
#[test]
fn what_was_lost_is_of_ledgers_that_balance() {
    let said = |outcome: &Outcome| why(question(&guide(outcome), "survive a crash"), "redis-asynq");
    let mut outcome = outcomes::ramp();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.counts.lost > 0) {
        cell.counts.balances = false;
    }
    assert_eq!(said(&outcome), "", "it qualifies");
    let mut outcome = outcomes::ramp();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "redis-asynq") {
        cell.counts.lost = u64::MAX;
    }
    assert!(said(&outcome).ends_with(" lost without any fault"), "{}", said(&outcome));
}

/// At the load that its class holds it has figures, of a system that does not.
#[test]
fn who_does_not_hold_the_load_is_no_cheap_choice() {
    let slow = outcomes::Model { system: "slow", capacity: 500.0, ..outcomes::asynq_rust() };
    let mut outcome = outcomes::ramp_of(&[outcomes::asynq_rust(), slow], &[1e3, 10e3], 1);
    let all = guide(&outcome);
    let cost = question(&all, "cost");
    assert_eq!(why(cost, "slow"), "not held");
    assert!(cost.classes.iter().flat_map(|class| &class.systems).all(|it| it.label != "slow"));
    for cell in &mut outcome.cells {
        cell.key.variant = Some("delay 10 ms".into());
    }
    let all = guide(&outcome);
    let said = why(question(&all, "exact to the millisecond"), "slow");
    assert_eq!(said, "delay 10 ms: not held at 10k/s");
}

/// Nothing lost and some of it out of order: that is the other question.
#[test]
fn a_broken_order_is_no_loss() {
    let mut outcome = outcomes::drill();
    for system in outcome.systems.iter_mut().filter(|system| system.system == "kafka") {
        system.claims.order = "of each key".into();
    }
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "kafka") {
        cell.counts.residual = 0;
        cell.counts.inversions = 19;
    }
    let all = guide(&outcome);
    let crash = told(question(&all, "survive a crash"));
    assert!(crash.iter().any(|line| line.contains("kafka 0 lost in 3 kills")), "{crash:?}");
    let order = why(question(&all, "keep their order"), "kafka");
    assert_eq!(order, "promised, and 57 of 57 out of order");
}

#[test]
fn without_a_choice_there_is_no_guide() {
    assert!(analyse(&outcomes::empty()).guide.is_none());
    assert!(analyse(&outcomes::single()).guide.is_none());
    assert!(!html::render(&outcomes::single()).contains("id=\"guide\""));
    let page = html::render(&outcomes::hostile());
    assert!(!page.contains("<script>alert"), "names are escaped");
}
