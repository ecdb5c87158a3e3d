//! What outcomes become: files, analyses, tables and pages.
//!
//! One program for all of it: each of twenty would link the whole library. The
//! browser's test is one of its own, for it measures times.

mod backlog;
mod claims;
mod claims_backlogs;
mod claims_losses;
mod compare;
mod compare_apart;
mod export;
mod export_outcomes;
mod faults;
mod guide;
mod history;
mod hlog;
mod load;
mod load_schema;
mod merge;
mod objectives;
mod page;
mod page_bounds;
mod page_cost;
mod page_looks;
mod page_parts;
mod page_validity;
mod preceding;
mod sample;
mod scorecard;
mod scorecard_page;
mod terminal;
mod verdict;

#[path = "../example/mod.rs"]
mod example;
#[path = "../outcomes/mod.rs"]
mod outcomes;
