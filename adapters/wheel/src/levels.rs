//! Where an entry belongs: levels of 64 slots, each level 64 times as coarse as
//! the one below.
//!
//! ```text
//!  level   a slot covers     the level covers    at a tick of 1 ms
//!    0     1 tick                   64 ticks         64 ms
//!    1     64 ticks               4 096 ticks       4.1 s
//!    2     4 096 ticks          262 144 ticks       4.4 min
//!    3     262 144 ticks     16 777 216 ticks       4.66 h
//!    …     64^level           64^(level+1)
//! ```
//!
//! This is scheme 7 of Varghese and Lauck, "Hashed and Hierarchical Timing
//! Wheels" (SOSP 1987). An entry lies on the level of the highest base-64 digit
//! in which its due tick differs from the wheel's position. So all entries of a
//! lower level are due before all of a higher one, a slot at the position's own
//! digit is empty above level 0, and advancing the position within a slot moves
//! nothing. When the position enters a slot above level 0 its entries cascade:
//! they now agree with the position in that digit, and fall to lower levels.
//!
//! Above the top level there is no digit to differ in, so the top level is a
//! ring: its slots run from the position's own digit + 1 to + 64.

use crate::chunks::Queue;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;

/// One slot, and the first tick that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) level: usize,
    pub(crate) index: usize,
    pub(crate) first_tick: u64,
}

struct Level {
    /// Bit i is set if slot i is not empty.
    occupied: u64,
    slots: [Queue; SLOTS],
}

pub(crate) struct Levels {
    levels: Box<[Level]>,
}

impl Levels {
    /// As many levels as it takes to reach `ticks` ahead, and at least two: a
    /// whole turn ahead must not be the position's own slot, in use on level 0.
    pub(crate) fn reaching(ticks: u64) -> Self {
        let mut count = 2;
        while ticks_covered(count) < ticks {
            count += 1;
        }
        let level = || Level { occupied: 0, slots: [Queue::EMPTY; SLOTS] };
        Self { levels: (0..count).map(|_| level()).collect() }
    }

    /// How far after the position a tick can lie.
    pub(crate) fn reach(&self) -> u64 {
        ticks_covered(self.levels.len())
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.levels.len() * SLOTS
    }

    /// The queue to which an entry due at `tick` is to be appended.
    #[inline]
    pub(crate) fn occupy(&mut self, position: u64, tick: u64) -> &mut Queue {
        debug_assert!(position <= tick && tick - position <= self.reach());
        let differing = (position ^ tick) | 1;
        let level = (differing.ilog2() / DIGIT_BITS) as usize;
        let level = level.min(self.levels.len() - 1);
        let index = digit(tick, level);
        let level = &mut self.levels[level];
        level.occupied |= 1 << index;
        &mut level.slots[index]
    }

    /// The first slot that is not empty.
    #[inline]
    pub(crate) fn first_occupied(&self, position: u64) -> Option<Slot> {
        let top = self.levels.len() - 1;
        for (level, Level { occupied, .. }) in self.levels.iter().enumerate() {
            if *occupied == 0 {
                continue;
            }
            let here = digit(position, level);
            // Above level 0 the position's own slot lies a whole turn ahead.
            let origin = if level == 0 { here } else { here + 1 };
            let ahead = occupied.rotate_right(origin as u32).trailing_zeros() as usize;
            let steps = (origin - here + ahead) as u64;
            debug_assert!(level == top || here as u64 + steps < SLOTS as u64);
            let first_tick = ((position >> shift(level)) + steps) << shift(level);
            return Some(Slot { level, index: digit(first_tick, level), first_tick });
        }
        None
    }

    pub(crate) fn queue(&mut self, slot: Slot) -> &mut Queue {
        &mut self.levels[slot.level].slots[slot.index]
    }

    /// Empties a slot and gives what was in it.
    pub(crate) fn take(&mut self, slot: Slot) -> Queue {
        let level = &mut self.levels[slot.level];
        level.occupied &= !(1 << slot.index);
        std::mem::replace(&mut level.slots[slot.index], Queue::EMPTY)
    }
}

/// How many ticks a slot of `level` covers.
pub(crate) fn slot_ticks(level: usize) -> u64 {
    1 << shift(level)
}

fn ticks_covered(levels: usize) -> u64 {
    1 << shift(levels)
}

fn shift(level: usize) -> u32 {
    level as u32 * DIGIT_BITS
}

fn digit(tick: u64, level: usize) -> usize {
    (tick >> shift(level)) as usize % SLOTS
}
