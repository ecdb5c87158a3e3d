//! The pages in a headless Chromium: no error, no request, series, hover,
//! toggles, phone, dark, print. The steps are in `browser/page.cjs`.

mod outcomes;

use std::path::Path;
use std::process::Command;

use schedbench_reports::compare::{Terms, compare};
use schedbench_reports::history::{Entry, history};
use schedbench_reports::html;

#[test]
fn the_page_works_in_a_browser() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    assert!(
        scripts.join("node_modules/playwright-core").is_dir() && Path::new(&chromium).exists(),
        "this test needs chromium ({chromium}, or CHROMIUM) and playwright-core: run scripts/setup, \
         or `npm ci` in {}",
        scripts.display()
    );
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&dir).expect("target is writable");
    for (name, page) in pages() {
        std::fs::write(dir.join(format!("{name}.html")), page).expect("target is writable");
    }
    let run = Command::new("node")
        .arg(scripts.join("page.cjs"))
        .arg(&dir)
        .output()
        .expect("node is installed: run scripts/setup");
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Reports, a comparison and a history.
fn pages() -> Vec<(&'static str, String)> {
    let mut reports = outcomes::all();
    reports.push(("scorecard", outcomes::whole()));
    let mut pages: Vec<_> =
        reports.iter().map(|(name, outcome)| (*name, html::render(outcome))).collect();
    let (before, after) = outcomes::before_and_after();
    let it = compare(&before, &after, &Terms::default()).expect("they belong together");
    pages.push(("compare", html::compare(&it, &before, &after)));
    let nights = (1..=28).map(|day| Entry::of("result.json", &outcomes::nightly(day)));
    let nights = nights.map(|night| night.expect("a run")).collect();
    let left = ["results/broken/result.json: cut off at line 7, column 3".to_owned()];
    pages.push(("history", html::history("results/nightly", &history(nights), &left)));
    pages
}
