//! The published schema takes what is written.

use schedbench_reports::save::to_json;
use schedbench_reports::schema::result_schema;

use crate::example;

#[test]
fn every_variant_validates() {
    let schema = result_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for outcome in example::every_variant() {
        let value = serde_json::from_str(&to_json(&outcome)).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn it_refuses_what_is_no_outcome() {
    let validator = jsonschema::validator_for(&result_schema()).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&to_json(&example::ramp())).unwrap();
    value["cells"][0]["validity"] = "splendid".into();
    assert!(!validator.is_valid(&value));
    assert!(!validator.is_valid(&serde_json::json!({})));
}

#[test]
fn it_describes_every_field() {
    let schema = result_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for name in ["Cell", "Counts", "Window", "Run"] {
        for (field, about) in schema["$defs"][name]["properties"].as_object().unwrap() {
            let described = about.get("description").is_some();
            assert!(described || about.get("$ref").is_some(), "{name}.{field}");
        }
    }
}
