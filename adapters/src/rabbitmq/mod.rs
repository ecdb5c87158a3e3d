//! RabbitMQ by AMQP 0-9-1: one queue of due tasks, queues in which delayed
//! and failed ones wait for their time, and one for the dead.
//!
//! RabbitMQ knows no delay: a task waits in a queue whose messages expire into
//! the main one (TTL and dead-lettering). It knows no retry either: the worker
//! publishes a failed task again, with the number of its attempt, before it
//! acknowledges the old one, so that a crash between the two repeats the task
//! and never loses it.

mod control;
mod producer;
mod profiles;
mod queues;
mod worker;

use std::sync::Arc;

use schedbench_contract::{
    Adapter, Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Report,
    Result, Server, Work, WorkersShape,
};

use control::Control;
use producer::RabbitProducer;
use profiles::Manner;
use queues::Queues;

use crate::amqp::publisher::Publisher;
use crate::amqp::road::Road;

/// Its name in scenarios and tables.
const NAME: &str = "rabbitmq";

/// One cell's queues in one RabbitMQ.
#[derive(Debug)]
pub(crate) struct RabbitMq {
    queues: Arc<Queues>,
    manner: Manner,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Control,
}

fn required<'a>(address: Option<&'a Address>, road: &'static str) -> Result<&'a Address> {
    address.ok_or_else(|| Error::Unsupported {
        system: NAME,
        what: "running without a broker",
        why: format!("no address of RabbitMQ was given for {road}"),
    })
}

impl Adapter for RabbitMq {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    type Producer = RabbitProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        let manner = Manner::of(profile.name);
        let queues = Arc::new(Queues::of(&at.prefix, manner));
        let opened = Self {
            control: Control::new(Road::to(NAME, required(at.control.as_ref(), "control")?)?),
            producer: required(at.producer.as_ref(), "the producer")?.clone(),
            workers: required(at.workers.as_ref(), "the workers")?.clone(),
            queues,
            manner,
            shape: *shape,
        };
        opened.control.must_be_unused(&opened.queues).await?;
        opened.control.server(manner.kind).await?;
        opened.control.declare(&opened.queues).await?;
        Ok(opened)
    }

    async fn producer(&self, log: Recorder) -> Result<RabbitProducer> {
        let WorkersShape { connections, window, .. } = self.shape;
        let publisher = Publisher::open(
            NAME,
            &self.producer,
            connections,
            window,
            self.manner.confirms,
            log.clone(),
        );
        Ok(RabbitProducer::new(log, Arc::clone(&self.queues), publisher.await?))
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        let program = |index| Program {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            work: Work {
                queue: self.queues.main.as_str().to_owned(),
                at: Some(self.workers.clone()),
                index,
                ..work.clone()
            },
        };
        Ok(Launch::Programs((0..work.shape.processes).map(program).collect()))
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.control.backlog(&self.queues).await
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        self.control.consumers(&self.queues).await.map(Some)
    }

    async fn server(&self) -> Result<Option<Server>> {
        self.control.server(self.manner.kind).await.map(Some)
    }

    async fn purge(&self) -> Result<()> {
        self.control.purge(&self.queues).await
    }

    async fn close(self) -> Result<()> {
        self.control.remove(&self.queues).await
    }

    async fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        worker::run(work, report, stop).await
    }
}
