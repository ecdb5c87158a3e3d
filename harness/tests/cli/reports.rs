//! `report`: the same page again from a lone `result.json`, and one clear error
//! for whatever is none.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::sync::OnceLock;

use crate::harness::files_below;
use crate::place::{Place, small};

/// What a run of the wheel left, its result and its page: one for all of these
/// tests, none of which is about the run.
fn of_a_run() -> &'static (String, String) {
    static LEFT: OnceLock<(String, String)> = OnceLock::new();
    LEFT.get_or_init(|| {
        let place = Place::new();
        let scenario = place.file("small.toml", small("\"wheel\""));
        place.says(&["run", scenario.to_str().expect("UTF-8"), "-q"]).ends_well();
        let results = place.results().expect("results");
        let read = |name| fs::read_to_string(results.at(name)).expect("UTF-8");
        (read("result.json"), read("report.html"))
    })
}

/// The result in a directory of its own; gives the page of its run.
fn copied(place: &Place) -> &'static str {
    let (result, page) = of_a_run();
    fs::create_dir(place.at("elsewhere")).expect("a directory");
    place.file("elsewhere/result.json", result);
    page
}

#[test]
fn from_a_lone_result() {
    let place = Place::new();
    let page = copied(&place);
    let result = "elsewhere/result.json";

    let said = place.says(&["report", result]).ends(0);
    assert_eq!(said.stdout, "Report: elsewhere/report.html\n");
    assert_eq!(fs::read_to_string(place.at("elsewhere/report.html")).expect("a page"), page);
    assert!(place.says(&["report", result, "-o", "-"]).ends(0).stdout == page);
    place.says(&["report", result, "-o", "mine.html"]).ends(0);
    assert!(fs::read_to_string(place.at("mine.html")).expect("a page") == page);

    let form = |format| place.says(&["report", result, "--format", format]).ends(0).stdout;
    let text = form("text");
    assert!(text.contains("wheel") && !text.contains('\x1b'), "{text}");
    assert!(form("md").lines().any(|line| line.starts_with("| ") && line.contains("wheel")));
    assert!(form("csv").lines().skip(1).any(|line| line.contains("wheel")));
    let json: serde_json::Value = serde_json::from_str(&form("json")).expect("JSON");
    assert!(json.is_object());
    let coloured = place.says(&["report", result, "--format", "text", "--color", "always"]);
    assert!(coloured.ends(0).stdout.contains('\x1b'));

    // Nothing half-written stays beside it.
    assert_eq!(files_below(&place.at("elsewhere")).len(), 2);
}

#[test]
fn of_what_is_no_result() {
    let place = Place::new();
    copied(&place);
    let good = fs::read_to_string(place.at("elsewhere/result.json")).expect("a result");
    let version = "\"schema_version\": 2";
    assert!(good.contains(version));
    place.file("empty.json", "");
    place.file("cut.json", &good[..good.len() - 5]);
    place.file("newer.json", good.replacen(version, "\"schema_version\": 999", 1));
    place.file("foreign.json", "{\"name\": \"left-pad\", \"version\": \"1.0.0\"}");
    place.file("noise.json", [0xff_u8, 0, 7, 0x80, 0xfe].repeat(1_000));
    place.file("damaged.json", good.replacen("\"cells\": [", "\"cells\": [7, ", 1));
    place.file("text.json", "no JSON at all");
    fs::create_dir(place.at("directory.json")).expect("a directory");
    for (file, words) in [
        ("empty.json", "empty"),
        ("cut.json", "cut off at line "),
        ("newer.json", "newer"),
        ("foreign.json", "no outcome of schedbench"),
        ("noise.json", "not JSON"),
        ("damaged.json", "damaged at cells[0]"),
        ("text.json", "not JSON"),
        ("directory.json", "directory"),
        ("missing.json", "No such file"),
    ] {
        for format in ["html", "text"] {
            let said = place.says(&["report", file, "--format", format]).refused(2);
            said.complains_of(&[&format!("error: {file}: "), words]);
        }
    }
    assert!(!place.at("report.html").exists(), "no page of what is no result");
}

#[test]
fn to_where_nothing_can_be_written() {
    let place = Place::new();
    copied(&place);
    place.file("a-file", "");
    for target in ["a-file/page.html", "nowhere/page.html", "/proc/page.html", "elsewhere"] {
        let said = place.says(&["report", "elsewhere/result.json", "-o", target]).refused(1);
        said.complains_of(&["cannot write ", target]);
    }
}

/// Claims of one's own stand on the page and are counted; a bad file of them is
/// refused with line and caret, and nothing is started.
#[test]
fn beside_published_claims() {
    let place = Place::new();
    copied(&place);
    let mine = "name = \"mine\"\n[[claim]]\nid = \"w1\"\nsubject = \"wheel\"\nsays = \"fast\"\n\
                figures = [{ metric = \"throughput\", at_least = \"1/s\" }]\n\
                against = [{ systems = [\"wheel\"] }]\n";
    place.file("mine.toml", mine);
    let result = "elsewhere/result.json";
    let page = place.says(&["report", result, "--claims", "mine.toml", "-o", "-"]).ends(0).stdout;
    assert!(page.contains("<span class=\"id\">w1</span>"));
    let text = place.says(&["report", result, "--claims", "mine.toml", "--format", "text"]);
    let text = text.ends(0).stdout.replace("\n  ", " ");
    // One repeat says nothing.
    assert!(text.contains("1 claim of mine: 1 not confirmed"), "{text}");

    place.file("bad.toml", mine.replace("throughput", "thruput"));
    for verb in [vec!["report", result], vec!["run", "quick"]] {
        let args: Vec<&str> = verb.into_iter().chain(["--claims", "bad.toml"]).collect();
        let said = place.says(&args).refused(2);
        said.complains_of(&[
            "no metric `thruput`",
            "bad.toml:6:",
            "^^^ expected a name of the table",
        ]);
    }
    assert!(!place.at("results").exists(), "nothing was started");
    let said = place.says(&["report", result, "--claims", "none.toml"]).refused(2);
    said.complains_of(&["none.toml: cannot be read"]);
}

/// A result of 300 cells takes less than 200 MB at the peak. Its other figure,
/// less than 2 s, is read off the bench `report` of the reports' crate: beside
/// other tests a time says nothing, and a test of one would fail by chance.
///
/// The peak is the program's own (`VmHWM`). `wait4` would tell that of this
/// process too, which the child shared until it was replaced by the program.
#[test]
fn of_the_largest_result_within_its_memory() {
    const MOST_KB: u64 = 200_000_000 / 1024;
    let place = Place::new();
    let outcome = crate::outcomes::largest();
    assert_eq!(outcome.cells.len(), 300);
    place.file("result.json", schedbench_reports::save::to_json(&outcome));

    let mut command = place.schedbench(&["report", "result.json", "-o", "-"]);
    let mut report = command.stdout(Stdio::piped()).spawn().expect("a report");
    let mut out = report.stdout.take().expect("a pipe");
    // The page is whole before any of it is written, and longer than a pipe
    // holds: after its first byte the program waits for us at its peak.
    let mut page = vec![0];
    out.read_exact(&mut page).expect("a page");
    let status = fs::read_to_string(format!("/proc/{}/status", report.id())).expect("it waits");
    out.read_to_end(&mut page).expect("the rest of it");
    assert!(report.wait().expect("its end").success());
    assert!(page.starts_with(b"<!DOCTYPE html>") && page.ends_with(b"</html>"), "{}", page.len());

    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("kB");
    assert!(peak < MOST_KB, "{peak} kB at the peak");
}
