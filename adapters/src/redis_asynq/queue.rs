//! One queue of Asynq's in one Redis, as every system that speaks the protocol
//! has it: made, fed, counted, emptied and removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use schedbench_contract::{
    Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Result, Server, Work,
    WorkersShape,
};

use super::connect::Steady;
use super::control::Control;
use super::keys::Keys;
use super::link::{Flow, Link};
use super::producer::AsynqProducer;
use super::profiles::{Seconds, copies};
use super::road::Road;
use super::sentinels::Reach;

/// The queue of a cell.
#[derive(Debug)]
pub(crate) struct Queue {
    keys: Arc<Keys>,
    reach: Reach,
    /// Replicas that must have a task before it is confirmed.
    copies: u32,
    seconds: Seconds,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Steady,
    /// Retries each task may have; told by `workers`, written into each
    /// message by the producer.
    retries: AtomicU32,
}

fn required<'a>(
    system: &'static str,
    address: Option<&'a Address>,
    road: &'static str,
) -> Result<&'a Address> {
    address.ok_or_else(|| Error::Unsupported {
        system,
        what: "running without a broker",
        why: format!("no address of Redis was given for {road}"),
    })
}

impl Queue {
    /// Connects and makes the queue known.
    ///
    /// # Errors
    /// Redis is not there, too old or refuses us, or the queue exists.
    pub(crate) async fn open(
        system: &'static str,
        at: &Endpoints,
        (profile, seconds): (&Profile, Seconds),
        shape: &WorkersShape,
    ) -> Result<Self> {
        let reach = Reach::of(profile);
        let road = Road::to(required(system, at.control.as_ref(), "control")?, reach)?.for_proof();
        let opened = Self {
            keys: Arc::new(Keys::of(&at.prefix)),
            reach,
            copies: copies(profile),
            seconds,
            shape: *shape,
            producer: required(system, at.producer.as_ref(), "the producer")?.clone(),
            workers: required(system, at.workers.as_ref(), "the workers")?.clone(),
            control: Steady::open(road).await?,
            retries: AtomicU32::new(0),
        };
        opened.control().version().await?;
        opened.control().must_be_unused().await?;
        opened.control().announce().await?;
        Ok(opened)
    }

    fn control(&self) -> Control<'_> {
        Control { line: &self.control, keys: &self.keys }
    }

    /// A producer over the shape's number of connections.
    ///
    /// # Errors
    /// A connection fails.
    pub(crate) async fn producer(&self, log: Recorder) -> Result<AsynqProducer> {
        let road = Arc::new(Road::to(&self.producer, self.reach)?);
        let flow = Arc::new(Flow::default());
        let mut links = Vec::new();
        for number in 0..self.shape.connections.max(1) {
            let (road, flow) = (Arc::clone(&road), Arc::clone(&flow));
            links.push(
                Link::open(number, road, (&self.keys.queue, self.copies), log.clone(), flow)
                    .await?,
            );
        }
        Ok(AsynqProducer::new(
            log,
            Arc::clone(&self.keys),
            self.retries.load(Ordering::Acquire),
            self.seconds,
            links,
            flow,
            self.shape.window,
        ))
    }

    /// A program per worker process, on this queue.
    pub(crate) fn workers(&self, work: &Work) -> Launch {
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
        Launch::Programs((0..work.shape.processes).map(program).collect())
    }

    /// How many tasks are in each state.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn backlog(&self) -> Result<Backlog> {
        self.control().backlog().await
    }

    /// How many servers of Asynq's say that they serve the queue.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn consumers(&self) -> Result<u32> {
        self.control().consumers().await
    }

    /// Which Redis it is and how it is set.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn server(&self) -> Result<Server> {
        self.control().server().await
    }

    /// Throws away every task that still waits.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn purge(&self) -> Result<()> {
        self.control().purge().await
    }

    /// Removes every key of the queue.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn close(self) -> Result<()> {
        self.control().remove().await
    }
}
