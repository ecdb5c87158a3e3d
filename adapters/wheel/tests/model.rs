//! The wheel against a model that is plainly right: a map ordered by due tick
//! and insertion.

use std::collections::{BTreeMap, HashMap};

use schedbench_wheel::{Handle, More, Wheel};

mod model {
    pub(crate) mod random;
    pub(crate) mod sequences;
}

/// The wheel and its model, side by side. Values are the order of insertion.
struct Pair {
    wheel: Wheel<u64>,
    resolution_ns: u64,
    max_delay_ns: u64,
    start_ns: u64,
    now_ns: u64,
    next_value: u64,
    /// By due tick, then by the order of insertion or rescheduling.
    pending: BTreeMap<(u64, u64), Timer>,
    keys: HashMap<Handle, (u64, u64)>,
    order: u64,
    /// The last call left something to do.
    behind: bool,
}

struct Timer {
    value: u64,
    due_ns: u64,
    handle: Handle,
}

impl Pair {
    fn new(resolution_ns: u64, max_delay_ns: u64, start_ns: u64) -> Self {
        Self {
            wheel: Wheel::new(resolution_ns, max_delay_ns, start_ns).unwrap(),
            resolution_ns,
            max_delay_ns,
            start_ns,
            now_ns: start_ns,
            next_value: 0,
            pending: BTreeMap::new(),
            keys: HashMap::new(),
            order: 0,
            behind: false,
        }
    }

    /// The tick at which the wheel promises to fire. For a due time that has
    /// passed it is known only if the wheel is not behind.
    fn due_tick(&self, due_ns: u64) -> u64 {
        let due = due_ns.saturating_sub(self.start_ns).div_ceil(self.resolution_ns);
        due.max((self.now_ns - self.start_ns) / self.resolution_ns)
    }

    fn is_too_far(&self, due_ns: u64) -> bool {
        due_ns > self.now_ns.saturating_add(self.max_delay_ns)
    }

    fn insert(&mut self, due_ns: u64) -> Option<Handle> {
        let value = self.next_value;
        self.next_value += 1;
        match self.wheel.insert(due_ns, value) {
            Ok(handle) => {
                assert!(!self.is_too_far(due_ns), "took a timer due at {due_ns}");
                self.add(due_ns, value, handle);
                Some(handle)
            }
            Err(refused) => {
                let furthest_ns = self.now_ns.saturating_add(self.max_delay_ns);
                assert!(self.is_too_far(due_ns) || self.behind, "refused one: {refused}");
                assert_eq!((refused.value, refused.due_ns), (value, due_ns));
                assert!(refused.furthest_ns == furthest_ns || self.behind);
                assert!(refused.furthest_ns < due_ns);
                None
            }
        }
    }

    fn add(&mut self, due_ns: u64, value: u64, handle: Handle) {
        let key = (self.due_tick(due_ns), self.order);
        self.order += 1;
        assert!(self.keys.insert(handle, key).is_none(), "a live handle was given twice");
        self.pending.insert(key, Timer { value, due_ns, handle });
    }

    fn cancel(&mut self, handle: Handle) {
        let expected = self.keys.remove(&handle);
        assert_eq!(self.wheel.cancel(handle), expected.is_some());
        if let Some(key) = expected {
            self.pending.remove(&key);
        }
    }

    fn reschedule(&mut self, handle: Handle, due_ns: u64) -> Option<Handle> {
        let given = self.wheel.reschedule(handle, due_ns);
        if self.is_too_far(due_ns) || !self.keys.contains_key(&handle) {
            assert_eq!(given, None);
        } else {
            assert!(given.is_some() || self.behind, "a pending timer can be moved");
        }
        let moved = given?;
        let key = self.keys.remove(&handle).unwrap();
        let value = self.pending.remove(&key).unwrap().value;
        self.add(due_ns, value, moved);
        Some(moved)
    }

    /// Expires up to `now_ns` in steps of `limit`. Returns what fired.
    fn expire(&mut self, now_ns: u64, limit: usize) -> usize {
        let before = self.pending.len();
        while self.step(now_ns, limit) == More::Yes {}
        before - self.pending.len()
    }

    /// Expires once, and may leave timers that are due.
    fn step(&mut self, now_ns: u64, limit: usize) -> More {
        self.now_ns = self.now_ns.max(now_ns);
        let now_tick = (self.now_ns - self.start_ns) / self.resolution_ns;
        let mut fired = 0;
        let (pending, keys) = (&mut self.pending, &mut self.keys);
        let more = self.wheel.expire(now_ns, limit, |value| {
            let ((tick, _), timer) = pending.pop_first().expect("fired what is not pending");
            assert_eq!(value, timer.value, "out of order");
            assert!(timer.due_ns <= self.now_ns, "fired early");
            assert!(tick <= now_tick, "fired before its tick");
            keys.remove(&timer.handle);
            fired += 1;
        });
        assert!(fired <= limit);
        self.behind = more == More::Yes;
        if !self.behind {
            let next_tick = self.pending.first_key_value().map(|((tick, _), _)| *tick);
            assert!(next_tick.is_none_or(|tick| tick > now_tick), "lost or late");
        }
        more
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.pending.len());
        assert_eq!(self.wheel.is_empty(), self.pending.is_empty());
        match (self.wheel.next_due(), self.pending.first_key_value()) {
            (None, None) => {}
            (Some(at_ns), Some(((tick, _), _))) => {
                assert!(at_ns <= self.start_ns + tick * self.resolution_ns, "would oversleep");
            }
            (wheel, _) => panic!("next due {wheel:?} with {} pending", self.pending.len()),
        }
    }
}
