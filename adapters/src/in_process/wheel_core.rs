use schedbench_contract::TaskId;
use schedbench_wheel::{Handle, More, Wheel};

use super::attempt::Attempt;
use super::hand_over::HandOver;

/// The wheel with what is needed to take a task back and to say what waits.
///
/// Lives behind a lock that is the scheduling thread's alone but for a cancel
/// or a question about the backlog.
pub(super) struct WheelCore {
    wheel: Wheel<Attempt>,
    /// Per task of the cell; its memory is taken when the first task is
    /// delayed, so that a cell without delays does not carry it.
    handles: Vec<Option<Handle>>,
    tasks: usize,
    retries: u64,
    arrived: Vec<Attempt>,
    not_yet: Vec<Attempt>,
}

impl WheelCore {
    /// Empty, for a cell of `tasks` tasks.
    pub(super) const fn new(wheel: Wheel<Attempt>, tasks: usize) -> Self {
        Self {
            wheel,
            handles: Vec::new(),
            tasks,
            retries: 0,
            arrived: Vec::new(),
            not_yet: Vec::new(),
        }
    }

    /// Takes what was handed over: what may run goes to `due`, the rest into
    /// the wheel.
    pub(super) fn accept(&mut self, hand_over: &HandOver, due: &mut Vec<Attempt>) {
        let mut arrived = std::mem::take(&mut self.arrived);
        hand_over.take(&mut arrived);
        for &attempt in &arrived {
            if attempt.delayed {
                self.retries += u64::from(attempt.number > 0);
                self.put(attempt);
            } else {
                due.push(attempt);
            }
        }
        arrived.clear();
        self.arrived = arrived;
    }

    /// Adds at most `limit` tasks that are due at `now` to `due`.
    pub(super) fn expire(&mut self, now: u64, limit: usize, due: &mut Vec<Attempt>) -> More {
        let Self { wheel, not_yet, retries, .. } = self;
        let more = wheel.expire(now, limit, |attempt| {
            if attempt.due > now {
                not_yet.push(attempt);
            } else {
                *retries -= u64::from(attempt.number > 0);
                due.push(attempt);
            }
        });
        let mut not_yet = std::mem::take(&mut self.not_yet);
        not_yet.drain(..).for_each(|attempt| self.put(attempt));
        self.not_yet = not_yet;
        more
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.wheel.next_due()
    }

    /// Takes a task out of the wheel, if it waits there for its first run.
    pub(super) fn cancel(&mut self, id: TaskId) -> bool {
        let place = usize::try_from(id.sequence()).ok();
        let handle = place.and_then(|place| self.handles.get_mut(place)).and_then(Option::take);
        handle.is_some_and(|handle| self.wheel.cancel(handle))
    }

    /// How many first runs and how many retries wait.
    pub(super) fn waiting(&self) -> (u64, u64) {
        (self.wheel.len() as u64 - self.retries, self.retries)
    }

    /// Empty again, with another wheel.
    pub(super) fn clear(&mut self, wheel: Wheel<Attempt>) {
        *self = Self::new(wheel, self.tasks);
    }

    fn put(&mut self, attempt: Attempt) {
        // A delay beyond the wheel's reach waits at its end and is put in
        // again when it comes out there too early.
        let handle = self
            .wheel
            .insert(attempt.due, attempt)
            .or_else(|too_far| self.wheel.insert(too_far.furthest_ns, too_far.value));
        if attempt.number > 0 {
            return;
        }
        let Ok(place) = usize::try_from(attempt.id.sequence()) else { return };
        if place >= self.handles.len() {
            if place >= self.tasks {
                return;
            }
            self.handles.reserve_exact(self.tasks - self.handles.len());
            self.handles.resize(place + 1, None);
        }
        self.handles[place] = handle.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn attempt(sequence: u64, due: u64) -> Attempt {
        Attempt { id: TaskId::new(1, sequence), due, number: 0, delayed: true }
    }

    fn core() -> WheelCore {
        WheelCore::new(Wheel::new(1_000_000, 3_600 * S, 0).expect("sensible"), 10)
    }

    #[test]
    fn a_delay_beyond_the_wheel_comes_out_when_it_is_due_and_can_be_cancelled_until_then() {
        let mut core = core();
        core.put(attempt(0, 10_000 * S));
        core.put(attempt(1, 10_000 * S));
        let mut due = Vec::new();
        let mut now = 0;
        while now < 9_999 * S {
            now = core.next_due().expect("something waits").max(now + S).min(9_999 * S);
            while core.expire(now, 256, &mut due) == More::Yes {}
            assert_eq!((due.len(), core.waiting()), (0, (2, 0)), "at {now}");
        }
        assert!(core.cancel(TaskId::new(1, 1)));
        while core.expire(10_001 * S, 256, &mut due) == More::Yes {}
        assert_eq!(due, [attempt(0, 10_000 * S)]);
        assert!(!core.cancel(TaskId::new(1, 0)), "it came out");
    }

    #[test]
    fn retries_are_counted_apart_and_cannot_be_cancelled() {
        let mut core = core();
        let (hand_over, mut due) = (HandOver::new(10), Vec::new());
        hand_over.again(&[attempt(3, 5).next(2 * S)]);
        core.accept(&hand_over, &mut due);
        assert_eq!(core.waiting(), (0, 1));
        assert!(!core.cancel(TaskId::new(1, 3)));
        while core.expire(3 * S, 256, &mut due) == More::Yes {}
        assert_eq!((due.len(), core.waiting()), (1, (0, 0)));
    }
}
