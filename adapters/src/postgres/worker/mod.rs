//! A worker process: leases rows, runs handlers, reports, deletes.

mod attempts;
mod goodbye;
mod lines;
mod looking;
mod telling;
mod threads;
mod upkeep;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use schedbench_contract::{BodyPool, Error, Handler, Record, Report, Result, Status, Work};
use tokio::select;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::Row;

use super::connect::Road;
use super::locks::Locks;
use super::profiles::Taking;
use super::statements::Statements;
use crate::clock;
use lines::{Line, Place, Where};
use looking::Looking;
use telling::Fates;
use threads::{Finished, Threads};

/// Records wait at most this long.
const REPORT_WITHIN: Duration = Duration::from_millis(5);

/// What came of something that was begun.
enum Event {
    /// A connection is there.
    Connected(Where, Arc<Line>),
    /// Rows were inserted, or given back.
    Rung,
    /// Rows that were leased, and when the next one is due where no more was
    /// to be had; nothing where the connection was lost.
    Fetched(Where, Option<(Vec<Row>, Option<Duration>)>),
    /// Fates were told; those that were not come back.
    Told(Where, Option<Fates>),
    /// Leases were looked after.
    Upkept(Where, bool),
}

/// Consumes until `stop`. An outage of PostgreSQL after the start ends nothing.
pub(super) async fn run(
    work: &Work,
    report: impl Report,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let address = work
        .at
        .as_ref()
        .ok_or_else(|| Error::Broken("the work does not say where PostgreSQL is".into()))?;
    let statements = Arc::new(Statements::of(&work.queue, Taking::of(&work.profile))?);
    // Named after the queue: so they are counted as its consumers.
    let road = Arc::new(Road::to(address, &work.queue)?);
    let (tell, events) = unbounded_channel();
    let rows = statements.taking.rows().min(work.shape.prefetch.max(1) as usize);
    let mut places = Vec::new();
    for number in 0..work.shape.connections.max(1) as usize {
        let line = Line::open(&road, &statements, rows, number == 0, &tell).await?;
        places.push(Place::with(line));
    }
    let locks = match statements.taking {
        Taking::Locking(_) => Some(Locks::open(work.second.as_ref(), &work.queue).await?),
        Taking::Leasing(_) | Taking::Polling(_) => None,
    };
    let locks = locks.map(Arc::new);
    let mut worker = Worker {
        work,
        holder: i64::from_ne_bytes(random()?),
        rows,
        pool: BodyPool::new(work.body),
        statements,
        road,
        locks,
        places,
        tell,
        events,
        looking: Looking::new(),
        upkeep_at: Instant::now(),
        report,
        unreported: false,
        threads: (work.handler != Handler::None)
            .then(|| Threads::start(work.handler, work.shape.concurrency)),
        held: HashSet::new(),
        ended: Vec::new(),
        fates: Fates::default(),
    };
    worker.say(Status::Ready);
    worker.serve(stop).await;
    worker.finish().await;
    Ok(())
}

struct Worker<'a, R> {
    work: &'a Work,
    /// Who this is in the rows that it holds.
    holder: i64,
    /// Rows per fetch.
    rows: usize,
    pool: BodyPool,
    statements: Arc<Statements>,
    road: Arc<Road>,
    /// Where rows are locked, if they are locked elsewhere.
    locks: Option<Arc<Locks>>,
    /// The connections; the first one listens.
    places: Vec<Place>,
    tell: UnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
    looking: Looking,
    upkeep_at: Instant,
    report: R,
    /// Whether records may wait in `report`.
    unreported: bool,
    /// None where the loop itself runs the handlers, for they do nothing.
    threads: Option<Threads>,
    /// Ids of rows on the threads.
    held: HashSet<i64>,
    /// Handlers that ended and were not looked at.
    ended: Vec<Finished>,
    /// What PostgreSQL has to hear.
    fates: Fates,
}

impl<R: Report> Worker<'_, R> {
    /// Says of itself what is so from now on.
    fn say(&mut self, status: Status) {
        self.report.record(Record::of_worker(self.work.index, status, clock::now()));
        self.report.flush();
    }

    async fn serve(&mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            self.keep_leases();
            self.look();
            self.tell_fates();
            let wake_at = self.looking.wake_at(self.upkeep_at);
            select! {
                biased;
                () = stop.as_mut() => return,
                event = self.events.recv() => self.take_in(event),
                () = threads::ended(&mut self.threads, &mut self.ended) => self.take_in_ended(),
                () = sleep_until(Instant::now() + REPORT_WITHIN), if self.unreported => {
                    self.flush();
                }
                () = sleep_until(wake_at) => {}
            }
        }
    }

    fn take_in(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Connected(place, line)) => self.connected(place, line),
            Some(Event::Rung) => self.looking.rung(),
            Some(Event::Fetched(place, fetched)) => self.fetched(place, fetched),
            Some(Event::Told(place, left)) => self.told(place, left),
            Some(Event::Upkept(place, well)) => self.upkept(place, well),
            // There is a sender here.
            None => {}
        }
    }
}

/// Distinguishes holders; nothing depends on its being secret.
fn random() -> Result<[u8; 8]> {
    use rustix::rand::{GetRandomFlags, getrandom};
    let mut bytes = [0; 8];
    // Eight bytes come at once or not at all.
    getrandom(&mut bytes, GetRandomFlags::empty())
        .map_err(|error| Error::Broken(format!("asking the kernel for random bytes: {error}")))?;
    Ok(bytes)
}
