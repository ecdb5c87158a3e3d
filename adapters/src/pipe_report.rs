//! The worker protocol's writing end: records on an inherited pipe.

use std::fs::File;
use std::io::Write;

use schedbench_contract::{RECORD_BYTES, Record, Report};

use crate::clock;

/// `PIPE_BUF` on Linux: a write of at most this many bytes never mixes with
/// another writer's.
const BATCH_BYTES: usize = 4_096;
/// A record waits at most this long.
const FLUSH_AFTER_NS: u64 = 5_000_000;

/// Collects records and writes them in batches that never mix.
#[derive(Debug)]
pub struct PipeReport {
    pipe: File,
    buffer: Vec<u8>,
    first_at: u64,
    write_each: bool,
}

impl PipeReport {
    /// Writes to `pipe`; with `write_each`, one write per record, so that a
    /// killed worker loses nothing it has reported.
    #[must_use]
    pub fn new(pipe: File, write_each: bool) -> Self {
        Self { pipe, buffer: Vec::with_capacity(BATCH_BYTES), first_at: 0, write_each }
    }
}

impl Report for PipeReport {
    fn record(&mut self, record: Record) {
        if self.buffer.is_empty() {
            self.first_at = clock::now();
        }
        self.buffer.extend_from_slice(&record.to_bytes());
        let full = self.buffer.len() + RECORD_BYTES > BATCH_BYTES;
        if self.write_each || full || record.end > self.first_at + FLUSH_AFTER_NS {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        // The harness has gone when its end is closed; then nobody is left to
        // tell, and the parent-death signal ends this process.
        let _ = self.pipe.write_all(&self.buffer);
        self.buffer.clear();
    }
}
