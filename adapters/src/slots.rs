//! Redis Cluster's hash slots, and a cell's queues divided among its masters.
//!
//! Asynq puts the queue's name in the braces of all keys of that queue, so that
//! one queue is in one slot, and with one master. The client library that is
//! used here computes slots too, and tells nobody.

use std::ops::RangeInclusive;

/// Slots of every cluster.
pub const SLOTS: u16 = 16_384;

/// The slot of a key: of what stands in its first braces, unless that is
/// nothing; else of all of it.
#[must_use]
pub fn of_key(key: &str) -> u16 {
    let in_braces = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = in_braces.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16(hashed.as_bytes()) % SLOTS
}

/// CRC-16/XMODEM: polynomial 0x1021, from 0, not reflected.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

/// The slots of each of so many masters: as equally many as they can be, in
/// ascending order.
#[must_use]
pub fn of_masters(masters: usize) -> Vec<RangeInclusive<u16>> {
    let from = |master: usize| (usize::from(SLOTS) * master / masters.max(1)) as u16;
    (0..masters).map(|master| from(master)..=from(master + 1) - 1).collect()
}

/// The master, by its place, of a queue of Asynq's; `None` where there is none.
#[must_use]
pub fn master_of(queue: &str, masters: usize) -> Option<usize> {
    let slot = of_key(&format!("{{{queue}}}"));
    of_masters(masters).iter().position(|slots| slots.contains(&slot))
}

/// The names of a cell's queues: equally many on each master. `prefix` is
/// followed by the lowest numbers of which that is true, the first by 0.
#[must_use]
pub fn queues(prefix: &str, queues: usize, masters: usize) -> Vec<String> {
    let each = queues / masters.max(1);
    let mut taken = vec![0; masters];
    let names = (0..).map(|number: u32| format!("{prefix}.{number}")).filter(|name| {
        let place = master_of(name, masters).and_then(|master| taken.get_mut(master));
        place.is_some_and(|taken| {
            *taken += 1;
            *taken <= each
        })
    });
    names.take(each * masters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is from the specification of Redis Cluster, the others are
    /// what a Redis 7.0.15 answers to `CLUSTER KEYSLOT`.
    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, slot) in [("foo", 12_182), ("{foo}bar", 12_182), ("a{foo}{bar}", 12_182)] {
            assert_eq!(of_key(key), slot, "{key}");
        }
        assert_eq!(of_key("{}foo"), crc16(b"{}foo") % SLOTS, "nothing in the braces");
        assert_eq!(of_key("{foo"), crc16(b"{foo") % SLOTS, "they are not closed");
        assert_eq!(of_key("asynq:{a.b}:t:1"), of_key("asynq:{a.b}:pending"));
    }

    #[test]
    fn masters_have_all_slots_between_them() {
        assert_eq!(of_masters(3), [0..=5_460, 5_461..=10_921, 10_922..=16_383]);
        assert_eq!(of_masters(1), [0..=16_383]);
    }

    #[test]
    fn each_master_has_as_many_queues_as_the_others() {
        for prefix in ["schedbench.test.1", "schedbench.0f3a.17", "x"] {
            let names = queues(prefix, 12, 3);
            assert_eq!(names.len(), 12);
            assert_eq!(names[0], format!("{prefix}.0"));
            for master in 0..3 {
                let has = names.iter().filter(|name| master_of(name, 3) == Some(master));
                assert_eq!(has.count(), 4, "{prefix}: {names:?}");
            }
            assert_eq!(queues(prefix, 12, 3), names, "the same each time");
        }
    }
}
