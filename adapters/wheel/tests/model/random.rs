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

/// The latest handles, most of them dead after a while.
const HANDLES: usize = 50_000;

/// Operations after which the mix changes: timers that mostly fire, then
/// timeouts that mostly are cancelled, whose dead entries must be swept away.
const PHASE: u64 = OPERATIONS / 10;

#[test]
fn ten_million_operations_agree_with_the_model() {
    let max_delay_ns = 3_600_000_000 * US;
    let mut pair = Pair::new(US, max_delay_ns, 12_345);
    let mut random = Random(2026);
    let mut handles: Vec<Handle> = Vec::new();
    let mut fired = 0;
    for operation in 0..OPERATIONS {
        let timeouts = operation / PHASE % 2 == 1;
        // Half the delays are short, the others of any magnitude.
        let bits = if random.below(2) == 0 { 27 } else { 28 + random.below(15) };
        let bits = if timeouts { 36 } else { bits };
        // What is already due has no certain place while the wheel is behind.
        let due_ns = pair.now_ns + u64::from(pair.behind) + random.below(1 << bits);
        let which = random.below(handles.len().max(1) as u64) as usize;
        let known = handles.get(which).copied();
        let given = match (random.below(32), known) {
            (0..=5, Some(handle)) => {
                pair.cancel(handle);
                None
            }
            (6..=9, Some(handle)) => pair.reschedule(handle, due_ns),
            (10..=13, _) if !timeouts => {
                let limit = if random.below(2) == 0 { usize::MAX } else { 16 };
                // Now and then the caller was away for a while.
                let step_bits = if random.below(4_096) == 0 { 37 } else { 19 };
                fired += pair.expire(pair.now_ns + random.below(1 << step_bits), limit);
                None
            }
            (14, _) if !timeouts => {
                let before = pair.pending.len();
                let _ = pair.step(pair.now_ns + random.below(1 << 20), 1);
                fired += before - pair.pending.len();
                None
            }
            (10, _) => {
                fired += pair.expire(pair.now_ns + random.below(1 << 16), usize::MAX);
                None
            }
            (11..=21, Some(_)) if timeouts => {
                pair.cancel(handles.swap_remove(which));
                None
            }
            _ => pair.insert(due_ns),
        };
        match (given, known) {
            (Some(handle), Some(_)) if handles.len() == HANDLES => handles[which] = handle,
            (given, _) => handles.extend(given),
        }
        if operation % 64 == 0 {
            pair.check();
        }
    }
    assert!(fired as u64 > OPERATIONS / 16, "too few fired to mean much: {fired}");
    pair.expire(pair.now_ns + max_delay_ns + US, usize::MAX);
    pair.check();
    assert!(pair.pending.is_empty());
}
