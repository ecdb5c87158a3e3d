//! The binary from outside: every verb, every exit code, and every way in
//! which a run can end. Each test has a directory of its own and leaves no
//! process there.

mod backlog;
mod black_hole;
mod brokers;
mod checks;
mod clusters;
mod commands;
mod comparing;
mod containers;
mod costs;
mod disks;
mod disturbed;
mod external;
mod faults;
mod harness;
mod kafka;
#[cfg(feature = "kafka-tls")]
mod kafka_tls;
mod killed;
mod links;
mod modes;
mod names;
mod networks;
mod nightly;
mod nightly_workflow;
#[path = "../../../reports/tests/outcomes/mod.rs"]
mod outcomes;
mod pipes;
mod place;
mod postgres;
mod preparing;
mod processes;
mod rabbitmq;
mod refusals;
mod reports;
mod runs;
mod seconds;
mod secrets;
mod shares;
mod signals;
mod strangers;
mod verbs;
mod watching;
