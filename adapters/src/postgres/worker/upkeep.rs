//! Leases: extended while rows are held, ended for holders that let them run
//! out.

use std::time::Duration;

use schedbench_contract::Report;
use tokio::time::Instant;

use super::super::arrays::numbers;
use super::super::connect::{Failure, answer};
use super::super::profiles::Taking;
use super::super::statements::LEASE_S;
use super::lines::{Line, Where};
use super::{Event, Worker};

/// Two chances to miss before a lease runs out.
const EVERY: Duration = Duration::from_secs(LEASE_S as u64 / 3);

impl<R: Report> Worker<'_, R> {
    /// Every few seconds, at once to begin with.
    pub(super) fn keep_leases(&mut self) {
        if Instant::now() < self.upkeep_at {
            return;
        }
        self.upkeep_at = Instant::now() + EVERY;
        if let Taking::Polling(_) = self.statements.taking {
            return;
        }
        let Some((at, line)) = self.line(|_| true) else { return };
        let ids: Vec<i64> = self.held.iter().copied().chain(self.fates.ids()).collect();
        let (holder, tell) = (self.holder, self.tell.clone());
        tokio::spawn(async move {
            let rescued = keep(&line, &ids, holder).await;
            if rescued.as_ref().is_ok_and(|&rows| rows > 0) {
                let _ = tell.send(Event::Rung);
            }
            let _ = tell.send(Event::Upkept(at, rescued.is_ok()));
        });
    }

    pub(super) fn upkept(&mut self, at: Where, well: bool) {
        if !well {
            self.lost(at);
        }
    }
}

/// How many rows of lost holders came back.
async fn keep(line: &Line, ids: &[i64], holder: i64) -> Result<u64, Failure> {
    if !ids.is_empty() {
        let ids = numbers(ids.iter().copied());
        answer(line.client.execute(&line.extend, &[&ids, &holder])).await?;
    }
    answer(line.client.execute(&line.rescue, &[])).await
}
