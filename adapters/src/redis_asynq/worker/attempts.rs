//! Attempts of a worker: begun, ended, judged by the plan, reported.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use schedbench_contract::{Record, Report, Status, TaskId, seeded};
use tokio::select;
use tokio::time::sleep;

use super::Worker;
use super::closing::{Closing, is_last_attempt};
use super::hands::{Finished, Taken, Threads};
use crate::clock;

/// Records wait at most this long while an answer is awaited.
const REPORT_WITHIN: Duration = Duration::from_millis(5);
/// What we write into a task whose attempt fails by plan.
const PLANNED_FAILURE: &str = "planned failure";

impl<R: Report> Worker<'_, R> {
    /// Lets tasks run: here and now where handlers do nothing.
    pub(super) fn begin(&mut self, tasks: Vec<Taken>) {
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
    pub(super) fn take_in(&mut self) {
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

    pub(super) fn flush(&mut self) {
        self.unreported = false;
        self.report.flush();
    }

    /// Waits for something while handlers go on.
    pub(super) async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> T {
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
}

/// Waits for handlers to end, for ever where none runs on a thread.
pub(super) async fn ended(threads: &mut Option<Threads>, to: &mut Vec<Finished>) {
    match threads {
        Some(threads) => threads.finished(to).await,
        None => pending().await,
    }
}
