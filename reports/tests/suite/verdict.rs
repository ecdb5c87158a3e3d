//! The sentences of the verdict and the model of the table, read as text.

use schedbench_reports::analysis::{Analysis, analyse};
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{Medium, load, short};
use schedbench_reports::outcome::{Held, Load, Outcome, Validity, WindowCounts};

use crate::example;
use crate::outcomes;

/// The model as a reader of a table would see it.
fn table(analysis: &Analysis) -> String {
    let mut out = String::new();
    for group in &analysis.groups {
        let common = group.common_load.map_or_else(|| "none".to_owned(), load);
        out.push_str(&format!("{} (common load {common})\n", group.title()));
        for row in &group.rows {
            let rank = row.rank.map_or_else(
                || "-".to_owned(),
                |rank| format!("{}{}", rank.place, if rank.shared { "=" } else { "" }),
            );
            let figure = |figure: &schedbench_reports::analysis::Figure, unit| {
                short(&figure.value, unit, Medium::Terminal)
            };
            out.push_str(&format!(
                "  {rank:>2} {:<22} {:<18} p99 {:<14} 10k {:<13} 100k {:<13} cpu {:<12} pss {}\n",
                row.label,
                row.capacity.text(),
                figure(&row.p99, Unit::Seconds),
                figure(&row.failed_10k, Unit::Fraction),
                figure(&row.failed_100k, Unit::Fraction),
                figure(&row.cpu, Unit::CpuSecondsPerMillion),
                figure(&row.pss, Unit::Bytes),
            ));
        }
    }
    out.push('\n');
    for sentence in &analysis.verdict {
        out.push_str(&sentence.text.replace('\u{202f}', " "));
        out.push('\n');
    }
    let counts = &analysis.counts;
    out.push_str(&format!(
        "\n{} of {} valid, {} held, not held {:?}, invalid {:?}\n",
        counts.valid,
        counts.measured,
        counts.held,
        counts.not_held.iter().map(|t| (t.word, t.cells.len())).collect::<Vec<_>>(),
        counts.invalid.iter().map(|t| (t.word, t.cells.len())).collect::<Vec<_>>()
    ));
    out
}

#[test]
fn each_outcome_is_analysed() {
    for (name, outcome) in outcomes::all() {
        let analysis = analyse(&outcome);
        if name != "hostile" {
            insta::assert_snapshot!(name, table(&analysis));
        }
    }
}

/// Demanded of three systems: held in all repeats, failed with its reason, and
/// not decided where the only cells that could say are invalid.
#[test]
fn objectives_are_met_failed_or_not_decided() {
    use schedbench_reports::analysis::Met;
    use schedbench_reports::outcome::{Load, Validity};

    let mut outcome = example::ramp();
    assert!(analyse(&outcome).objectives.is_empty(), "nothing was demanded");
    outcome.plan.objective_holds = Some(100_000.0);
    let met = |outcome: &_| -> Vec<(String, Met)> {
        let objectives = analyse(outcome).objectives;
        objectives.into_iter().map(|one| (one.target, one.met)).collect()
    };
    let said = met(&outcome);
    assert_eq!(said.len(), 2, "noop is not asked: {said:?}");
    assert!(said.iter().any(|(target, met)| target.starts_with("wheel/") && *met == Met::Yes));
    let (_, redis) = &said[1];
    let why = "not at 100k/s: done 61 % of offered";
    assert_eq!(*redis, Met::No(why.to_owned()));

    for cell in &mut outcome.cells {
        if cell.key.system == "wheel" && cell.key.load == Load::Rate(100_000.0) {
            cell.validity = Validity::GeneratorLimited("late".to_owned());
        }
    }
    let said = met(&outcome);
    let why = "no valid cell above 50k/s, which it holds";
    assert!(said.iter().any(|(_, met)| *met == Met::Unknown(why.to_owned())), "{said:?}");
    outcome.cells.retain(|cell| cell.key.system == "noop");
    let why = Met::Unknown("it was not measured".to_owned());
    assert!(met(&outcome).iter().all(|(_, met)| *met == why));
}

/// A rate that was not held below one that was is told beside the capacity.
#[test]
fn a_gap_below_the_capacity_is_told() {
    let mut outcome = outcomes::ramp_of(&[outcomes::wheel()], &[1e3, 5e3, 10e3], 1);
    outcome.cells[1].held = Held::No("failures 0.4 %".into());
    let analysis = analyse(&outcome);
    let row = &analysis.groups[0].rows[0];
    assert_eq!(row.capacity.held(), 10e3);
    assert_eq!(row.gap().map(|point| point.load), Some(Load::Rate(5e3)));
    assert!(schedbench_reports::html::render(&outcome).contains("nor 5k/s"));
    let text = schedbench_reports::terminal::render(&outcome, &analysis, false, 120);
    assert!(text.contains("not held at 5k/s below its capacity"), "{text}");
}

/// Each repeat of a search tries rates of its own: what one of five held alone
/// is no rate that every repeat held.
#[test]
fn a_lucky_repeat_of_a_search_does_not_set_the_capacity() {
    use schedbench_reports::analysis::{Capacity, Met};

    let usual = [(32e3, true), (64e3, false), (45.3e3, false), (38.1e3, true), (41.5e3, true)];
    let lucky = [(32e3, true), (64e3, false), (45.3e3, true), (53.8e3, false), (49.4e3, true)];
    let mut outcome = outcomes::ramp_of(&[outcomes::asynq_rust()], &[1e3], 5);
    for repeat in 1..=5 {
        for (rate, holds) in if repeat == 5 { lucky } else { usual } {
            let number = outcome.cells.len() as u32;
            let load = Load::Rate(rate);
            let mut cell = outcomes::cell(&outcomes::asynq_rust(), load, repeat, number);
            cell.validity = Validity::Valid;
            cell.held = if holds { Held::Yes } else { Held::No("failures 3 %".into()) };
            outcome.cells.push(cell);
        }
    }
    outcome.plan.objective_holds = Some(48e3);
    let analysis = analyse(&outcome);
    let row = &analysis.groups[0].rows[0];
    assert_eq!(row.capacity, Capacity::Is { held: 41.5e3, failed: 45.3e3 });
    assert_eq!(row.capacities, [41.5e3, 41.5e3, 41.5e3, 41.5e3, 49.4e3]);
    assert!(!matches!(analysis.objectives[0].met, Met::Yes), "{:?}", analysis.objectives);
}

/// P99 of a class: what is not valid at the common load is no lowest, and what
/// lies below the pacing is lower than all that has a number.
#[test]
fn the_lowest_p99_is_that_of_a_valid_row() {
    let models = [outcomes::wheel(), outcomes::heap(), outcomes::tokio()];
    let outcome = outcomes::ramp_of(&models, &[1e3], 1);
    let told = |change: &dyn Fn(&mut schedbench_reports::outcome::Cell)| {
        let mut outcome = outcome.clone();
        for (cell, start) in outcome.cells.iter_mut().zip([2e-3, 3e-3, 6e-3]) {
            cell.held = Held::Yes;
            cell.validity = Validity::Valid;
            let (histogram, _) = outcomes::histogram(2_000, || Some(start));
            cell.histograms.insert("start_latency".into(), histogram);
            cell.metrics.retain(|name, _| !name.starts_with("start_latency"));
            change(cell);
        }
        analyse(&outcome).verdict[0].text.replace('\u{202f}', " ")
    };
    let all = told(&|_| {});
    assert!(all.contains("lowest for wheel, 2 ms, against heap, 3 ms"), "{all}");
    let disturbed = told(&|cell| {
        if cell.key.system == "wheel" {
            cell.validity = Validity::Disturbed("0.4 core of other work".into());
        }
    });
    assert!(disturbed.contains("lowest for heap, 3 ms, against tokio, 6 ms"), "{disturbed}");
    assert!(!disturbed.contains("2 ms"), "{disturbed}");
    assert!(disturbed.contains("wheel cannot be judged by any valid cell"), "{disturbed}");
}

/// The step of a search at a soak's rate is not averaged with the soak.
#[test]
fn a_long_window_stands_alone_at_its_rate() {
    let mut outcome = outcomes::ramp_of(&[outcomes::asynq_rust()], &[5e3, 10e3, 20e3], 1);
    let mut soak = outcomes::cell(&outcomes::asynq_rust(), Load::Rate(10e3), 2, 9);
    soak.window.duration_s = 1_800.0;
    soak.metrics.insert("pss.system".into(), schedbench_reports::outcome::Value::Is(261e6));
    outcome.cells.push(soak);
    let analysis = analyse(&outcome);
    let row = &analysis.groups[0].rows[0];
    let loads: Vec<f64> = row.points.iter().map(|point| point.load.amount()).collect();
    assert_eq!(loads, [5e3, 10e3, 20e3]);
    assert_eq!((row.points[1].n(), row.points[1].pss.number()), (1, Some(261e6)));
}

/// A delay at which nothing was held is named, not left out of the range.
#[test]
fn delays_without_a_figure_are_named() {
    let mut outcome = outcomes::delays();
    for cell in &mut outcome.cells {
        if cell.key.system == "redis-asynq" && cell.key.variant.as_deref() == Some("delay 60 s") {
            cell.held = Held::No("failures 12 %".into());
        }
    }
    let analysis = analyse(&outcome);
    let all: Vec<String> = analysis.verdict.iter().map(|one| one.text.clone()).collect();
    let told = |system: &str| {
        let named = all.iter().find(|text| text.contains("over 3 delays") && text.contains(system));
        named.unwrap_or_else(|| panic!("{all:?}")).clone()
    };
    assert!(told("redis-asynq").contains("(no figure at delay 60 s)"), "{all:?}");
    assert!(!told("wheel").contains("no figure"), "{all:?}");
}

/// What was measured decides; what a search skipped is held where more was.
#[test]
fn a_rate_that_was_measured_and_not_held_is_not_held() {
    use schedbench_reports::analysis::Met;

    let mut outcome = outcomes::ramp_of(&[outcomes::wheel()], &[1e3, 5e3, 10e3], 1);
    outcome.cells[1].held = Held::No("failures 0.4 %".into());
    let met = |outcome: &schedbench_reports::outcome::Outcome, holds| {
        let mut outcome = outcome.clone();
        outcome.plan.objective_holds = Some(holds);
        analyse(&outcome).objectives[0].met.clone()
    };
    assert_eq!(met(&outcome, 5e3), Met::No("not at 5k/s: failures 0.4 %".into()));
    assert_eq!(met(&outcome, 2e3), Met::Yes);
    outcome.cells.truncate(2);
    outcome.cells[0].validity = Validity::Disturbed("1 core".into());
    outcome.cells[0].held = Held::NotJudged("disturbed".into());
    let why = "no valid cell below 5k/s, which it does not hold";
    assert_eq!(met(&outcome, 1e3), Met::Unknown(why.into()));
}

/// What is not comparable is shown with its reason and is in no rank, no
/// common load and no sentence.
#[test]
fn what_is_not_comparable_is_shown_and_not_ranked() {
    let slow = outcomes::Model { capacity: 2e3, ..outcomes::go_timers() };
    let outcome = outcomes::ramp_of(&[outcomes::wheel(), slow], &[1e3, 5e3, 10e3], 1);
    let analysis = analyse(&outcome);
    let group = &analysis.groups[0];
    assert_eq!(group.common_load, Some(Load::Rate(10e3)), "the timers have no say in it");
    let timers = group.rows.iter().find(|row| row.system == "go-timers").expect("shown");
    assert_eq!(timers.rank, None);
    assert!(analysis.verdict.iter().all(|sentence| !sentence.text.contains("go-timers")));
    let page = schedbench_reports::html::render(&outcome);
    assert!(page.contains("not comparable: immediate tasks wait in no timer"));
    assert!(page.contains("go-timers"));
}

/// The limit at the first rate not held stands beside the capacity, also where
/// the client was it and the cell is not valid.
#[test]
fn the_limit_stands_beside_the_capacity() {
    let outcome = outcomes::wide();
    let analysis = analyse(&outcome);
    let limit = |system: &str, profile: &str| {
        let rows = || analysis.groups.iter().flat_map(|group| &group.rows);
        let row = rows().find(|row| row.system == system && row.profile == profile);
        row.and_then(|row| Some((row.beyond()?.limit.word(), row.beyond()?.load)))
    };
    assert_eq!(limit("celery", "late-ack"), Some(("workers", Load::Rate(5e3))));
    assert_eq!(limit("rabbitmq", "durable"), Some(("broker", Load::Rate(20e3))));
    assert_eq!(limit("kafka", "acks-all"), Some(("client", Load::Rate(100e3))));
    assert_eq!(limit("wheel", "default"), None);
}

/// Figures of a measurement that is not valid do not stand as if they were.
#[test]
fn a_row_without_a_valid_cell_says_so_at_its_figures() {
    let mut outcome = outcomes::ramp_of(&[outcomes::noop(), outcomes::wheel()], &[1e3, 5e3], 1);
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "noop") {
        cell.validity = Validity::Disturbed("1 core of other work".into());
        cell.held = Held::NotJudged("disturbed".into());
    }
    let analysis = analyse(&outcome);
    assert_eq!(analysis.groups[0].rows[0].not_valid, Some("disturbed"));
    assert_eq!(analysis.groups[0].rows[1].not_valid, None);
    let text = schedbench_reports::terminal::render(&outcome, &analysis, false, 120);
    let noop = text.lines().find(|line| line.contains("noop")).expect("a row");
    assert!(noop.contains(" µs *"), "{text}");
}

/// The latency that follows "holds" is of who holds, not of who held nothing.
#[test]
fn who_held_nothing_is_named_after_the_latency_of_who_holds() {
    use schedbench_reports::outcome::Held;

    let mut outcome = example::ramp();
    let wheel = outcome.systems[0].claims.clone();
    outcome.systems[1].claims = wheel;
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "redis-asynq") {
        cell.held = Held::No("failures 4 %".into());
    }
    let verdict = analyse(&outcome).verdict;
    let text = verdict[0].text.replace('\u{202f}', " ");
    let (holds, rest) = text.split_once("; ").expect("two parts");
    assert!(holds.contains("wheel holds at least 100k/s, at 100k/s with a P99"), "{text}");
    let why = "redis-asynq held none of the loads (at 10k/s: failures 4 %).";
    assert!(rest.starts_with(why), "{text}");
}

fn failed(outcome: &Outcome) -> Vec<Option<f64>> {
    let rows = analyse(outcome).groups.into_iter().flat_map(|group| group.rows);
    rows.map(|row| row.failed_10k.number()).collect()
}

#[test]
fn what_was_cut_short_before_anything_failed_does_not_say_that_nothing_does() {
    let mut outcome = example::ramp();
    let at_10k = outcome.cells.iter_mut().filter(|cell| cell.key.load == Load::Rate(10e3));
    for cell in at_10k {
        cell.validity = Validity::Incomplete("interrupted: SIGINT".into());
        cell.counts.window = WindowCounts { intended: 100, done: 100, ..WindowCounts::default() };
    }
    assert_eq!(failed(&outcome).iter().flatten().count(), 0);
    for cell in &mut outcome.cells {
        cell.counts.window.lost += 1;
        cell.counts.window.done = cell.counts.window.done.saturating_sub(1);
    }
    assert!(failed(&outcome).iter().flatten().count() > 0, "what failed is told all the same");
}
