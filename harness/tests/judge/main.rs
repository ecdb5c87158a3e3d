//! The judge on planted evidence: every time is virtual, nothing sleeps and no
//! clock is read.

mod cost;
mod counts;
mod fates;
mod faulted;
mod generators;
mod latencies;
mod limit;
mod model;
mod omission;
mod over_time;
mod rested;
mod stage;
mod timelines;
mod verdicts;
