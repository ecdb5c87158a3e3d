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
mod masters;
mod message;
mod places;
mod producer;
mod profiles;
mod queue;
mod road;
mod scripts;
mod sentinels;
mod worker;

use schedbench_contract::{
    Adapter, Backlog, Endpoints, Launch, Profile, Recorder, Report, Result, Server, Work,
    WorkersShape,
};

pub(crate) use producer::AsynqProducer;
pub(crate) use profiles::Seconds;
#[cfg(feature = "asynq")]
pub(crate) use profiles::{LARGEST_BODY, SENTINEL, SENTINEL_TUNED, SHARDS};
pub(crate) use queue::Queue;

/// Its name in scenarios and tables.
const NAME: &str = "redis-asynq";

/// Asynq's protocol with our own workers.
#[derive(Debug)]
pub(crate) struct RedisAsynq(Queue);

impl Adapter for RedisAsynq {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    type Producer = AsynqProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        Queue::open(NAME, at, (profile, Seconds::of(profile.name)), shape).await.map(Self)
    }

    async fn producer(&self, log: Recorder) -> Result<AsynqProducer> {
        self.0.producer(log).await
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        Ok(self.0.workers(work))
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.0.backlog().await
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        self.0.consumers().await.map(Some)
    }

    async fn server(&self) -> Result<Option<Server>> {
        self.0.server().await.map(Some)
    }

    async fn purge(&self) -> Result<()> {
        self.0.purge().await
    }

    async fn close(self) -> Result<()> {
        self.0.close().await
    }

    async fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        worker::run(work, report, stop).await
    }
}
