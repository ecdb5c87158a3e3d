/// Bytes of one record of the worker protocol.
pub const RECORD_BYTES: usize = 32;

/// What a worker says about one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// The worker is connected and consumes; `id` is its index.
    Ready = 0,
    /// The handler completed.
    Done = 1,
    /// The handler failed; another attempt may come.
    Failed = 2,
    /// The handler failed and no attempt will come: dead-lettered or archived.
    FailedFinally = 3,
    /// The body is not the one that was sent.
    Corrupt = 4,
    /// The runtime paused between `start` and `end` (garbage collection).
    Pause = 5,
    /// For a system that runs whole in a child: the task was handed over.
    Taken = 6,
    /// For a system that runs whole in a child: the system vouched for it.
    Confirmed = 7,
    /// The worker lost a connection to the broker; `id` is its index.
    Disconnected = 8,
    /// The worker has a connection again in place of a lost one.
    Reconnected = 9,
    /// For a system that runs whole in a child, as it ends: it still held `id`
    /// tasks of those that it had vouched for, which end with it; `attempt` is
    /// the worker's index.
    Held = 10,
}

impl Status {
    const ALL: [Self; 11] = [
        Self::Ready,
        Self::Done,
        Self::Failed,
        Self::FailedFinally,
        Self::Corrupt,
        Self::Pause,
        Self::Taken,
        Self::Confirmed,
        Self::Disconnected,
        Self::Reconnected,
        Self::Held,
    ];
}

/// One record on a worker's pipe: id u64, attempt u32, status u32, start u64,
/// end u64, little endian; times are monotonic ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The task, as bits of a [`crate::TaskId`]; the worker's index where it is
    /// the worker that the record is about.
    pub id: u64,
    /// 0 for the first run of its handler.
    pub attempt: u32,
    /// What happened.
    pub status: Status,
    /// When the handler started.
    pub start: u64,
    /// When it ended.
    pub end: u64,
}

impl Record {
    /// What a worker says of itself, at a monotonic time in ns.
    #[must_use]
    pub fn of_worker(index: u32, status: Status, at: u64) -> Self {
        Self { id: u64::from(index), attempt: 0, status, start: at, end: at }
    }

    /// What a worker says as it ends of the tasks that end with it, at a
    /// monotonic time in ns.
    #[must_use]
    pub fn of_held(index: u32, tasks: u64, at: u64) -> Self {
        Self { id: tasks, attempt: index, status: Status::Held, start: at, end: at }
    }

    /// The bytes that cross the pipe.
    #[must_use]
    pub fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.attempt.to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.status as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.start.to_le_bytes());
        bytes[24..].copy_from_slice(&self.end.to_le_bytes());
        bytes
    }

    /// Reads a record; `None` when the status is not one of ours.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let word = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let attempt_and_status = word(8);
        let status = *Status::ALL.get(usize::try_from(attempt_and_status >> 32).ok()?)?;
        Some(Self {
            id: word(0),
            attempt: attempt_and_status as u32,
            status,
            start: word(16),
            end: word(24),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_little_endian_in_the_order_of_the_protocol() {
        let record = Record { id: 1, attempt: 2, status: Status::FailedFinally, start: 4, end: 5 };
        let bytes = record.to_bytes();
        assert_eq!((bytes[0], bytes[8], bytes[12], bytes[16], bytes[24]), (1, 2, 3, 4, 5));
        assert_eq!(Record::from_bytes(&bytes), Some(record));
    }

    #[test]
    fn every_status_comes_back_and_no_other_is_read() {
        for status in Status::ALL {
            let record = Record { id: 9, attempt: 0, status, start: 1, end: 2 };
            assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record));
        }
        let mut bytes = [0; RECORD_BYTES];
        bytes[12] = Status::ALL.len() as u8;
        assert_eq!(Record::from_bytes(&bytes), None);
    }
}
