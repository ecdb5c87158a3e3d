//! Names in another script than Latin, through everything that a run leaves and
//! everything that reads it.

use std::fs;

use schedbench_reports::outcome::Cell;

use crate::harness::{Running, cells_of};
use crate::place::Place;
use crate::watching::{ask, metrics_address};

/// "Orders under load": a part that is left alone and one whose workers are paused.
const NAME: &str = "订单压测";
const QUIET_PART: &str = "平稳";
const TRIAL: &str = "暂停工人";

fn scenario() -> String {
    format!(
        "name = \"{NAME}\"\nsummary = \"高峰：平稳与停顿\"\nsystems = [\"wheel\"]\n\
         [load]\nwarmup = \"50 ms\"\nduration = \"600 ms\"\nhorizon = \"300 ms\"\n\
         [[part]]\nname = \"{QUIET_PART}\"\nload = {{ rates = [\"500\"] }}\n\
         [[part]]\nname = \"停顿\"\nload = {{ rates = [\"800\"] }}\n\
         [[part.trial]]\nname = \"{TRIAL}\"\n\
         fault = [{{ kind = \"pause\", on = \"workers\", at = \"200 ms\", for = \"100 ms\" }}]\n"
    )
}

#[test]
fn chinese_names_come_through_everywhere() {
    let place = Place::new();
    let file = place.file("订单.toml", scenario());
    let file = file.to_str().expect("UTF-8");
    let has = |text: &str, words: &[&str]| {
        for word in words {
            assert!(text.contains(word), "no {word} in:\n{text}");
        }
    };

    let check = place.says(&["check", file]).ends(0).stdout;
    has(&check, &[NAME, "高峰：平稳与停顿", "part 平稳:", "part 停顿:", "暂停工人: wheel/1ms"]);
    let said = place.says(&["run", file]).ends_well();
    has(&said.stderr, &[NAME, "note: 平稳: 500/s", "wheel/1ms  800/s  暂停工人  repeat 1"]);
    has(&said.stdout, &["Report: results/订单压测/", TRIAL]);
    watched(&place, file);
    place.wait_until_nothing_is_left("after both runs");

    let latest = format!("results/{NAME}/latest");
    let outcome = schedbench_reports::load::read(&place.at(&format!("{latest}/result.json")));
    let outcome = outcome.expect("an outcome");
    assert_eq!(outcome.plan.scenario, NAME);
    // On a busy machine what was disturbed stays beside what was tried again.
    let wheel = cells_of(&outcome, "wheel");
    let (tried, alone): (Vec<&Cell>, Vec<&Cell>) =
        wheel.into_iter().partition(|cell| cell.key.trial.is_some());
    assert!(!tried.is_empty() && alone.len() == 1, "{} and {}", tried.len(), alone.len());
    assert!(tried.iter().all(|cell| cell.key.trial.as_deref() == Some(TRIAL)));
    let page = fs::read_to_string(place.at(&format!("{latest}/report.html"))).expect("a page");
    let heading = format!("<h3>{TRIAL}: pause workers at 200 ms for 100 ms</h3>");
    has(&page, &["<h1>订单压测</h1>", "高峰：平稳与停顿", &heading]);

    let result = format!("{latest}/result.json");
    let form = |format| place.says(&["report", &result, "--format", format]).ends(0).stdout;
    has(&form("md"), &["## schedbench: 订单压测", TRIAL]);
    has(&form("csv"), &[NAME, TRIAL]);
    has(&form("text"), &[TRIAL]);
    has(&form("json"), &[NAME, TRIAL]);

    compared_and_kept(&place, has);
}

/// A second run, with metrics.
fn watched(place: &Place, file: &str) {
    let args = ["run", file, "--metrics", "127.0.0.1:0"];
    let mut run = Running::beside(place, place.schedbench(&args));
    let mut at = None;
    run.wait_until("its address", |_| {
        at = metrics_address(&fs::read_to_string(place.at("stderr")).expect("UTF-8"));
        at.is_some()
    });
    let at = at.expect("an address");
    let variant = format!("variant=\"{TRIAL}\"");
    run.wait_until("a sample of the trial", |_| {
        let (_, samples) = ask(at, "GET /metrics");
        assert!(samples.contains(&format!("scenario=\"{NAME}\"")), "{samples}");
        samples.contains(&variant)
    });
    let ended = run.end();
    assert!(matches!(ended.code(), Some(0 | 4)), "{ended:?}\n{}", run.stderr());
}

/// What reads the results of both runs.
fn compared_and_kept(place: &Place, has: impl Fn(&str, &[&str])) {
    let runs = [format!("{NAME}/latest~1"), "latest".to_owned()];
    // Of one repeat a side nothing is called.
    let compare = |more: &[&str]| {
        let args = [&["compare", &runs[0], &runs[1]], more].concat();
        place.says(&args).ends(2).stdout
    };
    has(&compare(&[]), &[NAME]);
    has(&compare(&["--format", "md"]), &["## schedbench compare: 订单压测"]);
    compare(&["--format", "junit", "-o", "junit.xml", "--html", "before-and-after.html"]);
    let junit = fs::read_to_string(place.at("junit.xml")).expect("a file");
    has(&junit, &["schedbench compare 订单压测"]);
    let page = fs::read_to_string(place.at("before-and-after.html")).expect("a page");
    has(&page, &["订单压测: before and after"]);

    let said = place.says(&["merge", &runs[0], &runs[1], "-o", "合并"]).ends(0);
    has(&said.stdout, &["合并/result.json"]);
    let page = fs::read_to_string(place.at("合并/report.html")).expect("a page");
    has(&page, &["<h1>订单压测</h1>", TRIAL]);
    let said = place.says(&["history", "results"]).ends(0);
    has(&said.stdout, &["订单压测 on ", ": 2 runs"]);
    let page = fs::read_to_string(place.at("results/history.html")).expect("a page");
    has(&page, &[NAME]);
    place.says(&["clean"]).ends(0);
    assert!(place.at(&format!("results/{NAME}/latest/result.json")).exists(), "never touched");
}
