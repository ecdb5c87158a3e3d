//! A queue in a table of PostgreSQL, as job queues over SQL do it: rows are
//! inserted, leased with `FOR UPDATE SKIP LOCKED`, and deleted when their
//! handlers completed; `NOTIFY` wakes idle workers.
//!
//! A lease is a column, not a lock that is held while the handler runs: a
//! transaction that stays open keeps vacuum from removing anything that was
//! deleted since, and a queue's table then slows down within seconds
//! (`docs/decisions/0012-a-lease-is-a-column.md`).

mod arrays;
mod connect;
mod control;
mod link;
mod producer;
mod profiles;
mod statements;
mod worker;

use std::sync::Arc;

use schedbench_contract::{
    Adapter, Address, Backlog, Endpoints, Error, Launch, Profile, Program, Recorder, Report,
    Result, Server, Work, WorkersShape,
};

use connect::Road;
use control::Control;
use link::{Flow, Link};
use producer::PostgresProducer;
use profiles::Taking;
use statements::Statements;

/// Its name in scenarios and tables.
const NAME: &str = "postgres";

/// One table of tasks in a schema of its own.
#[derive(Debug)]
pub(crate) struct Postgres {
    statements: Arc<Statements>,
    shape: WorkersShape,
    producer: Address,
    workers: Address,
    control: Control,
}

fn required<'a>(address: Option<&'a Address>, road: &'static str) -> Result<&'a Address> {
    address.ok_or_else(|| Error::Unsupported {
        system: NAME,
        what: "running without a broker",
        why: format!("no address of PostgreSQL was given for {road}"),
    })
}

impl Adapter for Postgres {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    type Producer = PostgresProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        let statements = Arc::new(Statements::of(&at.prefix, Taking::of(profile.name))?);
        let road = Road::to(required(at.control.as_ref(), "control")?, "schedbench")?;
        let control = Control::open(road, Arc::clone(&statements)).await?;
        let opened = Self {
            statements,
            shape: *shape,
            producer: required(at.producer.as_ref(), "the producer")?.clone(),
            workers: required(at.workers.as_ref(), "the workers")?.clone(),
            control,
        };
        opened.control.must_be_new_enough().await?;
        opened.control.create().await?;
        Ok(opened)
    }

    async fn producer(&self, log: Recorder) -> Result<PostgresProducer> {
        let road = Arc::new(Road::to(&self.producer, "schedbench")?);
        let flow = Arc::new(Flow::default());
        let mut links = Vec::new();
        for number in 0..self.shape.connections.max(1) {
            let (road, statements) = (Arc::clone(&road), Arc::clone(&self.statements));
            links.push(Link::open(number, road, statements, log.clone(), Arc::clone(&flow)).await?);
        }
        Ok(PostgresProducer::new(log, links, flow, self.shape.window, self.statements.taking))
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        let program = |index| Program {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            work: Work {
                queue: self.statements.queue.clone(),
                at: Some(self.workers.clone()),
                index,
                ..work.clone()
            },
        };
        Ok(Launch::Programs((0..work.shape.processes).map(program).collect()))
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.control.backlog().await
    }

    /// Connections of workers: a worker process has as many as its shape says.
    async fn consumers(&self) -> Result<Option<u32>> {
        self.control.consumers().await.map(Some)
    }

    async fn server(&self) -> Result<Option<Server>> {
        self.control.server().await.map(Some)
    }

    async fn purge(&self) -> Result<()> {
        self.control.purge().await
    }

    async fn close(self) -> Result<()> {
        self.control.remove().await
    }

    async fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        worker::run(work, report, stop).await
    }
}
