//! What all threads of a worker know together: which partitions are assigned,
//! what is handed over, what may be committed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::{Offset, TopicPartitionList};

use super::super::Queue;
use super::super::profiles::Tuning;
use super::offsets::Offsets;

/// Where a record came from, and under which assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Number of the partition, those of the retry topic after the others.
    pub(super) place: usize,
    pub(super) offset: i64,
    /// Records of an earlier assignment are another worker's now.
    pub(super) assignment: u64,
}

#[derive(Debug)]
struct State {
    places: Vec<Offsets>,
    assignment: u64,
    is_assigned: bool,
    /// Given to a handler and not ended, whether it runs or waits.
    open: usize,
    running: usize,
    /// Partitions are being given up: nothing starts, what was done is still
    /// committed.
    revoking: bool,
    closing: bool,
    /// Done and not committed, over all places.
    committable: usize,
    /// Threads that wait for `changed`.
    waiting: usize,
}

impl State {
    /// Changes the offsets of a place, and counts what that makes committable.
    fn change(&mut self, place: usize, change: impl FnOnce(&mut Offsets)) {
        let offsets = &mut self.places[place];
        let before = offsets.committable();
        change(offsets);
        self.committable = self.committable + offsets.committable() - before;
    }
}

/// The desk; its lock is held for a few instructions at a time.
///
/// A wake-up is a system call, and a thread that is woken for nothing takes
/// longer than a task: nobody is woken per task.
#[derive(Debug)]
pub(super) struct Desk {
    queue: Queue,
    state: Mutex<State>,
    changed: Condvar,
    /// There is enough to commit, or no more will come.
    enough: Condvar,
    /// Tasks that may be held and unacknowledged.
    prefetch: usize,
    /// The same for those that wait until they are due, and what follows them.
    most_held: usize,
    /// Whether tasks of the main topic may wait so.
    holds: bool,
    /// Whether offsets follow the handlers; otherwise they are committed
    /// before anything comes here.
    follows: bool,
}

impl Desk {
    pub(super) fn new(queue: Queue, prefetch: usize, most_held: usize, tuning: Tuning) -> Self {
        let places = vec![Offsets::default(); 2 * queue.partitions as usize];
        let state = State {
            places,
            assignment: 0,
            is_assigned: false,
            open: 0,
            running: 0,
            revoking: false,
            closing: false,
            committable: 0,
            waiting: 0,
        };
        let state = Mutex::new(state);
        let (changed, enough) = (Condvar::new(), Condvar::new());
        let (holds, follows) = (tuning.holds, !tuning.commits_before);
        let prefetch = prefetch.max(1);
        Self { queue, state, changed, enough, prefetch, most_held, holds, follows }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a partition; `None` for a topic that is not ours.
    pub(super) fn place(&self, topic: &str, partition: i32) -> Option<usize> {
        let partitions = self.queue.partitions as usize;
        let partition = usize::try_from(partition).ok().filter(|one| *one < partitions)?;
        match topic {
            topic if topic == self.queue.topic => Some(partition),
            topic if topic == self.queue.retry => Some(partitions + partition),
            _ => None,
        }
    }

    /// Notes a record that came; it has to come to an end here.
    pub(super) fn begin(&self, place: usize, offset: i64) -> Origin {
        let mut state = self.state();
        if self.follows {
            state.change(place, |offsets| offsets.begin(offset));
        }
        Origin { place, offset, assignment: state.assignment }
    }

    /// Notes a record that needs not come again.
    pub(super) fn finish(&self, origin: Origin) {
        let mut state = self.state();
        if origin.assignment != state.assignment {
            return;
        }
        let enough = self.enough_to_commit();
        let before = state.committable;
        state.change(origin.place, |offsets| offsets.finish(origin.offset));
        // Once: who commits looks again before it waits.
        if before < enough && state.committable >= enough {
            self.enough.notify_one();
        }
    }

    const fn enough_to_commit(&self) -> usize {
        if self.prefetch < 2 { 1 } else { self.prefetch / 2 }
    }

    /// Wakes who waits, if anybody does.
    fn changed(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// A task is given to a handler.
    pub(super) fn give(&self) {
        self.state().open += 1;
    }

    /// Whether a handler may start on a record: not once its partition is
    /// another worker's, or this one closes. Then it counts as given back.
    /// What was committed before it came is nobody else's, and runs.
    pub(super) fn start(&self, origin: Origin) -> bool {
        let mut state = self.state();
        let is_kept = origin.assignment == state.assignment && !state.revoking && !state.closing;
        let may = is_kept || !self.follows;
        if may {
            state.running += 1;
        } else {
            state.open -= 1;
            self.changed(&state);
        }
        may
    }

    /// Whether a record is still this worker's.
    pub(super) fn is_ours(&self, origin: Origin) -> bool {
        !self.follows || origin.assignment == self.state().assignment
    }

    /// A handler ended.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.running -= 1;
        state.open -= 1;
        self.changed(&state);
    }

    /// How many more tasks may be taken.
    pub(super) fn room(&self) -> usize {
        let state = self.state();
        let (main, retry) = state.places.split_at(self.queue.partitions as usize);
        let sum = |places: &[Offsets]| places.iter().map(Offsets::unacknowledged).sum::<usize>();
        let most = if self.holds { self.most_held } else { self.prefetch };
        let by_main = most.saturating_sub(sum(main));
        let by_retry = self.most_held.saturating_sub(sum(retry));
        by_main.min(by_retry).min(self.prefetch.saturating_sub(state.open))
    }

    /// Whether handlers have something to do.
    pub(super) fn is_busy(&self) -> bool {
        self.state().open > 0
    }

    /// Waits for a change.
    pub(super) fn wait(&self, most: Duration) {
        let mut state = self.state();
        state.waiting += 1;
        let waited = self.changed.wait_timeout(state, most);
        waited.unwrap_or_else(PoisonError::into_inner).0.waiting -= 1;
    }

    /// Whether partitions are assigned.
    pub(super) fn is_assigned(&self) -> bool {
        self.state().is_assigned
    }

    /// Partitions were assigned.
    pub(super) fn assigned(&self) {
        let mut state = self.state();
        state.is_assigned = true;
        self.changed(&state);
    }

    /// The partitions will be another's: no handler starts on what came from
    /// them, and those that run are waited for. What can be committed then.
    pub(super) fn revoke(&self, patience: Duration) -> Option<TopicPartitionList> {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        if !self.follows {
            state.is_assigned = false;
            return None;
        }
        // The numbers of the running ones stay good until they have ended.
        state.revoking = true;
        while state.running > 0 {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            state.waiting += 1;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        state.revoking = false;
        let list = self.list(&state);
        state.assignment += 1;
        state.is_assigned = false;
        state.places.fill(Offsets::default());
        state.committable = 0;
        list
    }

    /// Waits until there is enough to commit, or some for a while; which
    /// assignment it is of. `None` once closed.
    pub(super) fn wait_for_commit(
        &self,
        most: Duration,
    ) -> Option<(u64, Option<TopicPartitionList>)> {
        let enough = self.enough_to_commit();
        let is_idle = |state: &mut State| state.committable < enough && !state.closing;
        let waited = self.enough.wait_timeout_while(self.state(), most, is_idle);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        (!state.closing).then(|| (state.assignment, self.list(&state)))
    }

    /// What can be committed now.
    pub(super) fn to_commit(&self) -> Option<TopicPartitionList> {
        self.list(&self.state())
    }

    fn list(&self, state: &State) -> Option<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        let partitions = self.queue.partitions as usize;
        for (place, offsets) in state.places.iter().enumerate() {
            let Some(offset) = offsets.to_commit() else { continue };
            let topic = if place < partitions { &self.queue.topic } else { &self.queue.retry };
            // Only an offset that is none could be refused.
            let partition = (place % partitions) as i32;
            let _ = list.add_partition_offset(topic, partition, Offset::Offset(offset));
        }
        (list.count() > 0).then_some(list)
    }

    /// The broker knows these offsets.
    pub(super) fn committed(&self, assignment: u64, list: &TopicPartitionList) {
        let mut state = self.state();
        if assignment != state.assignment {
            return;
        }
        for one in list.elements() {
            let place = self.place(one.topic(), one.partition());
            if let (Some(place), Offset::Offset(offset)) = (place, one.offset()) {
                state.change(place, |offsets| offsets.committed(offset));
            }
        }
        self.changed(&state);
    }

    /// No handler starts any more.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_all();
        self.enough.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        let name = |end: &str| format!("queue{end}");
        Queue {
            topic: name(""),
            retry: name(".retry"),
            dead: name(".dead"),
            group: name(""),
            partitions: 1,
        }
    }

    /// One that ended with a rebalance would commit nothing of what comes after.
    #[test]
    fn who_commits_goes_on_while_partitions_are_revoked() {
        let desk = Desk::new(queue(), 8, 8, Tuning::of("acks-all"));
        let done = desk.begin(0, 7);
        desk.finish(done);
        let running = desk.begin(0, 8);
        desk.give();
        assert!(desk.start(running));
        std::thread::scope(|scope| {
            let revoke = scope.spawn(|| desk.revoke(Duration::from_secs(60)));
            while !desk.state().revoking {
                std::thread::yield_now();
            }
            let waiting = desk.begin(0, 9);
            desk.give();
            assert!(!desk.start(waiting), "its partition is going");
            let (assignment, list) = desk.wait_for_commit(Duration::ZERO).expect("not closed");
            assert_eq!((assignment, list.map(|list| list.count())), (0, Some(1)));
            desk.end();
            assert!(revoke.join().expect("no panic").is_some(), "and once more");
        });
        assert!(desk.wait_for_commit(Duration::ZERO).is_some());
        desk.close();
        assert!(desk.wait_for_commit(Duration::ZERO).is_none());
    }

    #[test]
    fn what_was_committed_before_it_came_runs_whoever_has_its_partition() {
        for (profile, runs) in [("commit-before", true), ("acks-all", false)] {
            let desk = Desk::new(queue(), 8, 8, Tuning::of(profile));
            let origin = desk.begin(0, 7);
            desk.give();
            assert!(desk.revoke(Duration::ZERO).is_none());
            assert_eq!((desk.is_ours(origin), desk.start(origin)), (runs, runs), "{profile}");
        }
    }
}
