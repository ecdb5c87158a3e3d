//! Who runs the handlers: the loop itself where they do nothing, threads
//! where they take time.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use schedbench_contract::Handler;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::attempts::Taken;
use crate::{clock, handler};

/// A handler that ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) taken: Taken,
    /// Monotonic ns.
    pub(super) start: u64,
    /// Monotonic ns.
    pub(super) end: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    tasks: VecDeque<Taken>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

impl Queue {
    fn change<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn next(&self) -> Option<Taken> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(taken) = waiting.tasks.pop_front() {
                return Some(taken);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Threads that run handlers, one at a time each.
#[derive(Debug)]
pub(super) struct Threads {
    queue: Arc<Queue>,
    finished: UnboundedReceiver<Finished>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(handler: Handler, count: u32) -> Self {
        let queue = Arc::new(Queue::default());
        let (tell, finished) = unbounded_channel();
        let begin = |_| {
            let (queue, tell) = (Arc::clone(&queue), tell.clone());
            std::thread::spawn(move || work(handler, &queue, &tell))
        };
        let threads = (0..count.max(1)).map(begin).collect();
        Self { queue, finished, threads }
    }

    pub(super) fn give(&self, tasks: Vec<Taken>) {
        self.queue.change(|waiting| waiting.tasks.extend(tasks));
        self.queue.bell.notify_all();
    }

    /// Waits for handlers to end; appends all that have.
    pub(super) async fn finished(&mut self, to: &mut Vec<Finished>) {
        // The threads end only after `close`, so there is always a sender.
        self.finished.recv_many(to, 1_024).await;
    }

    /// Takes back what has not started, oldest first; threads end after what
    /// they run.
    pub(super) fn close(&self) -> Vec<Taken> {
        let left = self.queue.change(|waiting| {
            waiting.closed = true;
            std::mem::take(&mut waiting.tasks)
        });
        self.queue.bell.notify_all();
        left.into()
    }

    /// Waits for the threads; call it once nothing runs any more.
    pub(super) fn join(self) {
        for thread in self.threads {
            // A panic in a handler of ours is a bug that the test run shows.
            let _ = thread.join();
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

fn work(handler: Handler, queue: &Queue, tell: &UnboundedSender<Finished>) {
    while let Some(taken) = queue.next() {
        let start = clock::now();
        handler::perform(handler);
        let end = clock::now();
        if tell.send(Finished { taken, start, end }).is_err() {
            return;
        }
    }
}
