//! Kafka as a queue of tasks: one topic, one consumer group, and beside them a
//! topic for retries and one for the dead.
//!
//! The topic has a partition per handler (all processes together), so that
//! each can be busy. Kafka has no retries of its own: a task that failed is
//! produced again into the retry topic with the time at which it is due, and
//! held by the worker that receives it (`docs/decisions/0013-kafka-retries-by-a-topic.md`).

mod connect;
mod control;
mod producer;
mod profiles;
mod record;
mod server;
mod worker;

use std::sync::Arc;

use schedbench_contract::{
    Adapter, Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Report,
    Result, Server, Work, WorkersShape,
};

use control::Control;
use producer::KafkaProducer;
use profiles::Tuning;

/// Its name in scenarios and tables.
const NAME: &str = "kafka";
/// Kafka's own default is 1 MiB for a record with its headers: a body of 1 MiB
/// would not fit. The topics are created with more room.
const LARGEST_BODY: usize = 4 << 20;
/// The same for a record with headers and framing, in text for settings.
const LARGEST_RECORD: &str = "4259840";

/// What a queue consists of.
#[derive(Clone, Debug)]
struct Queue {
    topic: String,
    retry: String,
    dead: String,
    group: String,
    /// Of the topic and of the retry topic.
    partitions: i32,
}

impl Queue {
    fn of(name: &str, shape: &WorkersShape) -> Self {
        let handlers = shape.processes.saturating_mul(shape.concurrency).clamp(1, 1_000);
        Self {
            topic: name.to_owned(),
            retry: format!("{name}.retry"),
            dead: format!("{name}.dead"),
            group: name.to_owned(),
            partitions: handlers as i32,
        }
    }

    fn topics(&self) -> [&str; 3] {
        [&self.topic, &self.retry, &self.dead]
    }
}

/// One topic with its group in one Kafka.
#[derive(Debug)]
pub(crate) struct Kafka {
    queue: Queue,
    profile: &'static Profile,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Arc<Control>,
}

impl Kafka {
    /// Asks on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Control) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        ask(&self.control, question).await
    }
}

async fn ask<T: Send + 'static>(
    control: &Arc<Control>,
    question: impl FnOnce(&Control) -> Result<T> + Send + 'static,
) -> Result<T> {
    let control = Arc::clone(control);
    blocking(move || question(&control)).await
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let joined = tokio::task::spawn_blocking(act).await;
    joined.map_err(|error| Error::Broken(format!("asking Kafka: {error}")))?
}

fn required<'a>(address: Option<&'a Address>, road: &'static str) -> Result<&'a Address> {
    address.ok_or_else(|| Error::Unsupported {
        system: NAME,
        what: "running without a broker",
        why: format!("no address of Kafka was given for {road}"),
    })
}

impl Adapter for Kafka {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    type Producer = KafkaProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        let queue = Queue::of(&at.prefix, shape);
        let copies = Tuning::of(profile.name).copies;
        let at_control = required(at.control.as_ref(), "control")?;
        let control = Arc::new(Control::to(at_control, &queue, copies)?);
        ask(&control, Control::must_be_unused).await?;
        control.create().await?;
        ask(&control, Control::wait_for_copies).await?;
        // A leader is named before it knows itself as one; with acks=0 what is
        // sent in between is dropped without a word. Whoever answers this, leads.
        ask(&control, Control::spans).await?;
        Ok(Self {
            queue,
            profile,
            shape: *shape,
            producer: required(at.producer.as_ref(), "the producer")?.clone(),
            workers: required(at.workers.as_ref(), "the workers")?.clone(),
            control,
        })
    }

    async fn producer(&self, log: Recorder) -> Result<KafkaProducer> {
        let (at, topic) = (self.producer.clone(), self.queue.topic.clone());
        let (tuning, shape) = (Tuning::of(self.profile.name), self.shape);
        blocking(move || {
            KafkaProducer::open(&log, &at, &topic, tuning, shape.connections, shape.window)
        })
        .await
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        let program = |index| Program {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            work: Work {
                queue: self.queue.topic.clone(),
                at: Some(self.workers.clone()),
                index,
                ..work.clone()
            },
        };
        Ok(Launch::Programs((0..work.shape.processes).map(program).collect()))
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.ask(Control::backlog).await
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        self.ask(|control| Ok(Some(control.members()?.unwrap_or(0)))).await
    }

    async fn server(&self) -> Result<Option<Server>> {
        self.ask(|control| control.server().map(Some)).await
    }

    async fn purge(&self) -> Result<()> {
        self.ask(Control::purge).await
    }

    async fn close(self) -> Result<()> {
        self.ask(Control::wait_for_no_member).await?;
        self.control.delete_group().await?;
        self.control.delete_topics().await?;
        self.ask(Control::wait_for_no_topic).await?;
        let control = self.control;
        // Ending a client waits for its threads.
        blocking(move || {
            drop(control);
            Ok(())
        })
        .await
    }

    async fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        worker::run(work, report, stop).await
    }
}
