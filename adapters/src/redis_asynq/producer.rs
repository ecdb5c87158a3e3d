//! The producing side: batches of tasks as a few script calls in one write.

use std::fmt::Write as _;
use std::sync::Arc;

use redis::{Cmd, Value};
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Error, Producer, Recorder, Result, Task, TaskId};

use super::connect::Line;
use super::keys::Keys;
use super::link::{Batch, Flow, Link};
use super::message::NewTask;
use super::profiles::{LARGEST_BODY, Seconds};
use super::scripts::{self, TASKS_PER_CALL};
use crate::clock::{self, ClockPair};

/// Tasks per batch: one request, one answer, one wake-up.
const TASKS_PER_BATCH: usize = 256;
/// Bodies of one call together, unless one alone is larger: Redis serves
/// nobody else while it reads and stores them.
const BYTES_PER_CALL: usize = 1 << 20;
/// How old the pair of clocks for due times may be, ns.
const CLOCKS_FOR_NS: u64 = 1_000_000_000;

/// The connections to one server, used in turn.
pub(super) struct Lane {
    links: Vec<Arc<Link>>,
    next: usize,
}

impl Lane {
    /// Over these; there is one at least.
    pub(super) const fn over(links: Vec<Arc<Link>>) -> Self {
        Self { links, next: 0 }
    }

    /// The next connection that is not lost.
    fn link(&mut self) -> Option<(Arc<Link>, Line, u64)> {
        for _ in 0..self.links.len() {
            self.next = (self.next + 1) % self.links.len();
            let link = &self.links[self.next];
            if let Some((line, generation)) = link.line() {
                return Some((Arc::clone(link), line, generation));
            }
        }
        None
    }

    /// The next connection that is not lost, or one that is.
    fn any_link(&mut self) -> Arc<Link> {
        self.link().map_or_else(|| Arc::clone(&self.links[self.next]), |(link, ..)| link)
    }
}

/// A queue, and which server has it.
struct Place {
    keys: Keys,
    new: NewTask,
    lane: usize,
}

/// Enqueues and schedules tasks of one queue, or of several.
pub(crate) struct AsynqProducer {
    log: Recorder,
    /// A task is in the one of its sequence number modulo their number.
    queues: Vec<Place>,
    seconds: Seconds,
    lanes: Vec<Lane>,
    flow: Arc<Flow>,
    window: usize,
    clocks: ClockPair,
    id_text: String,
    message: Vec<u8>,
    delayed: Vec<(usize, u64)>,
}

impl std::fmt::Debug for AsynqProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let queues: Vec<&str> = self.queues.iter().map(|it| it.keys.queue.as_str()).collect();
        f.debug_struct("AsynqProducer").field("queues", &queues).finish_non_exhaustive()
    }
}

impl AsynqProducer {
    pub(super) fn new(
        log: Recorder,
        queues: impl Iterator<Item = (Keys, usize)>,
        (retries, seconds): (u32, Seconds),
        lanes: Vec<Lane>,
        flow: Arc<Flow>,
        window: u32,
    ) -> Self {
        let place = |(keys, lane): (Keys, usize)| {
            let new = NewTask::new(&keys.queue, retries);
            Place { keys, new, lane }
        };
        Self {
            log,
            queues: queues.map(place).collect(),
            seconds,
            lanes,
            flow,
            window: window as usize,
            clocks: ClockPair::read(),
            id_text: String::with_capacity(16),
            message: Vec::new(),
            delayed: Vec::new(),
        }
    }

    /// The place of the queue that the task is in.
    fn queue_of(&self, id: TaskId) -> usize {
        (id.sequence() % self.queues.len() as u64) as usize
    }

    /// Hands tasks over to one server on a connection of its.
    fn hand_over(&mut self, tasks: &[Task<'_>], link: Arc<Link>, line: Line, generation: u64) {
        let mut batch = Batch { ids: Vec::with_capacity(tasks.len()), ..Batch::default() };
        self.write(&mut batch, 0, tasks);
        if !batch.ids.is_empty() {
            self.flow.sent(batch.ids.len());
            tokio::spawn(link.carry(line, generation, batch));
        }
    }

    /// Hands tasks over to the masters of their queues. One that is gone keeps
    /// nobody waiting: its share of the window holds tasks for it.
    fn divide(&mut self, tasks: &[Task<'_>]) {
        let share = self.window / self.lanes.len();
        let mut batches: Vec<Batch> = self.lanes.iter().map(|_| Batch::default()).collect();
        for queue in 0..self.queues.len() {
            let its: Vec<Task<'_>> =
                tasks.iter().filter(|task| self.queue_of(task.id) == queue).copied().collect();
            let lane = self.queues[queue].lane;
            self.write(&mut batches[lane], queue, &its);
        }
        for (lane, batch) in self.lanes.iter_mut().zip(batches) {
            if !batch.ids.is_empty() {
                self.flow.sent(batch.ids.len());
                lane.any_link().carry_or_keep(batch, share);
            }
        }
    }

    /// Adds tasks of a queue to what is carried.
    fn write(&mut self, batch: &mut Batch, queue: usize, tasks: &[Task<'_>]) {
        let now = clock::now();
        if now > self.clocks.monotonic + CLOCKS_FOR_NS {
            self.clocks = ClockPair::read();
        }
        let Place { keys, new, .. } = &self.queues[queue];
        self.delayed.clear();
        let mut calls = Calls::new(batch);
        let wall_now = self.clocks.to_wall(now);
        let wall_text = wall_now.to_string();
        for (place, task) in tasks.iter().enumerate() {
            self.log.taken(task, now);
            if task.body.len() > LARGEST_BODY {
                self.log.refused(task.id, Reason::TooLarge, now);
                continue;
            }
            let due = if task.is_delayed() { self.clocks.to_wall(task.due) } else { wall_now };
            if due > wall_now {
                self.delayed.push((place, self.seconds.score(due)));
                continue;
            }
            let call = calls.for_task(task, || {
                let mut call = scripts::call(&scripts::ENQUEUE, &[&keys.pending], 0);
                call.arg(&keys.task).arg(&wall_text);
                call
            });
            append(call, new, task, &mut self.id_text, &mut self.message);
        }
        calls.end();
        for &(place, score) in &self.delayed {
            let task = &tasks[place];
            let call = calls.for_task(task, || {
                let mut call = scripts::call(&scripts::SCHEDULE, &[&keys.scheduled], 0);
                call.arg(&keys.task);
                call
            });
            append(call, new, task, &mut self.id_text, &mut self.message);
            call.arg(score);
        }
        calls.end();
    }
}

/// Adds a task's id and message to a call.
fn append(call: &mut Cmd, new: &NewTask, task: &Task<'_>, id: &mut String, message: &mut Vec<u8>) {
    id.clear();
    message.clear();
    // Writing to a String cannot fail.
    let _ = write!(id, "{}", task.id);
    new.append(message, id, task.body);
    call.arg(id.as_str()).arg(message.as_slice());
}

/// Cuts a batch into calls.
struct Calls<'a> {
    batch: &'a mut Batch,
    call: Option<Cmd>,
    tasks: usize,
    bytes: usize,
}

impl<'a> Calls<'a> {
    fn new(batch: &'a mut Batch) -> Self {
        Self { batch, call: None, tasks: 0, bytes: 0 }
    }

    /// The call that this task belongs into, a new one when it is full.
    fn for_task(&mut self, task: &Task<'_>, begin: impl FnOnce() -> Cmd) -> &mut Cmd {
        if self.tasks == TASKS_PER_CALL || self.bytes + task.body.len() > BYTES_PER_CALL {
            self.end();
        }
        self.tasks += 1;
        self.bytes += task.body.len();
        self.batch.ids.push(task.id);
        self.call.get_or_insert_with(begin)
    }

    fn end(&mut self) {
        if let Some(call) = self.call.take() {
            self.batch.calls.push(call);
            self.batch.lengths.push(self.tasks);
        }
        (self.tasks, self.bytes) = (0, 0);
    }
}

impl Producer for AsynqProducer {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        loop {
            let room = self.window.saturating_sub(self.flow.outstanding());
            let some = room.min(batch.len()).min(TASKS_PER_BATCH);
            if some == 0 && batch.is_empty() {
                return Ok(0);
            }
            if some > 0 && self.lanes.len() > 1 {
                self.divide(&batch[..some]);
                return Ok(some);
            }
            if some > 0
                && let Some((link, line, generation)) = self.lanes[0].link()
            {
                self.hand_over(&batch[..some], link, line, generation);
                return Ok(some);
            }
            self.flow.changed().await;
        }
    }

    /// Deletes the task while it is scheduled or pending. In a list of n
    /// pending tasks this takes Redis O(n).
    async fn cancel(&mut self, id: TaskId) -> Result<bool> {
        let text = id.to_string();
        let Place { keys, lane, .. } = &self.queues[self.queue_of(id)];
        let task = format!("{}{text}", keys.task);
        let names = [&*keys.pending, &*keys.scheduled, &*task];
        loop {
            let Some((link, line, generation)) = self.lanes[*lane].link() else {
                self.flow.changed().await;
                continue;
            };
            let mut call = scripts::call(&scripts::CANCEL, &names, 0);
            call.arg(&text);
            match line.send(vec![call]).await.as_deref() {
                Ok([Value::Int(gone)]) => return Ok(*gone == 1),
                Ok(replies) => {
                    return Err(Error::Broken(format!("cancelling {id}: redis said {replies:?}")));
                }
                Err(failure) => link.lost(generation, failure),
            }
        }
    }

    async fn settle(&mut self) -> Result<()> {
        while self.flow.outstanding() > 0 {
            self.flow.changed().await;
        }
        Ok(())
    }
}

impl Drop for AsynqProducer {
    fn drop(&mut self) {
        self.lanes.iter().flat_map(|lane| &lane.links).for_each(|link| link.close());
    }
}
