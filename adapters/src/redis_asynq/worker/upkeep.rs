//! What a worker process does beside running tasks: it says that it lives,
//! extends its leases, forwards what is due and recovers what others dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use redis::{Value, cmd};
use schedbench_contract::{Result, Work};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::super::connect::Steady;
use super::super::keys::{self, Keys};
use super::super::message::{ServerInfo, TASK_TYPE, TaskMessage, Timestamp, WorkerInfo};
use super::super::profiles::{FORWARD_EVERY_MS, Seconds};
use super::super::road::Road;
use super::super::scripts;
use super::closing::{self, Closing};
use super::leases::{LEASE_S, Leases};
use crate::clock;

/// Between signs of life, and between extensions of leases (protocol §4.1).
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// Seconds after which a process that said nothing counts as gone.
const ALIVE_S: u64 = 10;
/// Between searches for tasks whose lease ran out.
const RECOVER_EVERY: Duration = Duration::from_secs(60);
/// Seconds that the recoverer waits on top of the lease.
const GRACE_S: u64 = 30;
/// Tasks moved or listed per call.
const TASKS_PER_CALL: usize = 100;
/// What Asynq writes into a recovered task.
const EXPIRED: &str = "asynq: task lease expired";

/// The side tasks of one worker process.
#[derive(Debug)]
pub(super) struct Upkeep {
    line: Steady,
    keys: Keys,
    leases: Arc<Leases>,
    seconds: Seconds,
    backoff_ns: u64,
    server: ServerInfo,
    server_key: String,
    workers_key: String,
}

impl Upkeep {
    /// Connects and gives the process its name.
    pub(super) async fn open(road: Road, work: &Work, leases: Arc<Leases>) -> Result<Self> {
        let kernel = |name: &str| {
            let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}"));
            text.map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        let server = ServerInfo {
            host: kernel("hostname"),
            pid: std::process::id() as i32,
            server_id: kernel("random/uuid"),
            concurrency: i32::try_from(work.shape.concurrency).unwrap_or(i32::MAX),
            queues: HashMap::from([(work.queue.clone(), 1)]),
            status: "active".into(),
            start_time: Some(Timestamp::of(clock::wall())),
            ..ServerInfo::default()
        };
        let name = format!("{{{}:{}:{}}}", server.host, server.pid, server.server_id);
        Ok(Self {
            line: Steady::open(road).await?,
            keys: Keys::of(&work.queue),
            leases,
            seconds: Seconds::of(&work.profile),
            backoff_ns: work.retry.backoff_ns,
            server_key: format!("{}:{name}", keys::SERVERS),
            workers_key: format!("{}:{name}", keys::WORKERS),
            server,
        })
    }

    /// One sign of life (protocol §3.13).
    pub(super) async fn beat(&self) -> Result<()> {
        let now_ns = clock::wall();
        let expiry = now_ns / 1_000_000_000 + ALIVE_S;
        let running = self.leases.longest(self.server.concurrency.max(0) as usize);
        let server =
            ServerInfo { active_worker_count: running.len() as i32, ..self.server.clone() };
        let mut beat =
            scripts::call(&scripts::HEARTBEAT, &[&self.server_key, &self.workers_key], 256);
        beat.arg(ALIVE_S).arg(server.encode_to_vec());
        for (id, taken_ns) in running {
            beat.arg(&id).arg(self.worker(id.clone(), taken_ns).encode_to_vec());
        }
        let mut list_server = cmd("ZADD");
        list_server.arg(keys::SERVERS).arg(expiry).arg(&self.server_key);
        let mut list_workers = cmd("ZADD");
        list_workers.arg(keys::WORKERS).arg(expiry).arg(&self.workers_key);
        let replies = self.line.send(vec![list_server, list_workers, beat]).await?;
        replies.iter().try_for_each(|reply| self.line.road.accepts(reply))
    }

    fn worker(&self, task_id: String, taken_ns: u64) -> WorkerInfo {
        WorkerInfo {
            host: self.server.host.clone(),
            pid: self.server.pid,
            server_id: self.server.server_id.clone(),
            task_id,
            task_type: TASK_TYPE.into(),
            queue: self.keys.queue.clone(),
            start_time: Some(Timestamp::of(taken_ns)),
            ..WorkerInfo::default()
        }
    }

    /// Extends the leases of what is held (protocol §3.12).
    async fn extend(&self) -> Result<()> {
        let now_s = clock::wall() / 1_000_000_000;
        let ids = self.leases.alive(now_s);
        if ids.is_empty() {
            return Ok(());
        }
        let until_s = now_s + LEASE_S;
        let mut extend = cmd("ZADD");
        extend.arg(&self.keys.lease).arg("XX");
        for id in &ids {
            extend.arg(until_s).arg(id);
        }
        self.line.ask(&extend).await?;
        self.leases.extend(&ids, until_s);
        Ok(())
    }

    /// Moves what is due to pending (protocol §3.11).
    async fn forward(&self) -> Result<()> {
        for source in [&self.keys.scheduled, &self.keys.retry] {
            loop {
                let now_ns = clock::wall();
                let mut call = scripts::call(&scripts::FORWARD, &[source, &self.keys.pending], 0);
                call.arg(&self.keys.task).arg(now_ns / 1_000_000_000).arg(now_ns);
                call.arg(TASKS_PER_CALL);
                if self.line.ask(&call).await? == Value::Int(0) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Fails every task whose lease ran out some time ago (protocol §3.12).
    async fn recover(&self) -> Result<()> {
        let mut passed_over = 0;
        loop {
            let now_ns = clock::wall();
            let now_s = now_ns / 1_000_000_000;
            let mut list = scripts::call(&scripts::EXPIRED, &[&self.keys.lease], 0);
            list.arg(&self.keys.task).arg(now_s - GRACE_S).arg(passed_over).arg(TASKS_PER_CALL);
            let Value::Array(messages) = self.line.ask(&list).await? else { return Ok(()) };
            if messages.is_empty() {
                return Ok(());
            }
            let retry_at_s = self.seconds.score(now_ns + self.backoff_ns);
            let closings: Vec<Closing> = messages
                .iter()
                .filter_map(decode)
                .map(|message| Closing::failed(message, u64::MAX, EXPIRED, now_s, retry_at_s))
                .collect();
            // A task without a record stays where it is, as with Asynq.
            passed_over += messages.len() - closings.len();
            for call in closing::calls(&self.keys, closings, now_s) {
                let reply = self.line.ask(&call.command).await?;
                // Active has lost it, or someone else was quicker.
                passed_over += scripts::places(&reply).count();
            }
        }
    }

    /// Takes the process out of the lists (protocol §3.13).
    pub(super) async fn farewell(&self) -> Result<()> {
        let mut unlist_server = cmd("ZREM");
        unlist_server.arg(keys::SERVERS).arg(&self.server_key);
        let mut unlist_workers = cmd("ZREM");
        unlist_workers.arg(keys::WORKERS).arg(&self.workers_key);
        let mut delete = cmd("DEL");
        delete.arg(&self.server_key).arg(&self.workers_key);
        self.line.send(vec![unlist_server, unlist_workers, delete]).await.map(|_| ())
    }

    /// Signs of life and leases, until dropped. What fails is tried again at
    /// the next beat: an outage is no reason to stop.
    pub(super) async fn keep_alive(self: Arc<Self>) {
        loop {
            sleep(BEAT_EVERY).await;
            let _ = self.beat().await;
            let _ = self.extend().await;
        }
    }

    /// Forwards until dropped.
    pub(super) async fn keep_forwarding(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(FORWARD_EVERY_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let _ = self.forward().await;
        }
    }

    /// Recovers until dropped, at once to begin with.
    pub(super) async fn keep_recovering(self: Arc<Self>) {
        loop {
            let _ = self.recover().await;
            sleep(RECOVER_EVERY).await;
        }
    }
}

/// Reads a message that a script replied with; none where the record was
/// missing or is not a task's.
pub(super) fn decode(reply: &Value) -> Option<TaskMessage> {
    let Value::BulkString(bytes) = reply else { return None };
    let message = TaskMessage::decode(bytes.as_slice()).ok()?;
    (!message.id.is_empty()).then_some(message)
}
