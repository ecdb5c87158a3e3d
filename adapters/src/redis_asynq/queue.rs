//! The queue of a cell in one Redis, or its queues divided among several, as
//! every system that speaks Asynq's protocol has them: made, fed, counted,
//! emptied and removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use schedbench_contract::{
    Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Result, Server,
    Topology, Work, WorkersShape,
};

use super::control::Control;
use super::keys::Keys;
use super::link::{Flow, Link};
use super::places::Places;
use super::producer::{AsynqProducer, Lane};
use super::profiles::{Seconds, copies};
use super::road::Road;
use super::sentinels::Reach;
use crate::slots;

/// The queue of a cell, or all of them.
#[derive(Debug)]
pub(crate) struct Queue {
    /// A task is in the one of its sequence number modulo their number.
    all: Vec<Keys>,
    reach: Reach,
    /// Replicas that must have a task before it is confirmed.
    copies: u32,
    seconds: Seconds,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Places,
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
    /// Connects and makes the queues known.
    ///
    /// # Errors
    /// Redis is not there, too old or refuses us, or a queue exists.
    pub(crate) async fn open(
        system: &'static str,
        at: &Endpoints,
        (profile, seconds): (&Profile, Seconds),
        shape: &WorkersShape,
    ) -> Result<Self> {
        let reach = Reach::of(profile);
        let names = match profile.topology {
            Topology::Single | Topology::Cluster => vec![at.prefix.clone()],
            it @ Topology::Shards => slots::queues(&at.prefix, it.queues(), it.nodes()),
        };
        let control = Places::open(required(system, at.control.as_ref(), "control")?, reach);
        let opened = Self {
            all: names.iter().map(|name| Keys::of(name)).collect(),
            reach,
            copies: copies(profile),
            seconds,
            shape: *shape,
            producer: required(system, at.producer.as_ref(), "the producer")?.clone(),
            workers: required(system, at.workers.as_ref(), "the workers")?.clone(),
            control: control.await?,
            retries: AtomicU32::new(0),
        };
        for queue in opened.each() {
            queue.version().await?;
            queue.must_be_unused().await?;
        }
        for queue in opened.each() {
            queue.announce().await?;
        }
        Ok(opened)
    }

    fn each(&self) -> impl Iterator<Item = Control<'_>> {
        self.all.iter().map(|keys| Control { places: &self.control, keys })
    }

    /// The first of them, which stands for all where they are alike.
    fn first(&self) -> Control<'_> {
        Control { places: &self.control, keys: &self.all[0] }
    }

    /// A producer over the shape's number of connections, to each server.
    ///
    /// # Errors
    /// A connection fails.
    pub(crate) async fn producer(&self, log: Recorder) -> Result<AsynqProducer> {
        let flow = Arc::new(Flow::default());
        // Several masters keep their files: no queue's name is forgotten.
        let (reaches, announces) = match self.control.a_slot_of_each() {
            None => (vec![self.reach], Some(self.all[0].queue.as_str())),
            Some(slots) => (slots.into_iter().map(Reach::Master).collect(), None),
        };
        let mut lanes = Vec::new();
        let mut number = 0;
        for reach in reaches {
            let road = Arc::new(Road::to(&self.producer, reach)?);
            let mut links = Vec::new();
            for _ in 0..self.shape.connections.max(1) {
                let (road, flow) = (Arc::clone(&road), Arc::clone(&flow));
                let how = (announces, self.copies);
                links.push(Link::open(number, road, how, log.clone(), flow).await?);
                number += 1;
            }
            lanes.push(Lane::over(links));
        }
        let lane_of = |keys: &Keys| self.control.number_of(&keys.prefix);
        let queues = self.all.iter().map(|keys| (keys.clone(), lane_of(keys)));
        Ok(AsynqProducer::new(
            log,
            queues,
            (self.retries.load(Ordering::Acquire), self.seconds),
            lanes,
            flow,
            self.shape.window,
        ))
    }

    /// What workers must be told besides where there are several queues: their
    /// names, and where the masters are.
    fn options(&self) -> Vec<(String, String)> {
        if self.all.len() == 1 {
            return Vec::new();
        }
        let names: Vec<&str> = self.all.iter().map(|keys| keys.queue.as_str()).collect();
        let nodes = self.workers.each().map(|node| format!("{}:{}", node.host, node.port));
        vec![
            ("queues".into(), names.join(",")),
            ("cluster_nodes".into(), nodes.collect::<Vec<_>>().join(",")),
        ]
    }

    /// A program per worker process, on all queues.
    pub(crate) fn workers(&self, work: &Work) -> Launch {
        self.retries.store(work.retry.max, Ordering::Release);
        let program = |index| Program {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            work: Work {
                queue: self.all[0].queue.clone(),
                at: Some(self.workers.clone()),
                index,
                options: work.options.clone().into_iter().chain(self.options()).collect(),
                ..work.clone()
            },
        };
        Launch::Programs((0..work.shape.processes).map(program).collect())
    }

    /// How many tasks are in each state, in all queues.
    ///
    /// # Errors
    /// A server cannot be asked.
    pub(crate) async fn backlog(&self) -> Result<Backlog> {
        let mut all = self.first().backlog().await?;
        for queue in self.each().skip(1) {
            all = sum(all, queue.backlog().await?);
        }
        Ok(all)
    }

    /// How many servers of Asynq's say that they serve the queue.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn consumers(&self) -> Result<u32> {
        self.control.notice_outages().await;
        self.first().consumers().await
    }

    /// Which Redis it is and how it is set.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub(crate) async fn server(&self) -> Result<Server> {
        let mut server = self.first().server().await?;
        if let Some(slots) = self.control.a_slot_of_each() {
            let (queues, masters) = (self.all.len(), slots.len());
            server.settings.push(("queues".into(), format!("{queues} on {masters} masters")));
        }
        Ok(server)
    }

    /// Throws away every task that still waits.
    ///
    /// # Errors
    /// A server cannot be asked.
    pub(crate) async fn purge(&self) -> Result<()> {
        self.control.notice_outages().await;
        for queue in self.each() {
            queue.purge().await?;
        }
        Ok(())
    }

    /// Removes every key of the queues.
    ///
    /// # Errors
    /// A server cannot be asked.
    pub(crate) async fn close(self) -> Result<()> {
        for queue in self.each() {
            queue.remove().await?;
        }
        Ok(())
    }
}

/// Both together. Redis says all of them.
fn sum(one: Backlog, other: Backlog) -> Backlog {
    let both = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
    Backlog {
        ready: both(one.ready, other.ready),
        held: both(one.held, other.held),
        scheduled: both(one.scheduled, other.scheduled),
        retry: both(one.retry, other.retry),
        dead: both(one.dead, other.dead),
    }
}
