use schedbench_contract::{Task, TaskId};

/// A run of a handler that is still to come: all that an in-process system
/// keeps of a task.
///
/// The body stays behind. Between two threads of one process nothing can
/// damage it and a copy would measure the allocator; the key stays behind
/// because no in-process profile claims an order of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Whose handler.
    pub(super) id: TaskId,
    /// When it may start, monotonic ns.
    pub(super) due: u64,
    /// 0 for the first run.
    pub(super) number: u32,
    /// Whether it had to wait when it was handed over.
    pub(super) delayed: bool,
}

impl Attempt {
    /// The first run of a task handed over at `now`.
    pub(super) const fn first(task: &Task<'_>, now: u64) -> Self {
        Self { id: task.id, due: task.due, number: 0, delayed: task.due > now }
    }

    /// The run that follows a failed one.
    pub(super) const fn next(self, due: u64) -> Self {
        Self { due, number: self.number + 1, delayed: true, ..self }
    }
}
