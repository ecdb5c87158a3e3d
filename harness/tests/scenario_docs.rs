//! `docs/scenarios.md` and the JSON schema say what the program reads.

use std::path::Path;

use schedbench::scenario::{BUILT_IN, Scenario};
use serde_json::Value;

#[test]
fn the_reference_of_scenarios_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md");
    let made = Scenario::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/scenarios.md is not what the schema says; to make it again:\n  \
         UPDATE_DOCS=1 cargo test -p schedbench --test scenario_docs"
    );
}

#[test]
fn every_field_is_described() {
    fn look(value: &Value, at: &str) {
        let Some(object) = value.as_object() else { return };
        let fields = value["properties"].as_object();
        for (name, field) in fields.into_iter().flatten() {
            // The one key of a kind of delay or work: the kind is described.
            let is_kind =
                value["description"].is_string() && fields.map(|all| all.len()) == Some(1);
            assert!(field["description"].is_string() || is_kind, "{at}.{name} has no doc comment");
        }
        object.iter().for_each(|(name, inner)| look(inner, &format!("{at}.{name}")));
    }
    look(&Scenario::schema(), "");
    assert!(!Scenario::reference().contains("|  |  |  |"), "a field without a word on it");
}

/// The schema is for editors: it must not mark as wrong what the program takes.
#[test]
fn the_schema_takes_the_built_in_scenarios_and_refuses_slips() {
    let schema = jsonschema::validator_for(&Scenario::schema()).unwrap();
    for built_in in BUILT_IN {
        let parsed: toml::Table = built_in.text.parse().unwrap();
        let value = serde_json::to_value(parsed).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", built_in.name);
    }
    for (load, what) in [
        (r#"{"rates": ["1k"], "duration": "10 sek"}"#, "unit"),
        (r#"{"rats": ["1k"]}"#, "key"),
        (r#"{"rates": ["1k"], "duration": 10}"#, "duration without a unit"),
        (r#"{"mode": "opne"}"#, "mode"),
    ] {
        let text =
            format!(r#"{{"name": "x", "summary": "x", "systems": ["wheel"], "load": {load}}}"#);
        let value = serde_json::from_str(&text).unwrap();
        assert!(!schema.is_valid(&value), "the schema takes a wrong {what}");
    }
}
