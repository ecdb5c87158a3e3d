//! Whatever a `result.json` holds, it is refused with a reason, or everything
//! that is made of an outcome can be made of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schedbench_reports::analysis::analyse;
use schedbench_reports::{export, html, load, terminal};

fuzz_target!(|bytes: &[u8]| {
    let Ok(outcome) = load::parse(bytes) else { return };
    let analysis = analyse(&outcome);
    let page = html::render(&outcome);
    assert!(page.ends_with("</html>\n") || page.ends_with("</html>"), "a page that is cut short");
    terminal::render(&outcome, &analysis, true, 80);
    export::markdown(&outcome, &analysis);
    export::csv(&outcome);
    let summary = export::json(&outcome, &analysis);
    assert!(summary.starts_with('{'), "no object: {summary}");
});
