//! Exit code 2: what is typed or written wrongly, and where nothing can be
//! written. Nothing is started.

use crate::place::{Place, small};

#[test]
fn what_is_typed_wrongly() {
    let place = Place::new();
    for (args, words) in [
        (&["rum"][..], "'run'"),
        (&["run"], "<SCENARIO>"),
        (&["run", "quick", "--systemz", "wheel"], "'--systems'"),
        (&["run", "quick", "--format", "xml"], "json"),
        (&["run", "quick", "-q", "-v"], "--quiet"),
        (&["list", "--colour", "always"], "--color"),
        (&["list", "quick", "--format", "json"], "--format"),
        (&["schema", "outcome"], "result"),
        (&["completions", "cmd"], "bash"),
        (&[], "Usage: schedbench"),
    ] {
        let said = place.says(args).ends(2);
        assert_eq!(said.stdout, "", "{args:?}");
        said.complains_of(&[words]);
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn what_is_wrong_in_a_scenario() {
    let place = Place::new();
    let good = small("\"wheel\"");
    let scenario = |from: &str, to: &str| {
        assert!(good.contains(from));
        place.file("mine.toml", good.replace(from, to));
    };
    for (from, to, words) in [
        ("horizon", "horizen", &["unknown", "did you mean", "horizon"][..]),
        ("\"50 ms\"", "true", &["mine.toml:6:10", "expected"]),
        ("\"200 ms\"", "\"10 sek\"", &["unknown unit", "mine.toml:7:12", "^^^", "10 s"]),
        ("\"wheel\"", "\"weel\"", &["weel", "did you mean", "wheel"]),
        ("\"wheel\"", "\"wheel/1sm\"", &["1sm", "1ms"]),
        ("\"1k\"", "\"5q\"", &["mine.toml:5:17", "^^"]),
        ("[load]", "[load]\nin_flight = [5]", &["in_flight"]),
        ("[load]", "[load", &["mine.toml:4:"]),
        (&good, "", &["mine.toml"]),
    ] {
        scenario(from, to);
        for verb in ["run", "check"] {
            place.says(&[verb, "mine.toml"]).refused(2).complains_of(words);
        }
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn what_is_wrong_in_a_change() {
    let place = Place::new();
    for (change, words) in [
        (&["--set", "load.duratoin=1s"][..], &["duratoin", "duration"][..]),
        (&["--set", "nonsense"], &["--set nonsense"]),
        (&["--duration", "10 sek"], &["unknown unit", "--duration"]),
        (&["--systems", "weel"], &["weel", "wheel"]),
        (&["--rate", "-5"], &["--loads", "-5"]),
        (&["--repeats", "0"], &["--repeats"]),
        (&["--pacing", "girdle"], &["girdle", "grid"]),
        (&["--seed", "x"], &["--seed"]),
    ] {
        let said = place.says(&[&["run", "quick"], change].concat()).refused(2);
        said.complains_of(words);
    }
    for (scenario, words) in [
        ("quickk", "quick"),
        ("missing.toml", "missing.toml"),
        ("/nonexistent/mine.toml", "/nonexistent/mine.toml"),
    ] {
        place.says(&["run", scenario]).refused(2).complains_of(&[words]);
    }
    place.says(&["list", "quickk"]).refused(2).complains_of(&["quick"]);
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn where_nothing_can_be_written() {
    let place = Place::new();
    place.file("a-file", "");
    for out in ["a-file", "a-file/below", "/proc/results"] {
        let said = place.says(&["run", "quick", "-o", out]).refused(2);
        said.complains_of(&[out, "cannot be written", "-o DIR"]);
    }
    let much = place.says(&["run", "ramp", "--duration", "20h", "--systems", "wheel"]);
    much.refused(2).complains_of(&["free, this plan takes about ", "--duration"]);
    place.wait_until_nothing_is_left("after a refusal");
}

#[test]
fn what_only_a_harness_starts() {
    let place = Place::new();
    for verb in ["worker", "reap"] {
        let mut command = place.schedbench(&[verb]);
        command.stdin(std::process::Stdio::null());
        let said = crate::place::Said::of(command.output().expect("a run"));
        match verb {
            "worker" => drop(said.refused(1).complains_of(&["started by a harness"])),
            _ => drop(said.ends(0)),
        }
    }
}
