//! Over which systems the checks run, and two of them side by side at most.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use schedbench::plan::Target;
use schedbench_adapters::{SYSTEMS, System, find};
use schedbench_contract::{AckMode, Broker, DurabilityClass, Profile, Topology};

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

/// Whether a check is about a system's profile at that place.
pub(crate) type Choice = fn(system: &System, place: usize) -> bool;

/// Every system in its default profile; with `SCHEDBENCH_ALL_PROFILES=1`
/// (`scripts/test --all-profiles`) in each of its profiles.
pub(crate) const DEFAULTS: Choice = |_, place| place == 0 || all();
/// Every profile that is no system's default.
pub(crate) const OTHERS: Choice = |_, place| place > 0;
/// Every system in its default profile, and of each broker the first profile
/// of each promise: of each durability class, confirmed or not. Clusters, like
/// all that promise the same, only with `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const PROMISES: Choice = |system, place| {
    let profile = &system.profiles[place];
    let promise = |one: &Profile| (one.broker, one.claims.durability, one.claims.confirms);
    let mut before = SYSTEMS.iter().flat_map(|system| system.profiles);
    let first = before.find(|one| promise(one) == promise(profile));
    let is_first = first.is_some_and(|first| std::ptr::eq(first, profile));
    let is_single = profile.topology == Topology::Single;
    place == 0 || is_first && is_single || all()
};
/// Every profile whose tasks are acknowledged before they run.
pub(crate) const EARLY: Choice =
    |system, place| system.profiles[place].claims.ack == AckMode::Early;
/// A primary with replicas, one of which is soon promoted in its place; of the
/// systems that speak the same protocol all with `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const FAILOVER: Choice = |system, place| {
    let soon = matches!(system.profiles[place].name, "sentinel-tuned" | "sentinel-wait");
    soon && (system.name == "redis-asynq" || all())
};
/// Every task has a copy on a second node before it is confirmed, and nodes
/// elect their leader themselves.
pub(crate) const REPLICATED: Choice = |system, place| {
    let profile = &system.profiles[place];
    let elects = profile.broker != Some(Broker::Redis);
    profile.claims.durability == DurabilityClass::Replicated && elects
};
/// A leader with followers confirms by itself.
pub(crate) const ALONE_CONFIRMS: Choice =
    |system, place| system.profiles[place].name == "acks1-rf3";

fn all() -> bool {
    std::env::var_os("SCHEDBENCH_ALL_PROFILES").is_some()
}

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
            let profiles = system.profiles.iter().enumerate();
            let chosen = profiles.filter(move |(place, _)| choice(system, *place));
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
