//! How a worker ends: nothing is left running, nothing is kept.

use std::time::Duration;

use schedbench_contract::Report;
use tokio::select;
use tokio::time::timeout;

use super::Worker;
use super::threads::{self, Threads};

/// How long a worker that ends tries to tell what it holds.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);

impl<R: Report> Worker<'_, R> {
    /// Lets what runs finish and gives back what was not begun.
    pub(super) async fn finish(&mut self) {
        self.give_back();
        while !self.held.is_empty() {
            self.next().await;
        }
        // Whoever is not told has the leases run out.
        let _ = timeout(GOODBYE_WITHIN, self.goodbye()).await;
        if let Some(threads) = self.threads.take() {
            threads.join();
        }
    }

    async fn goodbye(&mut self) {
        while !self.is_done() {
            self.next().await;
        }
    }

    fn is_done(&self) -> bool {
        self.has_nothing() && !self.unreported && self.looking.fetches() == 0
    }

    /// Whether it runs nothing and PostgreSQL knows of everything that it ran.
    pub(super) fn has_nothing(&self) -> bool {
        let telling = self.places.iter().any(|place| place.telling);
        self.held.is_empty() && self.fates.is_empty() && !telling
    }

    /// Lets something happen, and tells of it.
    async fn next(&mut self) {
        self.flush();
        self.tell_fates();
        if self.is_done() {
            return;
        }
        select! {
            event = self.events.recv() => self.take_in(event),
            () = threads::ended(&mut self.threads, &mut self.ended) => self.take_in_ended(),
        }
        // What a last fetch brought went to threads that take nothing more.
        self.give_back();
    }

    fn give_back(&mut self) {
        let left = self.threads.as_ref().map(Threads::close).unwrap_or_default();
        for taken in left {
            self.held.remove(&taken.id);
            self.fates.back.push(taken.id);
        }
    }
}
