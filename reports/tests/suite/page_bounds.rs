//! A figure that is only a bound says so wherever the page has it.

use schedbench_reports::html::render;
use schedbench_reports::outcome::*;

use crate::outcomes;
use crate::page_parts::{rows, section, tips};

/// `tokio` at a load that it falls behind at by so much that most tasks are
/// beyond T.
fn overloaded() -> Outcome {
    let mut outcome = outcomes::ramp();
    let cells = outcome.cells.iter_mut();
    for cell in
        cells.filter(|cell| cell.key.system == "tokio" && cell.key.load == Load::Rate(100e3))
    {
        let start = cell.histograms.get_mut("start_latency").expect("there is one");
        *start = outcomes::histogram(1_000_000, || None).0;
    }
    outcome
}

#[test]
fn a_median_beyond_the_horizon_is_no_number() {
    let page = render(&overloaded());
    let tips = tips(&page);
    assert!(tips.iter().any(|tip| tip.contains("P99 > 2\u{202f}s · P50 > 2\u{202f}s\n")));
    assert!(!tips.iter().any(|tip| tip.contains("· P50 2\u{202f}s")));
    assert!(tips.iter().any(|tip| tip.starts_with("noop") && tip.contains(" · P50 ≤ ")));
}

/// Style 3 is tokio's.
#[test]
fn a_median_beyond_the_horizon_has_an_arrowhead() {
    assert!(!section(&render(&outcomes::ramp()), "load").contains("class=\"m h s3 thin\""));
    assert!(section(&render(&overloaded()), "load").contains("class=\"m h s3 thin\""));
}

/// Bins 10 to 19 were widened together, and only one of them has tasks that did
/// not succeed; bin 30 was just slow.
fn beyond_for_a_while() -> Outcome {
    let mut outcome = outcomes::single();
    let columns = &mut outcome.cells[0].series.columns;
    let p99 = columns.get_mut("p99").expect("there is one");
    p99[10..20].fill(Some(2.0));
    p99[30] = Some(2.0);
    let unfinished = (0..p99.len()).map(|bin| Some(f64::from(u8::from(bin == 14)))).collect();
    columns.insert("at_infinity".to_owned(), unfinished);
    outcome
}

#[test]
fn a_latency_over_time_beyond_the_horizon_is_no_number() {
    let page = render(&beyond_for_a_while());
    let tips = tips(&page);
    let count = |figure: &str| tips.iter().filter(|tip| tip.ends_with(figure)).count();
    assert_eq!(count("\nP99 > 2\u{202f}s"), 10);
    assert_eq!(count("\nP99 2\u{202f}s"), 1);
    let time = section(&page, "time");
    let figures = &rows(time, "redis-asynq P99")[0];
    assert_eq!(figures.iter().filter(|figure| *figure == "> 2 s").count(), 2, "{figures:?}");
    assert!(time.contains("arrowheads: not done within what was watched"));
    // Ten in each of two scales and two widths.
    assert_eq!(time.matches("class=\"m h s0 fine\"").count(), 40);
}

#[test]
fn no_arrowhead_where_all_was_done() {
    assert!(!section(&render(&outcomes::single()), "time").contains("arrowhead"));
}

/// Which cells "Who holds what" calls an upper bound, the percentiles do too.
#[test]
fn a_percentile_below_what_the_pacing_resolves_is_a_bound() {
    let page = render(&outcomes::ramp());
    let held = &rows(section(&page, "holds"), "noop")[0];
    let percentiles = section(&page, "percentiles");
    // The range over the repeats follows in the first table.
    let p99: Vec<_> = rows(percentiles, "noop").iter().map(|row| row[3].clone()).collect();
    assert!(p99.iter().all(|figure| figure.starts_with("≤ ")), "{p99:?}");
    assert!(p99.iter().any(|figure| held[3].starts_with(figure.as_str())), "{held:?} {p99:?}");
    assert!(tips(&page).iter().any(|tip| tip.starts_with("noop\nP99 ≤ ")));
    assert!(percentiles.contains("class=\"m h s0\""), "its dots are hollow");
}

/// Where nothing is known of an interval, those after it stay in their columns.
#[test]
fn a_gap_over_time_moves_no_figure() {
    let row = |outcome: &Outcome| {
        let page = render(outcome);
        rows(section(&page, "time"), "redis-asynq P99")[0].clone()
    };
    let mut outcome = outcomes::single();
    let mut expected = row(&outcome);
    let p99 = outcome.cells[0].series.columns.get_mut("p99").expect("there is one");
    // Every fourth of 40 has a column.
    p99[5..9].fill(None);
    expected[3] = "–".to_owned();
    assert_eq!(row(&outcome), expected);
}
