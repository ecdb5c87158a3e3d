//! The verbs that run nothing, as a person calls them.

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

fn schedbench(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("schedbench").unwrap().args(args).env("COLUMNS", "80").assert()
}

fn stdout(args: &[&str]) -> String {
    let done = schedbench(args).success().stderr("");
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

#[test]
fn list_names_systems_profiles_claims_and_scenarios() {
    let listed = stdout(&["list"]);
    for word in ["noop", "wheel", "tick-100ms", "class I", "redis-asynq", "ramp-inflight"] {
        assert!(listed.contains(word), "{word} is not in\n{listed}");
    }
    assert!(!listed.contains("fake"), "a system for tests is listed");
    assert!(listed.lines().all(|line| line.chars().count() <= 80), "{listed}");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["list", "--format", "json"])).unwrap();
    assert_eq!(json["systems"][0]["name"], "noop");
    assert_eq!(json["systems"][1]["profiles"][0]["claims"]["durability"], "in-process");
    assert_eq!(json["scenarios"][0]["name"], "quick");
}

#[test]
fn a_listed_scenario_can_be_checked_as_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml").display().to_string();
    std::fs::write(&file, stdout(&["list", "quick"])).unwrap();
    assert_eq!(stdout(&["check", &file]), stdout(&["check", "quick"]));
}

#[test]
fn check_prints_the_plan() {
    insta::assert_snapshot!(stdout(&[
        "check",
        "quick",
        "--systems",
        "wheel,heap",
        "--repeats",
        "2",
        "--warmup",
        "50ms",
        "--set",
        "task.delay={fixed=\"10 ms\"}",
    ]));
}

#[test]
fn check_prints_what_is_demanded() {
    let args = ["check", "quick", "--set", "objectives=lost == 0, p99<50ms at 20k of wheel"];
    let text = stdout(&args);
    let lines = "objectives     lost == 0\n               p99<50ms at 20k of wheel\n";
    assert!(text.contains(lines), "{text}");
    let json = stdout(&[&args[..], &["--json"]].concat());
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    let demand = &plan["objectives"][1];
    assert_eq!(
        (&demand["metric"], &demand["comparison"]),
        (&"start_latency.p99".into(), &"<".into())
    );
    assert_eq!((&demand["bound"], &demand["at"]["load"]["rate"]), (&0.05.into(), &20_000.0.into()));
    // What is demanded decides nothing of what is measured.
    let without: serde_json::Value =
        serde_json::from_str(&stdout(&["check", "quick", "--json"])).unwrap();
    assert_eq!(plan["hash"], without["hash"]);
}

#[test]
fn check_prints_the_plan_for_machines() {
    let text = stdout(&["check", "quick", "--json", "--loads", "5k"]);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plan["blocks"].as_array().unwrap().len(), 15);
    assert_eq!(plan["blocks"][0]["system"], "noop");
    assert_eq!(plan["blocks"][0]["steps"][0]["cell"]["load"]["stages"][0]["rate"], 5000.0);
    assert_eq!(plan["overrides"][0], "load.rates=5k");
}

#[test]
fn what_the_user_got_wrong_ends_with_2() {
    for args in [
        &["check", "rmap"][..],
        &["check", "quick", "--warmup", "2sek"],
        &["check", "quick", "--loads", "-5"],
        &["check", "/nowhere/at/all"],
        &["check"],
        &["chekc", "quick"],
        &["list", "rmap"],
        &["schema", "plan"],
        &["run", "quick", "--frmat", "json"],
    ] {
        schedbench(args).code(2).stdout("").stderr(contains("error: "));
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let escape = "\u{1b}[";
    schedbench(&["check", "rmap"]).stderr(contains(escape).not());
    schedbench(&["--color", "always", "check", "rmap"]).stderr(contains(escape));
    schedbench(&["check", "rmap", "--color", "never"]).stderr(contains(escape).not());
}

#[test]
fn schemas_are_json() {
    for what in ["scenario", "result"] {
        let schema: serde_json::Value = serde_json::from_str(&stdout(&["schema", what])).unwrap();
        assert!(schema["properties"].is_object(), "{what}");
    }
    assert_eq!(stdout(&["schema"]), stdout(&["schema", "scenario"]));
}

#[test]
fn completions_and_manual_pages_name_the_verbs() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("ramp") || script.contains("skip-missing"), "{shell}");
    }
    assert!(stdout(&["man"]).contains(".TH schedbench"));
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().join("man1");
    let written = stdout(&["man", &at.display().to_string()]);
    assert!(written.lines().count() >= 9, "{written}");
    assert!(at.join("schedbench-run.1").exists());
    assert!(!written.contains("worker"), "hidden verbs have no page");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let program = assert_cmd::cargo::cargo_bin("schedbench");
    let script = format!("{} list | head -n 1", program.display());
    let done = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &script]).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(done.stderr.is_empty(), "{done:?}");
}

#[test]
fn help_fits_into_80_columns() {
    for verb in
        ["run", "check", "report", "list", "clean", "schema", "completions", "man", "doctor"]
    {
        let help = stdout(&[verb, "--help"]);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
    let help = stdout(&["--help"]);
    assert!(!help.lines().any(|line| line.trim_start().starts_with("worker ")), "{help}");
}

#[test]
fn check_prints_the_timeline_of_each_trial() {
    let printed = stdout(&["check", "faults", "--quick", "--systems", "redis-asynq,asynq"]);
    insta::assert_snapshot!(printed);
}

#[test]
fn check_prints_the_timeline_of_a_cluster_s_leader() {
    insta::assert_snapshot!(stdout(&["check", "leader-kill"]));
}

#[test]
fn check_prints_who_a_node_is() {
    let systems = "redis-asynq/always,rabbitmq/mirrored-3";
    insta::assert_snapshot!(stdout(&["check", "backlog", "--systems", systems]));
    let text = stdout(&["check", "backlog", "--json", "--systems", systems]);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let faults = plan["faults"].as_array().unwrap();
    let on: Vec<&str> = faults.iter().map(|fault| fault["on"].as_str().unwrap()).collect();
    assert_eq!(on, ["broker", "leader"]);
}

#[test]
fn check_prints_trials_for_machines() {
    let text = stdout(&["check", "faults", "--json", "--trials", "2", "--systems", "redis-asynq"]);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plan["repeats"], 2);
    assert_eq!(plan["overrides"], serde_json::json!(["systems=redis-asynq", "repeats=2"]));
    assert_eq!(plan["faults"], serde_json::json!([]));
    let trials = plan["trials"].as_array().unwrap();
    let of = |name: &str| trials.iter().find(|trial| trial["name"] == name).unwrap();
    assert_eq!(of("broker-kill")["systems"][0], "redis-asynq/everysec");
    assert_eq!(of("broker-kill")["faults"][0]["at_s"], 10.0);
    assert_eq!(of("broker-kill")["control"], serde_json::Value::Null);
    assert_eq!(of("control")["control"]["for_s"], 17.0);
    let [told] = of("broker-kill")["told"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((&told["rate"], &told["window_s"]), (&10_000.0.into(), &40.0.into()));
    assert_eq!((&told["has_times"], &told["baseline_intervals"]), (&true.into(), &50.into()));
}

#[test]
fn the_full_matrix_says_its_hours() {
    let full = stdout(&["check", "faults", "--matrix", "full", "--trials", "5"]);
    let headline = full.lines().next().unwrap();
    assert!(headline.contains("in 15 trials × 5 repeats"), "{headline}");
    assert!(headline.contains(" h of measuring"), "{headline}");
    assert!(full.contains("changed: matrix=full"), "{full}");
}

#[test]
fn options_of_trials_need_trials() {
    for options in [&["--quick"][..], &["--trials", "5"]] {
        let args = [&["check", "broker-kill"], options].concat();
        schedbench(&args).code(2).stdout("").stderr(contains("a scenario without trials"));
    }
    schedbench(&["check", "broker-kill", "--matrix", "full"])
        .code(2)
        .stderr(contains("--matrix full").and(contains("without trials")));
    schedbench(&["check", "faults", "--quick", "--repeats", "3"]).code(2);
}
