//! `result.json`: what was written is read; anything else gives one error.

use std::sync::LazyLock;

use proptest::prelude::*;
use schedbench_reports::load::{Fault, parse, read};
use schedbench_reports::outcome::{Outcome, Value};
use schedbench_reports::save::{to_json, write_atomically};

use crate::example;

fn fault(bytes: impl AsRef<[u8]>) -> Fault {
    parse(bytes.as_ref()).expect_err("this is no outcome").fault
}

fn changed(from: &str, to: &str) -> String {
    let text = to_json(&example::ramp());
    assert!(text.contains(from), "{from} is not in the text");
    text.replacen(from, to, 1)
}

#[test]
fn what_was_written_is_read_and_written_again_alike() {
    for outcome in example::every_variant() {
        let text = to_json(&outcome);
        let again = parse(text.as_bytes()).unwrap();
        assert_eq!(again, outcome);
        assert_eq!(to_json(&again), text);
    }
}

#[test]
fn a_cell_from_before_there_were_trials_has_none() {
    let text = to_json(&example::ramp());
    assert!(!text.contains("\"trial\""), "what has none does not say so");
    let named = changed("\"fault\": null,", "\"fault\": null, \"trial\": \"control\",");
    let outcome = parse(named.as_bytes()).unwrap();
    let trials: Vec<_> = outcome.cells.iter().map(|cell| cell.key.trial.as_deref()).collect();
    assert_eq!(trials[..2], [Some("control"), None]);
}

#[test]
fn the_text_is_indented_and_keeps_series_on_one_line() {
    let text = to_json(&example::ramp());
    assert!(text.starts_with("{\n  \"schema_version\": 2,\n  \"run\": {\n    \"id\": \"7f3a\","));
    assert!(text.contains("\"throughput\": [10000.0, 0.30000000000000004, null]\n"), "{text}");
    assert!(text.contains("\"skipped\": [],\n"));
    assert!(text.ends_with("\"ended\": \"complete\"\n}\n"));
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

#[test]
fn metrics_that_are_no_number_say_so() {
    let mut outcome = example::ramp();
    let metrics = &mut outcome.cells[0].metrics;
    metrics.insert("throughput".to_owned(), Value::Is(f64::NAN));
    metrics.insert("failure_rate".to_owned(), Value::AtLeast(f64::INFINITY));
    outcome.cells[0].series.columns.insert("p99".to_owned(), vec![Some(f64::NAN)]);
    let read = parse(to_json(&outcome).as_bytes()).unwrap();
    let metrics = &read.cells[0].metrics;
    assert_eq!(metrics["throughput"], Value::NotMeasured("came out as NaN".to_owned()));
    assert_eq!(metrics["failure_rate"], Value::NotMeasured("came out as inf".to_owned()));
    assert_eq!(read.cells[0].series.columns["p99"], [None]);
}

#[test]
fn an_empty_file_is_called_empty() {
    assert!(matches!(fault(""), Fault::Empty));
    assert!(matches!(fault(" \n\t"), Fault::Empty));
}

#[test]
fn what_is_no_json_says_where() {
    let html = fault("<!doctype html>");
    assert_eq!(html.to_string(), "not JSON at line 1, column 1: expected value");
    let twice = to_json(&example::ramp()).repeat(2);
    assert!(matches!(fault(twice), Fault::NotJson { .. }));
    let comma = fault("{\n  \"schema_version\": 2,,\n}");
    assert_eq!(comma.to_string(), "not JSON at line 2, column 23: key must be a string");
    assert!(matches!(fault(b"{\"schema_version\": \xff\xfe}"), Fault::NotJson { .. }));
}

#[test]
fn foreign_json_is_called_foreign() {
    for other in ["[]", "3", "null", "\"text\"", "[1, {}]"] {
        assert_eq!(
            fault(other).to_string(),
            "JSON, but no outcome of schedbench: it holds no object"
        );
    }
    assert_eq!(
        fault("{\"dependencies\": {}}").to_string(),
        "JSON, but no outcome of schedbench: it has no schema_version"
    );
    for version in ["0", "-1", "1.5", "\"one\"", "{}"] {
        let said = fault(format!("{{\"schema_version\": {version}}}")).to_string();
        assert_eq!(
            said,
            format!("JSON, but no outcome of schedbench: its schema_version is {version}")
        );
    }
}

#[test]
fn a_newer_schema_names_its_writer() {
    let newer = r#"{"schema_version": 3, "run": {"tool": "1.4.0"}, "cells": "moved"}"#;
    assert_eq!(
        fault(newer).to_string(),
        "written by schedbench 1.4.0, schema 3; this one reads up to 2; \
         a newer schedbench can read it"
    );
    assert!(fault(r#"{"schema_version": 4, "run": 7}"#).to_string().contains("schema 4"));
    let older = r#"{"schema_version": 1, "run": {"tool": "0.0.9"}, "cells": "moved"}"#;
    assert_eq!(
        fault(older).to_string(),
        "written by schedbench 0.0.9, schema 1; this one reads schema 2 only: \
         run it again, or read it with the schedbench that wrote it"
    );
}

#[test]
fn a_cut_file_is_called_cut() {
    let text = to_json(&example::ramp());
    let half = fault(&text[..text.len() / 2]);
    assert!(matches!(half, Fault::CutOff { .. }), "{half}");
    assert!(half.to_string().starts_with("cut off at line "), "{half}");
    // The parser calls these "invalid number".
    for number in ["-", "1.", "2e", "2e+", "12"] {
        let cut = fault(format!("{{\n  \"schema_version\": {number}"));
        assert!(matches!(cut, Fault::CutOff { line: 2, .. }), "{number}: {cut}");
    }
    let at = text.find("711.25").unwrap() + "711.".len();
    assert!(matches!(fault(&text[..at]), Fault::CutOff { .. }));
    for wrong in ["{\"schema_version\": 1.x}", "{\"a\": -\n}", "{\"a\": 1.,\n\"b\": 2"] {
        assert!(matches!(fault(wrong), Fault::NotJson { .. }), "{wrong}");
    }
}

#[test]
fn a_wrong_type_says_its_path() {
    let said = fault(changed("\"balances\": true", "\"balances\": \"yes\"")).to_string();
    assert!(said.starts_with("damaged at cells[0].counts.balances (line "), "{said}");
    assert!(said.ends_with("invalid type: string \"yes\", expected a boolean"), "{said}");
    let said = fault(changed("\"seed\": 18446744073709551615", "\"seed\": -1")).to_string();
    assert!(said.starts_with("damaged at plan.seed"), "{said}");
    let said = fault(changed("\"valid\"", "\"splendid\"")).to_string();
    assert!(said.starts_with("damaged at cells[0].validity"), "{said}");
    let said = fault(changed("\"ended\":", "\"begun\":")).to_string();
    assert!(
        said.contains("damaged at the top") && said.contains("missing field `ended`"),
        "{said}"
    );
}

#[test]
fn a_number_that_is_none_says_its_place() {
    let null = fault(changed("\"elapsed_s\": 711.25", "\"elapsed_s\": null"));
    assert!(null.to_string().starts_with("no finite number at run.elapsed_s"), "{null}");
    let huge = fault(changed("\"elapsed_s\": 711.25", "\"elapsed_s\": 1e999"));
    assert!(matches!(huge, Fault::NotFinite { .. }), "{huge}");
    let nan = fault(changed("\"elapsed_s\": 711.25", "\"elapsed_s\": NaN"));
    assert!(matches!(nan, Fault::NotJson { .. }), "{nan}");
}

#[test]
fn depth_is_bounded() {
    for deep in [
        "[".repeat(1_000_000),
        format!("{{\"schema_version\": {}", "[".repeat(1_000_000)),
        format!("{{\"run\": {}", "{\"a\":".repeat(1_000_000)),
        format!("{{\"new\": {}", "[".repeat(1_000_000)),
    ] {
        parse(deep.as_bytes()).unwrap_err();
    }
}

#[test]
fn errors_of_a_file_name_it_and_no_control_characters_pass() {
    let dir = tempfile::tempdir().unwrap();
    let file =
        write_atomically(dir.path(), "result.json", b"{\"schema_version\": \"\\u001b[31m\"}");
    let said = read(&file.unwrap()).unwrap_err().to_string();
    assert!(said.contains("result.json: JSON, but"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let said = read(dir.path()).unwrap_err().to_string();
    assert!(said.contains("cannot be read"), "{said}");
    let said = read(&dir.path().join("none.json")).unwrap_err().to_string();
    assert!(said.contains("none.json: cannot be read"), "{said}");
}

#[test]
fn a_file_is_replaced_whole_and_leaves_no_part() {
    let dir = tempfile::tempdir().unwrap();
    write_atomically(dir.path(), "result.json", b"old").unwrap();
    let file = write_atomically(dir.path(), "result.json", b"new").unwrap();
    assert_eq!(std::fs::read(file).unwrap(), b"new");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    for name in ["", ".", "..", "a/b", "/etc/x"] {
        assert!(write_atomically(dir.path(), name, b"x").is_err(), "{name}");
    }
    assert!(write_atomically(&dir.path().join("none"), "a", b"x").is_err());
    std::fs::create_dir(dir.path().join("taken")).unwrap();
    assert!(write_atomically(dir.path(), "taken", b"x").is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

fn parsed(bytes: &[u8]) -> Option<Outcome> {
    match parse(bytes) {
        Ok(outcome) => Some(outcome),
        Err(error) => {
            let said = error.to_string();
            assert!(!said.is_empty() && !said.contains('\n') && said.len() < 2_000, "{said}");
            None
        }
    }
}

/// Outcomes are dear to make, and proptest wants many.
static TEXT: LazyLock<String> = LazyLock::new(|| to_json(&example::every_variant()[2]));

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(parsed(&bytes).is_none());
    }

    #[test]
    fn random_json_never_panics(text in "\\{\"schema_version\":2,[\\[\\]{}\",:a-e0-9\\-\\\\ ]{0,60}") {
        prop_assert!(parsed(text.as_bytes()).is_none());
    }

    #[test]
    fn a_truncated_file_is_never_read(cut in 0.0..1.0_f64) {
        let text = TEXT.as_str();
        let whole = text.trim_end().len();
        let cut = (whole as f64 * cut) as usize;
        prop_assert!(parsed(&text.as_bytes()[..cut]).is_none());
    }

    #[test]
    fn a_mutated_file_never_panics(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        insert in any::<bool>(),
    ) {
        let mut bytes = TEXT.clone().into_bytes();
        for (place, byte) in places {
            let place = place.index(bytes.len());
            if insert { bytes.insert(place, byte) } else { bytes[place] = byte }
        }
        if let Some(outcome) = parsed(&bytes) {
            prop_assert_eq!(parsed(to_json(&outcome).as_bytes()), Some(outcome));
        }
    }

    #[test]
    fn numbers_come_back_to_the_last_bit(number in proptest::num::f64::NORMAL) {
        let mut outcome = example::outcome(vec![], vec![]);
        outcome.run.elapsed_s = number;
        prop_assert_eq!(parsed(to_json(&outcome).as_bytes()), Some(outcome));
    }
}
