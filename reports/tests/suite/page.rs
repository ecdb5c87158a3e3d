//! The page of every made-up outcome: it renders, is one file, escapes, and
//! stays small. The files are left in the target directory to be looked at.

use std::path::Path;

use schedbench_reports::html::render;
use schedbench_reports::outcome::Outcome;

use crate::outcomes;
use crate::page_parts::text_of;

#[test]
fn every_outcome_has_a_page() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&dir).expect("target is writable");
    for (name, outcome) in outcomes::all() {
        let page = render(&outcome);
        std::fs::write(dir.join(format!("{name}.html")), &page).expect("target is writable");
        assert!(page.starts_with("<!DOCTYPE html>"), "{name}");
        for evil in ["<img src=x", "<script>alert", "\u{0}"] {
            assert!(!page.contains(evil), "{name} carries {evil:?}");
        }
        assert!(!page.contains("NaN"), "{name} writes NaN");
        // A ramp of up to six systems stays below 500 KB, the largest page below 2 MB.
        let most = if ["wide", "repeated"].contains(&name) { LARGEST } else { 500_000 };
        assert!(page.len() < most, "{name}: {} bytes", page.len());
    }
}

/// Bytes that no page may have.
const LARGEST: usize = 2_000_000;

#[test]
fn three_hundred_cells_fit_into_a_page() {
    let page = render(&outcomes::largest());
    assert!(page.len() < LARGEST, "{} bytes", page.len());
}

/// Where each of these begins on the page of an outcome; all are there.
fn places(outcome: &Outcome, all: &[&str]) -> Vec<usize> {
    let page = render(outcome);
    all.iter().map(|one| page.find(one).unwrap_or_else(|| panic!("no {one}"))).collect()
}

#[test]
fn who_won_comes_before_faults_and_a_broken_promise_before_all() {
    let sections = ["id=\"holds\"", "id=\"faults\"", "id=\"ledger\""];
    let sentences = ["<b>Promises broken</b>", "<b>In process, memory</b>", "<b>Kill broker"];
    let whole = outcomes::whole();
    for in_order in [&sections, &sentences] {
        let places = places(&whole, in_order);
        assert!(places.is_sorted(), "{in_order:?} at {places:?}");
    }
    // A fault run has nobody but `noop` under load, and no winner.
    let places = places(&outcomes::drill(), &["id=\"faults\"", "id=\"holds\""]);
    assert!(places.is_sorted(), "{places:?}");
}

/// All that a reader sees of them, so that a change of it is looked at.
#[test]
fn pages_read_as_they_did() {
    for (name, outcome) in
        [("ramp", outcomes::ramp()), ("drill", outcomes::drill()), ("piled", outcomes::piled())]
    {
        insta::assert_snapshot!(name, text_of(&render(&outcome)));
    }
}

#[test]
fn trials_stand_under_their_names() {
    let mut outcome = outcomes::faulted();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.fault.is_some()) {
        cell.key.trial = Some("standstill".into());
    }
    let page = render(&outcome);
    assert!(page.contains("<h3>standstill: kill broker at 3 s for 2 s</h3>"));
}

#[test]
fn one_of_a_kind_is_no_plural() {
    let mut outcome = outcomes::repeated();
    outcome.host.cores = 1;
    outcome.cells.retain(|cell| cell.key.system == "wheel");
    outcome.cells[0].counts.balances = false;
    let page = render(&outcome);
    assert!(page.contains(">1 ledger does not balance<"));
    assert!(page.contains(">none seen in 1 system<"));
    assert!(page.contains(", 1 core, ") && !page.contains("1 cores"));
}
