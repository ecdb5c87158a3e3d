use std::cmp::Ordering as Compared;
use std::collections::BinaryHeap;

use schedbench_contract::TaskId;

use super::attempt::Attempt;

/// A binary heap by due time, with what is needed to take a task back and to
/// say what waits. Lives behind a lock.
pub(super) struct HeapQueue {
    heap: BinaryHeap<ByDue>,
    /// Per task of the cell.
    marks: Vec<Mark>,
    immediate: u64,
    delayed: u64,
    retries: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Not here: never was, or a worker has it.
    Elsewhere,
    /// Waits for its first run.
    Waiting { delayed: bool },
    /// Taken back: a binary heap has no way to a given entry, so the entry
    /// stays until it comes up and is then passed over.
    Cancelled,
}

/// Orders the earliest due first, tasks of one instant by their id.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ByDue(Attempt);

impl Ord for ByDue {
    fn cmp(&self, other: &Self) -> Compared {
        (other.0.due, other.0.id).cmp(&(self.0.due, self.0.id))
    }
}

impl PartialOrd for ByDue {
    fn partial_cmp(&self, other: &Self) -> Option<Compared> {
        Some(self.cmp(other))
    }
}

impl HeapQueue {
    /// Empty, for a cell of `tasks` tasks.
    pub(super) fn new(tasks: usize) -> Self {
        let marks = vec![Mark::Elsewhere; tasks];
        Self { heap: BinaryHeap::new(), marks, immediate: 0, delayed: 0, retries: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// When the earliest is due. A cancelled one counts: it costs one waking.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.heap.peek().map(|head| head.0.due)
    }

    pub(super) fn push(&mut self, attempt: Attempt) {
        if attempt.number > 0 {
            self.retries += 1;
        } else {
            *self.firsts(attempt.delayed) += 1;
            if let Some(mark) = self.mark(attempt.id) {
                *mark = Mark::Waiting { delayed: attempt.delayed };
            }
        }
        self.heap.push(ByDue(attempt));
    }

    /// Moves tasks that are due at `now` into `batch` until it holds `limit`;
    /// they are past cancelling then.
    pub(super) fn pop_due(&mut self, now: u64, limit: usize, batch: &mut Vec<Attempt>) {
        while batch.len() < limit && self.next_due().is_some_and(|due| due <= now) {
            let Some(ByDue(attempt)) = self.heap.pop() else { return };
            if self.leaves(attempt) {
                batch.push(attempt);
            }
        }
    }

    /// Takes a task back; whether it waited here for its first run.
    pub(super) fn cancel(&mut self, id: TaskId) -> bool {
        let Some(mark) = self.mark(id) else { return false };
        let Mark::Waiting { delayed } = *mark else { return false };
        *mark = Mark::Cancelled;
        *self.firsts(delayed) -= 1;
        true
    }

    pub(super) fn purge(&mut self) {
        for ByDue(attempt) in std::mem::take(&mut self.heap) {
            self.leaves(attempt);
        }
    }

    /// What waits here: for its turn, for its due time, for another attempt.
    pub(super) const fn waiting(&self) -> (u64, u64, u64) {
        (self.immediate, self.delayed, self.retries)
    }

    /// Notes that an entry came out of the heap; whether it is to run.
    fn leaves(&mut self, attempt: Attempt) -> bool {
        if attempt.number > 0 {
            self.retries -= 1;
            return true;
        }
        let was = self.mark(attempt.id).map(|mark| std::mem::replace(mark, Mark::Elsewhere));
        let runs = was != Some(Mark::Cancelled);
        if runs {
            *self.firsts(attempt.delayed) -= 1;
        }
        runs
    }

    fn mark(&mut self, id: TaskId) -> Option<&mut Mark> {
        self.marks.get_mut(usize::try_from(id.sequence()).ok()?)
    }

    const fn firsts(&mut self, delayed: bool) -> &mut u64 {
        if delayed { &mut self.delayed } else { &mut self.immediate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(sequence: u64, due: u64) -> Attempt {
        Attempt { id: TaskId::new(1, sequence), due, number: 0, delayed: due > 10 }
    }

    #[test]
    fn comes_out_by_due_time_and_never_before_it() {
        let mut queue = HeapQueue::new(10);
        for (sequence, due) in [(0, 30), (1, 5), (2, 20)] {
            queue.push(attempt(sequence, due));
        }
        assert_eq!(queue.waiting(), (1, 2, 0));
        let mut batch = Vec::new();
        queue.pop_due(20, 10, &mut batch);
        assert_eq!(batch.iter().map(|attempt| attempt.due).collect::<Vec<_>>(), [5, 20]);
        assert_eq!((queue.next_due(), queue.waiting()), (Some(30), (0, 1, 0)));
    }

    #[test]
    fn a_cancelled_task_is_passed_over_once_and_counted_nowhere() {
        let mut queue = HeapQueue::new(10);
        queue.push(attempt(0, 20));
        queue.push(attempt(1, 20));
        assert!(queue.cancel(TaskId::new(1, 0)));
        assert!(!queue.cancel(TaskId::new(1, 0)));
        assert!(!queue.cancel(TaskId::new(1, 7)), "it was never here");
        assert_eq!(queue.waiting(), (0, 1, 0));
        let mut batch = Vec::new();
        queue.pop_due(20, 1, &mut batch);
        assert_eq!(batch, [attempt(1, 20)]);
        assert!(!queue.cancel(TaskId::new(1, 1)), "a worker has it");
        assert_eq!((queue.len(), queue.waiting()), (0, (0, 0, 0)));
    }
}
