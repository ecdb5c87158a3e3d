//! Celery on RabbitMQ: tasks published as Celery's client publishes them, and
//! run by Celery's own workers in Python.
//!
//! What waits until it is due waits in a worker, unacknowledged; a retry is a
//! message that the worker publishes. Both are Celery's own ways.

mod backend;
mod message;
mod producer;
mod profiles;
mod rpc;
mod source;

use std::sync::{Arc, Mutex, PoisonError};

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use schedbench_contract::{
    Adapter, Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Result,
    Runtime, Server, Work, WorkersShape,
};
use tokio::task::AbortHandle;

use crate::amqp::publisher::Publisher;
use crate::amqp::questions::Questions;
use crate::amqp::road::Road;
use backend::Backend;
use message::Form;
use producer::CeleryProducer;
use profiles::{Manner, Results};

/// Its name in scenarios and tables.
const NAME: &str = "celery";
/// So long a queue of results outlives its last use, ms: Celery's default.
const RESULTS_EXPIRE_MS: i32 = 86_400_000;

/// One cell's queue, and where its results go.
#[derive(Debug)]
pub(crate) struct Celery {
    queue: ShortString,
    results: ShortString,
    backend: Option<Arc<Backend>>,
    /// Who reads results, for as long as workers may make some.
    reader: Mutex<Option<AbortHandle>>,
    manner: Manner,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Questions,
}

fn required<'a>(address: Option<&'a Address>, road: &'static str) -> Result<&'a Address> {
    address.ok_or_else(|| Error::Unsupported {
        system: NAME,
        what: "running without a broker",
        why: format!("no address of RabbitMQ was given for {road}"),
    })
}

impl Celery {
    async fn declare(&self) -> Result<()> {
        let mut own = FieldTable::default();
        let kind = if self.manner.quorum { "quorum" } else { "classic" };
        own.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        self.declare_one(&self.queue, own).await?;
        if self.manner.results == Results::Rpc {
            let mut arguments = FieldTable::default();
            arguments.insert("x-expires".into(), AMQPValue::LongInt(RESULTS_EXPIRE_MS));
            self.declare_one(&self.results, arguments).await?;
        }
        Ok(())
    }

    async fn declare_one(&self, queue: &ShortString, arguments: FieldTable) -> Result<()> {
        let channel = self.control.channel().await?;
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.clone(), durable, arguments).await;
        declared.map(drop).map_err(|error| self.control.road.error("declaring a queue", &error))
    }

    /// Reads results from now on; the producer learns which to wait for.
    fn read_results(&self) -> Result<Option<backend::Awaiting>> {
        let (reader, awaiting) = match (self.manner.results, &self.backend) {
            (Results::Rpc, _) => {
                let road = Road::to(NAME, &self.producer)?;
                (tokio::spawn(rpc::read(road, self.results.clone())), None)
            }
            (Results::Redis, Some(backend)) => {
                let (awaiting, tasks) = backend::awaiting();
                (tokio::spawn(Arc::clone(backend).read(tasks)), Some(awaiting))
            }
            (Results::Ignored | Results::Redis, _) => return Ok(None),
        };
        self.stop_reading();
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader.abort_handle());
        Ok(awaiting)
    }

    fn stop_reading(&self) {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.abort();
        }
    }

    /// Messages that one worker process may hold.
    fn prefetch(&self) -> u32 {
        let WorkersShape { concurrency, prefetch, .. } = self.shape;
        let each = if self.manner.one_each { 1 } else { (prefetch / concurrency.max(1)).max(1) };
        each * concurrency
    }
}

impl Adapter for Celery {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    const RUNTIME: Runtime = Runtime::Source(&source::SOURCE);
    type Producer = CeleryProducer;

    fn second(profile: &Profile) -> Option<&'static Profile> {
        (Manner::of(profile.name).results == Results::Redis).then_some(&profiles::BACKEND)
    }

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        at.refuse_tls_for_workers(NAME)?;
        let manner = Manner::of(profile.name);
        let backend = match manner.results {
            Results::Redis => Some(Arc::new(Backend::open(at).await?)),
            Results::Ignored | Results::Rpc => None,
        };
        let control = Questions::new(Road::to(NAME, required(at.control.as_ref(), "control")?)?);
        let opened = Self {
            queue: at.prefix.clone().into(),
            results: format!("{}.results", at.prefix).into(),
            backend,
            reader: Mutex::new(None),
            manner,
            shape: *shape,
            producer: required(at.producer.as_ref(), "the producer")?.clone(),
            workers: required(at.workers.as_ref(), "the workers")?.clone(),
            control,
        };
        opened.control.must_be_unused(&opened.queue).await?;
        opened.control.must_be_unused(&opened.results).await?;
        opened.control.server().await?;
        opened.declare().await?;
        Ok(opened)
    }

    async fn producer(&self, log: Recorder) -> Result<CeleryProducer> {
        let WorkersShape { connections, window, .. } = self.shape;
        let publisher =
            Publisher::open(NAME, &self.producer, connections, window, true, log.clone()).await?;
        let form = Form::new(&self.results, self.manner.results == Results::Ignored);
        let awaiting = self.read_results()?;
        Ok(CeleryProducer::new(log, self.queue.clone(), form, publisher, awaiting))
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        let program = |index| Program {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            work: Work {
                queue: self.queue.as_str().to_owned(),
                at: Some(self.workers.clone()),
                index,
                ..work.clone()
            },
        };
        Ok(Launch::Programs((0..work.shape.processes).map(program).collect()))
    }

    /// What workers hold, delayed tasks among it, AMQP does not tell; it is
    /// ready again once their connections are gone. Celery keeps no dead.
    async fn backlog(&self) -> Result<Backlog> {
        Ok(Backlog { ready: Some(self.control.messages(&self.queue).await?), ..Backlog::default() })
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        Ok(self.control.depth(&self.queue).await?.map(|depth| depth.consumers))
    }

    async fn server(&self) -> Result<Option<Server>> {
        let mut server = self.control.server().await?;
        if let Some(backend) = &self.backend {
            server.settings.push(("redis".into(), backend.version().await?));
        }
        let mut say = |what: &str, value: String| server.settings.push((what.into(), value));
        for package in ["celery", "kombu", "amqp", "billiard"] {
            if let Some(version) = source::version_of(package) {
                say(package, version.into());
            }
        }
        if let (Some(_), Some(version)) = (&self.backend, source::version_of("redis")) {
            say("redis-py", version.into());
        }
        say("queue type", if self.manner.quorum { "quorum" } else { "classic" }.into());
        say("pool", self.manner.pool.into());
        say("acknowledgement", self.manner.acks.into());
        say("prefetch of a worker process", self.prefetch().to_string());
        say("results", self.manner.results.name().into());
        Ok(Some(server))
    }

    async fn purge(&self) -> Result<()> {
        self.control.purge(&self.queue).await
    }

    async fn close(self) -> Result<()> {
        self.stop_reading();
        self.control.delete(&self.queue).await?;
        self.control.delete(&self.results).await?;
        self.control.close().await;
        match &self.backend {
            Some(backend) => backend.remove().await,
            None => Ok(()),
        }
    }
}

impl Drop for Celery {
    fn drop(&mut self) {
        self.stop_reading();
    }
}
