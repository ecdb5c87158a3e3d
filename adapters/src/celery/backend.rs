//! Results in a Redis beside RabbitMQ, and the producing client's reader of
//! them.
//!
//! Celery's worker stores a result under the task's key and publishes it on a
//! channel of the same name. Celery's client (`celery.backends.redis`)
//! subscribes to that channel when it sends the task, gets the key once when
//! somebody begins to wait (in case the result was quicker), and unsubscribes
//! when the result is there. Here the same is done for a batch of tasks at a
//! time, by a reader that the sending of tasks does not wait for.

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Msg, RedisResult, cmd};
use schedbench_contract::{Endpoints, Result, TaskId};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::NAME;
use crate::plain_redis::PlainRedis;

/// What Celery names a result's key, after the prefix of the run.
const KEY: &str = "celery-task-meta-";
/// Channels and keys in one command.
const AT_A_TIME: usize = 1_000;
/// The first wait before connecting again; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The results of one cell.
#[derive(Debug)]
pub(super) struct Backend {
    redis: PlainRedis,
    /// Celery's `global_keyprefix`. After a colon it adds nothing of its own.
    prefix: String,
}

/// Tells a reader whose results it is to wait for.
pub(super) struct Awaiting(UnboundedSender<Vec<TaskId>>);

/// What the reader is told.
pub(super) type Tasks = UnboundedReceiver<Vec<TaskId>>;

/// Both ends of what a reader is told.
pub(super) fn awaiting() -> (Awaiting, Tasks) {
    let (sender, receiver) = unbounded_channel();
    (Awaiting(sender), receiver)
}

impl Awaiting {
    /// Those tasks are about to be sent.
    pub(super) fn expect(&self, tasks: Vec<TaskId>) {
        // A reader that has been ended reads nothing more.
        let _ = self.0.send(tasks);
    }
}

/// A result as it is stored, as far as a client must look into it.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    status: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    task_id: std::borrow::Cow<'a, str>,
}

/// The task whose final result this is. A retry is announced too.
fn finished(stored: &[u8]) -> Option<TaskId> {
    let Stored { status, task_id } = serde_json::from_slice(stored).ok()?;
    matches!(&*status, "SUCCESS" | "FAILURE" | "REVOKED").then(|| task_id.parse().ok())?
}

impl Backend {
    /// Connects.
    ///
    /// # Errors
    /// There is no Redis, it refuses us, or results of that name are in it.
    pub(super) async fn open(at: &Endpoints) -> Result<Self> {
        let redis = PlainRedis::open(NAME, "results in Redis", at.second.as_ref()).await?;
        let prefix = format!("{}:", at.prefix);
        redis.must_be_unused(&prefix).await?;
        Ok(Self { redis, prefix })
    }

    /// The server's version.
    pub(super) async fn version(&self) -> Result<String> {
        self.redis.version().await
    }

    /// Removes all results of the cell.
    pub(super) async fn remove(&self) -> Result<()> {
        self.redis.remove(&self.prefix).await
    }

    fn key(&self, task: TaskId) -> String {
        format!("{}{KEY}{task}", self.prefix)
    }

    /// Reads every result and forgets it: that each task ran, its worker
    /// reports. What is measured is that results are stored, announced and
    /// read. Connects again when the connection is lost; ends when it is
    /// aborted.
    pub(super) async fn read(self: Arc<Self>, mut tasks: Tasks) {
        let mut open = HashSet::new();
        let mut wait = FIRST_WAIT;
        loop {
            if let Ok(subscriptions) = self.redis.subscriptions().await {
                let (sink, stream) = subscriptions.split();
                let mut reader = Reader { backend: &self, sink, stream, open: &mut open };
                if reader.read_until_lost(&mut tasks).await.is_ok() {
                    wait = FIRST_WAIT;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// A reader with a connection.
struct Reader<'a> {
    backend: &'a Backend,
    sink: PubSubSink,
    stream: PubSubStream,
    /// Tasks whose results are not here yet.
    open: &'a mut HashSet<TaskId>,
}

/// What a reader hears.
enum Heard {
    Tasks(Option<Vec<TaskId>>),
    Result(Option<Msg>),
}

impl Reader<'_> {
    async fn read_until_lost(&mut self, tasks: &mut Tasks) -> RedisResult<()> {
        // While there was no connection results may have come.
        let before: Vec<TaskId> = self.open.iter().copied().collect();
        self.wait_for(&before).await?;
        let mut more = true;
        loop {
            let heard = tokio::select! {
                told = tasks.recv(), if more => Heard::Tasks(told),
                result = next(&mut self.stream) => Heard::Result(result),
            };
            match heard {
                Heard::Tasks(Some(tasks)) => {
                    self.open.extend(&tasks);
                    self.wait_for(&tasks).await?;
                }
                // Nothing more is sent; results still come.
                Heard::Tasks(None) => more = false,
                Heard::Result(Some(first)) => self.take_in(first).await?,
                Heard::Result(None) => return Ok(()),
            }
        }
    }

    /// Subscribes to their results, and looks for those that are there.
    async fn wait_for(&mut self, tasks: &[TaskId]) -> RedisResult<()> {
        for some in tasks.chunks(AT_A_TIME) {
            let keys: Vec<String> = some.iter().map(|task| self.backend.key(*task)).collect();
            self.sink.subscribe(&keys).await?;
            let stored: Vec<Option<Vec<u8>>> =
                self.backend.redis.ask(cmd("MGET").arg(&keys)).await?;
            let there = stored.iter().flatten().filter_map(|stored| finished(stored)).collect();
            self.forget(there).await?;
        }
        Ok(())
    }

    /// Takes in a result, and what has come with it.
    async fn take_in(&mut self, first: Msg) -> RedisResult<()> {
        let mut there: Vec<TaskId> = finished(first.get_payload_bytes()).into_iter().collect();
        while there.len() < AT_A_TIME
            && let Some(result) = at_once(&mut self.stream).await
        {
            there.extend(finished(result.get_payload_bytes()));
        }
        self.forget(there).await
    }

    async fn forget(&mut self, mut tasks: Vec<TaskId>) -> RedisResult<()> {
        tasks.retain(|task| self.open.remove(task));
        if tasks.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = tasks.iter().map(|task| self.backend.key(*task)).collect();
        self.sink.unsubscribe(&keys).await
    }
}

/// The next message; `None` once the connection is lost.
async fn next(stream: &mut PubSubStream) -> Option<Msg> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// A message that is there already.
async fn at_once(stream: &mut PubSubStream) -> Option<Msg> {
    tokio::select! {
        biased;
        message = next(stream) => message,
        () = std::future::ready(()) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_final_result_is_an_end() {
        let id = TaskId::new(3, 77);
        let stored = |status: &str| format!(r#"{{"status": "{status}", "task_id": "{id}"}}"#);
        for (status, is_final) in [
            ("SUCCESS", true),
            ("FAILURE", true),
            ("REVOKED", true),
            ("RETRY", false),
            ("STARTED", false),
        ] {
            assert_eq!(finished(stored(status).as_bytes()), is_final.then_some(id), "{status}");
        }
        for nonsense in
            ["", "[]", r#"{"status": "SUCCESS"}"#, r#"{"status": "SUCCESS", "task_id": "x"}"#]
        {
            assert_eq!(finished(nonsense.as_bytes()), None, "{nonsense}");
        }
    }
}
