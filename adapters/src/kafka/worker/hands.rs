//! Handlers: run here and now where they do nothing, on threads otherwise.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use rdkafka::message::{BorrowedMessage, Message as _};
use schedbench_contract::{BodyPool, Error, Handler, Record, Report, Result, RunEnd, Status, Work};

use super::super::Queue;
use super::super::record::Label;
use super::desk::{Desk, Origin};
use super::forward::Forwarder;
use crate::{clock, handler};

/// A record that is to be handled.
pub(super) struct Job<'c> {
    pub(super) message: BorrowedMessage<'c>,
    /// None for a record of another program: it is run, and counted as foreign.
    pub(super) label: Option<Label>,
    pub(super) origin: Origin,
}

/// What every handler needs.
pub(super) struct Bench<'a, R> {
    pub(super) work: &'a Work,
    pub(super) queue: &'a Queue,
    pub(super) desk: &'a Desk,
    pub(super) pool: BodyPool,
    pub(super) forwarder: Forwarder,
    pub(super) report: Mutex<R>,
}

impl<R: Report> Bench<'_, R> {
    pub(super) fn record(&self, record: Record) {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).record(record);
    }

    pub(super) fn flush(&self) {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }

    /// Runs the handler of a record that may start, and tells how it ended.
    fn handle(&self, job: &Job<'_>) {
        let start = clock::now();
        handler::perform(self.work.handler);
        let end = if self.work.handler == Handler::None { start } else { clock::now() };
        let Some(label) = job.label else {
            self.record(Record { id: u64::MAX, attempt: 0, status: Status::Done, start, end });
            return self.desk.finish(job.origin);
        };
        let status = match handler::planned_end(self.work, label.id, label.attempt) {
            RunEnd::FailedFinally => Status::FailedFinally,
            RunEnd::Failed => Status::Failed,
            RunEnd::Done | RunEnd::Corrupt => {
                let body = job.message.payload().unwrap_or_default();
                let is_intact = self.pool.is_intact(label.id, body);
                if is_intact { Status::Done } else { Status::Corrupt }
            }
        };
        let (id, attempt) = (label.id.bits(), label.attempt);
        self.record(Record { id, attempt, status, start, end });
        match status {
            Status::Failed => {
                let due = clock::wall() + self.work.retry.backoff_ns;
                let next = Label { attempt: attempt + 1, due_wall: Some(due), ..label };
                self.forwarder.send(&self.queue.retry, &job.message, &next, job.origin);
            }
            Status::FailedFinally => {
                self.forwarder.send(&self.queue.dead, &job.message, &label, job.origin);
            }
            _ => self.desk.finish(job.origin),
        }
    }

    fn run(&self, job: &Job<'_>) {
        if self.desk.start(job.origin) {
            self.handle(job);
            self.desk.end();
        }
    }
}

/// Who runs the handlers.
pub(super) enum Hands<'c> {
    /// The consumer's own thread, for they do nothing.
    Here,
    /// Threads.
    Threads(Vec<Thread<'c>>),
}

pub(super) struct Thread<'c> {
    jobs: Sender<Job<'c>>,
    waiting: Arc<AtomicUsize>,
}

impl<'c> Hands<'c> {
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn hire<'scope, 'env, R: Report>(
        scope: &'scope Scope<'scope, 'env>,
        bench: &'scope Bench<'scope, R>,
    ) -> Result<Self>
    where
        'c: 'scope,
    {
        if bench.work.handler == Handler::None {
            return Ok(Self::Here);
        }
        let mut threads = Vec::new();
        for number in 0..bench.work.shape.concurrency.max(1) {
            let (jobs, inbox): (_, Receiver<Job<'c>>) = channel();
            let waiting = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("handler-{number}"));
            thread
                .spawn_scoped(scope, move || {
                    for job in inbox {
                        bench.run(&job);
                        counted.fetch_sub(1, Ordering::AcqRel);
                    }
                })
                .map_err(|error| Error::Broken(format!("starting a handler's thread: {error}")))?;
            threads.push(Thread { jobs, waiting });
        }
        Ok(Self::Threads(threads))
    }

    /// Lets a record be handled. Those with a key one after another, by their
    /// partition; the others by whoever has least to do.
    pub(super) fn give<R: Report>(&self, bench: &Bench<'_, R>, job: Job<'c>) {
        bench.desk.give();
        let Self::Threads(threads) = self else { return bench.run(&job) };
        let thread = match job.message.key() {
            Some(_) => threads.get(job.origin.place % threads.len()),
            None => threads.iter().min_by_key(|thread| thread.waiting.load(Ordering::Acquire)),
        };
        if let Some(thread) = thread {
            thread.waiting.fetch_add(1, Ordering::AcqRel);
            // Its thread ends only after this end of the channel.
            let _ = thread.jobs.send(job);
        }
    }
}
