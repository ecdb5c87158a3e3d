//! `check`: the plan of every built-in scenario, without running it.

use schedbench_reports::claims::article;
use serde_json::Value;

use crate::place::{Place, small};

#[test]
fn of_every_built_in_scenario() {
    let place = Place::new();
    for name in ["quick", "ramp", "ramp-inflight", "delays", "capacity", "soak"] {
        let text = place.says(&["check", name]).ends(0);
        assert_eq!(text.stderr, "");
        assert!(text.stdout.contains("noop") && text.stdout.contains("wheel"), "{}", text.stdout);
        let plan = place.says(&["check", name, "--json"]).ends(0);
        let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
        assert_eq!(plan["scenario"], name);
        let blocks = plan["blocks"].as_array().expect("blocks");
        assert_eq!(blocks.first().expect("a block")["system"], "noop");
        assert!(plan["estimate"]["cells"].as_u64() > Some(0));
        assert!(plan["estimate"]["measuring_s"].as_f64() > Some(0.0));
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn changes_from_the_command_line_are_in_the_plan() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"wheel\""));
    let check = |more: &[&str]| -> Value {
        let args = ["check", scenario.to_str().expect("UTF-8"), "--json"];
        serde_json::from_str(&place.says(&[&args[..], more].concat()).ends(0).stdout).expect("JSON")
    };
    let plain = check(&[]);
    assert_eq!(plain["estimate"]["cells"], 4);
    let changed = check(&[
        "--systems",
        "heap,wheel/1us",
        "--rate",
        "2k",
        "--duration",
        "1s",
        "--repeats",
        "3",
        "--seed",
        "9",
        "--set",
        "task.body=1 KiB",
        "--warmup",
        "10ms",
        "--pacing",
        "grid",
    ]);
    assert_eq!(changed["estimate"]["cells"], 9, "noop, heap and wheel, three times each");
    assert_eq!((&changed["seed"], &changed["repeats"]), (&9.into(), &3.into()));
    assert_eq!(changed["pacing"], "grid");
    let cell = &changed["blocks"][0]["steps"][0]["cell"];
    assert_eq!(cell["body_bytes"], 1_024);
    assert_eq!(cell["load"]["stages"][0]["rate"], 2_000.0);
    assert_ne!(changed["hash"], plain["hash"]);
    assert_eq!(check(&["--seed", "9"])["hash"], plain["hash"], "a seed is no other measurement");
}

/// What the article's claims say would measure them can be run, and does to its
/// systems what the claims are set beside: of a cluster `node` is the leader.
#[test]
fn of_every_command_that_a_claim_names() {
    let place = Place::new();
    for claim in &article().claims {
        let Some(run) = &claim.run else { continue };
        let args: Vec<&str> =
            ["check"].into_iter().chain(run.split_whitespace()).chain(["--json"]).collect();
        let plan = place.says(&args).ends(0);
        let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
        let done = plan["faults"].as_array().expect("a list");
        let hurts: Vec<_> = claim.against.iter().filter_map(|one| one.fault.as_ref()).collect();
        let is_meant = |done: &Value| {
            let is =
                |names: &[String], word: &Value| names.iter().any(|name| word == name.as_str());
            hurts.iter().any(|hurt| is(&hurt.kinds, &done["kind"]) && is(&hurt.on, &done["on"]))
        };
        assert!(hurts.is_empty() || done.iter().any(is_meant), "{}: {run}: {done:?}", claim.id);
    }
}
