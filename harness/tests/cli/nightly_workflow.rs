//! The workflow that runs `scripts/nightly`, as far as its text can tell.

use std::fs;

use schedbench::scenario::BUILT_IN;
use serde_json::Value;

use crate::nightly::root;

fn workflow() -> Value {
    let text = fs::read_to_string(root().join(".github/workflows/nightly.yml")).expect("a file");
    serde_saphyr::from_str(&text).expect("YAML")
}

/// Of all of its jobs.
fn steps(workflow: &Value) -> impl Iterator<Item = &Value> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    jobs.values().flat_map(|job| job["steps"].as_array().expect("steps"))
}

/// What it says about itself: pinned actions, few rights, and no step of its own.
#[test]
fn the_workflow_only_calls_the_script() {
    let workflow = workflow();
    assert_eq!(workflow["permissions"], serde_json::json!({ "contents": "read" }));
    let mut ran = Vec::new();
    for step in steps(&workflow) {
        if let Some(action) = step["uses"].as_str() {
            let (_, digest) = action.split_once('@').expect("a version");
            assert!(
                digest.len() == 40 && digest.bytes().all(|b| b.is_ascii_hexdigit()),
                "{action}"
            );
        } else {
            ran.push(step["run"].as_str().expect("a command").to_owned());
        }
    }
    // The jobs by their names.
    let expected = ["advisories", "prepare", "measure", "gate", "publish"];
    assert_eq!(ran, expected.map(|step| format!("scripts/nightly {step}")));
}

/// A night that failed is the one that somebody wants to read; and its trend goes on.
#[test]
fn the_workflow_keeps_what_a_failed_night_left() {
    let workflow = workflow();
    let of = |what: &str| {
        let is_it = |step: &&Value| {
            let mut named = [&step["run"], &step["uses"]].into_iter().filter_map(Value::as_str);
            named.any(|name| name.contains(what))
        };
        let found: Vec<&Value> = steps(&workflow).filter(is_it).collect();
        let [only] = found.as_slice() else { panic!("{what}: {found:?}") };
        *only
    };
    let restored = of("actions/cache/restore@");
    let (published, saved, uploaded) =
        (of("scripts/nightly publish"), of("actions/cache/save@"), of("actions/upload-artifact@"));
    for step in [published, saved, uploaded] {
        let condition = step["if"].as_str().unwrap_or_default();
        assert!(["always()", "${{ always() }}"].contains(&condition), "{step}");
    }
    // Where the script has its state, and under a key that the next night finds.
    for step in [restored, saved] {
        assert_eq!(step["with"]["path"], "target/nightly/state", "{step}");
        let key = step["with"]["key"].as_str().expect("a key");
        assert!(key.starts_with("nightly-state-") && key.contains("github.run_id"), "{key}");
    }
    assert_eq!(restored["with"]["restore-keys"], "nightly-state-");
    let paths = uploaded["with"]["path"].as_str().expect("paths");
    assert_eq!(paths.lines().collect::<Vec<_>>(), ["target/nightly/report", "target/nightly/runs"]);
}

/// The script's own list, in the workflow twice: as what a person is offered,
/// and as what a night has that nobody started.
#[test]
fn a_night_measures_the_same_scenarios_wherever_it_runs() {
    let script = fs::read_to_string(root().join("scripts/nightly")).expect("a file");
    let list = script.split_once("scenarios=${NIGHTLY_SCENARIO:-").expect("a default").1;
    let list = list.split_once('}').expect("its end").0;
    assert_eq!(list, "nightly,nightly-faults");
    for name in list.split(',') {
        assert!(BUILT_IN.iter().any(|built_in| built_in.name == name), "{name}");
    }
    let workflow = workflow();
    assert_eq!(workflow["on"]["workflow_dispatch"]["inputs"]["scenario"]["default"], list);
    let set = format!("${{{{ inputs.scenario || '{list}' }}}}");
    assert_eq!(workflow["env"]["NIGHTLY_SCENARIO"], set);
}
