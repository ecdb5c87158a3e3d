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
    /// What waits for a connection, as several masters have it: nothing of it
    /// has left.
    kept: Vec<Batch>,
    /// How often it was connected: a late failure of an old connection must
    /// not take down the new one.
    generation: u64,
}

/// One of the producer's connections.
pub(super) struct Link {
    number: u32,
    road: Arc<Road>,
    /// The queue that a server may have to be told of again.
    announces: Option<String>,
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
        (announces, copies): (Option<&str>, u32),
        log: Recorder,
        flow: Arc<Flow>,
    ) -> schedbench_contract::Result<Arc<Self>> {
        let line = road.connect().await?;
        Ok(Arc::new(Self {
            number,
            road,
            announces: announces.map(str::to_owned),
            copies,
            log,
            flow,
            state: Mutex::new(State { line: Some(line), kept: Vec::new(), generation: 0 }),
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

    /// No more attempts to connect; what waits for one never leaves.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let kept = std::mem::take(&mut self.state().kept);
        kept.into_iter().for_each(|batch| self.refuse(batch));
    }

    /// Carries a batch, or keeps it until there is a connection again: at most
    /// so many tasks, what is more is refused. Nobody waits for a master that
    /// is gone, whose tasks would keep those of the others waiting.
    pub(super) fn carry_or_keep(self: &Arc<Self>, batch: Batch, most: usize) {
        let mut state = self.state();
        if let Some(line) = state.line.clone() {
            tokio::spawn(Arc::clone(self).carry(line, state.generation, batch));
            return;
        }
        let kept: usize = state.kept.iter().map(|batch| batch.ids.len()).sum();
        if kept + batch.ids.len() <= most {
            state.kept.push(batch);
            return;
        }
        drop(state);
        self.refuse(batch);
    }

    fn refuse(&self, batch: Batch) {
        let now = clock::now();
        for &id in &batch.ids {
            self.log.refused(id, Reason::NeverLeft, now);
        }
        self.flow.settled(batch.ids.len());
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
                    if connect::is_elsewhere(reply) {
                        let why = "it no longer serves this".to_owned();
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

    /// Has a server without persistence know the queue's name again.
    async fn is_announced(&self, line: &Line) -> bool {
        let Some(queue) = &self.announces else { return true };
        let mut announce = redis::cmd("SADD");
        announce.arg(keys::QUEUES).arg(queue);
        let replies = line.send(vec![announce]).await.unwrap_or_default();
        replies.iter().any(|reply| self.road.accepts(reply).is_ok())
    }

    /// Uses this connection from now on, first for what was kept.
    fn is_back(self: &Arc<Self>, line: &Line) {
        let mut state = self.state();
        let kept = std::mem::take(&mut state.kept);
        // Before anybody can use it: what it carries comes after the moment.
        let text = format!("connection {} to {}", self.number, line.place());
        let text = text + &with_kept(&kept);
        self.log.moment(clock::now(), MomentKind::Reconnected, text);
        state.line = Some(line.clone());
        state.generation += 1;
        for batch in kept {
            tokio::spawn(Arc::clone(self).carry(line.clone(), state.generation, batch));
        }
    }

    async fn connect_again(self: Arc<Self>) {
        let mut wait = FIRST_WAIT;
        while !self.closed.load(Ordering::Acquire) {
            if let Ok(line) = self.road.connect().await
                && self.is_announced(&line).await
            {
                self.is_back(&line);
                self.flow.changed.notify_one();
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// `, with 3 tasks that were kept for it`.
fn with_kept(kept: &[Batch]) -> String {
    match kept.iter().map(|batch| batch.ids.len()).sum::<usize>() {
        0 => String::new(),
        tasks => format!(", with {tasks} tasks that were kept for it"),
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
        "MOVED",
        "ASK",
        "TRYAGAIN",
        "BUSY",
        "NOAUTH",
        "NOPERM",
        "NOSCRIPT",
    ];
    CODES.contains(&code)
}
