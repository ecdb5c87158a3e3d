//! What a worker's task costs besides the system: our own part of it, measured
//! by the worker itself at its end and said in its log.

use std::fs::File;
use std::io::Read;

use schedbench_contract::{BodyPool, Record, Report, RunEnd, Status, TaskId, Work};

use crate::handler::planned_end;
use crate::{PipeReport, clock};

/// Tasks per round: their records fit into the smallest pipe (one page), so
/// that nothing waits for a reader.
const MOST_TASKS: u64 = 100;
/// Their bodies in all, which makes them fewer where bodies are large: a worker
/// that is told to end has seconds for it.
const MOST_BYTES: u64 = 1 << 20;
/// The figure is the middle one of so many rounds.
const ROUNDS: usize = 51;

/// Nanoseconds of our part of a task: two readings of the clock, how the
/// attempt ends by plan, the body's comparison, and the record, written as in
/// the run.
///
/// # Errors
/// A pipe cannot be made or read.
pub fn measure(work: &Work) -> std::io::Result<f64> {
    let (reader, writer) = rustix::pipe::pipe()?;
    let mut reader = File::from(reader);
    let mut report = PipeReport::new(File::from(writer), work.write_each);
    let pool = BodyPool::new(work.body);
    // Not the pool's own bytes: what was received lies elsewhere.
    let count = (MOST_BYTES / (work.body.bytes as u64).max(1)).clamp(1, MOST_TASKS);
    let tasks: Vec<(TaskId, Vec<u8>)> = (0..count)
        .map(|sequence| TaskId::new(work.cell, sequence))
        .map(|id| (id, pool.of(id).to_vec()))
        .collect();
    let mut rounds = Vec::with_capacity(ROUNDS);
    let mut records = vec![0; tasks.len() * schedbench_contract::RECORD_BYTES];
    for _ in 0..ROUNDS {
        let began = clock::now();
        for (id, body) in &tasks {
            let start = clock::now();
            let status = match planned_end(work, *id, 0) {
                RunEnd::FailedFinally => Status::FailedFinally,
                RunEnd::Failed => Status::Failed,
                RunEnd::Done | RunEnd::Corrupt if pool.is_intact(*id, body) => Status::Done,
                RunEnd::Done | RunEnd::Corrupt => Status::Corrupt,
            };
            let end = clock::now();
            report.record(Record { id: id.bits(), attempt: 0, status, start, end });
        }
        report.flush();
        rounds.push(clock::now() - began);
        reader.read_exact(&mut records)?;
    }
    rounds.sort_unstable();
    Ok(rounds[ROUNDS / 2] as f64 / count as f64)
}

/// The line of a worker's log.
///
/// # Errors
/// As for [`measure`].
pub fn say(work: &Work) -> std::io::Result<String> {
    let ns = measure(work)?;
    Ok(format!(
        "our part of a task: {ns:.0} ns (two clock readings, planned end, body of {} bytes \
         compared, record)",
        work.body.bytes
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schedbench_contract::{Fill, Handler, Retry, WorkersShape};

    use super::*;

    #[test]
    fn it_is_some_nanoseconds_and_more_with_a_write_for_each() {
        let work = |write_each| Work {
            system: "any".into(),
            profile: "any".into(),
            queue: String::new(),
            cell: 1,
            index: 0,
            at: None,
            second: None,
            shape: WorkersShape {
                processes: 1,
                concurrency: 1,
                prefetch: 1,
                connections: 1,
                window: 1,
            },
            seed: 7,
            handler: Handler::None,
            fail_ppm: 10_000,
            retry: Retry { max: 0, backoff_ns: 0 },
            body: Fill { seed: 7, bytes: 100 },
            write_each,
            options: BTreeMap::new(),
        };
        let batched = measure(&work(false)).expect("a pipe");
        let each = measure(&work(true)).expect("a pipe");
        assert!(batched > 10.0 && each > batched, "{batched} and {each} ns");
        let said = say(&work(false)).expect("a line");
        println!("{said}; {each:.0} ns with a write for each");
        assert!(said.starts_with("our part of a task: ") && said.contains(" ns ("), "{said}");
    }
}
