use crate::{TaskId, seeded};

/// How a worker makes the bodies again to check them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fill {
    /// The run's seed.
    pub seed: u64,
    /// Bytes of each body.
    pub bytes: usize,
}

/// The bytes all bodies are slices of, so that none is made per task.
///
/// A body is the slice of a seeded pool at an offset that its task's id
/// decides; the worker holds the same pool and compares.
#[derive(Clone, Debug)]
pub struct BodyPool {
    bytes: Vec<u8>,
    body: usize,
    seed: u64,
}

/// Distinct offsets: bodies differ between neighbours, and the pool stays small.
const OFFSETS: usize = 4_096;

impl BodyPool {
    /// Makes the pool; every byte value occurs in it.
    #[must_use]
    pub fn new(fill: Fill) -> Self {
        let length = if fill.bytes == 0 { 0 } else { fill.bytes + OFFSETS };
        let mut bytes = Vec::with_capacity(length + 8);
        let seed = seeded::purpose(fill.seed, 0xb0d7);
        for place in 0.. {
            if bytes.len() >= length {
                break;
            }
            bytes.extend_from_slice(&seeded::at(seed, place).to_le_bytes());
        }
        bytes.truncate(length);
        Self { bytes, body: fill.bytes, seed }
    }

    /// The body of a task.
    #[must_use]
    pub fn of(&self, id: TaskId) -> &[u8] {
        if self.body == 0 {
            return &[];
        }
        let offset = seeded::mix(self.seed ^ id.bits()) as usize % OFFSETS;
        &self.bytes[offset..offset + self.body]
    }

    /// Whether `received` is the body of that task.
    #[must_use]
    pub fn is_intact(&self, id: TaskId, received: &[u8]) -> bool {
        self.of(id) == received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pools_of_one_seed_agree_and_notice_one_flipped_bit() {
        let fill = Fill { seed: 42, bytes: 100 };
        let (sender, worker) = (BodyPool::new(fill), BodyPool::new(fill));
        let id = TaskId::new(1, 77);
        let mut body = sender.of(id).to_vec();
        assert_eq!(body.len(), 100);
        assert!(worker.is_intact(id, &body));
        body[99] ^= 1;
        assert!(!worker.is_intact(id, &body));
        assert!(!worker.is_intact(TaskId::new(1, 78), sender.of(id)));
    }

    #[test]
    fn an_empty_body_is_intact_only_when_empty() {
        let pool = BodyPool::new(Fill { seed: 1, bytes: 0 });
        assert!(pool.is_intact(TaskId::new(0, 0), &[]));
        assert!(!pool.is_intact(TaskId::new(0, 0), &[0]));
    }

    #[test]
    fn every_byte_value_occurs() {
        let pool = BodyPool::new(Fill { seed: 3, bytes: 65_536 });
        let mut seen = [false; 256];
        for &byte in pool.of(TaskId::new(0, 0)) {
            seen[usize::from(byte)] = true;
        }
        assert!(seen.iter().all(|&seen| seen));
    }
}
