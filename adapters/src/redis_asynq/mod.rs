//! Asynq's protocol over Redis, spoken by this harness: enqueue, schedule,
//! dequeue, acknowledge, retry, archive, forward and recover, with Asynq's
//! keys and messages, so that programs written with Asynq share the queue.
//! Groups, unique tasks, retention and cron are left out.
//!
//! Asynq's library makes one round trip per task. These scripts take many
//! tasks at a time; their effects on the keys are the same.

mod connect;
mod control;
mod keys;
mod link;
mod message;
mod producer;
mod profiles;
mod scripts;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use schedbench_contract::{
    Adapter, Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Report,
    Result, Server, Work, WorkersShape,
};

use connect::{Road, Steady};
use control::Control;
use keys::Keys;
use link::{Flow, Link};
use producer::AsynqProducer;
use profiles::Seconds;

/// Its name in scenarios and tables.
const NAME: &str = "redis-asynq";

/// One queue of Asynq's in one Redis.
#[derive(Debug)]
pub(crate) struct RedisAsynq {
    keys: Arc<Keys>,
    profile: &'static Profile,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Steady,
    /// Retries each task may have; told by `workers`, written into each
    /// message by the producer.
    retries: AtomicU32,
}

impl RedisAsynq {
    fn control(&self) -> Control<'_> {
        Control { line: &self.control, keys: &self.keys }
    }
}

fn required<'a>(address: Option<&'a Address>, road: &'static str) -> Result<&'a Address> {
    address.ok_or_else(|| Error::Unsupported {
        system: NAME,
        what: "running without a broker",
        why: format!("no address of Redis was given for {road}"),
    })
}

impl Adapter for RedisAsynq {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    type Producer = AsynqProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        let control = Steady::open(Road::to(required(at.control.as_ref(), "control")?)?).await?;
        let opened = Self {
            keys: Arc::new(Keys::of(&at.prefix)),
            profile,
            shape: *shape,
            producer: required(at.producer.as_ref(), "the producer")?.clone(),
            workers: required(at.workers.as_ref(), "the workers")?.clone(),
            control,
            retries: AtomicU32::new(0),
        };
        opened.control().version().await?;
        opened.control().must_be_unused().await?;
        opened.control().announce().await?;
        Ok(opened)
    }

    async fn producer(&self, log: Recorder) -> Result<AsynqProducer> {
        let road = Arc::new(Road::to(&self.producer)?);
        let flow = Arc::new(Flow::default());
        let mut links = Vec::new();
        for number in 0..self.shape.connections.max(1) {
            let (road, flow) = (Arc::clone(&road), Arc::clone(&flow));
            links.push(Link::open(number, road, &self.keys.queue, log.clone(), flow).await?);
        }
        Ok(AsynqProducer::new(
            log,
            Arc::clone(&self.keys),
            self.retries.load(Ordering::Acquire),
            Seconds::of(self.profile.name),
            links,
            flow,
            self.shape.window,
        ))
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        self.retries.store(work.retry.max, Ordering::Release);
        let program = |index| Program {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            work: Work {
                queue: self.keys.queue.clone(),
                at: Some(self.workers.clone()),
                index,
                ..work.clone()
            },
        };
        Ok(Launch::Programs((0..work.shape.processes).map(program).collect()))
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.control().backlog().await
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        self.control().consumers().await.map(Some)
    }

    async fn server(&self) -> Result<Option<Server>> {
        self.control().server().await.map(Some)
    }

    async fn purge(&self) -> Result<()> {
        self.control().purge().await
    }

    async fn close(self) -> Result<()> {
        self.control().remove().await
    }

    async fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        worker::run(work, report, stop).await
    }
}
