//! The end of a run, as the terminal shows it.

use std::sync::LazyLock;

use insta::assert_snapshot;
use proptest::prelude::*;
use schedbench_contract::DurabilityClass;
use schedbench_reports::analysis::analyse;
use schedbench_reports::outcome::*;
use schedbench_reports::terminal::render;
use unicode_width::UnicodeWidthStr as _;

use crate::example;

fn shown(outcome: &Outcome, width: usize) -> String {
    render(outcome, &analyse(outcome), false, width)
}

fn delays() -> Outcome {
    let mut cells = Vec::new();
    for (variant, ns) in [("delay 10 ms", 400_000.0), ("delay 1 s", 2_300_000.0)] {
        for system in ["wheel", "redis-asynq/everysec"] {
            for rate in [1_000.0, 10_000.0] {
                let mut cell = example::cell(system, rate, 1, rate, Value::Is(ns * 1e-9), 0.0);
                cell.key.variant = Some(variant.to_owned());
                let firing = cell.histograms.remove("start_latency").unwrap();
                cell.histograms.insert("firing_error".to_owned(), firing);
                cell.counts.early = if system == "wheel" { 0 } else { 1_234 };
                cells.push(cell);
            }
        }
    }
    let mut outcome = example::ramp();
    outcome.cells = cells;
    outcome
}

fn in_flight() -> Outcome {
    let mut outcome = example::ramp();
    outcome.cells.truncate(9);
    let amounts = [1_000, 5_000, 10_000, 50_000, 100_000];
    let systems = ["noop", "wheel", "redis-asynq/everysec"];
    outcome.cells = systems
        .iter()
        .flat_map(|system| amounts.map(|amount| (system, amount)))
        .map(|(system, amount)| {
            let done = if *system == "noop" { 1_200_000.0 } else { 48_321.0 };
            let mut cell = example::cell(system, 48_000.0, 1, done, Value::Is(0.1), 0.0);
            cell.key.load = Load::InFlight(amount);
            cell.held = Held::NotJudged("in flight".to_owned());
            if *system == "wheel" && amount == 100_000 {
                cell.validity = Validity::Incomplete("did not turn over".to_owned());
            }
            cell
        })
        .collect();
    outcome
}

fn faults() -> Outcome {
    let mut outcome = example::ramp();
    outcome.cells.retain(|cell| cell.key.system == "redis-asynq");
    for cell in &mut outcome.cells {
        cell.key.fault = Some("kill broker at 3 s for 2 s".to_owned());
        cell.trials = vec![example::trial("kill broker at 3 s for 2 s")];
        cell.validity = Validity::Valid;
        cell.counts.lost = if cell.key.load == Load::Rate(100e3) { 1_204 } else { 0 };
        cell.counts.repeated = 12;
        cell.counts.residual = if cell.key.load == Load::Rate(50e3) { 3 } else { 0 };
    }
    outcome
}

#[test]
fn a_ramp_on_a_wide_terminal() {
    assert_snapshot!(shown(&example::ramp(), 120));
}

#[test]
fn a_ramp_at_80_columns() {
    assert_snapshot!(shown(&example::ramp(), 80));
}

#[test]
fn a_ramp_at_40_columns() {
    assert_snapshot!(shown(&example::ramp(), 40));
}

#[test]
fn colour_is_only_added() {
    let outcome = example::ramp();
    let coloured = render(&outcome, &analyse(&outcome), true, 100);
    assert_snapshot!(coloured.replace('\u{1b}', "␛"));
    let mut plain = coloured;
    while let Some(start) = plain.find('\u{1b}') {
        let end = start + plain[start..].find('m').unwrap();
        plain.replace_range(start..=end, "");
    }
    assert_eq!(plain, shown(&outcome, 100));
}

#[test]
fn delayed_tasks_have_a_table_of_firing_errors() {
    assert_snapshot!(shown(&delays(), 80));
}

#[test]
fn in_flight_shows_throughput_only() {
    assert_snapshot!(shown(&in_flight(), 80));
}

#[test]
fn in_flight_breaks_into_tables_when_narrow() {
    assert_snapshot!(shown(&in_flight(), 50));
}

#[test]
fn faults_count_trials() {
    assert_snapshot!(shown(&faults(), 80));
}

/// Also a control, which has no fault and is set beside no other cells.
#[test]
fn a_trial_goes_by_its_name() {
    let mut outcome = faults();
    for cell in &mut outcome.cells {
        cell.key.trial = Some("standstill".to_owned());
        if cell.key.load == Load::Rate(10e3) {
            (cell.key.trial, cell.key.fault) = (Some("control".to_owned()), None);
            for trial in &mut cell.trials {
                trial.fault = "no fault, as a control, at 3 s for 2 s".to_owned();
            }
        }
    }
    let text = shown(&outcome, 80);
    assert!(text.contains("standstill: kill broker at 3 s for 2 s"), "{text}");
    // Nothing is hurt in a control, so that nothing is promised there.
    assert!(!text.contains("control: promised"), "{text}");
}

#[test]
fn an_interrupted_run_says_so() {
    let mut outcome = example::ramp();
    outcome.cells.truncate(4);
    outcome.ended = Ended::Interrupted("SIGINT".to_owned());
    outcome.skipped = vec![Skipped {
        target: "kafka/acks-all".to_owned(),
        why: "no broker here".to_owned(),
        remedy: Some("scripts/setup kafka".to_owned()),
    }];
    assert_snapshot!(shown(&outcome, 80));
}

#[test]
fn much_that_went_wrong_is_counted() {
    let mut outcome = example::ramp();
    for (place, cell) in outcome.cells.iter_mut().enumerate() {
        match place % 4 {
            0 => cell.validity = Validity::GeneratorLimited("lateness P99 3.1 ms".to_owned()),
            1 => {
                cell.validity = Validity::Unbalanced("12 tasks too many".to_owned());
                cell.counts.balances = false;
            }
            2 => {
                cell.validity = Validity::Incomplete("the broker died".to_owned());
                cell.error = Some(CellError {
                    message: "broker died 1.2 s after it started (exit 1)".to_owned(),
                    log: vec![],
                });
            }
            _ => {}
        }
    }
    assert_snapshot!(shown(&outcome, 80));
}

#[test]
fn nothing_measured_is_said() {
    let mut outcome = example::outcome(vec![], vec![]);
    outcome.ended = Ended::Failed("no worker came up".to_owned());
    assert_snapshot!(shown(&outcome, 80));
}

#[test]
fn other_loads_get_their_own_columns() {
    let mut outcome = example::ramp();
    for cell in &mut outcome.cells {
        cell.key.load = Load::Rate(cell.key.load.amount() / 20.0);
    }
    assert_snapshot!(shown(&outcome, 80));
}

/// What a person cannot foresee: names from a damaged or hostile file.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        Just("\u{1b}[2J\nname".to_owned()),
        Just("漢字".repeat(30)),
        Just(String::new()),
        Just("x".repeat(500)),
    ]
}

/// Outcomes are dear to make, and proptest wants many.
static SAMPLES: LazyLock<[Outcome; 5]> = LazyLock::new(|| {
    let every = example::every_variant().remove(2);
    [example::ramp(), delays(), in_flight(), faults(), every]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_line_is_wider_than_the_terminal(
        name in hostile(), variant in hostile(), width in 0_usize..200, pick in 0_usize..5,
    ) {
        let mut outcome = SAMPLES[pick].clone();
        outcome.systems[0].system.clone_from(&name);
        outcome.systems[1].worker_runtime.clone_from(&variant);
        outcome.ended = Ended::Failed(variant.clone());
        for cell in &mut outcome.cells {
            if cell.key.system == "wheel" {
                cell.key.system.clone_from(&name);
            } else if cell.key.variant.is_some() {
                cell.key.variant = Some(variant.clone());
            } else if let Validity::Disturbed(why) = &mut cell.validity {
                why.clone_from(&name);
            }
        }
        let text = shown(&outcome, width);
        prop_assert_eq!(text.matches('\u{1b}').count(), 0);
        for line in text.lines() {
            prop_assert!(line.width() <= width.max(40), "{} > {width}: {line:?}", line.width());
        }
    }

    #[test]
    fn no_number_makes_it_panic(numbers in prop::collection::vec(any::<f64>(), 12)) {
        let mut outcome = SAMPLES[4].clone();
        for (cell, number) in outcome.cells.iter_mut().zip(numbers.iter().cycle()) {
            cell.key.load = Load::Rate(*number);
            cell.window.horizon_s = *number;
            cell.window.duration_s = *number;
            cell.metrics.values_mut().for_each(|value| *value = Value::Is(*number));
            cell.counts.window.intended = u64::MAX;
            cell.counts.window.late = u64::MAX;
            cell.counts.window.lost = u64::MAX;
        }
        prop_assert!(!shown(&outcome, 80).is_empty());
    }
}

#[test]
fn every_class_has_its_heading() {
    for outcome in example::every_variant() {
        let text = shown(&outcome, 80);
        assert!(!text.is_empty());
    }
    let mut outcome = example::ramp();
    outcome.systems[1].claims.durability = DurabilityClass::PowerLoss;
    assert!(shown(&outcome, 80).contains("survives power loss (configured, not verified)"));
}
