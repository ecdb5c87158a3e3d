//! How a worker ends: nothing is left running, nothing is kept.

use std::time::Duration;

use schedbench_contract::Report;
use tokio::time::timeout;

use super::hands::{Threads, ended};
use super::{Worker, next};

/// How long a worker that ends waits for the server.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);

impl<R: Report> Worker<'_, R> {
    /// Lets what runs finish; what has not started is the queue's again once
    /// the connection ends. Where deliveries were acknowledged by being sent,
    /// all that came is run instead.
    pub(super) async fn finish(&mut self) {
        self.connecting.shutdown().await;
        for line in self.lines.iter().flatten() {
            // Whoever does not answer sends nothing more either.
            let _ = timeout(GOODBYE_WITHIN, line.cancel()).await;
        }
        if self.manner.no_ack {
            self.run_what_came().await;
        } else {
            self.running -= self.threads.as_ref().map_or(0, Threads::forget);
        }
        while self.running > 0 {
            ended(&mut self.threads, &mut self.ended).await;
            self.take_in();
            self.tell().await;
        }
        self.tell().await;
        let _ = timeout(GOODBYE_WITHIN, async {
            while let Some(stored) = self.setting_aside.join_next().await {
                self.is_set_aside(stored);
            }
        })
        .await;
        self.tell().await;
        for line in self.lines.iter_mut().filter_map(Option::take) {
            // A server that is not told notices the connection's end.
            let _ = timeout(GOODBYE_WITHIN, line.close()).await;
        }
        if let Some(threads) = self.threads.take() {
            threads.join();
        }
    }

    /// Nothing more comes: the consumers are cancelled, and each ends after
    /// its last delivery.
    async fn run_what_came(&mut self) {
        let mut inbox = Vec::new();
        let mut open = self.lines.iter().flatten().count();
        while open > 0 {
            let Ok(ended) = timeout(GOODBYE_WITHIN, next(&mut self.lines, &mut inbox)).await else {
                return;
            };
            self.begin(&mut inbox);
            open -= usize::from(ended.is_some());
            self.tell().await;
        }
    }
}
