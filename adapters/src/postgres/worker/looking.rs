//! When a worker looks for rows, and with how many connections.

use std::sync::Arc;
use std::time::Duration;

use schedbench_contract::Report;
use tokio::time::Instant;
use tokio_postgres::Row;

use super::super::connect::{Failure, answer};
use super::super::profiles::{LOOK_EVERY, POLL_EVERY, Taking};
use super::lines::{Line, Where};
use super::{Event, Worker};

/// Rows that are due and were not to be had are another worker's for the
/// moment: no use in asking again at once.
const TAKEN_BY_OTHERS: Duration = Duration::from_millis(2);

/// Awake as long as there are rows; otherwise asleep until it rings or the next
/// row is due.
pub(super) struct Looking {
    asleep_until: Option<Instant>,
    /// It rang while a fetch was on its way, which may not have seen why.
    rang: bool,
    /// Fetches on their way.
    fetches: usize,
    /// Fetches that may be on their way: one more after each that came back
    /// full, one after any that did not.
    parallel: usize,
}

impl Looking {
    pub(super) const fn new() -> Self {
        Self { asleep_until: None, rang: false, fetches: 0, parallel: 1 }
    }

    pub(super) fn rung(&mut self) {
        self.rang = self.fetches > 0;
        self.asleep_until = None;
    }

    fn is_awake(&mut self) -> bool {
        if self.asleep_until.is_some_and(|until| until <= Instant::now()) {
            self.asleep_until = None;
        }
        self.asleep_until.is_none()
    }

    /// When there is something to do at the latest.
    pub(super) fn wake_at(&self, upkeep_at: Instant) -> Instant {
        self.asleep_until.map_or(upkeep_at, |until| until.min(upkeep_at))
    }

    /// Something of ours is due then, whoever else knows.
    pub(super) fn look_at(&mut self, at: Instant) {
        if let Some(until) = &mut self.asleep_until {
            *until = at.min(*until);
        } else {
            self.rang = self.rang || self.fetches > 0;
        }
    }

    fn came_back(&mut self, full: bool, most: usize, next_due: Option<Duration>) {
        self.fetches -= 1;
        if full {
            self.parallel = (self.parallel + 1).min(most);
            return;
        }
        self.parallel = 1;
        if !std::mem::take(&mut self.rang) {
            let wait = next_due.unwrap_or(LOOK_EVERY).clamp(TAKEN_BY_OTHERS, LOOK_EVERY);
            self.asleep_until = Some(Instant::now() + wait);
        }
    }

    /// After a look of one that polls.
    fn ticked(&mut self) {
        self.fetches -= 1;
        self.rang = false;
        self.asleep_until = Some(Instant::now() + POLL_EVERY);
    }

    pub(super) const fn fetches(&self) -> usize {
        self.fetches
    }
}

impl<R: Report> Worker<'_, R> {
    /// Fetches as long as there is room for the rows and a connection.
    pub(super) fn look(&mut self) {
        let room = self.work.shape.prefetch.max(1) as usize;
        let polls = matches!(self.statements.taking, Taking::Polling(_));
        // Who polls would read again what it has.
        if polls && !self.has_nothing() {
            return;
        }
        while self.looking.is_awake()
            && self.looking.fetches < self.looking.parallel
            && self.held.len() + (self.looking.fetches + 1) * self.rows <= room
        {
            let Some((at, line)) = self.line(|place| !place.fetching) else { return };
            self.places[at.place].fetching = true;
            self.looking.fetches += 1;
            let (holder, rows, tell) = (self.holder, self.rows, self.tell.clone());
            tokio::spawn(async move {
                let fetched = match polls {
                    true => {
                        answer(line.client.query(&line.fetch, &[])).await.map(|rows| (rows, None))
                    }
                    false => fetch(&line, holder, rows).await,
                };
                let fetched = fetched.ok();
                let _ = tell.send(Event::Fetched(at, fetched));
            });
        }
    }

    pub(super) fn fetched(&mut self, at: Where, came: Option<(Vec<Row>, Option<Duration>)>) {
        if let Some(place) = self.place(at) {
            place.fetching = false;
        }
        let Some((rows, next_due)) = came else {
            // What was leased and never arrived comes back when that runs out.
            self.looking.came_back(false, 1, None);
            self.lost(at);
            return;
        };
        match self.statements.taking {
            Taking::Polling(_) => self.looking.ticked(),
            Taking::Leasing(_) => {
                self.looking.came_back(rows.len() == self.rows, self.places.len(), next_due);
            }
        }
        self.begin(rows);
    }
}

/// Leases rows; where that were not as many as asked for, also asks when the
/// next is due.
async fn fetch(
    line: &Arc<Line>,
    holder: i64,
    rows: usize,
) -> Result<(Vec<Row>, Option<Duration>), Failure> {
    let fetched = answer(line.client.query(&line.fetch, &[&holder])).await?;
    if fetched.len() >= rows {
        return Ok((fetched, None));
    }
    // Rows are there already: an outage now must not cost them.
    let next = answer(line.client.query_opt(&line.next_due, &[])).await.unwrap_or(None);
    let us: Option<i64> = next.and_then(|row| row.try_get(0).ok());
    // 0 for what is due already.
    Ok((fetched, us.map(|us| Duration::from_micros(u64::try_from(us).unwrap_or(0)))))
}
