//! A producer's connection: lost, noted, made again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schedbench_contract::ledger::Reason;
use schedbench_contract::{MomentKind, Recorder, Result, TaskId};
use tokio::sync::Notify;
use tokio_postgres::{Client, Statement};

use super::arrays::Array;
use super::connect::{FIRST_WAIT, Failure, LONGEST_WAIT, Road, answer};
use super::statements::Statements;
use crate::clock;

/// Batches on their way on one connection. The server works on one and finds
/// the next waiting; with more, tasks would wait in small batches where they
/// could wait in one that costs a single commit.
const BATCHES_PER_LINK: usize = 2;

/// How many tasks are on their way, and a bell for when that changes.
#[derive(Debug, Default)]
pub(super) struct Flow {
    outstanding: AtomicUsize,
    changed: Notify,
}

impl Flow {
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }

    pub(super) fn sent(&self, tasks: usize) {
        self.outstanding.fetch_add(tasks, Ordering::AcqRel);
    }

    fn settled(&self, tasks: usize) {
        self.outstanding.fetch_sub(tasks, Ordering::AcqRel);
        self.changed.notify_one();
    }

    /// Resolves after a change since the last wait. One waiter at a time: the
    /// producer is driven by one thread.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// What is on its way, as columns.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) tasks: Vec<TaskId>,
    pub(super) ids: Array,
    pub(super) dues: Array,
    pub(super) bodies: Array,
}

/// A connection with what it has prepared.
pub(super) struct Line {
    client: Client,
    insert: Statement,
    /// None where nobody listens.
    ring: Option<Statement>,
    cancel: Statement,
}

impl Line {
    async fn prepare(road: &Road, statements: &Statements) -> Result<Self> {
        let client = road.connect(|| {}).await?;
        let prepared = async {
            Ok::<_, Failure>((
                answer(client.prepare(&statements.insert())).await?,
                match statements.taking.polls() {
                    false => Some(answer(client.prepare(&statements.ring())).await?),
                    true => None,
                },
                answer(client.prepare(&statements.cancel())).await?,
            ))
        };
        let (insert, ring, cancel) =
            prepared.await.map_err(|failure| road.broken("preparing", failure.text()))?;
        Ok(Self { client, insert, ring, cancel })
    }

    /// Deletes a task that was not begun; whether there was one.
    pub(super) async fn cancel(&self, id: TaskId) -> Result<bool, Failure> {
        let id = id.bits() as i64;
        answer(self.client.execute(&self.cancel, &[&id])).await.map(|rows| rows == 1)
    }
}

struct State {
    line: Option<Arc<Line>>,
    /// How often it was connected: a late failure of an old connection must
    /// not take down the new one.
    generation: u64,
}

/// One of the producer's connections.
pub(super) struct Link {
    number: u32,
    road: Arc<Road>,
    statements: Arc<Statements>,
    log: Recorder,
    flow: Arc<Flow>,
    batches: AtomicUsize,
    state: Mutex<State>,
    closed: AtomicBool,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(super) async fn open(
        number: u32,
        road: Arc<Road>,
        statements: Arc<Statements>,
        log: Recorder,
        flow: Arc<Flow>,
    ) -> Result<Arc<Self>> {
        let line = Some(Arc::new(Line::prepare(&road, &statements).await?));
        Ok(Arc::new(Self {
            number,
            road,
            statements,
            log,
            flow,
            batches: AtomicUsize::new(0),
            state: Mutex::new(State { line, generation: 0 }),
            closed: AtomicBool::new(false),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its connection and which one that is, unless it is lost.
    pub(super) fn line(&self) -> Option<(Arc<Line>, u64)> {
        let state = self.state();
        state.line.clone().map(|line| (line, state.generation))
    }

    /// Whether it takes another batch now.
    pub(super) fn has_room(&self) -> bool {
        self.batches.load(Ordering::Acquire) < BATCHES_PER_LINK
    }

    /// No more attempts to connect.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // A connection that is dropped is closed in order.
        self.state().line = None;
    }

    /// Counts a batch that [`carry`](Self::carry) is about to take.
    pub(super) fn begins(&self) {
        self.batches.fetch_add(1, Ordering::AcqRel);
    }

    /// Inserts a batch, rings, and notes what becomes of each task.
    pub(super) async fn carry(self: Arc<Self>, line: Arc<Line>, generation: u64, batch: Batch) {
        let Batch { tasks, ids, dues, bodies } = batch;
        let (inserted, now) = {
            let columns: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&ids, &dues, &bodies];
            let insert = async {
                let inserted = answer(line.client.execute(&line.insert, &columns)).await;
                (inserted, clock::now())
            };
            let ring = async {
                if let Some(ring) = &line.ring {
                    let _ = answer(line.client.execute(ring, &[])).await;
                }
            };
            // Both leave in one write, in this order. Only the insert decides,
            // and when it was answered: whoever is not rung for looks again
            // within a second.
            let (inserted, ()) = tokio::join!(biased; insert, ring);
            inserted
        };
        match inserted {
            // A statement takes effect as a whole.
            Ok(_) => tasks.iter().for_each(|&id| self.log.confirmed(id, now)),
            Err(Failure::Refused(_)) => {
                tasks.iter().for_each(|&id| self.log.refused(id, Reason::ServerError, now));
            }
            Err(failure) => {
                // It may have been committed: nobody knows. Sent again, a task
                // that is finished by then would run twice.
                self.lost(generation, &failure);
                let reason = match failure {
                    Failure::Timeout => Reason::Timeout,
                    Failure::Lost(_) | Failure::Refused(_) => Reason::ConnectionLost,
                };
                tasks.iter().for_each(|&id| self.log.unknown(id, reason, now));
            }
        }
        self.batches.fetch_sub(1, Ordering::AcqRel);
        self.flow.settled(tasks.len());
    }

    /// The connection of that generation is gone: notes it once and begins to
    /// connect again.
    pub(super) fn lost(self: &Arc<Self>, generation: u64, failure: &Failure) {
        {
            let mut state = self.state();
            if state.generation != generation || state.line.is_none() {
                return;
            }
            state.line = None;
        }
        let text =
            format!("connection {} to {}: {}", self.number, self.road.place(), failure.text());
        self.log.moment(clock::now(), MomentKind::Disconnected, text);
        tokio::spawn(Arc::clone(self).connect_again());
    }

    async fn connect_again(self: Arc<Self>) {
        let mut wait = FIRST_WAIT;
        while !self.closed.load(Ordering::Acquire) {
            if let Ok(line) = Line::prepare(&self.road, &self.statements).await {
                // Before anybody can use it: what it carries comes after the moment.
                let text = format!("connection {} to {}", self.number, self.road.place());
                self.log.moment(clock::now(), MomentKind::Reconnected, text);
                {
                    let mut state = self.state();
                    state.line = Some(Arc::new(line));
                    state.generation += 1;
                }
                self.flow.changed.notify_one();
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}
