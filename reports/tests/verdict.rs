//! The sentences of the verdict and the model of the table, read as text.

mod example;
mod outcomes;

use schedbench_reports::analysis::{Analysis, analyse};
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{Medium, load, short};
use schedbench_reports::outcome::{Held, Load, Validity};

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
    assert!(rest.starts_with("redis-asynq held none of the loads."), "{text}");
}
