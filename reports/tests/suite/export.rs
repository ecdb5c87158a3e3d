//! Exports: what scripts, summary pages and spreadsheets get.

use insta::{assert_json_snapshot, assert_snapshot};
use schedbench_reports::analysis::{Analysis, Sentence, Subject, analyse};
use schedbench_reports::export::{csv, json, json_schema, markdown};
use schedbench_reports::outcome::*;

use crate::example;

/// The ramp with fewer cells, so that a snapshot can be read.
fn short() -> Outcome {
    let mut outcome = example::ramp();
    outcome.cells.retain(|cell| cell.key.repeat != 2 && cell.key.load != Load::Rate(10e3));
    outcome.skipped = vec![Skipped {
        target: "kafka/acks-all".to_owned(),
        why: "no broker here".to_owned(),
        remedy: None,
    }];
    outcome
}

/// Its analysis, with a verdict whose words do not change with the verdict's.
fn analysed(outcome: &Outcome) -> Analysis {
    let mut analysis = analyse(outcome);
    analysis.verdict =
        vec![Sentence { text: "The wheel holds ≥ 100k/s.".to_owned(), about: Subject::Run }];
    analysis
}

#[test]
fn markdown_of_a_ramp() {
    assert_snapshot!(markdown(&short(), &analysed(&short())));
}

#[test]
fn markdown_takes_no_markup_from_names() {
    let mut outcome = short();
    let name = "a|b\n<img src=x onerror=y> [l](https://x) @all @10k *b* `c` \u{1b}[31m";
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "wheel") {
        cell.key.system = name.to_owned();
        cell.validity = Validity::Disturbed(name.to_owned());
    }
    outcome.systems[0].system = name.to_owned();
    outcome.ended = Ended::Interrupted(name.to_owned());
    let text = markdown(&outcome, &analyse(&outcome));
    for markup in ["<img", "l](", " [l", "@all", "@10k", "://", "\u{1b}", " *b*", " `c`"] {
        assert!(!text.contains(markup), "{markup} in {text}");
    }
    let table: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).collect();
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    for pair in table.windows(2).filter(|pair| !pair[1].contains("system")) {
        assert_eq!(columns(pair[0]), columns(pair[1]), "{pair:#?}");
    }
}

#[test]
fn csv_has_a_row_per_cell_and_metric() {
    let mut outcome = short();
    outcome.cells.truncate(3);
    outcome.cells[0].key.variant = Some("quoted \"twice\", and\nbroken".to_owned());
    outcome.cells[1].metrics.clear();
    outcome.cells[2]
        .metrics
        .insert("of tomorrow".to_owned(), Value::Unsupported("a, b".to_owned()));
    let text = csv(&outcome);
    assert!(text.ends_with("\r\n"));
    assert_snapshot!(text.replace("\r\n", "\n"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let metrics: usize = outcome.cells.iter().map(|cell| cell.metrics.len().max(1)).sum();
    assert_eq!(rows.len(), metrics);
    assert_eq!(&rows[0][7], "quoted \"twice\", and\nbroken");
}

#[test]
fn json_of_a_ramp() {
    let mut outcome = short();
    outcome.cells.retain(|cell| cell.key.load == Load::Rate(100e3) || cell.key.system != "noop");
    let text = json(&outcome, &analysed(&outcome));
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    // Two cells show the shape.
    value["cells"].as_array_mut().unwrap().truncate(2);
    assert_json_snapshot!(value);
}

#[test]
fn json_is_as_its_schema_says() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for outcome in example::every_variant() {
        let value = serde_json::from_str(&json(&outcome, &analyse(&outcome))).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    for (key, about) in schema["properties"].as_object().unwrap() {
        assert!(about.get("description").is_some(), "{key} is not described");
    }
}

#[test]
fn no_outcome_makes_an_export_panic() {
    let mut all = example::every_variant();
    all.push(example::outcome(vec![], vec![]));
    let mut odd = example::ramp();
    odd.run.elapsed_s = f64::NAN;
    for cell in &mut odd.cells {
        cell.key.load = Load::Rate(f64::NAN);
        cell.metrics.values_mut().for_each(|value| *value = Value::Is(f64::INFINITY));
        cell.histograms.clear();
    }
    all.push(odd);
    for outcome in all {
        let analysis = analyse(&outcome);
        let text = json(&outcome, &analysis);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        assert!(markdown(&outcome, &analysis).starts_with("## schedbench: "));
        assert!(csv(&outcome).starts_with("run,scenario,cell,"));
    }
}
