//! The wheel itself: its position, and what each call does to it.

use std::fmt;

use crate::chunks::{Chunks, Entry, Queue};
use crate::error::{ConfigError, TooFar};
use crate::levels::{Levels, slot_ticks};
use crate::ticks::Ticks;
use crate::timers::{Handle, Timers};

/// The finest resolution, 1 µs. With it every tick of a u64 of ns is below
/// 2^54, so that no sum of ticks overflows.
const FINEST_RESOLUTION_NS: u64 = 1_000;

/// Moving an entry down costs about an eighth of firing a timer.
const MOVES_PER_FIRE: usize = 8;

/// The moves that even a call with a limit of 0 makes.
const MOVES_PER_CALL: usize = 64;

/// Dead entries are swept away once they outnumber the live by this many, and
/// then one chunk for every `CANCELS_PER_SWEEP` cancels. A chunk holds about
/// four times as many entries, so sweeping gains on cancelling long before
/// dead entries outnumber the live two to one.
const DEAD_ALLOWED: usize = 1_024;
const CANCELS_PER_SWEEP: u32 = 8;

/// Whether [`Wheel::expire`] left something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "more may be due now"]
pub enum More {
    /// The limit was reached and more is due now: call again.
    Yes,
    /// Every timer due by `now` has fired.
    No,
}

/// A hierarchical timing wheel of values of type `T`.
///
/// See the [crate's documentation](crate) for what it guarantees. A wheel holds
/// fewer than `u32::MAX` timers and panics at more.
pub struct Wheel<T> {
    ticks: Ticks,
    max_delay_ns: u64,
    /// The latest `now` given, and the last tick that is not after it.
    now_ns: u64,
    now_tick: u64,
    /// All earlier ticks have fired. At most `now_tick`.
    position: u64,
    levels: Levels,
    /// Entries of the slot last entered that are yet to be moved down. As long
    /// as there are any, new entries due before `cascade_end` queue up behind
    /// them, or they would overtake older ones of the same tick.
    cascade: Queue,
    cascade_end: u64,
    chunks: Chunks,
    timers: Timers<T>,
    /// Entries whose timer was cancelled or rescheduled.
    dead: usize,
    cancels_until_sweep: u32,
}

impl<T> Wheel<T> {
    /// An empty wheel at `start_ns`, the caller's present.
    ///
    /// `resolution_ns` is the length of a tick: a timer fires up to that much
    /// after its due time, never before. `max_delay_ns` is how far ahead of the
    /// present a timer may be due; it decides the number of levels, one for
    /// each factor of 64.
    ///
    /// # Errors
    /// If the resolution is below 1 µs, or the longest delay below one tick.
    pub fn new(resolution_ns: u64, max_delay_ns: u64, start_ns: u64) -> Result<Self, ConfigError> {
        Self::with_capacity(resolution_ns, max_delay_ns, start_ns, 0)
    }

    /// Like [`Wheel::new`], with memory reserved for `capacity` pending timers
    /// and as many cancelled ones: about 50 bytes each, and the value. It is not
    /// touched, so the system provides it only as it comes into use.
    ///
    /// # Errors
    /// As [`Wheel::new`].
    pub fn with_capacity(
        resolution_ns: u64,
        max_delay_ns: u64,
        start_ns: u64,
        capacity: usize,
    ) -> Result<Self, ConfigError> {
        if resolution_ns < FINEST_RESOLUTION_NS {
            return Err(ConfigError::ResolutionTooFine { resolution_ns });
        }
        if max_delay_ns < resolution_ns {
            return Err(ConfigError::MaxDelayTooShort { max_delay_ns, resolution_ns });
        }
        // One more than the delay itself: the present rounds down, dues up.
        let levels = Levels::reaching(max_delay_ns.div_ceil(resolution_ns) + 1);
        let chunks = if capacity == 0 {
            Chunks::with_capacity(0, 0)
        } else {
            let entries = capacity.saturating_mul(2).saturating_add(DEAD_ALLOWED);
            Chunks::with_capacity(entries, levels.slot_count())
        };
        Ok(Self {
            ticks: Ticks::new(start_ns, resolution_ns),
            max_delay_ns,
            now_ns: start_ns,
            now_tick: 0,
            position: 0,
            cascade: Queue::EMPTY,
            cascade_end: 0,
            chunks,
            levels,
            timers: Timers::with_capacity(capacity),
            dead: 0,
            cancels_until_sweep: CANCELS_PER_SWEEP,
        })
    }

    /// Adds a timer due at `due_ns`. One that is already due fires in the next
    /// [`Wheel::expire`].
    ///
    /// # Errors
    /// Gives the value back if it is due more than the longest delay after the
    /// latest `now` given to [`Wheel::expire`] (at first, after the start). A
    /// caller that was away for long therefore lets the wheel catch up first.
    /// While [`More::Yes`] holds the wheel back, its reach counts from the
    /// oldest tick that has not fired yet.
    #[inline]
    pub fn insert(&mut self, due_ns: u64, value: T) -> Result<Handle, TooFar<T>> {
        let Some(due_tick) = self.due_tick(due_ns) else {
            let furthest_ns = self.furthest_ns();
            return Err(TooFar { value, due_ns, furthest_ns });
        };
        let handle = self.timers.insert(value);
        self.enqueue(Entry { due_tick, handle });
        Ok(handle)
    }

    /// Stops a timer and drops its value. False, and nothing done, if it has
    /// already fired, or was cancelled or rescheduled.
    #[inline]
    pub fn cancel(&mut self, handle: Handle) -> bool {
        let cancelled = self.timers.remove(handle).is_some();
        if cancelled {
            self.count_dead();
        }
        cancelled
    }

    /// Moves a timer to another due time. The old handle is dead from then on.
    ///
    /// None, and nothing done, if the timer is no longer pending under this
    /// handle or [`Wheel::insert`] would refuse the new due time.
    #[inline]
    pub fn reschedule(&mut self, handle: Handle, due_ns: u64) -> Option<Handle> {
        let due_tick = self.due_tick(due_ns)?;
        let handle = self.timers.rename(handle)?;
        self.enqueue(Entry { due_tick, handle });
        self.count_dead();
        Some(handle)
    }

    /// Fires timers due by `now_ns`, at most `limit`, by giving their values to
    /// `fire`.
    ///
    /// A call also moves entries to lower levels, at most a small multiple of
    /// `limit`, and may answer [`More::Yes`] on that account alone, having
    /// fired fewer than `limit` or none. Callers repeat until [`More::No`].
    ///
    /// Time does not go back: a `now_ns` before an earlier one counts as that.
    /// If `fire` panics, the wheel stays whole and the value is gone.
    pub fn expire(&mut self, now_ns: u64, limit: usize, mut fire: impl FnMut(T)) -> More {
        if now_ns > self.now_ns {
            self.now_ns = now_ns;
            self.now_tick = self.ticks.at_or_before(now_ns);
        }
        let mut fires = limit;
        let mut moves = limit.saturating_mul(MOVES_PER_FIRE).saturating_add(MOVES_PER_CALL);
        loop {
            if self.cascade_end != 0 && !self.continue_cascade(&mut moves) {
                return More::Yes;
            }
            let first = self.levels.first_occupied(self.position);
            let Some(slot) = first.filter(|slot| slot.first_tick <= self.now_tick) else {
                self.position = self.now_tick;
                return More::No;
            };
            self.position = slot.first_tick;
            if slot.level > 0 {
                self.cascade = self.levels.take(slot);
                self.cascade_end = slot.first_tick + slot_ticks(slot.level);
                continue;
            }
            while let Some(entry) = self.chunks.front(self.levels.queue(slot)) {
                if !self.timers.is_pending(entry.handle) {
                    if moves == 0 {
                        return More::Yes;
                    }
                    moves -= 1;
                    self.dead -= 1;
                    self.chunks.pop_front(self.levels.queue(slot));
                    continue;
                }
                if fires == 0 {
                    return More::Yes;
                }
                fires -= 1;
                self.chunks.pop_front(self.levels.queue(slot));
                if let Some(value) = self.timers.remove(entry.handle) {
                    fire(value);
                }
            }
            self.levels.take(slot);
        }
    }

    /// The earliest time, in ns, at which [`Wheel::expire`] may have something
    /// to do; None if no timer is pending.
    ///
    /// It is never after the tick of the next timer. It may be before it, when
    /// entries are to be moved down or a cancelled timer would have fired: a
    /// thread that sleeps until then fires nothing, and asks again.
    pub fn next_due(&self) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        if self.cascade_end != 0 {
            return Some(self.ticks.to_ns(self.position));
        }
        let slot = self.levels.first_occupied(self.position)?;
        Some(self.ticks.to_ns(slot.first_tick))
    }

    /// How many timers are pending.
    pub fn len(&self) -> usize {
        self.timers.pending()
    }

    /// Whether no timer is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of a tick in ns.
    pub fn resolution_ns(&self) -> u64 {
        self.ticks.resolution_ns()
    }

    /// None if it is too far ahead.
    #[inline]
    fn due_tick(&self, due_ns: u64) -> Option<u64> {
        if due_ns > self.now_ns.saturating_add(self.max_delay_ns) {
            return None;
        }
        let tick = self.ticks.at_or_after(due_ns).max(self.position);
        (tick - self.position <= self.levels.reach()).then_some(tick)
    }

    fn furthest_ns(&self) -> u64 {
        let reach = self.ticks.to_ns(self.position + self.levels.reach());
        reach.min(self.now_ns.saturating_add(self.max_delay_ns))
    }

    #[inline]
    fn enqueue(&mut self, entry: Entry) {
        let queue = if entry.due_tick < self.cascade_end {
            &mut self.cascade
        } else {
            self.levels.occupy(self.position, entry.due_tick)
        };
        self.chunks.push(queue, entry);
    }

    /// Moves entries down as long as `moves` last; false if some are left.
    fn continue_cascade(&mut self, moves: &mut usize) -> bool {
        while let Some((chunk, run)) = self.chunks.front_run(&mut self.cascade) {
            if *moves == 0 {
                return false;
            }
            *moves = moves.saturating_sub(run.len());
            for at in run {
                let entry = self.chunks.entry(chunk, at);
                self.chunks.push(self.levels.occupy(self.position, entry.due_tick), entry);
            }
            self.chunks.free_head(&mut self.cascade);
        }
        self.cascade_end = 0;
        true
    }

    #[inline]
    fn count_dead(&mut self) {
        self.dead += 1;
        if self.dead > self.len() + DEAD_ALLOWED {
            self.cancels_until_sweep -= 1;
            if self.cancels_until_sweep == 0 {
                self.cancels_until_sweep = CANCELS_PER_SWEEP;
                self.dead -= self.chunks.sweep(|handle| self.timers.is_pending(handle));
            }
        }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("resolution_ns", &self.resolution_ns())
            .field("max_delay_ns", &self.max_delay_ns)
            .field("now_ns", &self.now_ns)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000;
    const HOUR: u64 = 3_600_000_000 * US;

    /// Timeouts that are always cancelled, long before they are due, beside a
    /// thousand that stay.
    #[test]
    fn dead_entries_stay_few() {
        let mut wheel = Wheel::new(US, HOUR, 0).unwrap();
        for n in 0..1_000 {
            wheel.insert(HOUR - n * 1_000 * US, n).unwrap();
        }
        for n in 0..1_000_000 {
            let handle = wheel.insert(HOUR / 2 + n * US, n).unwrap();
            assert!(wheel.cancel(handle));
            assert!(wheel.dead < 2 * (wheel.len() + DEAD_ALLOWED), "{} dead", wheel.dead);
        }
        // At 31 a chunk and at least half full: 4 000 entries are 260 chunks.
        assert!(wheel.chunks.in_use() < 400, "{} chunks", wheel.chunks.in_use());

        let mut fired = 0;
        assert_eq!(wheel.expire(HOUR, usize::MAX, |_| fired += 1), More::No);
        assert_eq!((fired, wheel.dead, wheel.chunks.in_use()), (1_000, 0, 0));
    }

    #[test]
    fn no_call_moves_more_than_its_share() {
        let mut wheel = Wheel::new(US, HOUR, 0).unwrap();
        for _ in 0..10_000 {
            wheel.insert(HOUR, ()).unwrap();
        }
        let mut fired = 0;
        let mut calls = 0;
        while wheel.expire(HOUR, 16, |()| fired += 1) == More::Yes {
            calls += 1;
            assert_eq!(wheel.next_due(), Some(wheel.ticks.to_ns(wheel.position)));
        }
        assert_eq!(fired, 10_000);
        let moves = wheel.levels.reach().ilog2() as usize / 6 * 10_000;
        let share = 16 * MOVES_PER_FIRE + MOVES_PER_CALL;
        assert!(calls >= 10_000 / 16 && calls <= 10_000 / 16 + moves / share + 1, "{calls}");
    }
}
