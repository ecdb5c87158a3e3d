use schedbench_adapters::clock;
use schedbench_contract::{Producer, Task, TaskId};

use super::open::{Driven, Ended, LARGEST_BATCH, OpenSetup, note, seen, settle, with_given_up};
use super::park::{Interrupt, Parker};
use crate::plan::Arrivals;
use crate::record::HandOver;

/// What was handed over is waited for so long after the deadline, ns: it may be
/// on its way.
const LAST_ANSWERS_NS: u64 = 30_000_000_000;

/// Hands `tasks` over as fast as the system takes them, on the calling thread,
/// and waits until they are settled. The window of `setup` is ignored: it
/// begins with the first hand-over, and whoever drains the backlog ends it.
pub fn drive_backlog<P: Producer>(
    setup: &OpenSetup<'_>,
    tasks: u64,
    arrivals: &Arrivals,
    producer: &mut P,
) -> Driven {
    let mut seen = seen(setup.pacing, setup.fifo);
    let mut parker = Parker::here();
    let mut batch: Vec<Task<'_>> = Vec::with_capacity(LARGEST_BATCH);
    let mut hand_overs = Vec::new();
    let (mut taken, mut last) = (0, setup.start);
    // Probes were counted by the same recorder.
    let before = setup.log.counts().taken;
    let ended = loop {
        if taken >= tasks {
            break Ended::Complete;
        }
        let now = clock::now();
        last = now;
        let room = (tasks - taken).min(LARGEST_BATCH as u64);
        batch.clear();
        batch.extend((taken..taken + room).map(|index| {
            let arrival = arrivals.attributes(index, now);
            let id = TaskId::new(setup.cell, setup.first_sequence + index);
            let body = setup.bodies.of(id);
            Task { id, intended: now, due: arrival.due, key: arrival.key, body }
        }));
        if let Some(pulse) = setup.pulse {
            pulse.has_offered(taken + room);
        }
        let submitted = parker.block_on(producer.submit(&batch), setup.deadline, setup.stop);
        let count = match submitted {
            Ok(Ok(count)) => count.min(batch.len()) as u64,
            Ok(Err(error)) => break Ended::Broken(error.to_string()),
            Err(Interrupt::Deadline) => break Ended::GaveUp,
            Err(Interrupt::Stopped) => break Ended::Stopped,
        };
        hand_overs.push(HandOver { first: taken, at: now });
        note(&mut seen.back_pressure, clock::now() - now, count);
        seen.batches += 1;
        seen.tasks += count;
        taken += count;
    };
    let noted = setup.log.counts().taken - before;
    let taken = with_given_up(&mut hand_overs, taken, noted, last);
    let answers = OpenSetup {
        deadline: setup.deadline.saturating_add(LAST_ANSWERS_NS),
        window: setup.window.clone(),
        ..*setup
    };
    let ended = settle(&answers, producer, &mut parker, ended);
    let window = setup.start..clock::now();
    Driven { seen, hand_overs, window, taken, ended }
}
