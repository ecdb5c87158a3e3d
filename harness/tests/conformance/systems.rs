//! Over which systems the checks run, and how many of them side by side.

use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use schedbench::plan::Target;
use schedbench_adapters::{SYSTEMS, System, find};
use schedbench_contract::{AckMode, Broker, DurabilityClass, Profile, Topology};

/// Where a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Systems in this process: one at a time, so that it is known whose
    /// threads are there, and that one has a core.
    InProcess,
    /// Systems with a broker: most of their time is waiting for a start, a
    /// lease, a silence, so that as many as [`PLACES`] holds fill what is left.
    Brokers,
}

/// What the brokers at the same time may take together on two cores: three
/// of Kafka, or six that mostly wait.
const PLACES: usize = 6;
/// Kafka and RabbitMQ work for seconds before they answer: with a fourth a start
/// of Kafka left the others no core.
const OF_A_RUNTIME: usize = 2;
/// Redis and PostgreSQL start in a tenth of a second and mostly wait: for a
/// lease to end, for a poll.
const OF_ONE: usize = 1;
/// The same with sentinels or shards, three servers of them.
const OF_SEVERAL_REDIS: usize = 3;
/// Three servers of Kafka or RabbitMQ: beside another broker Kafka's gave each
/// other up.
const OF_A_CLUSTER: usize = PLACES;

/// Checks over several systems that have begun.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static IN_PROCESS: Room = Room::of(Lane::InProcess.places());
static BROKERS: Room = Room::of(Lane::Brokers.places());

/// Places of checks. Who needs more of them enters first: a cluster, for which
/// all others have to leave, is then followed by the next one, and the room is
/// emptied once for all of them.
pub(crate) struct Room {
    free: Mutex<Free>,
    changed: Condvar,
}

struct Free {
    places: usize,
    /// How many wait for so many places.
    waiting: [usize; PLACES + 1],
}

impl Room {
    const fn of(places: usize) -> Self {
        let free = Free { places, waiting: [0; PLACES + 1] };
        Self { free: Mutex::new(free), changed: Condvar::new() }
    }

    /// Waits for so many places. A check that failed in one left nothing running.
    fn enter(&'static self, places: usize) -> Place {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.waiting[places] += 1;
        let has_to_wait = |free: &mut Free| {
            let is_behind = free.waiting[places + 1..].iter().any(|larger| *larger > 0);
            is_behind || free.places < places
        };
        let free = self.changed.wait_while(free, has_to_wait);
        let mut free = free.unwrap_or_else(PoisonError::into_inner);
        free.waiting[places] -= 1;
        free.places -= places;
        // Those that were behind it may follow.
        self.changed.notify_all();
        Place(self, places)
    }
}

/// Places that are free again when this is dropped.
pub(crate) struct Place(&'static Room, usize);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner).places += self.1;
        self.0.changed.notify_all();
    }
}

impl Lane {
    /// The lane of a target.
    pub(crate) const fn of(target: Target) -> Self {
        match target.profile.broker {
            Some(_) => Self::Brokers,
            None => Self::InProcess,
        }
    }

    /// What the checks in it may take together.
    const fn places(self) -> usize {
        match self {
            Self::InProcess => 1,
            Self::Brokers => PLACES,
        }
    }

    /// Waits for what a check of that target takes.
    pub(crate) fn enter(target: Target) -> Place {
        let is_of_several = target.profile.topology.is_of_several();
        let places = match target.profile.broker {
            Some(Broker::Redis) if is_of_several => OF_SEVERAL_REDIS,
            Some(Broker::Kafka | Broker::RabbitMq) if is_of_several => OF_A_CLUSTER,
            Some(Broker::Kafka | Broker::RabbitMq) => OF_A_RUNTIME,
            Some(Broker::Redis | Broker::Postgres) | None => OF_ONE,
        };
        Self::of(target).room().enter(places)
    }

    fn room(self) -> &'static Room {
        match self {
            Self::InProcess => &IN_PROCESS,
            Self::Brokers => &BROKERS,
        }
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
/// What runs in process and can run whole in a child: `noop` keeps nothing that
/// could be lost with one.
pub(crate) const IN_A_CHILD: Choice =
    |system, place| DEFAULTS(system, place) && system.is_in_process() && system.name != "noop";
/// A primary with replicas, one of which is soon promoted in its place; of the
/// systems that speak the same protocol all with `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const FAILOVER: Choice = |system, place| {
    let soon = matches!(system.profiles[place].name, "sentinel-tuned" | "sentinel-wait");
    soon && (system.name == "redis-asynq" || all())
};
/// Every task has a copy on a second node before it is confirmed, and nodes
/// elect their leader themselves; of those that differ only in how long they
/// wait for a silent one all with `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const REPLICATED: Choice = |system, place| {
    let profile = &system.profiles[place];
    let elects = profile.broker != Some(Broker::Redis);
    let waits_otherwise = matches!(profile.name, "rf3-default" | "quorum-3-tuned");
    let is_replicated = profile.claims.durability == DurabilityClass::Replicated;
    is_replicated && elects && (!waits_otherwise || all())
};
/// A leader with followers confirms by itself.
pub(crate) const ALONE_CONFIRMS: Choice =
    |system, place| system.profiles[place].name == "acks1-rf3";
/// A policy has queues copied to other nodes; two clusters for one answer, so
/// only with `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const MIRRORED: Choice = |system, place| {
    let settings = system.profiles[place].broker_settings;
    all() && settings.iter().any(|(key, _)| key.starts_with("policy."))
};
/// Masters divide a cell's queues; a cluster for one answer, so only with
/// `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const SHARDS: Choice =
    |system, place| all() && system.profiles[place].topology == Topology::Shards;

/// A database that says that it has committed what it has yet to write.
pub(crate) const ASYNCHRONOUS: Choice =
    |system, place| system.profiles[place].name == "async-commit";
/// All delayed tasks wait in one queue, whichever is due first.
pub(crate) const ONE_QUEUE: Choice =
    |system, place| system.profiles[place].name == "delay-one-queue";
/// A leader that confirms nothing while too few copies are in sync; its cluster
/// is the only one of Kafka that is started for links between brokers without
/// `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const TOO_FEW: Choice = |system, place| system.profiles[place].name == "rf3";
/// A leader that confirms nothing without a majority; the one that gives silent
/// nodes up soon only with `SCHEDBENCH_ALL_PROFILES=1`.
pub(crate) const NO_MAJORITY: Choice = |system, place| {
    let name = system.profiles[place].name;
    name == "quorum-3" || all() && name == "quorum-3-tuned"
};
/// A leader that confirms by itself, and a primary: with
/// `SCHEDBENCH_ALL_PROFILES=1` only.
pub(crate) const CUT_OFF_LEADER: Choice = |system, place| all() && ALONE_CONFIRMS(system, place);
/// See [`CUT_OFF_LEADER`].
pub(crate) const CUT_OFF_PRIMARY: Choice = |system, place| all() && FAILOVER(system, place);

fn all() -> bool {
    std::env::var_os("SCHEDBENCH_ALL_PROFILES").is_some()
}

/// Runs a check for each chosen profile of the lane's systems and names all
/// that fail, not only the first.
pub(crate) fn each(lane: Lane, choice: Choice, check: impl Fn(Target) + Sync) {
    // For who works on one system or profile: SCHEDBENCH_SYSTEMS=kafka/rf3,celery.
    let only = std::env::var("SCHEDBENCH_SYSTEMS").ok();
    let is_wanted = |target: &Target| {
        let is_it = |one: &str| one == target.system.name || one == target.name();
        only.as_deref().is_none_or(|only| only.split(',').any(is_it))
    };
    let systems = SYSTEMS.iter().filter(|system| !system.only_for_tests);
    let mut targets: Vec<Target> = systems
        .flat_map(|system| {
            let profiles = system.profiles.iter().enumerate();
            let chosen = profiles.filter(move |(place, _)| choice(system, *place));
            chosen.map(move |(_, profile)| Target { system, profile })
        })
        .filter(|target| Lane::of(*target) == lane && is_wanted(target))
        .collect();
    // Checks that go on together begin at different systems: those that start a
    // Kafka at the same time have no core left, and those that wait for leases of
    // Redis leave both idle.
    let nth = BEGUN.fetch_add(1, Ordering::Relaxed) % PLACES;
    let first = nth * targets.len() / PLACES;
    targets.rotate_left(first);
    let rest = Mutex::new(targets.into_iter());
    let failed = Mutex::new(Vec::new());
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
    let check_one_by_one = || {
        while let Some(target) = next() {
            let _place = Lane::enter(target);
            let began = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| check(target)));
            let word = if outcome.is_ok() { "passed" } else { "FAILED" };
            let said =
                format!("{word} {} after {:.1} s", target.name(), began.elapsed().as_secs_f64());
            println!("{said}");
            if let Err(panicked) = outcome {
                // At once and past the harness's capture: over all profiles the
                // end, where it prints what it captured, is an hour away.
                let _ = writeln!(std::io::stderr(), "{said}: {}", words_of(&*panicked));
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(target.name());
            }
        }
    };
    // The last check that runs has the whole lane.
    std::thread::scope(|scope| {
        for _ in 1..lane.places() {
            scope.spawn(check_one_by_one);
        }
        check_one_by_one();
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "failed for {}", failed.join(", "));
}

/// What a panic said.
fn words_of(panicked: &(dyn Any + Send)) -> &str {
    let text = panicked.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panicked.downcast_ref::<&str>().copied()).unwrap_or("no words")
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
