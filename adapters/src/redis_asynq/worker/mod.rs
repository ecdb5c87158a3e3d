//! A worker process: dequeues, runs, reports, acknowledges.

mod closing;
mod hands;
mod leases;
mod upkeep;

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use schedbench_contract::{
    BodyPool, Error, Handler, Record, Report, Result, Status, TaskId, Work, seeded,
};
use tokio::select;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connect::{self, FIRST_WAIT, LONGEST_WAIT, Line, Road};
use super::keys::Keys;
use super::profiles::{IDLE_FIRST_MS, IDLE_LONGEST_MS, Seconds};
use super::scripts::{self, TASKS_PER_CALL};
use crate::clock;
use closing::{Closing, is_last_attempt};
use hands::{Finished, Taken, Threads};
use leases::{LEASE_S, Leases};
use upkeep::Upkeep;

/// Tasks per round trip: a few calls in one write.
const TASKS_PER_TRIP: usize = 4 * TASKS_PER_CALL;
/// Records wait at most this long while an answer is awaited.
const REPORT_WITHIN: Duration = Duration::from_millis(5);
/// Before asking again what the server refused (it loads, or is full).
const AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// For this long after a task the shortest idle wait stays.
const ALERT_FOR: Duration = Duration::from_millis(100);
/// How long a worker that ends tries to give back what it holds.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);
/// What we write into a task whose attempt fails by plan.
const PLANNED_FAILURE: &str = "planned failure";

/// Consumes until `stop`. An outage of Redis after the start ends nothing.
pub(super) async fn run(
    work: &Work,
    mut report: impl Report,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let address = work
        .at
        .as_ref()
        .ok_or_else(|| Error::Broken("the work does not say where Redis is".into()))?;
    let road = Road::to(address)?;
    let line = road.connect().await?;
    let leases = Arc::new(Leases::default());
    let upkeep = Arc::new(Upkeep::open(Road::to(address)?, work, Arc::clone(&leases)).await?);
    upkeep.beat().await?;
    let mut side = JoinSet::new();
    side.spawn(Arc::clone(&upkeep).keep_alive());
    side.spawn(Arc::clone(&upkeep).keep_forwarding());
    side.spawn(Arc::clone(&upkeep).keep_recovering());

    let (now, index) = (clock::now(), u64::from(work.index));
    report.record(Record { id: index, attempt: 0, status: Status::Ready, start: now, end: now });
    report.flush();
    let mut worker = Worker {
        work,
        keys: Keys::of(&work.queue),
        pool: BodyPool::new(work.body),
        seconds: Seconds::of(&work.profile),
        road: Arc::new(road),
        line: Some(line),
        quiet_until: Instant::now(),
        leases,
        report,
        unreported: false,
        threads: (work.handler != Handler::None)
            .then(|| Threads::start(work.handler, work.shape.concurrency)),
        held: 0,
        ended: Vec::new(),
        closings: Vec::new(),
    };
    worker.serve(stop).await;
    worker.finish().await;
    side.shutdown().await;
    // Should this fail, the keys expire by themselves after 10 s.
    let _ = upkeep.farewell().await;
    Ok(())
}

struct Worker<'a, R> {
    work: &'a Work,
    keys: Keys,
    pool: BodyPool,
    seconds: Seconds,
    road: Arc<Road>,
    /// None after it was lost.
    line: Option<Line>,
    /// Nothing is asked before: the server refused.
    quiet_until: Instant,
    leases: Arc<Leases>,
    report: R,
    /// Whether records may wait in `report`.
    unreported: bool,
    /// None where the loop itself runs the handlers, for they do nothing.
    threads: Option<Threads>,
    /// Tasks on the threads.
    held: usize,
    /// Handlers that ended and were not looked at.
    ended: Vec<Finished>,
    /// What Redis has to hear.
    closings: Vec<Closing>,
}

impl<R: Report> Worker<'_, R> {
    async fn serve(&mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut reconnect_after = FIRST_WAIT;
        let (mut poll_at, mut last_task) = (Instant::now(), Instant::now());
        loop {
            let Some(line) = self.line.clone() else {
                let connecting = connect_after(Arc::clone(&self.road), reconnect_after);
                let connecting = async {
                    select! {
                        biased;
                        () = stop.as_mut() => None,
                        connected = connecting => Some(connected),
                    }
                };
                match self.meanwhile(connecting).await {
                    None => return,
                    Some(Ok(line)) => self.line = Some(line),
                    Some(Err(_)) => reconnect_after = (reconnect_after * 2).min(LONGEST_WAIT),
                }
                continue;
            };
            reconnect_after = FIRST_WAIT;
            let now = Instant::now();
            let room = (self.work.shape.prefetch.max(1) as usize).saturating_sub(self.held);
            let ask = if now >= poll_at { room.min(TASKS_PER_TRIP) } else { 0 };
            if now >= self.quiet_until && (ask > 0 || !self.closings.is_empty()) {
                if self.trip(line, ask).await > 0 {
                    last_task = Instant::now();
                } else if ask > 0 {
                    let idle = if last_task.elapsed() < ALERT_FOR {
                        IDLE_FIRST_MS
                    } else {
                        IDLE_LONGEST_MS
                    };
                    poll_at = Instant::now() + Duration::from_millis(idle);
                }
                // Has it resolved? Not waiting.
                select! { biased; () = stop.as_mut() => return, () = ready(()) => {} }
                continue;
            }
            self.flush();
            let wants = room > 0 || !self.closings.is_empty();
            let wake_at = if room > 0 { poll_at.max(self.quiet_until) } else { self.quiet_until };
            select! {
                biased;
                () = stop.as_mut() => return,
                () = ended(&mut self.threads, &mut self.ended) => self.take_in(),
                () = sleep_until(wake_at), if wants => {}
            }
        }
    }

    /// One round trip: tells Redis the fate of tasks and takes up to `ask` new
    /// ones, in that order. How many it took.
    async fn trip(&mut self, line: Line, ask: usize) -> usize {
        let now_s = clock::wall() / 1_000_000_000;
        let lease_until_s = now_s + LEASE_S;
        let mut closings = std::mem::take(&mut self.closings);
        closings.retain(|closing| closing.lease_until_s > now_s);
        let calls = closing::calls(&self.keys, closings, now_s);
        let (mut commands, mut told): (Vec<Cmd>, Vec<Vec<Closing>>) =
            calls.into_iter().map(|call| (call.command, call.closings)).unzip();
        let mut left = ask;
        while left > 0 {
            let some = left.min(TASKS_PER_CALL);
            commands.push(dequeue(&self.keys, lease_until_s, some));
            left -= some;
        }
        let Ok(replies) = self.meanwhile(async move { line.send(commands).await }).await else {
            // What was dequeued and never arrived is the recoverer's. A fate
            // told twice changes nothing the second time.
            self.line = None;
            self.closings.extend(told.into_iter().flatten());
            return 0;
        };
        let mut tasks = Vec::with_capacity(ask);
        for (place, reply) in replies.into_iter().enumerate() {
            if connect::is_demoted(&reply) {
                self.line = None;
            }
            match reply {
                Value::ServerError(_) => {
                    self.quiet_until = Instant::now() + AFTER_REFUSAL;
                    if let Some(closings) = told.get_mut(place) {
                        self.closings.append(closings);
                    }
                }
                Value::Array(messages) if place >= told.len() => {
                    let messages = messages.iter().filter_map(upkeep::decode);
                    tasks.extend(messages.map(|message| Taken { message, lease_until_s }));
                }
                _ => {}
            }
        }
        let taken = tasks.len();
        self.begin(tasks);
        taken
    }

    fn begin(&mut self, tasks: Vec<Taken>) {
        if let Some(threads) = &self.threads {
            let taken_ns = clock::wall();
            for taken in &tasks {
                self.leases.hold(&taken.message.id, taken.lease_until_s, taken_ns);
            }
            self.held += tasks.len();
            threads.give(tasks);
            return;
        }
        let mut start = clock::now();
        for taken in tasks {
            start = self.close(taken, start, None);
        }
    }

    /// Looks at the handlers that ended on threads.
    fn take_in(&mut self) {
        let mut finished = std::mem::take(&mut self.ended);
        for Finished { mut taken, start, end } in finished.drain(..) {
            self.held -= 1;
            if let Some(until_s) = self.leases.release(&taken.message.id) {
                taken.lease_until_s = until_s;
            }
            self.close(taken, start, Some(end));
        }
        self.ended = finished;
    }

    /// Reports an attempt and notes what Redis has to hear of it. Where the
    /// handler's end is not known, it is now. Returns the end.
    fn close(&mut self, taken: Taken, start: u64, end: Option<u64>) -> u64 {
        let Taken { message, lease_until_s } = taken;
        let attempt = u32::try_from(message.retried).unwrap_or(0);
        let id = Some(&message.id).filter(|id| id.len() == 16).and_then(|id| id.parse().ok());
        let work = self.work;
        let fails = |id: TaskId| seeded::attempt_fails(work.seed, id, attempt, work.fail_ppm);
        let status = match id {
            Some(id) if fails(id) && is_last_attempt(&message) => Status::FailedFinally,
            Some(id) if fails(id) => Status::Failed,
            Some(id) if !self.pool.is_intact(id, &message.payload) => Status::Corrupt,
            _ => Status::Done,
        };
        let end = end.unwrap_or_else(clock::now);
        // A task of another program is run too, and counted as foreign.
        let id = id.map_or(u64::MAX, TaskId::bits);
        self.report.record(Record { id, attempt, status, start, end });
        self.unreported = true;
        self.closings.push(match status {
            Status::Failed | Status::FailedFinally => {
                let now_ns = clock::wall();
                let retry_at_s = self.seconds.score(now_ns + work.retry.backoff_ns);
                let now_s = now_ns / 1_000_000_000;
                Closing::failed(message, lease_until_s, PLANNED_FAILURE, now_s, retry_at_s)
            }
            _ => Closing::done(message, lease_until_s),
        });
        end
    }

    fn flush(&mut self) {
        self.unreported = false;
        self.report.flush();
    }

    /// Waits for something while handlers go on.
    async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = pin!(something);
        loop {
            let came = select! {
                biased;
                came = &mut something => Some(came),
                () = ended(&mut self.threads, &mut self.ended) => None,
                () = sleep(REPORT_WITHIN), if self.unreported => {
                    self.flush();
                    None
                }
            };
            self.take_in();
            if let Some(came) = came {
                return came;
            }
        }
    }

    /// Lets what runs finish and gives back what has not started.
    async fn finish(&mut self) {
        let back = self.threads.as_ref().map(Threads::close).unwrap_or_default();
        self.held -= back.len();
        while self.held > 0 {
            ended(&mut self.threads, &mut self.ended).await;
            self.take_in();
            self.flush();
        }
        self.flush();
        let goodbye = self.goodbye(back.into_iter().map(|taken| taken.message.id).collect());
        // Whoever is not told has the leases run out.
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
        if let Some(threads) = self.threads.take() {
            threads.join();
        }
    }

    async fn goodbye(&mut self, back: Vec<String>) {
        loop {
            let Some(line) = self.line.clone() else {
                let road = Arc::clone(&self.road);
                self.line = connect_after(road, FIRST_WAIT).await.ok();
                continue;
            };
            if !self.closings.is_empty() {
                sleep_until(self.quiet_until).await;
                self.trip(line, 0).await;
                continue;
            }
            // Each goes to the end that is taken next: the oldest last.
            let newest_first: Vec<&String> = back.iter().rev().collect();
            let calls = newest_first.chunks(TASKS_PER_CALL).map(|ids| requeue(&self.keys, ids));
            let calls: Vec<Cmd> = calls.collect();
            if calls.is_empty() || line.send(calls).await.is_ok() {
                return;
            }
            self.line = None;
        }
    }
}

async fn connect_after(road: Arc<Road>, wait: Duration) -> Result<Line> {
    sleep(wait).await;
    road.connect().await
}

async fn ended(threads: &mut Option<Threads>, to: &mut Vec<Finished>) {
    match threads {
        Some(threads) => threads.finished(to).await,
        None => pending().await,
    }
}

fn dequeue(keys: &Keys, lease_until_s: u64, most: usize) -> Cmd {
    let names = [&*keys.pending, &*keys.paused, &*keys.active, &*keys.lease];
    let mut call = scripts::call(&scripts::DEQUEUE, &names, 0);
    call.arg(&keys.task).arg(lease_until_s).arg(most);
    call
}

fn requeue(keys: &Keys, ids: &[&String]) -> Cmd {
    let names = [&*keys.active, &*keys.lease, &*keys.pending];
    let mut call = scripts::call(&scripts::REQUEUE, &names, ids.len() * 24);
    call.arg(&keys.task);
    for &id in ids {
        call.arg(id);
    }
    call
}
