//! The harness: scenario → plan → drive → record → judge → outcome → report.
//!
//! Data flows one way. `scenario`, `plan` and `judge` are pure; only
//! `environment`, `fault`, `drive`, `record` and the adapters touch the clock, a
//! process or the network.

pub mod cli;
pub mod drive;
pub mod environment;
pub mod fault;
pub mod judge;
pub mod plan;
pub mod record;
pub mod run;
pub mod scenario;
pub mod verbs;
pub mod voice;
