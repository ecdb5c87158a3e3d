//! Threads that run the handlers where they take time.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use schedbench_contract::Handler;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Taken;
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

    pub(super) fn give(&self, taken: Taken) {
        self.queue.change(|waiting| waiting.tasks.push_back(taken));
        self.queue.bell.notify_one();
    }

    /// Throws away what has not started; how many that were.
    pub(super) fn forget(&self) -> usize {
        self.queue.change(|waiting| std::mem::take(&mut waiting.tasks)).len()
    }

    /// Ends the threads; call it once nothing runs any more.
    pub(super) fn join(self) {
        self.queue.change(|waiting| waiting.closed = true);
        self.queue.bell.notify_all();
        for thread in self.threads {
            // A panic in a handler of ours is a bug that the test run shows.
            let _ = thread.join();
        }
    }
}

/// Waits for handlers to end, for ever where none runs on a thread.
pub(super) async fn ended(threads: &mut Option<Threads>, to: &mut Vec<Finished>) {
    match threads {
        // The threads end only in `join`, so there is always a sender.
        Some(threads) => drop(threads.finished.recv_many(to, 1_024).await),
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
