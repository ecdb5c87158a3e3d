//! Outcomes of one plan as one, and what keeps them from it.

use schedbench_reports::analysis::{Merged, Spread, analyse};
use schedbench_reports::compare::Weight;
use schedbench_reports::merge::{Apart, merge};
use schedbench_reports::outcome::*;
use schedbench_reports::{html, load, save};

use crate::outcomes::{self, asynq_rust, kafka, noop, rabbit, ramp_from, ramp_of};

fn later(mut outcome: Outcome, id: &str) -> Outcome {
    outcome.run.id = id.into();
    outcome.run.started = "2026-11-23T05:30:00Z".into();
    outcome
}

#[test]
fn repeats_add_up_to_enough() {
    let rates = [1e3, 10e3];
    let one = ramp_of(&[noop(), asynq_rust()], &rates, 3);
    let other = later(ramp_from(&[noop(), asynq_rust()], &rates, 2, 700), "9b1c");
    let whole = merge(&[one.clone(), other.clone()]).expect("they belong together");
    assert_eq!(whole.cells.len(), one.cells.len() + other.cells.len());
    assert_eq!((whole.plan.repeats, whole.run.id.as_str()), (5, "7f3a+9b1c"));
    assert_eq!(whole.plan.planned, one.plan.planned + other.plan.planned);
    // No two cells are taken for one.
    let mut keys: Vec<String> = whole.cells.iter().map(|cell| format!("{:?}", cell.key)).collect();
    let mut numbers: Vec<u32> = whole.cells.iter().map(|cell| cell.number).collect();
    keys.sort();
    keys.dedup();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((keys.len(), numbers.len()), (whole.cells.len(), whole.cells.len()));
    let blocks = |outcome: &Outcome| {
        let mut all: Vec<u32> = outcome.cells.iter().map(|cell| cell.block).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    assert_eq!(blocks(&whole), blocks(&one) + blocks(&other));
    // An hour lies between the two.
    let started = whole.cells[one.cells.len()].started_s - other.cells[0].started_s;
    assert!((started - 3600.0).abs() < 1e-6, "{started}");

    // The point is of all tasks together, the interval of five repeats.
    let analysis = analyse(&whole);
    let rows = analysis.groups.iter().flat_map(|group| &group.rows);
    let row = rows.into_iter().find(|row| row.system == "redis-asynq").expect("a row");
    let point = row.at(Load::Rate(10e3)).expect("a point");
    assert_eq!(point.n(), 5);
    assert!(matches!(point.p99.spread, Some(Spread::Interval(..))), "{:?}", point.p99);
    let is_it =
        |cell: &&Cell| cell.key.system == "redis-asynq" && cell.key.load == Load::Rate(10e3);
    let all = one.cells.iter().chain(&other.cells).filter(is_it);
    let merged = Merged::of(all.map(|cell| &cell.histograms["start_latency"])).expect("readable");
    assert_eq!(point.p99.value, merged.percentile(0.99, 2.0));

    // What it gives is an outcome like any other.
    let again = load::parse(save::to_json(&whole).as_bytes()).expect("an outcome");
    assert_eq!(again, whole);
    assert!(html::render(&whole).contains("7f3a+9b1c"));
}

#[test]
fn systems_measured_apart_stand_side_by_side() {
    let rates = [1e3, 10e3];
    let mut one = ramp_of(&[noop(), asynq_rust()], &rates, 2);
    one.skipped.push(Skipped {
        target: "rabbitmq/durable".into(),
        why: "no broker here".into(),
        remedy: None,
    });
    let other = later(ramp_from(&[noop(), rabbit()], &rates, 2, 700), "9b1c");
    let third = later(ramp_from(&[noop(), kafka()], &rates, 2, 900), "c0de");
    let whole = merge(&[one, other, third]).expect("they belong together");
    let names: Vec<&str> = whole.systems.iter().map(|it| it.system.as_str()).collect();
    assert_eq!(names, ["noop", "redis-asynq", "rabbitmq", "kafka"]);
    assert!(whole.skipped.is_empty(), "it was measured after all");
    let repeats = |system: &str| {
        whole.cells.iter().filter(|it| it.key.system == system).map(|it| it.key.repeat).max()
    };
    assert_eq!((repeats("noop"), repeats("kafka")), (Some(6), Some(2)));
    assert_eq!(whole.plan.repeats, 2, "of each system that is compared");
}

#[test]
fn what_was_not_measured_alike_stays_apart() {
    let one = ramp_of(&[noop(), asynq_rust()], &[1e3], 2);
    let refused = |change: &dyn Fn(&mut Outcome)| {
        let mut other = later(one.clone(), "9b1c");
        change(&mut other);
        match merge(&[one.clone(), other]) {
            Err(Apart::Differs { first: 1, second: 2, fields }) => {
                assert!(fields.iter().all(|field| field.weight != Weight::Notes));
                fields.into_iter().map(|field| field.field).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&|it| it.host.cores = 4), ["host.cores"]);
    assert_eq!(refused(&|it| it.plan.hash = "another".into()), ["plan.hash"]);
    // What a comparison only warns of.
    assert_eq!(refused(&|it| it.run.tool = "0.2.0".into()), ["run.tool"]);
    let redis =
        |it: &mut Outcome| it.systems[1].server.as_mut().expect("redis").version = "8".into();
    assert_eq!(refused(&redis), ["redis-asynq/everysec: server"]);
    let twice = merge(&[one.clone(), later(one.clone(), "9b1c"), one.clone()]);
    let run = "7f3a".to_owned();
    assert_eq!(twice, Err(Apart::Twice { first: 1, second: 3, run }));
    // What was merged has the tasks of its parts.
    let other = later(one.clone(), "9b1c");
    let whole = merge(&[one.clone(), other.clone()]).expect("they belong together");
    let third = later(one.clone(), "c0de");
    for (parts, first, second, run) in [
        ([&whole, &third, &other], 1, 3, "9b1c"),
        ([&third, &one, &whole], 2, 3, "7f3a"),
        ([&whole, &third, &whole], 1, 3, "7f3a"),
    ] {
        let run = run.to_owned();
        assert_eq!(merge(&parts.map(Outcome::clone)), Err(Apart::Twice { first, second, run }));
    }
    assert_eq!(merge(&[whole, third]).map(|all| all.cells.len()), Ok(3 * one.cells.len()));
    assert_eq!(merge(&[one]), Err(Apart::TooFew(1)));
    assert_eq!(merge(&[]), Err(Apart::TooFew(0)));
}

/// In whatever order they are named.
#[test]
fn what_one_has_to_hold_the_whole_has_to() {
    let asked = |holds: [Option<f64>; 2]| {
        let mut one = ramp_of(&[noop(), asynq_rust()], &[1e3], 1);
        let mut other = later(one.clone(), "9b1c");
        (one.plan.objective_holds, other.plan.objective_holds) = (holds[0], holds[1]);
        merge(&[one, other]).expect("they belong together").plan.objective_holds
    };
    assert_eq!(asked([None, Some(20e3)]), Some(20e3));
    assert_eq!(asked([Some(20e3), None]), Some(20e3));
    assert_eq!(asked([Some(20e3), Some(5e3)]), Some(20e3));
    assert_eq!(asked([None, None]), None);
}

#[test]
fn a_part_that_did_not_end_is_told() {
    let one = ramp_of(&[noop(), asynq_rust()], &[1e3], 1);
    let mut other = later(one.clone(), "9b1c");
    other.ended = Ended::Running;
    let whole = merge(&[one, other]).expect("they belong together");
    assert_eq!(whole.ended, Ended::Failed("run 9b1c was killed".into()));
}

/// Whatever a file holds.
#[test]
fn any_outcome_merges_with_another_run_of_it() {
    for (name, outcome) in outcomes::all() {
        let other = later(outcome.clone(), "9b1c");
        let whole = merge(&[outcome.clone(), other]).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(whole.cells.len(), 2 * outcome.cells.len(), "{name}");
        assert!(!html::render(&whole).is_empty());
    }
}
