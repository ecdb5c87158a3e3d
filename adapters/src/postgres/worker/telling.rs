//! How a worker tells PostgreSQL what became of rows: one statement for each
//! kind of fate, for all rows since the last.

use std::time::Duration;

use schedbench_contract::Report;
use tokio::time::Instant;

use super::super::arrays::numbers;
use super::super::connect::{Failure, answer};
use super::lines::{Line, Where};
use super::{Event, Worker};

/// Ids by what became of them.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// Completed.
    pub(super) done: Vec<i64>,
    /// To come again.
    pub(super) retry: Vec<i64>,
    /// Failed for the last time.
    pub(super) bury: Vec<i64>,
    /// Not begun.
    pub(super) back: Vec<i64>,
}

impl Fates {
    pub(super) fn is_empty(&self) -> bool {
        self.ids().next().is_none()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        [&self.done, &self.retry, &self.bury, &self.back].into_iter().flatten().copied()
    }

    fn add(&mut self, other: Self) {
        self.done.extend(other.done);
        self.retry.extend(other.retry);
        self.bury.extend(other.bury);
        self.back.extend(other.back);
    }

    /// Tells what is in here; what the server took is taken out. A fate told
    /// twice changes nothing the second time.
    async fn tell(&mut self, line: &Line, holder: i64, backoff_us: i64) -> Result<(), Failure> {
        let client = &line.client;
        if !self.done.is_empty() {
            let ids = numbers(self.done.iter().copied());
            answer(client.execute(&line.done, &[&ids, &holder])).await?;
            self.done.clear();
        }
        if !self.retry.is_empty() {
            let ids = numbers(self.retry.iter().copied());
            answer(client.execute(&line.retry, &[&ids, &holder, &backoff_us])).await?;
            self.retry.clear();
        }
        if !self.bury.is_empty() {
            let ids = numbers(self.bury.iter().copied());
            answer(client.execute(&line.bury, &[&ids, &holder])).await?;
            self.bury.clear();
        }
        if !self.back.is_empty() {
            let ids = numbers(self.back.iter().copied());
            answer(client.execute(&line.give_back, &[&ids, &holder])).await?;
            self.back.clear();
        }
        Ok(())
    }
}

impl<R: Report> Worker<'_, R> {
    /// Tells what there is to tell, on a connection that is not telling yet,
    /// best on one that does not fetch.
    pub(super) fn tell_fates(&mut self) {
        if self.fates.is_empty() {
            return;
        }
        let free = self.line(|place| !place.telling && !place.fetching);
        let Some((at, line)) = free.or_else(|| self.line(|place| !place.telling)) else { return };
        self.places[at.place].telling = true;
        let mut fates = std::mem::take(&mut self.fates);
        let (holder, tell) = (self.holder, self.tell.clone());
        let backoff_us = i64::try_from(self.work.retry.backoff_ns.div_ceil(1_000)).unwrap_or(0);
        tokio::spawn(async move {
            let told = fates.tell(&line, holder, backoff_us).await;
            let _ = tell.send(Event::Told(at, told.err().map(|_| fates)));
        });
    }

    pub(super) fn told(&mut self, at: Where, left: Option<Fates>) {
        if let Some(place) = self.place(at) {
            place.telling = false;
        }
        if let Some(left) = left {
            self.fates.add(left);
            self.lost(at);
        } else if self.work.fail_ppm > 0 {
            // Rows of ours may come again, and nobody rings for them.
            self.looking.look_at(Instant::now() + Duration::from_nanos(self.work.retry.backoff_ns));
        }
    }
}
