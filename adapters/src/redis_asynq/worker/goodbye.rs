//! How a worker ends: nothing is left running, nothing is kept.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use schedbench_contract::Report;
use tokio::time::{sleep, sleep_until, timeout};

use super::super::connect::FIRST_WAIT;
use super::super::keys::Keys;
use super::super::scripts::{self, TASKS_PER_CALL};
use super::attempts::ended;
use super::hands::Threads;
use super::{AFTER_REFUSAL, Worker, connect_after};

/// How long a worker that ends tries to tell what it holds.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);

impl<R: Report> Worker<'_, R> {
    /// Lets what runs finish and gives back what has not started.
    pub(super) async fn finish(&mut self) {
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
            if calls.is_empty() {
                return;
            }
            match line.send(calls).await {
                Ok(replies) if replies.iter().any(is_refusal) => sleep(AFTER_REFUSAL).await,
                Ok(_) => return,
                Err(_) => self.line = None,
            }
        }
    }
}

fn is_refusal(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(_))
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
