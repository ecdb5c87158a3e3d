//! A worker process: dequeues, runs, reports, acknowledges.

mod attempts;
mod closing;
mod goodbye;
mod hands;
mod leases;
mod trip;
mod upkeep;

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use schedbench_contract::{BodyPool, Error, Handler, Record, Report, Result, Status, Work};
use tokio::select;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::connect::{FIRST_WAIT, LONGEST_WAIT, Line};
use super::keys::Keys;
use super::profiles::{IDLE_FIRST_MS, IDLE_LONGEST_MS, PROFILES, Seconds};
use super::road::Road;
use super::scripts::TASKS_PER_CALL;
use super::sentinels::Reach;
use crate::clock;
use attempts::ended;
use closing::Closing;
use hands::{Finished, Threads};
use leases::Leases;
use upkeep::Upkeep;

/// Tasks per round trip: a few calls in one write.
const TASKS_PER_TRIP: usize = 4 * TASKS_PER_CALL;
/// Before asking again what the server refused (it loads, or is full).
const AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// For this long after a task the shortest idle wait stays.
const ALERT_FOR: Duration = Duration::from_millis(100);

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
    let profile = PROFILES.iter().find(|profile| profile.name == work.profile);
    let reach = profile.map_or(Reach::Itself, Reach::of);
    let road = Road::to(address, reach)?;
    let line = road.connect().await?;
    let leases = Arc::new(Leases::default());
    let upkeep =
        Arc::new(Upkeep::open(Road::to(address, reach)?, work, Arc::clone(&leases)).await?);
    upkeep.beat().await?;
    let mut side = JoinSet::new();
    side.spawn(Arc::clone(&upkeep).keep_alive());
    side.spawn(Arc::clone(&upkeep).keep_forwarding());
    side.spawn(Arc::clone(&upkeep).keep_recovering());

    report.record(Record::of_worker(work.index, Status::Ready, clock::now()));
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
        let mut is_away = false;
        let (mut poll_at, mut last_task) = (Instant::now(), Instant::now());
        loop {
            let Some(line) = self.line.clone() else {
                if !std::mem::replace(&mut is_away, true) {
                    self.say(Status::Disconnected);
                }
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
            if std::mem::replace(&mut is_away, false) {
                self.say(Status::Reconnected);
            }
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
}

impl<R: Report> Worker<'_, R> {
    /// Says of itself what is so from now on.
    fn say(&mut self, status: Status) {
        self.report.record(Record::of_worker(self.work.index, status, clock::now()));
        self.report.flush();
    }
}

async fn connect_after(road: Arc<Road>, wait: Duration) -> Result<Line> {
    sleep(wait).await;
    road.connect().await
}
