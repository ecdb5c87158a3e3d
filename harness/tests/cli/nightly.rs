//! `scripts/nightly`, step by step: a first night with the real program, and
//! nights of two sides whose results were made up, so that the verdict is known.

use std::fs;
use std::path::{Path, PathBuf};

use schedbench_reports::outcome::Outcome;
use schedbench_reports::save::to_json;

use crate::outcomes::{Model, asynq_rust, kafka, noop, ramp_from};
use crate::place::{PROGRAM, Place, Said, small, stand_in};

/// Where the project is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands for options in the environment.
const VARIABLES: [&str; 3] = ["NIGHTLY_SCENARIO", "NIGHTLY_REPEATS", "NIGHTLY_RECORD"];

impl Place {
    /// Runs a step of the night here, into `night`.
    fn nightly(&self, step: &str, more: &[&str]) -> Said {
        self.nightly_with(&root().join("scripts/nightly"), &[], step, more)
    }

    /// The same by a copy of the script, with these variables.
    fn nightly_with(
        &self,
        script: &Path,
        variables: &[(&str, &str)],
        step: &str,
        more: &[&str],
    ) -> Said {
        let args = [&[step, "--work", "night"], more].concat();
        let mut command = self.program(script.to_str().expect("UTF-8"), &args);
        for name in VARIABLES {
            command.env_remove(name);
        }
        command.env("REAL", PROGRAM).env("GITHUB_STEP_SUMMARY", self.at("summary"));
        command.envs(variables.iter().copied());
        Said::of(command.output().expect("a night"))
    }

    /// What stands in a file.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A side whose six runs are of these systems; its figures scatter by `first`.
    fn side(&self, name: &str, models: &[Model], first: u32) {
        fs::create_dir(self.at(name)).expect("a directory");
        fs::copy(stand_in("nightly-side"), self.at(name).join("schedbench")).expect("a copy");
        self.file(&format!("{name}/name"), format!("commit of {name}\n"));
        for seed in 1..=6 {
            let mut outcome: Outcome = ramp_from(models, &[1e3, 10e3], 1, first + 50 * seed);
            outcome.run.id = format!("{name}{seed}");
            outcome.plan.seed = u64::from(seed);
            self.file(&format!("{name}/{seed}.json"), to_json(&outcome));
        }
    }
}

const SIDES: &[&str] =
    &["--scenario", "ramp", "--baseline", "a/schedbench", "--candidate", "b/schedbench"];

#[test]
fn a_first_night_only_records() {
    let place = Place::new();
    place.file("small.toml", small("\"wheel\""));
    let options = ["--scenario", "small.toml", "--candidate", PROGRAM];
    let said = place.nightly("measure", &[&options[..], &["--", "--loads", "1k"]].concat()).ends(0);
    assert!(said.stdout.contains("no side A: side B is only recorded"), "{}", said.stdout);
    assert!(said.stdout.contains("small, repeat 5 of 5, side b: exit "), "{}", said.stdout);

    // A cell of a busy test machine may be disturbed, five times over.
    let code = place.nightly("gate", &options).ends_well().code;
    let whole = schedbench_reports::load::read(&place.at("night/report/small/b/result.json"));
    let whole = whole.expect("a result");
    assert_eq!((whole.plan.repeats, whole.cells.len()), (5, 10));
    assert!(place.at("night/report/small/b/report.html").is_file());

    place.nightly("publish", &options).ends(0);
    let summary = place.read("summary");
    assert!(summary.contains("There is no side A to compare with: side B was only recorded."));
    assert!(summary.contains("\n| ") && summary.contains("wheel"), "{summary}");
    let kept = place.at("night/state/baseline/schedbench");
    assert_eq!(kept.is_file(), code == Some(0), "{code:?}: what cannot be believed is no side A");
}

#[test]
fn a_slow_side_is_found_and_not_kept() {
    let place = Place::new();
    let slow = Model { latency: 1.25e-3, cpu: [0.4, 4.2, 11.3, 7.9], ..asynq_rust() };
    place.side("a", &[noop(), asynq_rust(), kafka()], 0);
    place.side("b", &[noop(), slow, kafka()], 500);
    place.file("b/env", "# as in a file of a shell\nBROKER=another one\n\n");

    place.nightly("measure", SIDES).ends(0);
    // A B B A …, and B with its own environment.
    let order = place.read("order").replace(" by another one", "'").replace('\n', " ");
    assert_eq!(order.trim_end(), "a1 b1' b2' a2 a3 b3' b4' a4 a5 b5'");

    place.nightly("gate", SIDES).ends(3);
    // The report is there all the same.
    let junit = place.read("night/report/ramp/junit.xml");
    assert!(junit.contains("<failure message=\"P50 start latency +"), "{junit}");
    let page = place.read("night/report/ramp/compare.html");
    assert!(page.starts_with("<!DOCTYPE html>"));

    place.nightly("publish", SIDES).ends(0);
    let summary = place.read("summary");
    for words in [
        "**Side B is worse.**",
        "Side B: `commit of b`. Side A: `commit of a`. 5 repeats each",
        "redis-asynq/everysec: P50 start latency +",
        "Trend over the nights",
    ] {
        assert!(summary.contains(words), "no {words:?} in:\n{summary}");
    }
    assert!(!place.at("night/state/baseline").exists(), "a slow side is no next side A");
    assert!(place.at("night/state/history/ramp/b-1/result.json").is_file());

    // With what nobody minds it passes.
    place.nightly("gate", &[SIDES, &["--threshold", "60%"]].concat()).ends(0);
}

#[test]
fn equal_sides_pass_and_the_new_one_is_kept() {
    let place = Place::new();
    place.side("a", &[noop(), asynq_rust(), kafka()], 0);
    place.side("b", &[noop(), asynq_rust(), kafka()], 500);
    place.nightly("measure", SIDES).ends(0);
    place.nightly("gate", SIDES).ends(0);
    place.nightly("publish", SIDES).ends(0);
    assert!(place.read("summary").contains("**Nothing became worse.**"));
    let kept = place.read("night/state/baseline/name");
    assert!(kept.starts_with("commit of b, kept 20"), "{kept}");

    // Once more: it is found where it was kept, and the trend has one night.
    let again = ["--scenario", "ramp", "--candidate", "b/schedbench"];
    let said = place.nightly("gate", &again).ends(0);
    assert!(said.stdout.contains("ramp: exit 0"), "{}", said.stdout);
    assert!(place.read("night/report/summary.md").contains("Side A: `commit of b, kept 20"));
    place.nightly("publish", &again).ends(0);
    let nights = fs::read_dir(place.at("night/state/history/ramp")).expect("a directory");
    assert_eq!(nights.count(), 1);
}

#[test]
fn a_night_without_a_verdict_says_why() {
    let place = Place::new();
    place.side("a", &[noop(), kafka()], 0);
    place.side("b", &[noop(), kafka()], 500);
    // A step before `measure` failed.
    place.nightly("publish", SIDES).ends(0);
    let summary = place.read("summary");
    assert!(summary.contains("nothing was run"), "{summary}");
    fs::remove_file(place.at("summary")).expect("a file");

    fs::remove_file(place.at("a/2.json")).expect("a file");
    let said = place.nightly("measure", SIDES).ends(2);
    assert!(said.stderr.contains("side A cannot run this; --record begins"), "{}", said.stderr);
    place.nightly("publish", SIDES).ends(0);
    let summary = place.read("summary");
    assert!(summary.contains("did not come to a verdict"), "{summary}");
    assert!(summary.contains("nothing was made up for this"), "{summary}");
    assert!(!place.at("night/state/baseline").exists());

    // As it says.
    let record = [SIDES, &["--record"]].concat();
    place.nightly("measure", &record).ends(0);
    place.nightly("gate", &record).ends(0);
}

#[test]
fn what_is_wrong_is_refused_before_anything_runs() {
    let place = Place::new();
    place.side("a", &[noop()], 0);
    place.side("b", &[noop()], 500);
    place.file("a/env", "export BROKER\n");
    for (step, more, words) in [
        ("measure", &[][..], "a/env: expected NAME=VALUE, found: export BROKER"),
        ("measure", &["--repeats", "4"], "no difference is called below 5 repeats"),
        ("measure", &["--seed", "x"], "--seed x: expected a number"),
        ("measure", &["--baseline", "c/schedbench"], "c/schedbench: no program there"),
        ("measure", &["--candidate", "c/schedbench"], "c/schedbench: no program there"),
        ("measure", &["--loads", "1k"], "no option --loads"),
        ("gate", &[], "holds no run of side B"),
        ("rest", &[], "scripts/nightly prepare"),
    ] {
        place.nightly(step, &[SIDES, more].concat()).ends(2).complains_of(&[words]);
    }
    assert!(!place.at("order").exists(), "nothing was started");
}

/// As the workflow has them set in each of its steps, empty where nobody asks.
#[test]
fn variables_stand_for_options() {
    let place = Place::new();
    place.side("a", &[noop()], 0);
    place.side("b", &[noop()], 500);
    let sides = ["--baseline", "a/schedbench", "--candidate", "b/schedbench"];
    let measured = |record: &str| {
        let [scenario, repeats, records] = VARIABLES;
        let variables = [(scenario, "ramp,delays"), (repeats, "6"), (records, record)];
        let script = root().join("scripts/nightly");
        let said = place.nightly_with(&script, &variables, "measure", &sides).ends(0);
        let order = place.read("order").replace('\n', " ");
        fs::remove_file(place.at("order")).expect("a file");
        (said.stdout, order)
    };
    let (said, order) = measured("");
    assert_eq!(order, "a1 b1 b2 a2 a3 b3 b4 a4 a5 b5 b6 a6 ".repeat(2));
    for scenario in ["ramp", "delays"] {
        assert!(said.contains(&format!("{scenario}, repeat 6 of 6, side a: exit 0")), "{said}");
        let text = place.read(&format!("night/runs/{scenario}/{scenario}.toml"));
        assert!(text.contains(&format!("name = \"{scenario}\"")), "{text}");
    }
    let (said, order) = measured("yes");
    assert_eq!(order, "b1 b2 b3 b4 b5 b6 ".repeat(2));
    assert!(said.contains("no side A: side B is only recorded"), "{said}");
}

/// In this order, and no further than to what fails. The script finds all but
/// cargo and git beside itself.
#[test]
fn a_night_is_prepared_with_what_its_systems_need() {
    let place = Place::new();
    let tool = stand_in("nightly-tool");
    let script = place.at("tree/scripts/nightly");
    fs::create_dir_all(place.at("tree/scripts")).expect("a directory");
    fs::create_dir(place.at("bin")).expect("a directory");
    fs::copy(root().join("scripts/nightly"), &script).expect("a copy");
    for name in ["tree/scripts/setup", "bin/cargo", "bin/git"] {
        fs::copy(&tool, place.at(name)).expect("a copy");
    }
    let path = std::env::var("PATH").expect("a PATH");
    let path = format!("{}:{path}", place.at("bin").display());
    let order = place.at("order").display().to_string();
    let prepared = |fails: &str| {
        let variables = [("PATH", path.as_str()), ("ORDER", &order), ("FAILS", fails)];
        let said = place.nightly_with(&script, &variables, "prepare", &[]);
        let order = place.read("order");
        fs::remove_file(place.at("order")).expect("a file");
        (said, order)
    };
    let tree = fs::canonicalize(place.at("tree")).expect("a directory");
    let steps = [
        "setup\n".to_owned(),
        "cargo build --locked --release\n".to_owned(),
        format!("git -C {} describe --always --dirty\n", tree.display()),
        "schedbench doctor\n".to_owned(),
    ];
    let (said, order) = prepared("");
    said.ends(0);
    assert_eq!(order, steps.concat());
    let name = "tree/target/release/name";
    assert_eq!(place.read(name), "commit of c\n");
    for (fails, steps) in [("setup", &steps[..1]), ("cargo", &steps[..2]), ("schedbench", &steps)] {
        let (said, order) = prepared(fails);
        said.ends(9);
        assert_eq!(order, steps.concat(), "{fails} fails");
    }
    // What is built from no repository has no name rather than an old one.
    let (said, _) = prepared("git");
    said.ends(0);
    assert!(!place.at(name).exists());
}
