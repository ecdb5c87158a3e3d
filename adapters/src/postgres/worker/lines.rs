//! A worker's connections: lost, made again.

use std::sync::Arc;

use schedbench_contract::{Report, Result, Status};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;
use tokio_postgres::{Client, Statement};

use super::super::connect::{FIRST_WAIT, Failure, LONGEST_WAIT, Road, answer};
use super::super::statements::Statements;
use super::{Event, Worker};

/// A connection with what it has prepared.
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) fetch: Statement,
    pub(super) next_due: Statement,
    pub(super) done: Statement,
    pub(super) retry: Statement,
    pub(super) bury: Statement,
    pub(super) give_back: Statement,
    pub(super) extend: Statement,
    pub(super) rescue: Statement,
}

impl Line {
    /// Connects and prepares; one that `listens` rings for each notification.
    pub(super) async fn open(
        road: &Road,
        statements: &Statements,
        rows: usize,
        listens: bool,
        tell: &UnboundedSender<Event>,
    ) -> Result<Arc<Self>> {
        let bell = tell.clone();
        let client = road
            .connect(move || {
                // The worker has ended where nobody hears it.
                let _ = bell.send(Event::Rung);
            })
            .await?;
        let line = Self::prepare(client, statements, rows, listens).await;
        line.map(Arc::new).map_err(|failure| road.broken("preparing", failure.text()))
    }

    async fn prepare(
        client: Client,
        statements: &Statements,
        rows: usize,
        listens: bool,
    ) -> Result<Self, Failure> {
        if listens && !statements.taking.polls() {
            answer(client.batch_execute(&statements.listen())).await?;
        }
        let prepare = async |sql: String| answer(client.prepare(&sql)).await;
        Ok(Self {
            fetch: prepare(statements.fetch(rows)).await?,
            next_due: prepare(statements.next_due()).await?,
            done: prepare(statements.done()).await?,
            retry: prepare(statements.retry()).await?,
            bury: prepare(statements.bury()).await?,
            give_back: prepare(statements.give_back()).await?,
            extend: prepare(statements.extend()).await?,
            rescue: prepare(statements.rescue()).await?,
            client,
        })
    }
}

/// Which connection, and which in the row of its successors: a late failure of
/// an old one must not take down the new one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Where {
    pub(super) place: usize,
    pub(super) generation: u64,
}

/// Where a connection is, or is being made.
pub(super) struct Place {
    pub(super) line: Option<Arc<Line>>,
    generation: u64,
    pub(super) fetching: bool,
    pub(super) telling: bool,
}

impl Place {
    pub(super) fn with(line: Arc<Line>) -> Self {
        Self { line: Some(line), generation: 0, fetching: false, telling: false }
    }
}

impl<R: Report> Worker<'_, R> {
    /// A connection that fits, and where it is.
    pub(super) fn line(&self, fits: impl Fn(&Place) -> bool) -> Option<(Where, Arc<Line>)> {
        let mut places = self.places.iter().enumerate();
        places.find_map(|(place, at)| {
            let line = at.line.as_ref().filter(|_| fits(at))?;
            Some((Where { place, generation: at.generation }, Arc::clone(line)))
        })
    }

    /// The place, if it is still that connection's.
    pub(super) fn place(&mut self, at: Where) -> Option<&mut Place> {
        self.places.get_mut(at.place).filter(|place| place.generation == at.generation)
    }

    /// That connection is gone: begins to make another.
    pub(super) fn lost(&mut self, at: Where) {
        let Some(place) = self.place(at) else { return };
        let generation = place.generation + 1;
        *place = Place { line: None, generation, fetching: false, telling: false };
        self.say(Status::Disconnected);
        let next = Where { generation, ..at };
        let (road, statements) = (Arc::clone(&self.road), Arc::clone(&self.statements));
        let (rows, tell) = (self.rows, self.tell.clone());
        tokio::spawn(async move {
            let mut wait = FIRST_WAIT;
            while !tell.is_closed() {
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
                if let Ok(line) = Line::open(&road, &statements, rows, at.place == 0, &tell).await {
                    // The worker has ended where nobody hears it.
                    let _ = tell.send(Event::Connected(next, line));
                    return;
                }
            }
        });
    }

    pub(super) fn connected(&mut self, at: Where, line: Arc<Line>) {
        if let Some(place) = self.place(at) {
            place.line = Some(line);
            self.say(Status::Reconnected);
            // What was notified meanwhile was not heard.
            self.looking.rung();
        }
    }
}
