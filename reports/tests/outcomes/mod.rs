//! Outcomes made up for tests: plausible figures from a small queueing model,
//! the same on every machine. No file of measurements stands behind them.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test binary uses some of them")]

mod cell;
pub mod demanded;
mod dice;
pub mod drill;
mod empty;
mod faulted;
mod hostile;
mod nightly;
pub mod piled;
mod ramps;
mod systems;
mod variants;
mod whole;

use schedbench_reports::outcome::Outcome;

pub use cell::{cell, histogram};
pub use dice::Dice;
pub use drill::drill;
pub use empty::{empty, system};
pub use faulted::{faulted, overlapping};
pub use hostile::{broken, hostile};
pub use nightly::nightly;
pub use piled::piled;
pub use ramps::{
    RATES, alike, before_and_after, invalid, largest, partial, ramp, ramp_from, ramp_of, repeated,
    single, wide,
};
pub use systems::*;
pub use variants::{delays, in_flight};
pub use whole::whole;

/// All of them by name.
pub fn all() -> Vec<(&'static str, Outcome)> {
    vec![
        ("ramp", ramp()),
        ("wide", wide()),
        ("repeated", repeated()),
        ("in-flight", in_flight()),
        ("alike", alike()),
        ("delays", delays()),
        ("faulted", faulted()),
        ("overlapping", overlapping()),
        ("drill", drill()),
        ("piled", piled()),
        ("demanded", demanded::demanded()),
        ("partial", partial()),
        ("single", single()),
        ("invalid", invalid()),
        ("broken", broken()),
        ("hostile", hostile()),
        ("empty", empty()),
    ]
}
