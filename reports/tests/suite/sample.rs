//! The sample under `reports/sample/`: a whole scorecard of a real machine,
//! which this version still reads, and whose page is what it makes of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schedbench_reports::analysis::analyse;
use schedbench_reports::html;
use schedbench_reports::load::read;
use schedbench_reports::outcome::{Ended, Outcome};
use schedbench_reports::scorecard::ITEMS;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample").join(name)
}

fn sample() -> Outcome {
    read(&place("result.json")).expect("an outcome")
}

#[test]
fn the_sample_is_a_whole_scorecard_that_balances() {
    let outcome = sample();
    assert_eq!(outcome.ended, Ended::Complete);
    assert!(outcome.skipped.is_empty(), "{:?}", outcome.skipped);
    assert!(outcome.cells.iter().all(|cell| cell.counts.balances));
    let card = analyse(&outcome).scorecard.expect("a scorecard");
    let items: BTreeSet<u8> = card.lines.iter().map(|line| line.item.number).collect();
    assert_eq!(items.len(), ITEMS.len());
    assert_eq!(card.systems.len(), outcome.systems.len());
}

/// `UPDATE_DOCS=1 cargo test -p schedbench-reports --test suite sample` writes it.
#[test]
fn the_page_of_the_sample_is_what_this_version_makes_of_it() {
    let (page, path) = (html::render(&sample()), place("report.html"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("it can be written");
    }
    let written = std::fs::read_to_string(&path).expect("a page");
    assert!(written == page, "reports/sample/report.html is of another version");
}
