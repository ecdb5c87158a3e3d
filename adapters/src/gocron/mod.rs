//! Jobs of gocron in a program of its own: one-shot jobs, with or without a
//! lock in Redis, and interval jobs (`docs/decisions/0021-gocron-by-intervals.md`).
//!
//! gocron keeps its jobs in memory; the lock is all that two instances share.
//! It is released when a job ends, so that it keeps a one-shot job from
//! running twice at the same time, and not from running twice.

mod locks;

use schedbench_contract::{
    AckMode, Adapter, Backlog, Broker, Claims, Comparable, ConfirmMode, Delay, DurabilityClass,
    Endpoints, Language, Launch, Order, Profile, Recorder, Resends, Result, Retries, Runtime,
    Server, Topology, Work, WorkerSource, WorkersShape,
};

use crate::fed::{FedProducer, Programs, locked_version};
use locks::Locks;

const NAME: &str = "gocron";
/// The profile with a second instance.
const TWO: &str = "redis-lock-2";

static SOURCE: WorkerSource = WorkerSource {
    name: NAME,
    language: Language::Go,
    files: &[
        ("gocron/go.mod", include_str!("../../workers/gocron/go.mod")),
        ("gocron/go.sum", include_str!("../../workers/gocron/go.sum")),
        ("gocron/main.go", include_str!("../../workers/gocron/main.go")),
        ("gocron/lock.go", include_str!("../../workers/gocron/lock.go")),
        ("gocron/poller.go", include_str!("../../workers/gocron/poller.go")),
        ("fed/go.mod", include_str!("../../workers/fed/go.mod")),
        ("fed/clock.go", include_str!("../../workers/fed/clock.go")),
        ("fed/clock.s", include_str!("../../workers/fed/clock.s")),
        ("fed/cost.go", include_str!("../../workers/fed/cost.go")),
        ("fed/fed.go", include_str!("../../workers/fed/fed.go")),
        ("fed/pauses.go", include_str!("../../workers/fed/pauses.go")),
        ("fed/report.go", include_str!("../../workers/fed/report.go")),
        ("fed/runner.go", include_str!("../../workers/fed/runner.go")),
        ("fed/seeded.go", include_str!("../../workers/fed/seeded.go")),
        ("fed/work.go", include_str!("../../workers/fed/work.go")),
    ],
};

/// One or two instances of gocron.
#[derive(Debug)]
pub(crate) struct Gocron {
    programs: Programs,
    locks: Option<Locks>,
}

const CLAIMS: Claims = Claims {
    durability: DurabilityClass::InProcess,
    ack: AckMode::None,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Native { early_by_at_most_ns: 0 },
    order: Order::None,
    cancel: false,
    retries: Retries::Unsupported("a one-shot job that fails is over"),
    resends: Resends::Noted,
    // It stays with the caller: only the id and the due time are fed.
    largest_body: usize::MAX,
};

/// A lock worth keeping through a restart would be configured otherwise; these
/// live for less than a millisecond.
const IN_MEMORY: &[(&str, &str)] = &[("appendonly", "no"), ("save", "")];

const PROFILES: &[Profile] = &[
    Profile {
        name: "no-lock",
        summary: "gocron v2, a one-shot job for each task, the workers' concurrency as its limit \
                  of jobs that run",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "redis-lock",
        summary: "as no-lock, and each job is locked in Redis while it runs (redsync, one try): \
                  what the lock costs",
        broker: Some(Broker::Redis),
        broker_settings: IN_MEMORY,
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: TWO,
        summary: "as redis-lock, with two instances that both have every job: the lock is \
                  released when a job ends, so that most jobs run twice",
        broker: Some(Broker::Redis),
        broker_settings: IN_MEMORY,
        topology: Topology::Single,
        claims: Claims { ack: AckMode::Locked, ..CLAIMS },
    },
    Profile {
        name: "interval",
        summary: "as no-lock, but an interval job for each task, limited to one run: that comes \
                  one interval after it is added, which is the task's delay; at once without one. \
                  A gocron that lags behind by an interval runs some again",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "interval-10ms",
        summary: "one interval job that looks each 10 ms for what is due, as who polls with \
                  gocron has it, in a heap; no look begins while one goes on",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    },
];

impl Adapter for Gocron {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = PROFILES;
    const RUNTIME: Runtime = Runtime::Source(&SOURCE);
    const COMPARABLE: Comparable = crate::fed::COMPARABLE;
    type Producer = FedProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        let locks = match profile.broker {
            Some(_) => Some(Locks::open(at).await?),
            None => None,
        };
        let instances = if profile.name == TWO { 2 } else { 1 };
        Ok(Self { programs: Programs::new(NAME, instances, shape), locks })
    }

    async fn producer(&self, log: Recorder) -> Result<FedProducer> {
        self.programs.producer(log)
    }

    fn workers(&self, work: &Work, _: Recorder) -> Result<Launch> {
        Ok(self.programs.launch(work))
    }

    async fn backlog(&self) -> Result<Backlog> {
        Ok(self.programs.backlog())
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        Ok(None)
    }

    async fn server(&self) -> Result<Option<Server>> {
        let version = locked_version(&SOURCE, "github.com/go-co-op/gocron/v2");
        let mut settings = Vec::new();
        if let Some(locks) = &self.locks {
            let redsync = locked_version(&SOURCE, "github.com/go-redsync/redsync/v4");
            settings.push(("redsync".to_owned(), redsync));
            settings.push(("redis".to_owned(), locks.version().await?));
        }
        Ok(Some(Server { name: NAME.to_owned(), version, year: None, settings }))
    }

    async fn purge(&self) -> Result<()> {
        Ok(())
    }

    /// Removes the locks of programs that were killed while a job ran; Redis
    /// would do so itself 8 s after they were taken.
    async fn close(self) -> Result<()> {
        match &self.locks {
            Some(locks) => locks.remove().await,
            None => Ok(()),
        }
    }
}
