//! Ten million operations from one seed.

use schedbench_wheel::Handle;

use crate::Pair;

const US: u64 = 1_000;
const OPERATIONS: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[test]
fn ten_million_operations_agree_with_the_model() {
    let max_delay_ns = 3_600_000_000 * US;
    let mut pair = Pair::new(US, max_delay_ns, 12_345);
    let mut random = Random(2026);
    // The latest handles, most of them dead after a while.
    let mut handles: Vec<Handle> = Vec::new();
    let mut fired = 0;
    for operation in 0..OPERATIONS {
        // Half the delays are short, the others of any magnitude.
        let bits = if random.below(2) == 0 { 27 } else { 28 + random.below(15) };
        let due_ns = pair.now_ns + random.below(1 << bits);
        let which = random.below(handles.len().max(1) as u64) as usize;
        let known = handles.get(which).copied();
        let given = match (random.below(16), known) {
            (0..=2, Some(handle)) => {
                pair.cancel(handle);
                None
            }
            (3..=4, Some(handle)) => pair.reschedule(handle, due_ns),
            (5..=6, _) => {
                let limit = if random.below(2) == 0 { usize::MAX } else { 16 };
                // Now and then the caller was away for a while.
                let step_bits = if random.below(4_096) == 0 { 37 } else { 19 };
                fired += pair.expire(pair.now_ns + random.below(1 << step_bits), limit);
                None
            }
            _ => pair.insert(due_ns),
        };
        match (given, known) {
            (Some(handle), Some(_)) if handles.len() == 50_000 => handles[which] = handle,
            (given, _) => handles.extend(given),
        }
        if operation % 64 == 0 {
            pair.check();
        }
    }
    assert!(fired as u64 > OPERATIONS / 8, "too few fired to mean much: {fired}");
    pair.expire(pair.now_ns + max_delay_ns + US, usize::MAX);
    pair.check();
    assert!(pair.pending.is_empty());
}
