//! `run`: what it prints, what it leaves, and what it returns.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use schedbench_reports::outcome::{Ended, Load, Outcome, Validity};
use serde_json::Value;

use crate::harness::{Results, cells_of};
use crate::place::{Place, Said, redis_server, small};

/// Runs a scenario of this text and asserts what every good run has.
pub(crate) fn run(place: &Place, text: &str, more: &[&str]) -> (Said, Results) {
    let scenario = place.file("small.toml", text);
    let args = [&["run", scenario.to_str().expect("UTF-8")], more].concat();
    let said = place.says(&args).ends_well();
    let results = place.results().expect("results");
    assert_layout(place, &results, text);
    assert_outcome(&results.outcome(), said.code);
    place.wait_until_nothing_is_left("after a run");
    (said, results)
}

#[test]
fn what_a_killed_run_left_is_removed_and_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let left = place.at("tmp/schedbench-1-dead");
    fs::create_dir(&left).expect("a directory");
    fs::write(left.join("owner"), "pid 1\n").expect("a file");
    fs::set_permissions(&left, fs::Permissions::from_mode(0o700)).expect("a mode");
    let (said, _) = run(&place, &small("\"wheel\""), &[]);
    let told = format!("removed {} of a killed run", left.display());
    assert!(said.stderr.contains(&told), "{}", said.stderr);
    assert!(!left.exists());
}

/// `results/small/<UTC>-<id>/` with everything in it, and `latest` beside it.
fn assert_layout(place: &Place, results: &Results, text: &str) {
    let runs: Vec<String> = fs::read_dir(place.at("results/small"))
        .expect("a directory")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .filter(|name| name != "latest")
        .collect();
    let [name] = runs.as_slice() else { panic!("{runs:?}") };
    let target = fs::read_link(results.path()).expect("a link");
    assert_eq!(target, Path::new(name), "relative, so that results can be moved");
    let (stamp, id) = name.split_once('-').expect("a time and an id");
    assert!(stamp.len() == 16 && stamp.contains('T') && stamp.ends_with('Z'), "{name}");
    assert_eq!(id, results.outcome().run.id);
    let kept: BTreeSet<String> = fs::read_dir(results.path())
        .expect("a directory")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    let expected = ["hlog", "logs", "report.html", "result.json", "scenario.toml"];
    assert_eq!(kept, expected.map(str::to_owned).into());
    assert_eq!(fs::read_to_string(results.at("scenario.toml")).expect("a copy"), text);
    let page = fs::read_to_string(results.at("report.html")).expect("a page");
    assert!(page.trim_start().to_lowercase().starts_with("<!doctype html>"));
    let result: Value =
        serde_json::from_slice(&fs::read(results.at("result.json")).expect("a file"))
            .expect("JSON");
    assert_valid(&place.says(&["schema", "result"]).ends(0).stdout, &result);
    assert_eq!(
        fs::read_dir(results.at("hlog")).expect("a directory").count(),
        results.outcome().cells.len()
    );
    for entry in fs::read_dir(results.at("hlog")).expect("a directory").flatten() {
        assert_opens(&entry.path());
    }
}

/// Asserts that a value is as its schema says.
fn assert_valid(schema: &str, value: &Value) {
    let schema = serde_json::from_str(schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors = validator.iter_errors(value);
    let errors: Vec<String> =
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// Asserts that HdrHistogram's own reader opens a log and finds values.
fn assert_opens(log: &Path) {
    let text = fs::read(log).expect("a log");
    let mut values = 0;
    for entry in IntervalLogIterator::new(&text) {
        let entry = entry.unwrap_or_else(|error| panic!("{}: {error:?}", log.display()));
        let LogEntry::Interval(interval) = entry else { continue };
        let bytes = STANDARD.decode(interval.encoded_histogram()).expect("base64");
        let histogram: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
        values += histogram.len();
    }
    assert!(values > 0, "{} has no values", log.display());
}

/// A whole run whose ledgers balance and whose tasks came through.
fn assert_outcome(outcome: &Outcome, code: Option<i32>) {
    assert_eq!(outcome.ended, Ended::Complete);
    assert_eq!(outcome.cells.len(), outcome.plan.planned as usize);
    for cell in &outcome.cells {
        let counts = &cell.counts;
        assert_eq!(cell.error, None);
        assert!(counts.balances, "{cell:?}");
        assert_eq!(counts.grid.sum() + counts.unsent, counts.attempted, "{counts:?}");
        assert_eq!((counts.lost, counts.unexpected, counts.corrupt), (0, 0, 0), "{counts:?}");
        assert!(counts.window.done > 0, "{counts:?}");
        assert!(!matches!(cell.validity, Validity::Unbalanced(_)), "{:?}", cell.validity);
    }
    // Whether `noop` has one decides nothing: nobody asked for it.
    let mut asked = outcome.systems.iter().filter(|system| system.system != "noop");
    let all_have_one = asked.all(|system| {
        cells_of(outcome, &system.system).iter().any(|cell| cell.validity.is_valid())
    });
    assert_eq!(code, Some(if all_have_one { 0 } else { 4 }));
}

#[test]
fn rates() {
    let place = Place::new();
    let (said, results) = run(&place, &small("\"wheel\""), &["--seed", "11"]);
    let outcome = results.outcome();
    let loads = |system| -> Vec<Load> {
        let mut loads: Vec<Load> =
            cells_of(&outcome, system).iter().map(|cell| cell.key.load).collect();
        loads.sort_by(|one, other| one.amount().total_cmp(&other.amount()));
        loads
    };
    let planned = vec![Load::Rate(500.0), Load::Rate(1_000.0)];
    assert_eq!(loads("noop"), planned);
    assert_eq!(loads("wheel"), planned);
    assert_eq!(outcome.plan.seed, 11);
    let asked = outcome.run.command.windows(2);
    assert_eq!(asked.filter(|words| *words == ["--seed", "11"]).count(), 1);
    // As `Place::schedbench` asks for.
    let all = outcome.cells.iter();
    assert_eq!(all.filter(|cell| cell.reruns > 0).count(), 0, "none is measured again");

    // The last line is the page; it is relative to where the user stands.
    let last = said.stdout.lines().last().expect("a line");
    let page = last.strip_prefix("Report: ").expect("the page's path");
    assert!(place.at(page).is_file() && page.starts_with("results/small/"), "{page}");
    assert!(said.stdout.contains("wheel"), "{}", said.stdout);
    assert!(!said.stdout.contains('\x1b') && !said.stderr.contains('\x1b'));
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80), "{}", said.stdout);

    // What it plans, where it runs, and a line for each cell.
    let mut lines = said.stderr.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("small: noop + 1 system")));
    assert!(lines.next().is_some_and(|line| line.starts_with("host: ")), "{}", said.stderr);
    let ended = said.stderr.lines().filter(|line| line.contains("  repeat 1  done "));
    assert!(ended.count() >= 4, "{}", said.stderr);
}

/// No scheduler starts 99 of 100 tasks within a nanosecond.
#[test]
fn an_objective_that_is_not_met_is_exit_code_3() {
    let place = Place::new();
    let text = format!("{}\n[objective]\np99 = \"1 ns\"\nholds = 1_000\n", small("\"wheel\""));
    let scenario = place.file("small.toml", &text);
    let said = place.says(&["run", scenario.to_str().expect("UTF-8")]);
    let outcome = place.results().expect("results").outcome();
    let valid = cells_of(&outcome, "wheel").iter().any(|cell| cell.validity.is_valid());
    let failed = "objective failed: wheel/1ms: holds 1k/s with a P99 of at most 1 ns";
    if valid {
        let said = said.ends(3);
        assert!(said.stdout.contains(failed), "{}", said.stdout);
    } else {
        // What was not measured is not met either, and the measurement is at fault.
        assert!(said.ends(4).stdout.contains("objective not judged: wheel/1ms: "));
    }
}

/// A run of the wheel with these objectives: what it said, and its outcome.
fn demanded(place: &Place, objectives: &str) -> (Said, Outcome) {
    let text = small("\"wheel\"").replacen('\n', &format!("\nobjectives = {objectives}\n"), 1);
    let scenario = place.file("small.toml", &text);
    let said = place.says(&["run", scenario.to_str().expect("UTF-8"), "--loads", "1k"]);
    (said, place.results().expect("results").outcome())
}

fn has_a_valid_cell(outcome: &Outcome) -> bool {
    cells_of(outcome, "wheel").iter().any(|cell| cell.validity.is_valid())
}

#[test]
fn objectives_that_are_met_are_exit_code_0() {
    let place = Place::new();
    let met = "[\"lost == 0\", \"p50 < 2 s at 1k\", \"throughput > 1 of wheel\"]";
    let (said, outcome) = demanded(&place, met);
    assert_eq!(outcome.plan.objectives.len(), 3, "they stand in the outcome");
    if has_a_valid_cell(&outcome) {
        let said = said.ends(0);
        assert!(said.stdout.starts_with("objectives: 3 passed\n\n"), "{}", said.stdout);
        let page = fs::read_to_string(place.results().expect("results").at("report.html"));
        assert!(page.expect("a page").contains("Objectives: 3 passed"));
    } else {
        // A busy machine: the ledger says what it says, the clock nothing.
        let said = said.ends(4);
        assert!(said.stdout.starts_with("objectives: 1 passed, 2 not judged\n"));
    }
}

/// One fails, and of one nobody can say anything: the wheel has no broker.
#[test]
fn an_objective_that_fails_or_is_not_judged_is_exit_code_3() {
    let place = Place::new();
    let (said, outcome) = demanded(&place, "[\"lost == 0\", \"p50 > 1 s\", \"pss.broker < 1 GB\"]");
    if !has_a_valid_cell(&outcome) {
        said.ends(4);
        return;
    }
    let said = said.ends(3);
    let mut lines = said.stdout.lines();
    assert_eq!(lines.next(), Some("objectives: 1 passed, 1 failed, 1 not judged"));
    let rest = said.stdout.replace("\n  ", " ");
    assert!(rest.contains("objective failed: wheel/1ms: p50 > 1 s; "), "{rest}");
    let why = "objective not judged: wheel/1ms: pss.broker < 1 GB; at 1k/s: not measured: ";
    assert!(rest.contains(why), "{rest}");
    let json = place.says(&["report", "results/small/latest/result.json", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.ends(0).stdout).expect("JSON");
    let met: Vec<&Value> =
        json["objectives"].as_array().expect("a list").iter().map(|one| &one["met"]).collect();
    assert_eq!(met, [&Value::Bool(true), &Value::Bool(false), &Value::Null]);
}

#[test]
fn a_redis_of_its_own() {
    redis_server();
    let place = Place::new();
    let (said, results) = run(&place, &small("\"redis-asynq/memory\""), &[]);
    said.complains_of(&["redis-asynq/memory: redis ", " started on 127.0.0.1:", "(no AOF)"]);
    let outcome = results.outcome();
    let system = outcome.systems.iter().find(|system| system.system == "redis-asynq");
    assert!(system.expect("a system").server.is_some());
    let logs = fs::read_dir(results.at("logs")).expect("logs").flatten();
    let logs: Vec<String> =
        logs.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    assert!(logs.iter().any(|name| name == "redis-1.log"), "{logs:?}");
    assert!(logs.iter().any(|name| name.ends_with("-redis-asynq-worker-1.log")), "{logs:?}");
}

#[test]
fn for_machines_only_results_are_on_standard_output() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"wheel\""));
    let run = |format| {
        let args = ["run", scenario.to_str().expect("UTF-8"), "-q", "--loads", "1k"];
        let said = place.says(&[&args[..], &["--format", format]].concat()).ends_well();
        assert_eq!(said.stderr, "", "quiet");
        said.stdout
    };
    let json: Value = serde_json::from_str(&run("json")).expect("JSON");
    let planned = json.to_string();
    assert!(planned.contains("\"wheel\"") && planned.contains("\"noop\""), "{planned}");

    let md = run("md");
    assert!(md.lines().any(|line| line.starts_with("| ") && line.contains("wheel")), "{md}");

    let csv = run("csv");
    let columns = |line: &str| line.split(',').count();
    let mut lines = csv.lines();
    let head = columns(lines.next().expect("a head"));
    assert!(head > 3, "{csv}");
    assert!(lines.clone().any(|line| line.contains("wheel")), "{csv}");
    assert!(lines.all(|line| line.contains('"') || columns(line) == head), "{csv}");
}

#[test]
fn colours_are_asked_for() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"wheel\""));
    let run = |more: &[&str], no_color: bool| {
        let args = ["run", scenario.to_str().expect("UTF-8"), "--loads", "1k"];
        let mut command = place.schedbench(&[&args[..], more].concat());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        Said::of(command.output().expect("a run")).ends_well().stdout.contains('\x1b')
    };
    assert!(run(&["--color", "always"], true), "what is typed is stronger than NO_COLOR");
    assert!(!run(&["--color", "never"], false));
    assert!(!run(&[], false), "standard output is no terminal");
}
