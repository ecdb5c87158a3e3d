use std::cmp::Ordering;
use std::collections::BinaryHeap;

use schedbench_contract::TaskId;

/// A run of a handler that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) id: TaskId,
    /// 0 for the first.
    pub(super) number: u32,
    pub(super) delayed: bool,
}

/// What happens at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A task may start; the server, if there is one, decides when it does.
    Due(Attempt),
    /// The server starts a task.
    Served(Attempt),
    /// A confirmation reaches the producer.
    Confirmed(TaskId),
    /// Nobody came to overtake this task.
    NotOvertaken(TaskId),
    /// Producers that were held back may go on.
    Resume,
}

impl Event {
    /// The task that would run.
    pub(super) const fn task(&self) -> Option<TaskId> {
        match self {
            Self::Due(attempt) | Self::Served(attempt) => Some(attempt.id),
            Self::NotOvertaken(id) => Some(*id),
            Self::Confirmed(_) | Self::Resume => None,
        }
    }
}

/// Events by time, those of one time in the order they were added.
#[derive(Default)]
pub(super) struct Events {
    heap: BinaryHeap<Timed>,
    added: u64,
}

#[derive(PartialEq, Eq)]
struct Timed {
    at: u64,
    order: u64,
    event: Event,
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Events {
    pub(super) fn add(&mut self, at: u64, event: Event) {
        self.added += 1;
        self.heap.push(Timed { at, order: self.added, event });
    }

    pub(super) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|next| next.at)
    }

    /// The next event, if its time has come.
    pub(super) fn pop(&mut self, now: u64) -> Option<(u64, Event)> {
        (self.next_at()? <= now)
            .then(|| self.heap.pop())
            .flatten()
            .map(|next| (next.at, next.event))
    }

    /// Drops those that `keep` does not want.
    pub(super) fn retain(&mut self, keep: impl Fn(&Event) -> bool) {
        self.heap.retain(|timed| keep(&timed.event));
    }

    /// Takes the confirmations that are still to come.
    pub(super) fn take_confirmations(&mut self) -> Vec<TaskId> {
        let confirmation = |event: &Event| match event {
            Event::Confirmed(id) => Some(*id),
            _ => None,
        };
        let confirmations = self.iter().filter_map(confirmation).collect();
        self.retain(|event| confirmation(event).is_none());
        confirmations
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.heap.iter().map(|timed| &timed.event)
    }
}
