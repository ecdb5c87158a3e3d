//! `compare`, `merge` and `history`: on outcomes made up for tests, without a
//! broker.

use std::fs;

use schedbench_reports::outcome::{Load, Outcome, Validity};
use schedbench_reports::save::to_json;

use crate::outcomes::drill::{killed, lose};
use crate::outcomes::{asynq_rust, before_and_after, empty, noop, ramp_from};
use crate::place::Place;

/// Runs of `ramp` as a run leaves them, the last of them `latest`.
fn results(place: &Place, runs: &[&Outcome]) {
    for outcome in runs {
        let stamp = outcome.run.started.replace([':', '-'], "");
        let run = format!("results/ramp/{stamp}-{}", outcome.run.id);
        fs::create_dir_all(place.at(&run)).expect("a directory");
        place.file(&format!("{run}/result.json"), to_json(outcome));
        let latest = place.at("results/ramp/latest");
        let _ = fs::remove_file(&latest);
        let name = place.at(&run).file_name().expect("a name").to_owned();
        std::os::unix::fs::symlink(name, latest).expect("a link");
    }
}

#[test]
fn a_regression_ends_with_3() {
    let place = Place::new();
    let (before, after) = before_and_after();
    place.file("a.json", to_json(&before));
    place.file("b.json", to_json(&after));
    let compare = |more: &[&str]| place.says(&[&["compare", "a.json", "b.json"], more].concat());

    let said = compare(&["--html", "page.html"]).ends(3);
    assert!(
        said.stdout.contains("worse: redis-asynq/everysec: P50 start latency +"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("redis 7.0.15") && !said.stdout.contains('\x1b'));
    assert!(said.stderr.ends_with("Comparison: page.html\n"), "{}", said.stderr);
    let page = fs::read_to_string(place.at("page.html")).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("before and after"));

    let junit = compare(&["--format", "junit", "-o", "junit.xml"]).ends(3);
    assert_eq!((junit.stdout.as_str(), junit.stderr.as_str()), ("", ""));
    let junit = fs::read_to_string(place.at("junit.xml")).expect("a file");
    assert!(junit.contains("<failure message=\"P50 start latency +"), "{junit}");
    let md = compare(&["--format", "md"]).ends(3).stdout;
    assert!(md.starts_with("## schedbench compare: ramp") && md.contains("> [!CAUTION]"));
    let json = compare(&["--format", "json"]).ends(3).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["regressed"], true);

    // What nobody minds, what is not asked for, and the other way round.
    compare(&["--threshold", "60%"]).ends(0);
    compare(&["--threshold", "60%,p50=5%"]).ends(3);
    compare(&["-s", "kafka"]).ends(0);
    compare(&["--figures", "throughput,failed", "-s", "kafka/acks-all"]).refused_after_output(2);
    assert!(
        place.says(&["compare", "a.json", "a.json"]).ends(0).stdout.contains("inside the noise")
    );
    // What died is no pass.
    let mut dead = before.clone();
    for cell in dead.cells.iter_mut().filter(|cell| cell.key.system == "kafka") {
        cell.validity = Validity::Incomplete("the broker died".to_owned());
    }
    place.file("dead.json", to_json(&dead));
    let said = place.says(&["compare", "a.json", "dead.json"]).refused_after_output(2);
    said.complains_of(&["error: no verdict: no valid cell after of kafka/acks-all"]);
    for wrong in [["--threshold", "5"], ["--threshold", "p98=5%"], ["--figures", "p98"]] {
        compare(&wrong).refused(2).complains_of(&[wrong[1]]);
    }
}

/// Of two repeats no time can be tested; a loss needs no test.
#[test]
fn tasks_lost_where_none_may_be_end_with_3() {
    let place = Place::new();
    let before = killed(&[asynq_rust()], 2, |_, _| Some(5.3));
    let mut after = before.clone();
    lose(&mut after.cells[1], 12);
    place.file("a.json", to_json(&before));
    place.file("b.json", to_json(&after));
    let said = place.says(&["compare", "a.json", "b.json", "--figures", "recovery"]).ends(3);
    let lost = "worse, tasks lost: redis-asynq/everysec, broker-kill: 12 lost in 1 of 2 kills";
    assert!(said.stdout.contains(lost), "{}", said.stdout);
    for known in ["b.json", "a.json"] {
        let said = place.says(&["compare", "b.json", known]).refused_after_output(2);
        said.complains_of(&["error: no verdict: ", "--repeats 5"]);
    }
}

#[test]
fn latest_and_the_one_before() {
    let place = Place::new();
    let (before, after) = before_and_after();
    place.says(&["compare", "latest~1", "latest"]).refused(2).complains_of(&["no run", "results"]);
    results(&place, &[&before, &after]);
    for names in [
        ["latest~1", "latest"],
        ["ramp/latest~1", "results/ramp/latest"],
        ["results/ramp/20261123T043000Z-7f3a", "results/ramp/latest/result.json"],
    ] {
        let said = place.says(&["compare", names[0], names[1]]).ends(3);
        assert!(said.stdout.starts_with("ramp: run 7f3a of "), "{}", said.stdout);
    }
    let said = place.says(&["compare", "latest~2", "latest"]).refused(2);
    said.complains_of(&["latest~2: there are only 2 runs of ramp in results"]);
    let said = place.says(&["compare", "results/ramp", "latest"]).refused(2);
    said.complains_of(&["results/ramp holds 2 runs", "9b1c"]);
    place
        .says(&["compare", "tmp", "latest"])
        .refused(2)
        .complains_of(&["tmp holds no result.json"]);
    let said = place.says(&["compare", "other/latest", "latest"]).refused(2);
    said.complains_of(&["no run of other"]);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let place = Place::new();
    let (good, _) = before_and_after();
    let text = to_json(&good);
    place.file("good.json", &text);
    place.file("cut.json", &text[..text.len() / 2]);
    place.file("newer.json", text.replacen("\"schema_version\": 2", "\"schema_version\": 9", 1));
    place.file("none.json", to_json(&empty()));
    let mut nan = good.clone();
    nan.cells[1].key.load = Load::Rate(f64::NAN);
    place.file("nan.json", to_json(&nan));
    let mut elsewhere = good.clone();
    elsewhere.host.cores = 4;
    elsewhere.host.environment = Some("compose".to_owned());
    elsewhere.run.tool = "0.2.0".to_owned();
    place.file("elsewhere.json", to_json(&elsewhere));
    for (file, words) in [
        ("missing.json", "missing.json: cannot be read: No such file"),
        ("cut.json", "cut off at line "),
        ("newer.json", "schema 9"),
        ("none.json", "no cell was measured, so there is nothing to compare"),
        ("nan.json", "no finite number at cells[1].key.load"),
        ("elsewhere.json", "host.cores: 2 | 4"),
        ("elsewhere.json", "host.environment: local | compose"),
        ("elsewhere.json", "besides, run.tool: 0.1.0 | 0.2.0"),
    ] {
        let said = place.says(&["compare", "good.json", file, "--html", "page.html"]).refused(2);
        said.complains_of(&[file, words]);
    }
    assert!(!place.at("page.html").exists(), "no page of what cannot be compared");

    // One repeat: everything is shown, and nothing called; a gate must not
    // look passed.
    let single = ramp_from(&[noop(), asynq_rust()], &[1e3], 1, 0);
    place.file("single.json", to_json(&single));
    let said = place.says(&["compare", "single.json", "single.json"]).refused_after_output(2);
    assert!(said.stdout.contains("not tested"), "{}", said.stdout);
    said.complains_of(&["error: no verdict: ", "--repeats 5"]);
}

#[test]
fn merged() {
    let place = Place::new();
    let one = ramp_from(&[noop(), asynq_rust()], &[1e3], 2, 0);
    let mut other = ramp_from(&[noop(), asynq_rust()], &[1e3], 3, 100);
    other.run.id = "9b1c".to_owned();
    results(&place, &[&one]);
    place.file("b.json", to_json(&other));
    let said = place.says(&["merge", "latest", "b.json", "-o", "whole/of/it"]).ends(0);
    assert_eq!(
        said.stdout,
        "Merged 2 outcomes, 10 cells: whole/of/it/result.json\nReport: whole/of/it/report.html\n"
    );
    let report = place.says(&["report", "whole/of/it/result.json", "--format", "text"]).ends(0);
    assert!(report.stdout.contains("10 of 10 cells valid"), "{}", report.stdout);
    // What a run of all of it would have ended with, where that is asked for.
    let mut broken = one.clone();
    for cell in &mut broken.cells {
        cell.validity = Validity::Unbalanced("a task too many".to_owned());
    }
    place.file("broken.json", to_json(&broken));
    for (result, code) in [("whole/of/it/result.json", 0), ("broken.json", 4)] {
        place.says(&["report", result, "--format", "text"]).ends(0);
        place.says(&["report", result, "--format", "text", "--exit-code"]).ends(code);
    }
    place.says(&["merge", "latest", "b.json", "-o", "one.json"]).ends(0);
    assert!(place.at("one.json").exists());
    assert!(place.at("one.html").exists(), "not the page of a run that lies there");
    // Beside the runs it is none of them.
    place.says(&["merge", "latest", "b.json", "-o", "results/ramp/whole"]).ends(0);
    let said = place.says(&["merge", "ramp/latest~1", "b.json", "-o", "no.json"]).refused(2);
    said.complains_of(&["there are only 1 runs of ramp"]);

    other.host.cores = 4;
    place.file("c.json", to_json(&other));
    let refused = |args: &[&str], words: &[&str]| {
        let said = place.says(&[&["merge"], args, &["-o", "no.json"]].concat()).refused(2);
        said.complains_of(words);
        assert!(!place.at("no.json").exists());
    };
    refused(&["latest", "c.json"], &["do not belong together", "host.cores: 2 | 4", "c.json"]);
    refused(&["latest", "latest"], &["are of the same run, 7f3a"]);
    refused(&["latest"], &["two outcomes at least"]);
    refused(&["b.json", "missing.json"], &["missing.json"]);
    let said = place.says(&["merge", "latest", "b.json", "-o", "b.json"]).refused(2);
    said.complains_of(&["b.json is one of those to be merged"]);
}

#[test]
fn history_leaves_out_what_it_cannot_read() {
    let place = Place::new();
    let (before, after) = before_and_after();
    place.says(&["history"]).refused(2).complains_of(&["results holds no result.json"]);
    results(&place, &[&before, &after]);
    fs::create_dir(place.at("results/ramp/broken")).expect("a directory");
    place.file("results/ramp/broken/result.json", "{\"schema_version\": 2");
    let said = place.says(&["history"]).ends(0);
    assert!(said.stdout.contains("ramp on 2 × AMD EPYC 7763, brokers local: 2 runs"));
    assert!(said.stdout.ends_with("History: results/history.html\n"), "{}", said.stdout);
    said.complains_of(&["left out: results/ramp/broken/result.json: cut off"]);
    let page = fs::read_to_string(place.at("results/history.html")).expect("a page");
    assert!(page.contains("Left out: results/ramp/broken/result.json"));
    place.says(&["history", "results", "-o", "mine.html"]).ends(0);
    assert!(place.at("mine.html").exists());
    place.says(&["history", "results/ramp/broken", "-o", "no.html"]).refused(2);
}
