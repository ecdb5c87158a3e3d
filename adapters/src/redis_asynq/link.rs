//! A producer's connection: lost, noted, made again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schedbench_contract::ledger::Reason;
use schedbench_contract::{MomentKind, Recorder, TaskId};
use tokio::sync::Notify;

use redis::{Cmd, Value};

use super::connect::{FIRST_WAIT, Failure, LONGEST_WAIT, Line};
use super::road::Road;
use super::{connect, keys, scripts};
use crate::clock;

/// Replicas have a task within this time, ms, or nobody knows what becomes of it.
const COPIED_WITHIN_MS: u64 = 1_000;

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

/// What is on its way: script calls and whose tasks each carries.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) calls: Vec<Cmd>,
    /// Tasks of each call.
    pub(super) lengths: Vec<usize>,
    /// All tasks, in the order of the calls.
    pub(super) ids: Vec<TaskId>,
}

struct State {
    line: Option<Line>,
    /// How often it was connected: a late failure of an old connection must
    /// not take down the new one.
    generation: u64,
}

/// One of the producer's connections.
pub(super) struct Link {
    number: u32,
    road: Arc<Road>,
    queue: String,
    /// Replicas that must have a task before it is confirmed.
    copies: u32,
    log: Recorder,
    flow: Arc<Flow>,
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
        (queue, copies): (&str, u32),
        log: Recorder,
        flow: Arc<Flow>,
    ) -> schedbench_contract::Result<Arc<Self>> {
        let line = road.connect().await?;
        Ok(Arc::new(Self {
            number,
            road,
            queue: queue.to_owned(),
            copies,
            log,
            flow,
            state: Mutex::new(State { line: Some(line), generation: 0 }),
            closed: AtomicBool::new(false),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its connection and which one that is, unless it is lost.
    pub(super) fn line(&self) -> Option<(Line, u64)> {
        let state = self.state();
        state.line.clone().map(|line| (line, state.generation))
    }

    /// No more attempts to connect.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Sends a batch and notes what becomes of each task.
    pub(super) async fn carry(self: Arc<Self>, line: Line, generation: u64, batch: Batch) {
        let Batch { calls, lengths, ids } = batch;
        let sent = match line.send(calls).await {
            Ok(replies) => self.are_copied(&line).await.map(|copied| (replies, copied)),
            Err(failure) => Err(failure),
        };
        match sent {
            Ok((replies, copied)) => {
                let now = clock::now();
                let mut rest = ids.as_slice();
                for (reply, length) in replies.iter().zip(lengths) {
                    let (these, others) = rest.split_at(length);
                    self.settle(these, reply, copied, now);
                    rest = others;
                    if connect::is_demoted(reply) {
                        let why = "it has become a replica".to_owned();
                        self.lost(generation, &Failure::Lost(why));
                    }
                }
            }
            Err(failure) => {
                // The bytes may have arrived: nobody knows, and sending them
                // again could run a task twice, for a finished one's id is
                // free again.
                self.lost(generation, &failure);
                let reason = match failure {
                    Failure::Lost(_) => Reason::ConnectionLost,
                    Failure::Timeout => Reason::Timeout,
                };
                let now = clock::now();
                for &id in &ids {
                    self.log.unknown(id, reason, now);
                }
            }
        }
        self.flow.settled(ids.len());
    }

    /// Whether as many replicas as are wanted say that they have what was
    /// written on this connection. Asked by itself: a call that the server did
    /// not know the script of was sent again meanwhile.
    async fn are_copied(&self, line: &Line) -> Result<bool, Failure> {
        if self.copies == 0 {
            return Ok(true);
        }
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.copies).arg(COPIED_WITHIN_MS);
        let reply = line.send(vec![wait]).await?.pop();
        // A server that has become a replica answers with an error.
        Ok(matches!(reply, Some(Value::Int(copies)) if copies >= i64::from(self.copies)))
    }

    fn settle(&self, ids: &[TaskId], reply: &Value, copied: bool, now: u64) {
        if let Value::ServerError(error) = reply {
            let refused = refuses_before_anything(error.code());
            for &id in ids {
                if refused {
                    self.log.refused(id, Reason::ServerError, now);
                } else {
                    self.log.unknown(id, Reason::ServerError, now);
                }
            }
            return;
        }
        let mut existing = scripts::places(reply).peekable();
        for (place, &id) in ids.iter().enumerate() {
            if existing.next_if_eq(&place).is_some() {
                self.log.refused(id, Reason::Duplicate, now);
            } else if !copied {
                self.log.unknown(id, Reason::Timeout, now);
            } else {
                self.log.confirmed(id, now);
            }
        }
    }

    /// The connection of that generation is gone: notes it once and begins to
    /// connect again.
    pub(super) fn lost(self: &Arc<Self>, generation: u64, failure: &Failure) {
        let line = {
            let mut state = self.state();
            if state.generation != generation {
                return;
            }
            let Some(line) = state.line.take() else { return };
            line
        };
        let text = format!("connection {} to {}: {}", self.number, line.place(), failure.text());
        self.log.moment(clock::now(), MomentKind::Disconnected, text);
        tokio::spawn(Arc::clone(self).connect_again());
    }

    async fn connect_again(self: Arc<Self>) {
        let mut wait = FIRST_WAIT;
        while !self.closed.load(Ordering::Acquire) {
            if let Ok(line) = self.road.connect().await {
                // A server without persistence has forgotten the queue's name.
                let mut announce = redis::cmd("SADD");
                announce.arg(keys::QUEUES).arg(&self.queue);
                let replies = line.send(vec![announce]).await.unwrap_or_default();
                if replies.iter().any(|reply| self.road.accepts(reply).is_ok()) {
                    // Before anybody can use it: what it carries comes after the moment.
                    let text = format!("connection {} to {}", self.number, line.place());
                    self.log.moment(clock::now(), MomentKind::Reconnected, text);
                    {
                        let mut state = self.state();
                        state.line = Some(line);
                        state.generation += 1;
                    }
                    self.flow.changed.notify_one();
                    return;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// Whether an error with that code means that the script did nothing. The
/// first write of our scripts is the first to be refused by these; any other
/// error may have come in the middle of a call.
fn refuses_before_anything(code: &str) -> bool {
    const CODES: &[&str] = &[
        "OOM",
        "LOADING",
        "READONLY",
        "MISCONF",
        "NOREPLICAS",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "BUSY",
        "NOAUTH",
        "NOPERM",
        "NOSCRIPT",
    ];
    CODES.contains(&code)
}
