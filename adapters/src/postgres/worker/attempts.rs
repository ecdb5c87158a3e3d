//! Attempts of a worker: begun, ended, judged by the plan, reported.

use schedbench_contract::{Record, Report, RunEnd, Status, TaskId};
use tokio_postgres::Row;

use super::Worker;
use super::threads::Finished;
use crate::{clock, handler};

/// A row that this process leased.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) id: i64,
    attempt: u32,
    row: Row,
}

impl Taken {
    /// `None` for a row that is not as our statement asks for it.
    fn read(row: Row) -> Option<Self> {
        let (id, attempt): (i64, i32) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
        Some(Self { id, attempt: u32::try_from(attempt).ok()?, row })
    }
}

impl<R: Report> Worker<'_, R> {
    /// Lets rows run: here and now where handlers do nothing.
    pub(super) fn begin(&mut self, rows: Vec<Row>) {
        let tasks = rows.into_iter().filter_map(Taken::read);
        if let Some(threads) = &self.threads {
            let tasks: Vec<Taken> = tasks.collect();
            self.held.extend(tasks.iter().map(|taken| taken.id));
            threads.give(tasks);
            return;
        }
        let mut start = clock::now();
        for taken in tasks {
            start = self.close(&taken, start, None);
        }
    }

    /// Looks at the handlers that ended on threads.
    pub(super) fn take_in_ended(&mut self) {
        let mut finished = std::mem::take(&mut self.ended);
        for Finished { taken, start, end } in finished.drain(..) {
            self.held.remove(&taken.id);
            self.close(&taken, start, Some(end));
        }
        self.ended = finished;
    }

    /// Reports an attempt and notes what PostgreSQL has to hear of it. Where
    /// the handler's end is not known, it is now. Returns the end.
    fn close(&mut self, taken: &Taken, start: u64, end: Option<u64>) -> u64 {
        let id = TaskId::from_bits(taken.id as u64);
        let status = match handler::planned_end(self.work, id, taken.attempt) {
            RunEnd::FailedFinally => Status::FailedFinally,
            RunEnd::Failed => Status::Failed,
            RunEnd::Done | RunEnd::Corrupt => match taken.row.try_get::<_, &[u8]>(2) {
                Ok(body) if self.pool.is_intact(id, body) => Status::Done,
                _ => Status::Corrupt,
            },
        };
        let end = end.unwrap_or_else(clock::now);
        self.report.record(Record { id: id.bits(), attempt: taken.attempt, status, start, end });
        self.unreported = true;
        match status {
            Status::Failed => self.fates.retry.push(taken.id),
            Status::FailedFinally => self.fates.bury.push(taken.id),
            _ => self.fates.done.push(taken.id),
        }
        end
    }

    pub(super) fn flush(&mut self) {
        self.unreported = false;
        self.report.flush();
    }
}
