//! The verbs that measure nothing.

use std::fs;

use serde_json::Value;

use crate::place::{Place, Said};

const VERBS: &[&str] = &[
    "run",
    "report",
    "compare",
    "merge",
    "history",
    "list",
    "check",
    "doctor",
    "prepare",
    "clean",
    "schema",
    "completions",
    "man",
];

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stdout))
}

#[test]
fn help_and_version() {
    let place = Place::new();
    let main = place.says(&["--help"]).ends(0).stdout;
    for verb in VERBS {
        assert!(main.lines().any(|line| line.trim_start().starts_with(verb)), "{verb}: {main}");
        let help = place.says(&[verb, "--help"]).ends(0);
        assert!(help.stdout.contains(&format!("Usage: schedbench {verb}")), "{}", help.stdout);
        assert_eq!(help.stderr, "");
    }
    for hidden in ["worker", "reap"] {
        let shows = |line: &str| line.split_whitespace().next() == Some(hidden);
        assert!(!main.lines().any(shows), "{main}");
    }
    let version = place.says(&["--version"]).ends(0).stdout;
    assert_eq!(version, format!("schedbench {}\n", env!("CARGO_PKG_VERSION")));
    place.says(&["run", "--help"]).complains_of_nothing_and_names(&["Exit code", "130"]);
}

impl Said {
    /// Asserts that standard error is empty and standard output has these words.
    fn complains_of_nothing_and_names(self, words: &[&str]) {
        assert_eq!(self.stderr, "");
        for word in words {
            assert!(self.stdout.contains(word), "no {word:?} in:\n{}", self.stdout);
        }
    }
}

#[test]
fn list() {
    let place = Place::new();
    let text = place.says(&["list"]).ends(0);
    text.complains_of_nothing_and_names(&[
        "wheel",
        "redis-asynq",
        "everysec",
        "quick",
        "ramp-inflight",
        "soak",
    ]);
    let list = json(&place.says(&["list", "--format", "json"]).ends(0));
    let names = |key: &str| -> Vec<String> {
        let items = list[key].as_array().expect("a list").iter();
        items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert!(names("systems").contains(&"wheel".to_owned()));
    assert!(!names("systems").contains(&"fake".to_owned()), "fake is for tests only");
    let of_repository = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
    let scenarios = names("scenarios");
    assert_eq!(scenarios.len(), of_repository.expect("scenarios").count());

    // Each is printed as it stands in the repository, and can be run as a file.
    for name in scenarios {
        let printed = place.says(&["list", &name]).ends(0).stdout;
        let path = format!("{}/../scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(printed, fs::read_to_string(path).expect("a scenario"));
        let copy = place.file(&format!("{name}.toml"), &printed);
        let copy = copy.to_str().expect("UTF-8");
        let plan = |scenario| place.says(&["check", scenario]).ends(0).stdout;
        assert_eq!(plan(copy), plan(&name));
    }
}

#[test]
fn doctor() {
    let place = Place::new();
    let text = place.says(&["doctor"]).ends(0);
    text.complains_of_nothing_and_names(&["wheel", "ready", "pacing", "room"]);
    let here = json(&place.says(&["doctor", "--format", "json"]).ends(0));
    assert_eq!(here["groups"][0]["ready"], true);
    let without_redis = |args: &[&str]| {
        let mut command = place.schedbench(args);
        command.env("SCHEDBENCH_REDIS_SERVER", "/nonexistent/redis-server");
        Said::of(command.output().expect("a run")).ends(0)
    };
    let text = without_redis(&["doctor"]).stdout;
    let line = text.lines().find(|line| line.contains("redis-asynq")).expect("a line");
    assert!(line.contains("missing") && line.contains("apt-get install redis-server"), "{text}");
    assert!(text.ends_with("All at once: scripts/setup\n"), "{text}");
    let there = json(&without_redis(&["doctor", "--format", "json"]));
    assert_eq!(there["ready"], false);
}

#[test]
fn schema() {
    let place = Place::new();
    for what in [&["schema"][..], &["schema", "scenario"], &["schema", "result"]] {
        let schema = json(&place.says(what).ends(0));
        jsonschema::validator_for(&schema).expect("a schema");
    }
    assert_eq!(place.says(&["schema"]).stdout, place.says(&["schema", "scenario"]).stdout);
}

#[test]
fn completions() {
    let place = Place::new();
    let shells = [
        ("bash", "complete -F"),
        ("zsh", "#compdef schedbench"),
        ("fish", "complete -c schedbench"),
    ];
    for (shell, word) in shells {
        let said = place.says(&["completions", shell]).ends(0);
        said.complains_of_nothing_and_names(&[word, "doctor"]);
    }
    let bash = place.file("completions.bash", place.says(&["completions", "bash"]).stdout);
    let parsed = place.program("bash", &["-n", bash.to_str().expect("UTF-8")]).status();
    assert!(parsed.expect("bash").success());
}

#[test]
fn man() {
    let place = Place::new();
    let page = place.says(&["man"]).ends(0);
    page.complains_of_nothing_and_names(&[".TH", "schedbench", "doctor"]);
    let written = place.says(&["man", "pages/man1"]).ends(0).stdout;
    for verb in VERBS {
        let path = format!("pages/man1/schedbench-{verb}.1");
        assert!(written.lines().any(|line| line == path), "{written}");
        assert!(fs::read_to_string(place.at(&path)).expect("a page").contains(".TH"));
    }
    assert_eq!(written.lines().count(), VERBS.len() + 1, "{written}");
    place.file("a-file", "");
    place.says(&["man", "a-file/pages"]).refused(1).complains_of(&["a-file/pages", "cannot"]);
}

#[test]
fn clean_where_nothing_is() {
    let place = Place::new();
    let said = place.says(&["clean"]).ends(0);
    assert_eq!(said.stderr, "");
    // Other runs' directories in /tmp may be named; this place had none.
    assert!(!said.stdout.contains(&place.path().display().to_string()), "{}", said.stdout);
    fs::create_dir(place.at("tmp/schedbench-of-somebody-else")).expect("a directory");
    place.says(&["clean", "--yes"]).ends(0);
    assert_eq!(place.left().len(), 1, "a directory without our marker is not ours");
}
