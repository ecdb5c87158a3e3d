//! Whatever a scenario file holds, it is refused with a reason, or resolves to
//! a plan whose cells are counted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schedbench::plan::{Estimate, Missing, resolve};
use schedbench::scenario::read;

fuzz_target!(|bytes: &[u8]| {
    let refused = |error: schedbench::scenario::ScenarioError| assert!(!error.to_string().is_empty());
    match read("fuzz.toml", bytes, &[]) {
        Err(error) => refused(error),
        Ok(scenario) => match resolve(&scenario, Missing::IsSkipped) {
            Err(error) => refused(error),
            Ok(resolved) => assert!(Estimate::of(&resolved.plan).cells <= 10_000_000),
        },
    }
});
