//! What stands in no group, compared: trials of faults, backlogs, and what was
//! lost in them.

use insta::assert_snapshot;
use schedbench_contract::{AckMode, DurabilityClass};
use schedbench_reports::analysis::{Call, Test};
use schedbench_reports::compare::{
    Comparison, Item, Kind, Terms, compare, json, junit, markdown, render,
};
use schedbench_reports::html;
use schedbench_reports::outcome::*;

use crate::outcomes::drill::{killed, lose};
use crate::outcomes::piled::piled_up;
use crate::outcomes::{
    self, Dice, Model, asynq_rust, celery, kafka, postgres, rabbit, rabbit_transient,
};

const RECOVERED: &str = "recovery.from_fault";

fn compared(before: &Outcome, after: &Outcome) -> Comparison {
    compare(before, after, &Terms::default()).expect("they belong together")
}

fn item<'a>(it: &'a Comparison, system: &str, kind: Kind) -> &'a Item {
    let is_it = |item: &&Item| item.system == system && item.kind == kind;
    it.items.iter().find(is_it).unwrap_or_else(|| panic!("{kind:?} of {system}"))
}

/// Killed five times each: about 5.3 s until they are back, at a resolution of
/// 0.4 s.
fn calm(models: &[Model]) -> Outcome {
    killed(models, 5, |_, repeat| Some(5.3 + 0.1 * f64::from(repeat)))
}

/// A reading of each trial of a system.
fn read(outcome: &mut Outcome, system: &str, name: &str, of: impl Fn(u32) -> Reading) {
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == system) {
        cell.trials[0].readings.insert(name.into(), of(cell.key.repeat));
    }
}

/// Its tasks lost in these repeats.
fn lost_in(outcome: &mut Outcome, system: &str, repeats: &[u32], n: u64) {
    let of = |cell: &&mut Cell| cell.key.system == system && repeats.contains(&cell.key.repeat);
    outcome.cells.iter_mut().filter(of).for_each(|cell| lose(cell, n));
}

/// Trials of five repeats whose times scatter by 3 %, compared 200 times each.
#[test]
fn a_planted_slower_recovery_is_caught_and_an_equal_one_is_not() {
    let template = calm(&[asynq_rust()]);
    let mut dice = Dice::of(11);
    let mut run = |factor: f64| {
        let mut outcome = template.clone();
        for cell in &mut outcome.cells {
            let seconds = 5.3 * factor * (0.03 * dice.normal()).exp();
            cell.trials[0].readings.insert(RECOVERED.into(), Reading::Is(seconds));
        }
        outcome
    };
    let mut regressions = |factor: f64| -> usize {
        let regressed = (0..200).filter(|_| {
            let it = compared(&run(1.0), &run(factor));
            let recovery = item(&it, "redis-asynq", Kind::Recovery);
            assert_eq!(recovery.change.test, Some(Test::Welch));
            assert_eq!(it.worse().count(), usize::from(recovery.change.call == Call::Worse));
            it.has_regressed()
        });
        regressed.count()
    };
    let caught = regressions(1.25);
    assert!(caught >= 190, "a quarter slower: caught in {caught} of 200");
    let alarms = regressions(1.0);
    assert!(alarms <= 10, "not slower: {alarms} false alarms in 200");
    // A change of half the resolution is none, however quiet the trials are.
    assert_eq!(regressions(1.037), 0, "0.2 s of 5.3 s, read to 0.4 s");
}

/// One that is slower, one that is never back any more, one that loses now, one
/// that had lost before, one that may.
fn before_and_after() -> (Outcome, Outcome) {
    let models = [asynq_rust(), kafka(), rabbit(), postgres(), rabbit_transient()];
    let memory = Model { system: "memory", class: DurabilityClass::BrokerMemory, ..asynq_rust() };
    let models: Vec<Model> = models.into_iter().chain([memory]).collect();
    let mut before = calm(&models);
    let mut after = killed(&models, 5, |model, repeat| match model.system {
        "redis-asynq" => Some(8.1 + 0.1 * f64::from(repeat)),
        "kafka" => None,
        _ => Some(5.35 + 0.1 * f64::from(repeat)),
    });
    after.run.id = "9b1c".into();
    lost_in(&mut after, "rabbitmq", &[2, 5], 6);
    lost_in(&mut before, "postgres", &[1], 12);
    lost_in(&mut after, "postgres", &[1, 4], 15);
    lost_in(&mut after, "memory", &[1, 2, 3, 4, 5], 100);
    (before, after)
}

#[test]
fn trials_in_tables() {
    let (before, after) = before_and_after();
    let it = compared(&before, &after);
    assert_snapshot!("wide", render(&it, false, 120));
    assert_snapshot!("markdown", markdown(&it));
    assert_snapshot!("junit", junit(&it));
    let narrow = render(&it, false, 60);
    assert!(narrow.contains("broker-kill at 5k/s"), "{narrow}");
    let value: serde_json::Value = serde_json::from_str(&json(&it)).expect("JSON");
    assert_eq!((value["format_version"].as_u64(), &value["regressed"]), (Some(2), &true.into()));
    assert_eq!(value["losses"][0]["lost"], 12);
    let items = value["items"].as_array().expect("items");
    let cut = items.iter().find(|item| item["after"]["bound"] == "at-least").expect("kafka's");
    assert_eq!((&cut["test"], &cut["call"]), (&"ranks".into(), &"worse".into()));
    assert_eq!(cut["fault"], "kill broker at 15 s for 5 s");
    assert_eq!(cut["after"]["repeats"][4], serde_json::json!({"value": 30.0, "bound": "at-least"}));
    let page = html::compare(&it, &before, &after);
    for words in
        ["Tasks lost where none may be", "12 lost in 2 of 5 kills", "broker-kill at 5k/s", "> +"]
    {
        assert!(page.replace("&gt;", ">").replace('\u{202f}', " ").contains(words), "{words}");
    }
}

#[test]
fn a_loss_where_none_may_be_is_a_regression_whatever_the_noise() {
    let (before, after) = before_and_after();
    let it = compared(&before, &after);
    let [loss] = it.losses.as_slice() else { panic!("rabbitmq alone: {:?}", it.losses) };
    assert_eq!((loss.system.as_str(), loss.profile.as_str()), ("rabbitmq", "durable"));
    assert_eq!((loss.before.as_str(), loss.lost), ("0 lost in 5 kills", 12));
    let said = render(&it, false, 200);
    let first = said.lines().nth(2).expect("a verdict");
    assert!(
        first.starts_with("worse, tasks lost: rabbitmq/durable, broker-kill: 12 lost"),
        "{first}"
    );
    let remark = |start: &str| it.remarks.iter().any(|remark| remark.starts_with(start));
    assert!(remark("known to lose tasks: postgres/skip-locked, broker-kill: 12 lost in 1 of 5"));
    assert!(remark("tasks lost, as its profile allows: memory/everysec"), "{:?}", it.remarks);

    // Of two repeats as well, of cells that are not valid, and with no figure
    // asked for that a trial has.
    let short = |outcome: &Outcome| {
        let mut outcome = outcome.clone();
        outcome.cells.retain(|cell| cell.key.repeat <= 2);
        for cell in &mut outcome.cells {
            cell.validity = Validity::Disturbed("0.4 core of other work".into());
        }
        outcome
    };
    let terms = Terms { kinds: vec![Kind::P99], ..Terms::default() };
    let few = compare(&short(&before), &short(&after), &terms).expect("alike");
    assert!(few.has_regressed() && few.undecided().is_none(), "{:?}", few.losses);
    assert_eq!((few.tested(), few.losses[0].after.as_str()), (0, "6 lost in 1 of 2 kills"));
    let terms = Terms { systems: vec!["kafka".into()], ..Terms::default() };
    assert!(compare(&before, &after, &terms).expect("alike").losses.is_empty());
    // The other way round it is no loss, and no proof that there is none.
    let back = compared(&after, &before);
    assert!(back.losses.is_empty());
    let over = "tasks lost before and not after: rabbitmq/durable, broker-kill: 12 lost in 2 of 5";
    assert!(back.remarks.iter().any(|remark| remark.starts_with(over)), "{:?}", back.remarks);
}

#[test]
fn what_cannot_be_called_lost_is_no_loss() {
    let early = Model { profile: "early", ack: AckMode::Early, ..celery() };
    let models = [asynq_rust(), rabbit_transient(), early];
    let before = calm(&models);
    let told = |spoil: &dyn Fn(&mut Cell)| -> Comparison {
        let mut after = before.clone();
        after.cells.iter_mut().for_each(spoil);
        compared(&before, &after)
    };
    let asynq = |cell: &Cell| cell.key.system == "redis-asynq";
    assert_eq!(
        told(&|cell| if asynq(cell) {
            lose(cell, 3)
        })
        .losses
        .len(),
        1
    );
    let unbalanced = told(&|cell| {
        lose(cell, 3);
        cell.counts.balances = false;
    });
    assert!(unbalanced.losses.is_empty());
    assert!(
        told(&|cell| if !asynq(cell) {
            lose(cell, 3)
        })
        .losses
        .is_empty()
    );
    // Missing, and nobody could be asked.
    let missing = told(&|cell| {
        cell.counts.grid.ok[1] -= 3;
        cell.counts.grid.ok[0] += 3;
        cell.counts.residual += 3;
    });
    assert!(missing.losses.is_empty());
    // Of before nothing is known.
    let mut unknown = before.clone();
    unknown.cells.iter_mut().for_each(|cell| cell.counts.balances = false);
    let mut after = before.clone();
    lost_in(&mut after, "redis-asynq", &[1], 3);
    let it = compared(&unknown, &after);
    assert!(it.losses.is_empty());
    assert!(it.remarks.iter().any(|it| it.starts_with("tasks lost, and of before nothing")));
}

/// Nothing was done to it, and tasks are gone.
#[test]
fn a_control_and_a_backlog_that_only_rested_lose_nothing_either() {
    let mut before = calm(&[asynq_rust()]);
    let mut piled = piled_up(&[rabbit()], 5, |_, _| 1.0);
    for cell in before.cells.iter_mut().chain(&mut piled.cells) {
        cell.key.fault = None;
    }
    before.systems.extend(piled.systems);
    before.cells.extend(piled.cells);
    let mut after = before.clone();
    lost_in(&mut after, "redis-asynq", &[3], 2);
    lost_in(&mut after, "rabbitmq", &[3, 4], 1);
    let it = compared(&before, &after);
    let told: Vec<_> =
        it.losses.iter().map(|loss| (loss.under.as_str(), loss.after.as_str())).collect();
    let trials = [("control", "2 lost in 1 of 5 trials"), ("backlog", "2 lost in 2 of 5 trials")];
    assert_eq!(told, trials);
}

#[test]
fn what_is_no_number_is_never_made_one() {
    let before = calm(&[asynq_rust(), rabbit()]);
    let with = |of: &dyn Fn(u32) -> Reading| {
        let mut after = before.clone();
        read(&mut after, "redis-asynq", RECOVERED, of);
        let it = compared(&before, &after);
        item(&it, "redis-asynq", Kind::Recovery).change.clone()
    };
    let unhurt = with(&|_| Reading::NoImpact);
    assert_eq!((unhurt.call, unhurt.test), (Call::Better, Some(Test::Ranks)));
    let never = with(&|_| Reading::MoreThan(30.0));
    assert_eq!((never.call, never.test), (Call::Worse, Some(Test::Ranks)));
    let once = with(&|n| if n == 3 { Reading::MoreThan(30.0) } else { Reading::Is(5.5) });
    assert_eq!((once.call, once.test), (Call::Noise, Some(Test::Ranks)));
    let noisy = with(&|n| {
        if n == 3 { Reading::NotSteady("scatters".into()) } else { Reading::Is(9.0) }
    });
    let why = |text: &str| Call::NotTested(text.to_owned());
    assert_eq!(noisy.call, why("not steady in 1 of 5 after"));

    // Never back on either side.
    let mut both = before.clone();
    read(&mut both, "redis-asynq", RECOVERED, |_| Reading::MoreThan(30.0));
    let it = compared(&both, &both);
    let recovery = item(&it, "redis-asynq", Kind::Recovery);
    assert_eq!(
        recovery.change.call,
        why("no trial was over in the time that all were watched for")
    );
    let said = render(&it, false, 120);
    assert!(said.contains("> 30 s"), "{said}");
}

/// Twelve systems that are not back any more: no rank test of five can say so.
#[test]
fn what_many_figures_hide_is_said() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let models: Vec<Model> = names.map(|system| Model { system, ..asynq_rust() }).into();
    let (before, after) = (calm(&models), killed(&models, 5, |_, _| None));
    let it = compared(&before, &after);
    let recovery = item(&it, "a", Kind::Recovery);
    let Call::NotTested(why) = &recovery.change.call else { panic!("{recovery:?}") };
    assert!(why.starts_with("5 trials on a side rank nothing surer than p = 0.8 %"), "{why}");
    let turned = "back in every trial before and in none after: a/everysec, broker-kill at 5k/s";
    assert!(it.remarks.iter().any(|remark| remark == turned), "{:?}", it.remarks);
    let terms = Terms { systems: vec!["a".into(), "b/everysec".into()], ..Terms::default() };
    let fewer = compare(&before, &after, &terms).expect("alike");
    assert_eq!(item(&fewer, "a", Kind::Recovery).change.call, Call::Worse);
}

#[test]
fn times_are_of_valid_trials_only() {
    let before = calm(&[asynq_rust(), rabbit()]);
    let spoiled = |repeats: &[u32]| {
        let mut after = before.clone();
        for cell in after.cells.iter_mut().filter(|cell| cell.key.system == "rabbitmq") {
            if repeats.contains(&cell.key.repeat) {
                cell.validity = Validity::Disturbed("0.4 core of other work".into());
            }
        }
        compared(&before, &after)
    };
    let it = spoiled(&[2]);
    let few = Call::NotTested("4 repeats, 5 are needed".to_owned());
    assert_eq!(item(&it, "rabbitmq", Kind::Recovery).change.call, few);
    assert_eq!(it.undecided(), None, "the other one is tested");
    let it = spoiled(&[1, 2, 3, 4, 5]);
    assert!(it.items.iter().all(|item| item.system == "redis-asynq"));
    let why = "not compared: rabbitmq/durable, broker-kill at 5k/s, disturbed after";
    assert!(it.remarks.iter().any(|remark| remark == why), "{:?}", it.remarks);
    assert_eq!(it.gone, ["rabbitmq/durable, trials"]);
    assert!(junit(&it).contains("<error "));
}

/// The rate that a run finds to be half of a capacity is another each time.
#[test]
fn a_share_of_the_capacity_is_one_load() {
    let at = |rate: f64| {
        let mut outcome = calm(&[asynq_rust()]);
        for cell in &mut outcome.cells {
            cell.key.load = Load::Rate(rate);
            cell.key.variant = Some("50 % of its capacity".into());
        }
        outcome
    };
    let it = compared(&at(14_000.0), &at(14_700.0));
    let recovery = item(&it, "redis-asynq", Kind::Recovery);
    assert_eq!((recovery.under.as_deref(), recovery.load), (Some("broker-kill"), None));
    assert_eq!(recovery.change.call, Call::Noise);
    assert!(it.remarks.is_empty(), "{:?}", it.remarks);
}

/// Trials of other faults and at other loads are others.
#[test]
fn what_one_side_has_alone_is_said() {
    let before = calm(&[asynq_rust()]);
    let mut after = before.clone();
    for cell in &mut after.cells {
        cell.key.load = Load::Rate(1e3);
    }
    let it = compared(&before, &after);
    assert!(it.items.is_empty());
    let only =
        |when: &str, at: &str| format!("only {when}: redis-asynq/everysec, broker-kill at {at}");
    assert_eq!(it.remarks, [only("after", "1k/s"), only("before", "5k/s")]);
}

fn pace(noise: f64, factor: f64, dice: &mut Dice) -> Outcome {
    piled_up(&[asynq_rust(), rabbit()], 5, |model, _| {
        let factor = if model.system == "rabbitmq" { factor } else { 1.0 };
        factor * (noise * dice.normal()).exp()
    })
}

#[test]
fn a_planted_slower_drain_is_caught_and_an_equal_one_is_not() {
    let mut dice = Dice::of(5);
    let mut worse = |factor: f64| -> Vec<(String, Kind)> {
        let it = compared(&pace(0.01, 1.0, &mut dice), &pace(0.01, factor, &mut dice));
        assert_eq!((it.tested(), it.items.len()), (6, 6), "three figures of two systems");
        it.worse().map(|item| (item.system.clone(), item.kind)).collect()
    };
    let kinds = [Kind::BuildUp, Kind::Resume, Kind::DrainRate];
    assert_eq!(worse(0.75), kinds.map(|kind| ("rabbitmq".to_owned(), kind)));
    for _ in 0..20 {
        assert_eq!(worse(1.0), []);
    }
}

#[test]
fn backlogs_in_tables() {
    let mut dice = Dice::of(6);
    let (before, mut after) = (pace(0.01, 1.0, &mut dice), pace(0.01, 0.75, &mut dice));
    let of = |cell: &&mut Cell| cell.key.system == "redis-asynq" && cell.key.repeat == 2;
    for cell in after.cells.iter_mut().filter(of) {
        lose(cell, 12);
        cell.metrics.insert("backlog.drain_rate".into(), Value::NotMeasured("in bursts".into()));
        cell.metrics.insert("backlog.resume".into(), Value::AtLeast(120.0));
    }
    let it = compared(&before, &after);
    assert_snapshot!("backlogs", render(&it, false, 120));
    let call = |kind| item(&it, "redis-asynq", kind).change.call.clone();
    let why = |text: &str| Call::NotTested(text.to_owned());
    assert_eq!(call(Kind::DrainRate), why("not measured in 1 of 5 after"));
    assert_eq!(call(Kind::Resume), why("cut off in 1 of 5 after"));
    assert_eq!(it.losses[0].after, "12 lost in 1 of 5 kills");
    assert!(junit(&it).contains("drained −25 %") || junit(&it).contains("drained −24 %"));
}

/// One family with the figures under a load, and kinds by their names.
#[test]
fn backlogs_are_corrected_together_with_loads() {
    let mut before = outcomes::ramp_of(&[asynq_rust(), rabbit()], &[1e3, 5e3], 5);
    let loads = compared(&before, &before).tested();
    before.cells.extend(piled_up(&[asynq_rust(), rabbit()], 5, |_, _| 1.0).cells);
    before.cells.extend(calm(&[asynq_rust(), rabbit()]).cells);
    let it = compared(&before, &before);
    let of_trials = it.items.iter().filter(|item| item.kind.is_of_a_trial()).count();
    assert_eq!((it.tested(), of_trials), (loads + 6 + 6, 6));
    // An impact at once in every trial is in no order.
    let alike = &item(&it, "rabbitmq", Kind::Detection).change;
    assert_eq!((&alike.call, alike.test), (&Call::Noise, None));
    let said = render(&it, false, 200);
    let families = format!("{} figures tested together.", loads + 6);
    assert!(said.contains(&families), "{said}");
    assert!(said.contains("Of trials it cannot tell below about"), "{said}");
    let terms = Terms { kinds: vec![Kind::Recovery, Kind::DrainRate], ..Terms::default() };
    let it = compare(&before, &before, &terms).expect("alike");
    assert_eq!(it.tested(), 4);
}

/// A general threshold is one of times and rates, not of shares.
#[test]
fn thresholds_are_as_of_other_figures() {
    let terms = Terms { matters: Some(0.5), ..Terms::default() };
    assert_eq!(terms.matters(Kind::Recovery), 0.5);
    assert_eq!(terms.matters(Kind::Served), 0.01);
    assert_eq!(Terms::default().matters(Kind::Recovery), 0.1);
    let (before, after) = before_and_after();
    let slow = |terms: &Terms| {
        let it = compare(&before, &after, terms).expect("alike");
        item(&it, "redis-asynq", Kind::Recovery).change.call.clone()
    };
    assert_eq!(slow(&Terms::default()), Call::Worse);
    assert_eq!(slow(&Terms { matters: Some(0.6), ..Terms::default() }), Call::Small);
}
