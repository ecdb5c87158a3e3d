//! The binary from outside: every verb, every exit code, and every way in
//! which a run can end. Each test has a directory of its own and leaves no
//! process there.

mod checks;
mod harness;
mod place;
mod processes;
mod reports;
mod runs;
mod verbs;
