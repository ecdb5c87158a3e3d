//! Every system under test, one file each, and the registry that names them.

pub mod amqp;
#[cfg(feature = "asynq")]
mod asynq;
#[cfg(feature = "celery")]
mod celery;
pub mod clock;
mod fake;
mod fed;
#[cfg(feature = "go-timers")]
mod go_timers;
#[cfg(feature = "gocron")]
mod gocron;
pub mod handler;
mod in_process;
#[cfg(feature = "kafka")]
mod kafka;
pub mod kafka_wire;
pub mod own_cost;
mod pipe_report;
#[cfg(any(feature = "celery", feature = "gocron", feature = "postgres"))]
mod plain_redis;
#[cfg(feature = "postgres")]
mod postgres;
pub mod postgres_client;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
#[cfg(feature = "redis-asynq")]
mod redis_asynq;
pub mod slots;
pub mod tls;

pub use fake::plan as fake_plan;
pub use pipe_report::PipeReport;
use schedbench_contract::{Adapter, Broker, Comparable, Profile, Runtime, Visit};

/// What the registry knows of a system.
#[derive(Clone, Copy, Debug)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    /// Its profiles, the default first.
    pub profiles: &'static [Profile],
    /// What its worker processes are written in.
    pub runtime: Runtime,
    /// Which of its tasks have figures that others' may be set beside.
    pub comparable: Comparable,
    /// The server that a profile needs beside its broker, as a profile of that
    /// server.
    pub second: fn(&Profile) -> Option<&'static Profile>,
    /// Whether it exists only to test the judge; not listed, never in a default.
    pub only_for_tests: bool,
}

macro_rules! registry {
    ($($(#[$condition:meta])* $adapter:ty $(, $only_for_tests:literal)?;)+) => {
        /// Every system of this build, in the order of tables.
        pub const SYSTEMS: &[System] = &[$(
            $(#[$condition])*
            System {
                name: <$adapter as Adapter>::NAME,
                profiles: <$adapter as Adapter>::PROFILES,
                runtime: <$adapter as Adapter>::RUNTIME,
                comparable: <$adapter as Adapter>::COMPARABLE,
                second: <$adapter as Adapter>::second,
                only_for_tests: false $(|| $only_for_tests)?,
            },
        )+];

        /// Runs `visitor` with the type of the system named `name`; `None`
        /// when this build has no such system.
        pub fn visit<V: Visit>(name: &str, visitor: V) -> Option<V::Out> {
            $(
                $(#[$condition])*
                if name == <$adapter as Adapter>::NAME {
                    return Some(visitor.visit::<$adapter>());
                }
            )+
            None
        }
    };
}

// A new system is one line here and one file beside this one.
registry! {
    in_process::Noop;
    in_process::Wheel;
    in_process::Heap;
    in_process::Tokio;
    in_process::DelayQueue;
    #[cfg(feature = "redis-asynq")] redis_asynq::RedisAsynq;
    #[cfg(feature = "asynq")] asynq::Asynq;
    #[cfg(feature = "rabbitmq")] rabbitmq::RabbitMq;
    #[cfg(feature = "kafka")] kafka::Kafka;
    #[cfg(feature = "celery")] celery::Celery;
    #[cfg(feature = "postgres")] postgres::Postgres;
    #[cfg(feature = "go-timers")] go_timers::GoTimers;
    #[cfg(feature = "gocron")] gocron::Gocron;
    fake::Fake, true;
}

/// Runs `visitor` with the system in process that is named `name`, whole in a
/// child process: then it can be killed. `None` where there is none.
pub fn visit_in_child<V: Visit>(name: &str, visitor: V) -> Option<V::Out> {
    use fake::FakeInChild as Fake;
    use in_process::in_child::{DelayQueue, Heap, Tokio, Wheel};
    match name {
        Fake::NAME => Some(visitor.visit::<Fake>()),
        Wheel::NAME => Some(visitor.visit::<Wheel>()),
        Heap::NAME => Some(visitor.visit::<Heap>()),
        Tokio::NAME => Some(visitor.visit::<Tokio>()),
        DelayQueue::NAME => Some(visitor.visit::<DelayQueue>()),
        _ => None,
    }
}

/// [`visit`] of one system, for a program that is about it: with that function
/// it would be compiled for every client of every broker.
#[cfg(feature = "redis-asynq")]
pub fn visit_redis_asynq<V: Visit>(visitor: V) -> V::Out {
    visitor.visit::<redis_asynq::RedisAsynq>()
}

/// As [`visit_redis_asynq`], of those that run on threads of this process: `None`
/// for any other.
pub fn visit_in_process<V: Visit>(name: &str, visitor: V) -> Option<V::Out> {
    use fake::Fake;
    use in_process::{DelayQueue, Heap, Noop, Tokio, Wheel};
    match name {
        Noop::NAME => Some(visitor.visit::<Noop>()),
        Wheel::NAME => Some(visitor.visit::<Wheel>()),
        Heap::NAME => Some(visitor.visit::<Heap>()),
        Tokio::NAME => Some(visitor.visit::<Tokio>()),
        DelayQueue::NAME => Some(visitor.visit::<DelayQueue>()),
        Fake::NAME => Some(visitor.visit::<Fake>()),
        _ => None,
    }
}

/// What sentinels of Redis call the primary and the replicas that they watch:
/// clients ask them by that name.
pub const WATCHED_BY_SENTINELS: &str = "schedbench";

/// Systems that a lean build lacks, with the cargo feature that brings them.
pub const LEFT_OUT: &[(&str, &str)] = &[
    #[cfg(not(feature = "redis-asynq"))]
    ("redis-asynq", "redis-asynq"),
    #[cfg(not(feature = "asynq"))]
    ("asynq", "asynq"),
    #[cfg(not(feature = "rabbitmq"))]
    ("rabbitmq", "rabbitmq"),
    #[cfg(not(feature = "kafka"))]
    ("kafka", "kafka"),
    #[cfg(not(feature = "celery"))]
    ("celery", "celery"),
    #[cfg(not(feature = "postgres"))]
    ("postgres", "postgres"),
    #[cfg(not(feature = "go-timers"))]
    ("go-timers", "go-timers"),
    #[cfg(not(feature = "gocron"))]
    ("gocron", "gocron"),
];

/// The system of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static System> {
    SYSTEMS.iter().find(|system| system.name == name)
}

impl System {
    /// The profile of that name, or the default for `None`.
    #[must_use]
    pub fn profile(&self, name: Option<&str>) -> Option<&'static Profile> {
        match name {
            None => self.profiles.first(),
            Some(name) => self.profiles.iter().find(|profile| profile.name == name),
        }
    }

    /// Whether it runs on threads of the harness: no broker, no program.
    #[must_use]
    pub fn is_in_process(&self) -> bool {
        matches!(self.runtime, Runtime::Rust)
            && self.profiles.iter().all(|profile| profile.broker.is_none())
    }

    /// The servers that a profile needs, its broker first; none for a system
    /// in process.
    #[must_use]
    pub fn brokers(&self, profile: &Profile) -> Vec<Broker> {
        let second = (self.second)(profile).and_then(|profile| profile.broker);
        profile.broker.into_iter().chain(second).collect()
    }
}
