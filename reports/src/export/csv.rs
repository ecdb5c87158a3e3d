//! One row per cell and metric, in the manner of RFC 4180.

use crate::metrics::{Direction, Metric, Unit, find};
use crate::outcome::{Again, Cell, Held, Load, Outcome, Reading, Trial, Value};
use crate::save::writable;

/// The columns. `value` is empty and `why` says why where there is no figure;
/// `bound` is `is`, `at-least`, `at-most`, `not-measured` or `unsupported`, of
/// a fault's figures also `no-impact` or `not-steady`.
const COLUMNS: [&str; 18] = [
    "run",
    "scenario",
    "cell",
    "system",
    "profile",
    "load",
    "load_unit",
    "variant",
    "fault",
    "repeat",
    "validity",
    "held",
    "metric",
    "unit",
    "better",
    "bound",
    "value",
    "why",
];

/// The column that a trial has for itself: a cell may have several.
const FAULT: usize = 8;

/// Every metric of every cell, and every figure of every fault done to it. A
/// cell without metrics has one row, so that it is not lost. Numbers are in
/// base units and in full.
#[must_use]
pub fn csv(outcome: &Outcome) -> String {
    let outcome = &*writable(outcome);
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // A vector takes whatever is written; all rows have as many fields.
    let mut add = |row: [String; 18]| {
        let written = writer.write_record(row);
        debug_assert!(written.is_ok(), "{written:?}");
    };
    add(COLUMNS.map(str::to_owned));
    for cell in &outcome.cells {
        if cell.metrics.is_empty() {
            add(row(outcome, cell, [const { String::new() }; 6]));
        }
        for (name, value) in &cell.metrics {
            add(row(outcome, cell, figure(name, value)));
        }
        if !cell.trials.is_empty() {
            for figure in ran_again(cell.counts.again) {
                add(row(outcome, cell, figure));
            }
        }
        for trial in &cell.trials {
            for figure in of_trial(trial) {
                let mut row = row(outcome, cell, figure);
                row[FAULT].clone_from(&trial.fault);
                add(row);
            }
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn row(outcome: &Outcome, cell: &Cell, figure: [String; 6]) -> [String; 18] {
    let key = &cell.key;
    let (load, load_unit) = match key.load {
        Load::Rate(rate) => (rate.to_string(), "1/s"),
        Load::InFlight(tasks) => (tasks.to_string(), "tasks in flight"),
        Load::Backlog(tasks) => (tasks.to_string(), "tasks pending"),
    };
    let held = match cell.held {
        Held::Yes => "yes",
        Held::No(_) => "no",
        Held::NotJudged(_) => "not judged",
    };
    let [metric, unit, better, bound, value, why] = figure;
    [
        outcome.run.id.clone(),
        outcome.plan.scenario.clone(),
        cell.number.to_string(),
        key.system.clone(),
        key.profile.clone(),
        load,
        load_unit.to_owned(),
        key.variant.clone().unwrap_or_default(),
        key.trial_and_fault().unwrap_or_default(),
        key.repeat.to_string(),
        cell.validity.word().to_owned(),
        held.to_owned(),
        metric,
        unit,
        better,
        bound,
        value,
        why,
    ]
}

fn figure(name: &str, value: &Value) -> [String; 6] {
    let metric = find(name);
    let (bound, number, why) = match value {
        Value::Is(number) => ("is", Some(number), ""),
        Value::AtLeast(number) => ("at-least", Some(number), ""),
        Value::AtMost(number) => ("at-most", Some(number), ""),
        Value::NotMeasured(why) => ("not-measured", None, why.as_str()),
        Value::Unsupported(why) => ("unsupported", None, why.as_str()),
    };
    [
        name.to_owned(),
        metric.map_or("", |metric| metric.unit.symbol()).to_owned(),
        better(metric).to_owned(),
        bound.to_owned(),
        number.map_or_else(String::new, f64::to_string),
        why.to_owned(),
    ]
}

fn better(metric: Option<&Metric>) -> &'static str {
    metric.map_or("", |metric| match metric.direction {
        Direction::Higher => "higher",
        Direction::Lower => "lower",
        Direction::Neither => "",
    })
}

/// A trial's readings, as `fault.` and their name, and its counts.
fn of_trial(trial: &Trial) -> Vec<[String; 6]> {
    let mut rows: Vec<[String; 6]> = Vec::new();
    let mut add = |name: &str, unit: Unit, better: &str, bound: &str, value: String, why: &str| {
        let name = format!("fault.{name}");
        rows.push([name, unit.symbol().to_owned(), better.into(), bound.into(), value, why.into()]);
    };
    for (name, reading) in &trial.readings {
        let known = find(name);
        let unit = known.map_or(Unit::Number, |metric| metric.unit);
        let better = better(known);
        let (bound, why) = match reading {
            Reading::Is(_) => ("is", ""),
            Reading::MoreThan(_) => ("at-least", ""),
            Reading::NoImpact => ("no-impact", ""),
            Reading::NotSteady(why) => ("not-steady", why.as_str()),
            Reading::NotMeasured(why) => ("not-measured", why.as_str()),
        };
        let value = reading.number().map_or_else(String::new, |number| number.to_string());
        add(name, unit, better, bound, value, why);
    }
    add("lost", Unit::Tasks, "lower", "is", trial.lost.to_string(), "");
    add("exposed", Unit::Tasks, "", "is", trial.exposed.to_string(), "");
    rows
}

/// Tasks of a cell with trials that completed more than once, by who did it.
fn ran_again(again: Again) -> [[String; 6]; 3] {
    [
        ("redelivered", again.redelivered),
        ("sent_again", again.sent_again),
        ("not_told_apart", again.not_told),
    ]
    .map(|(name, n)| {
        let unit = Unit::Tasks.symbol().to_owned();
        let name = format!("fault.{name}");
        [name, unit, "lower".to_owned(), "is".to_owned(), n.to_string(), String::new()]
    })
}
