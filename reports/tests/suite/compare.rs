//! Two outcomes compared: what is caught and what is not, what keeps them
//! apart, and how it reads.

use std::path::Path;

use insta::assert_snapshot;
use schedbench_reports::analysis::{Call, Merged};
use schedbench_reports::compare::{
    Comparison, Kind, Terms, Weight, compare, json, junit, markdown, render,
};
use schedbench_reports::html;
use schedbench_reports::numbers::{Medium, seconds};
use schedbench_reports::outcome::*;

use crate::outcomes::{self, Dice, asynq_rust, before_and_after, histogram, noop, ramp_of};
use crate::page_parts::text_of;

fn compared(before: &Outcome, after: &Outcome) -> Comparison {
    compare(before, after, &Terms::default()).expect("they belong together")
}

/// Five repeats of one system at these rates, whose times and cost lie around
/// `factor` times the usual and scatter by `noise` from repeat to repeat.
fn synthetic(template: &Outcome, factor: f64, noise: f64, dice: &mut Dice) -> Outcome {
    let mut outcome = template.clone();
    for cell in &mut outcome.cells {
        let own = factor * (noise * dice.normal()).exp();
        let mut place = 0.0;
        let (start, _) = histogram(200, || {
            place += 1.0;
            Some(own * 1e-3 * (1.0 + place / 100.0))
        });
        cell.histograms = [("start_latency".to_owned(), times_fifty(start))].into();
        cell.metrics.retain(|name, _| name == "throughput");
        let cost = factor * (noise * dice.normal()).exp();
        cell.metrics.insert("cpu.total".to_owned(), Value::Is(20.0 * cost));
    }
    outcome
}

/// Enough tasks beyond its P99 for one to be shown.
fn times_fifty(one: Histogram) -> Histogram {
    use base64::Engine as _;
    use hdrhistogram::serialization::Serializer as _;
    let mut sum = schedbench_reports::hlog::decode(&one).expect("ours");
    let each = sum.clone();
    (1..50).for_each(|_| sum.add(&each).expect("alike"));
    let mut bytes = Vec::new();
    let mut serializer = hdrhistogram::serialization::V2DeflateSerializer::new();
    serializer.serialize(&sum, &mut bytes).expect("into memory");
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    Histogram { data, count: sum.len(), ..one }
}

fn regressions(factor: f64, rates: &[f64], times: u64) -> usize {
    let template = ramp_of(&[asynq_rust()], rates, 5);
    let mut dice = Dice::of(times + (factor * 1e3) as u64);
    let regressed = (0..times).filter(|_| {
        let before = synthetic(&template, 1.0, 0.015, &mut dice);
        let after = synthetic(&template, factor, 0.015, &mut dice);
        let it = compared(&before, &after);
        assert_eq!(it.tested(), 2 * rates.len() + 1, "P50 and P99 of each load, and the CPU");
        it.has_regressed()
    });
    regressed.count()
}

/// Outcomes of five repeats at 1.5 % noise, compared 200 times each.
#[test]
fn a_planted_slowdown_is_caught_and_none_is_not() {
    let rates = [1e3, 5e3, 10e3];
    let caught = regressions(1.05, &rates, 200);
    assert!(caught >= 190, "5 % slower: caught in {caught} of 200");
    let alarms = regressions(1.0, &rates, 200);
    assert!(alarms <= 10, "not slower: {alarms} false alarms in 200");
}

#[test]
fn at_five_per_cent_noise_it_says_what_it_cannot_tell() {
    let template = ramp_of(&[asynq_rust()], &[5e3], 5);
    let terms = Terms { kinds: vec![Kind::P99], ..Terms::default() };
    let mut dice = Dice::of(3);
    let mut sizes: Vec<f64> = (0..101)
        .map(|_| {
            let before = synthetic(&template, 1.0, 0.05, &mut dice);
            let after = synthetic(&template, 1.0, 0.05, &mut dice);
            let it = compare(&before, &after, &terms).expect("they belong together");
            assert!(render(&it, false, 100).contains("Cannot tell below about "));
            it.items[0].change.smallest.expect("five repeats")
        })
        .collect();
    sizes.sort_by(f64::total_cmp);
    assert!((0.09..0.115).contains(&sizes[50]), "{}", sizes[50]);
}

#[test]
fn in_tables() {
    let (before, after) = before_and_after();
    let it = compared(&before, &after);
    assert!(it.has_regressed());
    assert_snapshot!("wide", render(&it, false, 120));
    assert_snapshot!("narrow", render(&it, false, 60));
    assert_snapshot!("markdown", markdown(&it));
    assert_snapshot!("junit", junit(&it));
    let value: serde_json::Value = serde_json::from_str(&json(&it)).expect("JSON");
    assert_eq!(value["regressed"], true);
    assert_eq!(value["items"].as_array().map(Vec::len), Some(it.items.len()));
    let coloured = render(&it, true, 120);
    assert!(coloured.contains('\u{1b}') && !render(&it, false, 120).contains('\u{1b}'));
}

#[test]
fn as_a_page() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&dir).expect("target is writable");
    let (before, after) = before_and_after();
    let page = html::compare(&compared(&before, &after), &before, &after);
    std::fs::write(dir.join("compare.html"), &page).expect("target is writable");
    let text = text_of(&page);
    assert_snapshot!("page", text);
    for (name, outcome) in outcomes::all() {
        let page = html::compare(&compared(&outcome, &outcome), &outcome, &outcome);
        std::fs::write(dir.join(format!("compare-{name}.html")), &page).expect("writable");
        for evil in ["<img src=x", "<script>alert", "\u{0}", "NaN", ">inf"] {
            assert!(!page.contains(evil), "{name} carries {evil:?}");
        }
        assert!(page.len() < 2_000_000, "{name}: {} bytes", page.len());
    }
}

/// Every system had a valid cell before and none has one after: no verdict.
#[test]
fn against_an_outcome_without_a_valid_cell_nothing_is_told() {
    let models = [noop(), outcomes::wheel(), asynq_rust()];
    let before = ramp_of(&models, &outcomes::RATES, 5);
    let after = outcomes::invalid();
    let it = compared(&before, &after);
    assert!(!it.has_regressed() && it.tested() == 0);
    let gone = "no valid cell after of wheel/default; redis-asynq/everysec";
    assert_eq!(it.undecided().as_deref(), Some(gone));
    let said = "No valid cell after, so that nothing can be told of: wheel/default; \
                redis-asynq/everysec.";
    assert!(render(&it, false, 200).contains(said), "{}", render(&it, false, 200));
    assert!(text_of(&html::compare(&it, &before, &after)).contains(said));
    assert_eq!(junit(&it).matches("<error ").count(), 2, "{}", junit(&it));
    // Nothing is gone that was not there, and nothing can be told either.
    for it in [compared(&after, &before), compared(&after, &after)] {
        assert!(it.gone.is_empty() && it.tested() == 0 && it.undecided().is_some());
    }
}

/// Skipped figures alone would look passed to whatever reads the file.
#[test]
fn a_system_without_a_valid_cell_is_an_error_of_junit() {
    let before = ramp_of(&[noop(), asynq_rust()], &[1e3, 5e3], 5);
    let mut after = before.clone();
    for cell in after.cells.iter_mut().filter(|cell| cell.key.system == "redis-asynq") {
        cell.validity = Validity::Disturbed("0.4 core of other work".into());
    }
    let errors = |it: &Comparison| junit(it).matches("<error ").count();
    let it = compared(&before, &after);
    assert_eq!(it.gone.len(), 1, "{:?}", it.gone);
    assert_eq!(errors(&it), 1, "{}", junit(&it));
    assert_eq!(errors(&compared(&before, &before)), 0);
    // Exit code 2 says that nothing was decided, and so has the file to.
    let few = ramp_of(&[noop(), asynq_rust()], &[1e3, 5e3], 3);
    assert_eq!(errors(&compared(&few, &few)), 1, "{}", junit(&compared(&few, &few)));
}

/// Whatever a file holds, against itself and against another.
#[test]
fn every_outcome_is_compared_with_itself() {
    for (name, outcome) in outcomes::all() {
        let it = compared(&outcome, &outcome);
        assert!(!it.has_regressed() && it.better().next().is_none(), "{name}");
        for text in [render(&it, false, 40), markdown(&it), junit(&it), json(&it)] {
            assert!(!text.is_empty() && !text.contains("NaN"), "{name}: {text}");
        }
    }
}

#[test]
fn what_keeps_them_apart_is_named() {
    let base = || ramp_of(&[noop(), asynq_rust()], &[1e3], 5);
    let fields = |change: &dyn Fn(&mut Outcome)| -> Vec<(String, Weight)> {
        let mut other = base();
        change(&mut other);
        let all = match compare(&base(), &other, &Terms::default()) {
            Ok(it) => it.differences,
            Err(fields) => fields,
        };
        all.into_iter().map(|one| (one.field, one.weight)).collect()
    };
    let one = |field: &str, weight| vec![(field.to_owned(), weight)];
    assert_eq!(fields(&|_| {}), []);
    let refused = |field, change: &dyn Fn(&mut Outcome)| {
        assert_eq!(fields(change), one(field, Weight::Refuses));
    };
    refused("host.cores", &|it| it.host.cores = 4);
    refused("host.cpu", &|it| it.host.cpu = "another".into());
    refused("host.memory_bytes", &|it| it.host.memory_bytes /= 2);
    refused("host.placement", &|it| it.host.placement = "split".into());
    refused("host.environment", &|it| it.host.environment = Some("compose".into()));
    refused("host.environment", &|it| it.run.command.push("--env=compose".into()));
    refused("plan.hash", &|it| it.plan.hash = "another".into());
    refused("redis-asynq/everysec: claims.ack", &|it| {
        it.systems[1].claims.ack = schedbench_contract::AckMode::Early;
    });
    let warned = |field, change: &dyn Fn(&mut Outcome)| {
        assert_eq!(fields(change), one(field, Weight::Warns));
    };
    warned("run.tool", &|it| it.run.tool = "0.2.0".into());
    warned("host.kernel", &|it| it.host.kernel = "Linux 7".into());
    warned("redis-asynq/everysec: server", &|it| {
        it.systems[1].server.as_mut().expect("redis").version = "8".into();
    });
    warned("redis-asynq/everysec: server.settings.io-threads", &|it| {
        it.systems[1].server.as_mut().expect("redis").settings[2].1 = "4".into();
    });
    assert_eq!(fields(&|it| it.plan.seed = 8), one("plan.seed", Weight::Notes));
    // A few MB of memory are the firmware's; local was always meant.
    assert_eq!(fields(&|it| it.host.memory_bytes -= 20_000_000), []);
    assert_eq!(fields(&|it| it.host.environment = Some("local".into())), []);
    let more = fields(&|it| {
        it.plan.hash = "another".into();
        it.plan.shape.prefetch = 1;
        it.plan.text = it.plan.text.replace("\"5k\"", "\"6k\"");
    });
    let names: Vec<&str> = more.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(names, ["plan.hash", "plan.shape.prefetch", "plan.text, line 3"]);
}

#[test]
fn below_five_repeats_nothing_is_called() {
    let rates = [1e3, 10e3];
    let before = ramp_of(&[noop(), asynq_rust()], &rates, 4);
    let slow = outcomes::Model { latency: 9e-3, ..asynq_rust() };
    let after = ramp_of(&[noop(), slow], &rates, 4);
    let it = compared(&before, &after);
    assert_eq!(it.tested(), 0);
    assert!(it.items.iter().all(|item| matches!(item.change.call, Call::NotTested(_))));
    assert!(it.why_untested().contains("--repeats 5"), "{}", it.why_untested());
}

#[test]
fn an_overload_is_a_regression() {
    let rates = [1e3, 10e3, 20e3];
    let before = ramp_of(&[noop(), asynq_rust()], &rates, 5);
    let slow = outcomes::Model { capacity: 15e3, ..asynq_rust() };
    let mut after = outcomes::ramp_from(&[noop(), slow], &rates, 5, 900);
    let it = compared(&before, &after);
    let worse: Vec<Kind> = it.worse().map(|item| item.kind).collect();
    for kind in [Kind::Throughput, Kind::P99, Kind::Failed] {
        assert!(worse.contains(&kind), "{kind:?} in {worse:?}");
    }
    assert!(it.remarks.iter().any(|remark| remark.starts_with("held before and not after")));
    // A grid's capacity is not tested.
    let terms = Terms { kinds: vec![Kind::Capacity, Kind::Pss], ..Terms::default() };
    let said = json(&compare(&before, &after, &terms).expect("alike"));
    assert!(said.contains("Every difference tested lies inside the noise."), "{said}");
    // What is not valid says nothing.
    for cell in after.cells.iter_mut().filter(|cell| cell.key.load == Load::Rate(20e3)) {
        cell.validity = Validity::Disturbed("0.4 core of other work".into());
    }
    let it = compared(&before, &after);
    assert!(it.items.iter().all(|item| item.load != Some(Load::Rate(20e3))));
    assert!(it.remarks.iter().any(|remark| remark.contains("20k/s, disturbed after")));
}

#[test]
fn a_system_without_a_valid_cell_after_has_not_passed() {
    let run = |latency, system: &str| {
        let models = [noop(), outcomes::Model { latency, ..asynq_rust() }, outcomes::kafka()];
        let mut outcome = ramp_of(&models, &[1e3], 5);
        for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == system) {
            cell.validity = Validity::Incomplete("the broker died".into());
        }
        outcome
    };
    let before = run(0.9e-3, "");
    assert_eq!(compared(&before, &before).undecided(), None);
    let it = compared(&before, &run(0.9e-3, "kafka"));
    assert_eq!(it.undecided().as_deref(), Some("no valid cell after of kafka/acks-all"));
    let said = render(&it, false, 120);
    assert!(said.contains("nothing can be told of: kafka/acks-all."), "{said}");
    assert!(said.contains("Every difference tested lies inside the noise."), "{said}");
    // It had none before, nobody asked for it, it is the control, or the other
    // one became worse.
    let broken = run(0.9e-3, "kafka");
    assert_eq!(compared(&broken, &broken).undecided(), None);
    let terms = Terms { systems: vec!["redis-asynq".into()], ..Terms::default() };
    assert_eq!(compare(&before, &broken, &terms).expect("alike").undecided(), None);
    assert_eq!(compared(&before, &run(0.9e-3, "noop")).undecided(), None);
    let it = compared(&before, &run(9e-3, "kafka"));
    assert!(it.has_regressed() && it.undecided().is_none());
}

/// 500 tasks have a P90 each, and a P99 only together.
#[test]
fn a_repeat_without_a_number_is_no_missing_repeat() {
    let outcome = ramp_of(&[asynq_rust()], &[50.0], 5);
    let terms = Terms { kinds: vec![Kind::P99], ..Terms::default() };
    let it = compare(&outcome, &outcome, &terms).expect("alike");
    assert!(it.items[0].before.number().is_some());
    let why = Call::NotTested("a repeat has no usable number".to_owned());
    assert_eq!(it.items[0].change.call, why);
    assert_eq!(it.why_untested(), "no figure has a number in every repeat of both sides");
}

#[test]
fn cost_is_compared_where_it_is_valid() {
    let mut outcome = outcomes::in_flight();
    for cell in &mut outcome.cells {
        if cell.key.load == Load::InFlight(100_000) {
            cell.validity = Validity::Incomplete("did not turn over".into());
        }
    }
    let it = compared(&outcome, &outcome);
    let costs: Vec<_> = it.items.iter().filter(|item| item.kind == Kind::Cpu).collect();
    assert!(!costs.is_empty());
    assert!(costs.iter().all(|item| item.load == Some(Load::InFlight(10_000))));
}

/// Delayed tasks may start early, and then percentiles begin higher up.
#[test]
fn a_row_of_percentiles_is_of_one_percentile() {
    let early = |share: f64| {
        let mut outcome = ramp_of(&[asynq_rust()], &[1e3], 5);
        for cell in &mut outcome.cells {
            let start = cell.histograms.get_mut("start_latency").expect("it has one");
            start.early = (share / (1.0 - share) * start.count as f64) as u64;
        }
        outcome
    };
    let (before, after) = (early(0.6), early(0.3));
    let text = text_of(&html::compare(&compared(&before, &after), &before, &after));
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).expect("a row");
    let figure = |outcome: &Outcome, q: f64| {
        let merged = Merged::of(outcome.cells.iter().map(|cell| &cell.histograms["start_latency"]));
        let value = merged.expect("readable").percentile(q, 2.0).number().expect("a number");
        seconds(value, Medium::Page).replace('\u{202f}', " ")
    };
    let p50 = format!("P50 | ≤ 0 s | {} | – |", figure(&after, 0.5));
    assert_eq!(row("P50 |"), p50);
    let p90 = format!("P90 | {} | {} | +", figure(&before, 0.9), figure(&after, 0.9));
    assert!(row("P90 |").starts_with(&p90), "{} is not {p90}", row("P90 |"));
}

#[test]
fn terms_narrow_it_down() {
    let (before, after) = before_and_after();
    let terms = Terms {
        kinds: vec![Kind::P99],
        systems: vec!["kafka".into(), "redis-asynq/everysec".into()],
        matters: Some(0.5),
        of_kind: Vec::new(),
    };
    let it = compare(&before, &after, &terms).expect("they belong together");
    assert!(it.items.iter().all(|item| item.kind == Kind::P99 && item.system != "rabbitmq"));
    assert!(!it.has_regressed(), "half as slow again would matter");
    assert!(it.items.iter().any(|item| item.change.call == Call::Small));
    let said = json(&it);
    assert!(said.contains("Every difference lies inside the noise or is too small to matter."));
    let terms = Terms { of_kind: vec![(Kind::P99, 0.1)], ..terms };
    assert!(compare(&before, &after, &terms).expect("alike").has_regressed());
}
