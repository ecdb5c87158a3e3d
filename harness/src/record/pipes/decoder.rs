use schedbench_contract::{
    MomentKind, RECORD_BYTES, Record, Recorder, Run, RunEnd, Status, Task, TaskId,
};

use super::WorkerSeen;

/// A pause this long is worth a mark on the time axis, ns; of the others the
/// longest is kept.
pub const LONG_PAUSE_NS: u64 = 10_000_000;

/// Puts the bytes of one worker's pipe together to records.
pub(super) struct Decoder {
    worker: u32,
    /// The first bytes of a record whose others have not come.
    rest: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(worker: u32) -> Self {
        Self { worker, rest: Vec::with_capacity(RECORD_BYTES) }
    }

    /// Whether a pipe that ends now ends in the middle of a record.
    pub(super) fn is_inside_a_record(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Writes down the whole records and keeps the rest. Says what these bytes
    /// have told of the worker.
    pub(super) fn feed(&mut self, mut bytes: &[u8], log: &Recorder) -> WorkerSeen {
        let mut seen = WorkerSeen::default();
        if !self.rest.is_empty() {
            let missing = (RECORD_BYTES - self.rest.len()).min(bytes.len());
            self.rest.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if let Ok(record) = self.rest.as_slice().try_into() {
                note(record, self.worker, &mut seen, log);
                self.rest.clear();
            }
        }
        let mut records = bytes.chunks_exact(RECORD_BYTES);
        for record in &mut records {
            if let Ok(record) = record.try_into() {
                note(record, self.worker, &mut seen, log);
            }
        }
        self.rest.extend_from_slice(records.remainder());
        seen
    }
}

/// Writes down one record and what it says of the worker.
fn note(bytes: &[u8; RECORD_BYTES], worker: u32, seen: &mut WorkerSeen, log: &Recorder) {
    seen.records += 1;
    let Some(Record { id, attempt, status, start, end }) = Record::from_bytes(bytes) else {
        seen.protocol_errors += 1;
        return;
    };
    let task = TaskId::from_bits(id);
    let ended = match status {
        Status::Ready if id == u64::from(worker) => {
            seen.ready = true;
            return;
        }
        Status::Disconnected | Status::Reconnected if id == u64::from(worker) => {
            let (kind, what) = match status {
                Status::Disconnected => (MomentKind::Disconnected, "lost its connection"),
                _ => (MomentKind::Reconnected, "is connected again"),
            };
            log.moment(start, kind, format!("worker {} {what}", worker + 1));
            return;
        }
        Status::Held if attempt == worker => {
            seen.held = Some(id);
            return;
        }
        Status::Ready | Status::Disconnected | Status::Reconnected | Status::Held => {
            seen.protocol_errors += 1;
            return;
        }
        Status::Pause => {
            let length = end.saturating_sub(start);
            seen.longest_pause_ns = seen.longest_pause_ns.max(length);
            if length >= LONG_PAUSE_NS {
                let ms = length / 1_000_000;
                let text = format!("worker {} paused for {ms} ms", worker + 1);
                log.moment(start, MomentKind::Pause, text);
            }
            return;
        }
        // The child is the system: it had the task at `end`, intended at `start`.
        Status::Taken => {
            log.taken(&Task { id: task, intended: start, due: start, key: None, body: &[] }, end);
            return;
        }
        Status::Confirmed => {
            log.confirmed(task, end);
            return;
        }
        Status::Done => RunEnd::Done,
        Status::Failed => RunEnd::Failed,
        Status::FailedFinally => RunEnd::FailedFinally,
        Status::Corrupt => RunEnd::Corrupt,
    };
    seen.ran = true;
    log.ran(Run { id: task, start, end, ended });
}
