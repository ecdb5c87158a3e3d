//! Over which systems the checks run, and two of them side by side at most.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use schedbench::plan::Target;
use schedbench_adapters::{SYSTEMS, find};

/// Checks of a lane run one after another: two lanes for two cores, and in
/// each it is known whose threads and processes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Systems in this process.
    InProcess,
    /// Systems with a broker.
    Brokers,
}

static IN_PROCESS: Mutex<()> = Mutex::new(());
static BROKERS: Mutex<()> = Mutex::new(());

impl Lane {
    /// The lane of a target.
    pub(crate) const fn of(target: Target) -> Self {
        match target.profile.broker {
            Some(_) => Self::Brokers,
            None => Self::InProcess,
        }
    }

    /// Waits for the lane. A check that failed in it left nothing running.
    pub(crate) fn enter(self) -> MutexGuard<'static, ()> {
        let lane = match self {
            Self::InProcess => &IN_PROCESS,
            Self::Brokers => &BROKERS,
        };
        lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a check is about a profile.
pub(crate) type Choice = fn(place: usize) -> bool;

/// Every system in its default profile; with `SCHEDBENCH_ALL_PROFILES=1`
/// (`scripts/test --all-profiles`) in each of its profiles.
pub(crate) const DEFAULTS: Choice =
    |place| place == 0 || std::env::var_os("SCHEDBENCH_ALL_PROFILES").is_some();
/// Every profile that is no system's default.
pub(crate) const OTHERS: Choice = |place| place > 0;

/// Runs a check for each chosen profile of the lane's systems and names all
/// that fail, not only the first.
pub(crate) fn each(lane: Lane, choice: Choice, check: impl Fn(Target)) {
    // For who works on one system or profile: SCHEDBENCH_SYSTEMS=kafka/rf3,celery.
    let only = std::env::var("SCHEDBENCH_SYSTEMS").ok();
    let is_wanted = |target: &Target| {
        let is_it = |one: &str| one == target.system.name || one == target.name();
        only.as_deref().is_none_or(|only| only.split(',').any(is_it))
    };
    let systems = SYSTEMS.iter().filter(|system| !system.only_for_tests);
    let targets: Vec<Target> = systems
        .flat_map(|system| {
            let chosen = system.profiles.iter().enumerate().filter(|(place, _)| choice(*place));
            chosen.map(move |(_, profile)| Target { system, profile })
        })
        .filter(|target| Lane::of(*target) == lane && is_wanted(target))
        .collect();
    let _lane = lane.enter();
    let mut failed = Vec::new();
    for target in targets {
        let began = Instant::now();
        let passed = catch_unwind(AssertUnwindSafe(|| check(target))).is_ok();
        let word = if passed { "passed" } else { "FAILED" };
        println!("{word} {} after {:.1} s", target.name(), began.elapsed().as_secs_f64());
        if !passed {
            failed.push(target.name());
        }
    }
    assert!(failed.is_empty(), "failed for {}", failed.join(", "));
}

/// A profile of the fake broker.
pub(crate) fn fake(profile: &str) -> Target {
    let system = find("fake").expect("in every build");
    let profile = system.profile(Some(profile)).expect("one of its profiles");
    Target { system, profile }
}

/// Two tests of a check: one for each lane.
macro_rules! on_every_system {
    ($($choice:ident: $check:ident;)+) => { $(
        mod $check {
            use crate::systems::{$choice, Lane, each};

            #[test]
            fn in_process() {
                each(Lane::InProcess, $choice, super::$check);
            }

            #[test]
            fn on_brokers() {
                each(Lane::Brokers, $choice, super::$check);
            }
        }
    )+ };
}
pub(crate) use on_every_system;
