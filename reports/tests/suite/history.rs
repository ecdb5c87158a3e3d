//! Trends over many outcomes, and where they turn.

use std::path::Path;

use schedbench_reports::compare::Kind;
use schedbench_reports::history::{Entry, NoEntry, Strand, Trend, history};
use schedbench_reports::html;
use schedbench_reports::numbers::Medium;
use schedbench_reports::outcome::*;

use crate::outcomes::drill::{killed, lose};
use crate::outcomes::piled::piled_up;
use crate::outcomes::{self, Dice, Model, asynq_rust, kafka, nightly, noop, rabbit, ramp_from};
use crate::page_parts::text_of;

fn entry(outcome: &Outcome) -> Entry {
    Entry::of("result.json", outcome).expect("a run")
}

fn month() -> Vec<Strand> {
    // In no order: their start tells.
    let days = (1..=28).rev().map(|day| entry(&nightly(day)));
    history(days.collect())
}

#[test]
fn a_change_is_marked_where_it_was() {
    let strands = month();
    let [strand] = strands.as_slice() else { panic!("{} strands", strands.len()) };
    assert_eq!(strand.runs.len(), 28);
    let turned = |system: &str, kind: Kind| {
        let of = strand.trends.iter().filter(move |it| it.of.system == system && it.kind == kind);
        of.flat_map(|trend| &trend.turns).copied().collect::<Vec<_>>()
    };
    let turns = turned("redis-asynq", Kind::P50);
    // At each of four loads.
    assert_eq!(turns.len(), 4, "{turns:?}");
    for turn in turns {
        assert!(turn.run.abs_diff(15) <= 1, "the 16th is the run 15: {turn:?}");
        assert!((0.2..0.36).contains(&turn.by), "28 % slower: {turn:?}");
    }
    assert!(turned("rabbitmq", Kind::P50).is_empty());
    let said = html::changes(strand, Medium::Terminal);
    let first = said.iter().find(|(_, text)| text.contains("P50")).expect("a sentence");
    assert!(first.1.starts_with("redis-asynq/everysec from run "), "{}", first.1);
    assert!(first.1.contains("P50 start latency +"), "{}", first.1);
}

#[test]
fn as_a_page() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&dir).expect("target is writable");
    let left = ["results/broken/result.json: cut off at line 7, column 3".to_owned()];
    let page = html::history("results/nightly", &month(), &left);
    std::fs::write(dir.join("history.html"), &page).expect("target is writable");
    assert!(page.contains("from run 0010 of 16 Nov 2026") || page.contains("from run 000f of 15"));
    assert!(page.contains("Left out: results/broken/result.json"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    insta::assert_snapshot!("page", text_of(&page));
}

/// A dot that the drawing has no room for is an arrowhead, and says so.
#[test]
fn a_run_far_off_is_marked_as_beyond() {
    let night = |day: u32, latency: f64| {
        let models = [noop(), Model { latency, ..asynq_rust() }];
        let mut outcome = ramp_from(&models, &[1e3], 2, 1_000 * day);
        outcome.run.id = format!("{day:04x}");
        outcome.run.started = format!("2026-11-{day:02}T02:00:00Z");
        entry(&outcome)
    };
    let page = |worst: f64| {
        let of = |day: u32| night(day, if day == 5 { worst } else { 0.9e-3 });
        html::history("results", &history((1..=9).map(of).collect()), &[])
    };
    let said = "An arrowhead at the top: more than 10 times the median.";
    // Every other mark is full: the hollow one is the arrowhead.
    for (worst, is_beyond) in [(13e-3, true), (5e-3, false)] {
        let page = page(worst);
        assert_eq!(page.contains(said), is_beyond);
        assert_eq!(page.contains("class=\"m h s0"), is_beyond);
    }
}

/// Its latencies leave their trends, so none of them turns.
#[test]
fn a_load_that_is_no_longer_held_is_said() {
    let night = |day: u32| {
        let capacity = if day < 20 { 29e3 } else { 15e3 };
        let models = [noop(), Model { capacity, ..asynq_rust() }, rabbit()];
        let mut outcome = ramp_from(&models, &[1e3, 20e3], 2, 1_000 * day);
        outcome.run.id = format!("{day:04x}");
        outcome.run.started = format!("2026-11-{day:02}T02:00:00Z");
        entry(&outcome)
    };
    let [strand] = &history((1..=28).map(night).collect())[..] else { panic!("one plan") };
    let said = html::changes(strand, Medium::Terminal);
    let fallen: Vec<_> = said.iter().filter(|(_, text)| text.contains("no longer held")).collect();
    let [(_, text)] = fallen[..] else { panic!("rabbitmq never held it: {fallen:?}") };
    assert!(text.starts_with("redis-asynq/everysec from run 0014 of 20 Nov 2026"), "{text}");
    assert!(text.ends_with(" on: 20k/s is no longer held"), "{text}");
    assert!(!html::history("results", std::slice::from_ref(strand), &[]).contains("No figure"));
}

/// From the 16th on `redis-asynq` takes longer to be back, kafka is back no
/// more, and `rabbitmq` loses tasks and drains more slowly.
#[test]
fn trials_and_backlogs_have_trends() {
    let mut dice = Dice::of(9);
    let night = |day: u32| {
        let late = day >= 16;
        let models = [asynq_rust(), kafka(), rabbit()];
        let mut outcome = killed(&models, 5, |model, _| match (model.system, late) {
            ("kafka", true) => None,
            ("redis-asynq", true) => Some(8.0 * (0.02 * dice.normal()).exp()),
            _ => Some(5.3 * (0.02 * dice.normal()).exp()),
        });
        let pace = if late { 0.7 } else { 1.0 };
        outcome.cells.extend(
            piled_up(&[rabbit()], 5, |_, repeat| {
                pace * (1.0 + 0.002 * f64::from(repeat * day % 7))
            })
            .cells,
        );
        let of = |cell: &&mut Cell| cell.key.system == "rabbitmq" && !cell.key.is_of_a_backlog();
        if late {
            outcome.cells.iter_mut().filter(of).for_each(|cell| lose(cell, 3));
        }
        outcome.run.id = format!("{day:04x}");
        outcome.run.started = format!("2026-11-{day:02}T02:00:00Z");
        entry(&outcome)
    };
    let [strand] = &history((1..=28).map(night).collect())[..] else { panic!("one plan") };
    let said = html::changes(strand, Medium::Terminal);
    let from = |start: &str, end: &str| {
        let is_it = |text: &str| text.starts_with(start) && text.contains(end);
        assert!(said.iter().any(|(_, text)| is_it(text)), "{start} … {end}: {said:#?}");
    };
    from("redis-asynq/everysec from run 0010 of 16 Nov 2026", "in broker-kill at 5k/s");
    from("redis-asynq/everysec from run 0010", "recovered after +5");
    from("rabbitmq/durable from run 0010", "for a backlog of 10k");
    from("kafka/acks-all from run 0010", "no longer back at the end of broker-kill at 5k/s");
    from("rabbitmq/durable, broker-kill from run 0010", "15 lost in 5 of 5 kills in the newest");
    assert_eq!(said.len(), 4, "{said:#?}");
    let page = html::history("results", std::slice::from_ref(strand), &[]);
    assert!(page.contains("Recovered after") && page.contains("backlog of 10k"));
    // Under one name, whatever it is of.
    assert_eq!(page.matches("<h3>rabbitmq/durable</h3>").count(), 1);
}

/// Each night a backlog is drained whole and another one hurt; one night ends
/// before the whole one, so that its words no longer say which it was.
#[test]
fn a_hurt_backlog_is_not_drawn_among_whole_ones() {
    let night = |day: u32| {
        let mut outcome = piled_up(&[rabbit()], 5, |_, _| 1.0);
        if day != 7 {
            let mut whole = piled_up(&[rabbit()], 5, |_, _| 2.0).cells;
            whole.iter_mut().for_each(|cell| cell.key.fault = None);
            outcome.cells.extend(whole);
        }
        outcome.run.id = format!("{day:04x}");
        outcome.run.started = format!("2026-11-{day:02}T02:00:00Z");
        entry(&outcome)
    };
    let [strand] = &history((1..=14).map(night).collect())[..] else { panic!("one plan") };
    let drains: Vec<&Trend> =
        strand.trends.iter().filter(|trend| trend.kind == Kind::DrainRate).collect();
    let mut runs: Vec<usize> = drains.iter().map(|trend| trend.dots.len()).collect();
    runs.sort_unstable();
    assert_eq!(runs, [13, 14]);
    for trend in drains {
        let rates = trend.dots.iter().filter_map(|(_, figure)| figure.number());
        let far = |rate: f64| (rate / trend.median - 1.0).abs() > 0.01;
        assert!(!rates.into_iter().any(far), "{:?}", trend.dots);
    }
}

#[test]
fn two_runs_tell_no_change_and_have_a_middle() {
    let strands = history([1, 20].map(|day| entry(&nightly(day))).into());
    let trend = strands[0].trends.iter().find(|it| it.kind == Kind::P50).expect("a trend");
    let of = |dot: usize| trend.dots[dot].1.number().expect("a number");
    assert!((trend.median - (of(0) + of(1)) / 2.0).abs() < 1e-12, "{trend:?}");
    let few = "Of so few runs no change could be told: about 10 are needed.";
    assert!(html::history("results", &strands, &[]).contains(few));
    let nights = history((1..=12).map(|day| entry(&nightly(day))).collect());
    let page = html::history("results", &nights, &[]);
    assert!(!page.contains(few));
    let is_told = |trend: &&Trend| {
        trend.dots.len() >= 10 && trend.dots.iter().all(|(_, it)| it.number() > Some(0.0))
    };
    let told = nights[0].trends.iter().filter(is_told).count();
    assert!(page.contains(&format!("Of {told} figures with so many runs, about 0.")), "{told}");
}

#[test]
fn a_file_in_two_places_is_one_run() {
    let all = [nightly(1), nightly(2), nightly(1), nightly(2)];
    let strands = history(all.iter().map(entry).collect());
    assert_eq!(strands[0].runs.len(), 2);
}

#[test]
fn other_plans_and_machines_are_strands_of_their_own() {
    let mut elsewhere = nightly(5);
    elsewhere.host.cores = 8;
    let mut contained = nightly(6);
    contained.host.environment = Some("compose".into());
    // Another version is what a history is there for.
    let mut newer = nightly(7);
    newer.run.tool = "0.2.0".into();
    let all = [nightly(1), nightly(2), elsewhere, contained, newer];
    let strands = history(all.iter().map(entry).collect());
    let sizes: Vec<usize> = strands.iter().map(|strand| strand.runs.len()).collect();
    assert_eq!(sizes, [3, 1, 1], "the one with the newest run first");
    let page = html::history("results", &strands, &[]);
    assert!(page.contains("3 plans or machines"));
    assert!(page.contains("No figure has a valid number in two runs."));
}

#[test]
fn what_cannot_be_placed_is_said() {
    let empty = Entry::of("a.json", &outcomes::empty()).expect_err("nothing in it");
    assert_eq!(empty, NoEntry::NoCells);
    let mut undated = nightly(1);
    undated.run.started = "yesterday".into();
    let undated = Entry::of("a.json", &undated).expect_err("no time");
    assert_eq!(undated, NoEntry::NoTime("yesterday".into()));
    assert!(html::history("results", &history(Vec::new()), &[]).contains("No figure"));
}

/// Whatever a file holds: three runs of it.
#[test]
fn any_outcome_has_a_history() {
    for (name, mut outcome) in outcomes::all() {
        let mut entries = Vec::new();
        for day in 1..4 {
            outcome.run.started = format!("2026-11-{day:02}T02:00:00Z");
            entries.extend(Entry::of(name, &outcome));
        }
        let page = html::history(name, &history(entries), &[]);
        for evil in ["<img src=x", "<script>alert", "\u{0}", "NaN"] {
            assert!(!page.contains(evil), "{name} carries {evil:?}");
        }
    }
}
