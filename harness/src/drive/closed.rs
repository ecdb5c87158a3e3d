use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use schedbench_adapters::clock;
use schedbench_contract::{Producer, Task, TaskId};

use super::open::{Driven, Ended, LARGEST_BATCH, OpenSetup, note, seen, settle, with_given_up};
use super::park::{Interrupt, Parker};
use super::wait::Waiter;
use crate::plan::Arrivals;
use crate::record::HandOver;

/// What an in-flight drive needs besides what every drive needs. The window of
/// `base` is ignored: it is found while driving.
#[derive(Debug)]
pub struct InFlightSetup<'a> {
    /// As for an open loop; the deadline is counted from the window's end.
    pub base: OpenSetup<'a>,
    /// N.
    pub tasks: u64,
    /// Warm-up, ns; it also lasts until N tasks have completed.
    pub warmup_ns: u64,
    /// The window, ns; it also lasts until 3 N tasks have completed in it, but
    /// at most [`LONGEST_WINDOW`] times as long.
    pub window_ns: u64,
    /// Room in the ledger.
    pub most_tasks: u64,
    /// Set to the instant at which the window opens, once it does.
    pub opened: &'a AtomicU64,
    /// Set once the window has closed; then answers are waited for.
    pub closed: &'a AtomicBool,
}

/// A window may grow to this many times its planned length while it waits for
/// its 3 N completions; then the cell says that it did not turn over.
pub const LONGEST_WINDOW: u64 = 3;

/// How often tasks in flight must turn over inside the window.
const TURNS: u64 = 3;

/// Whether the window opens: the warm-up is over and N tasks have completed.
/// It opens too when a quarter of the ledger is used up, for a system that
/// would fill it before its warm-up ends, and a window's length after the
/// warm-up, for one that does not get through N tasks.
const fn warmed_up(setup: &InFlightSetup<'_>, now: u64, taken: u64, finished: u64) -> bool {
    let over = setup.base.start + setup.warmup_ns;
    now >= over && finished >= setup.tasks
        || taken >= setup.most_tasks / 4
        || now >= over + setup.window_ns
}

/// Keeps N tasks submitted and not completed, on the calling thread.
pub fn drive_in_flight<P: Producer>(
    setup: &InFlightSetup<'_>,
    arrivals: &Arrivals,
    producer: &mut P,
) -> Driven {
    let base = &setup.base;
    let mut seen = seen(base.pacing, base.fifo);
    let mut waiter = Waiter::new(base.pacing, base.start);
    let mut parker = Parker::here();
    let mut tasks: Vec<Task<'_>> = Vec::with_capacity(LARGEST_BATCH);
    let mut hand_overs = Vec::new();
    // Probes were counted by the same recorder.
    let before = base.log.counts();
    let (mut taken, mut last) = (0, base.start);
    let mut window: Option<(u64, u64)> = None;
    let (mut pending_ns, mut inside_ns, mut spun_before) = (0, 0, 0);
    waiter.until(base.start);

    let ended = loop {
        if base.stop.load(Ordering::Relaxed) {
            break Ended::Stopped;
        }
        let now = clock::now();
        let counts = base.log.counts();
        let finished = counts.finished + counts.refused - before.finished - before.refused;
        match window {
            None if warmed_up(setup, now, taken, finished) => {
                window = Some((now, finished));
                setup.opened.store(now, Ordering::Release);
                (pending_ns, inside_ns, spun_before) = (0, 0, waiter.spun_ns());
            }
            Some((since, at_start)) => {
                let turned = finished - at_start >= TURNS * setup.tasks;
                let length = now - since;
                if length >= setup.window_ns && turned
                    || length >= LONGEST_WINDOW * setup.window_ns
                    || taken >= setup.most_tasks
                {
                    break Ended::Complete;
                }
            }
            None => {}
        }
        let room = (setup.tasks + finished).saturating_sub(taken);
        let room = room.min(setup.most_tasks - taken).min(LARGEST_BATCH as u64);
        if room == 0 {
            if taken >= setup.most_tasks && window.is_none() {
                break Ended::Complete;
            }
            waiter.a_moment();
            continue;
        }
        last = now;
        tasks.clear();
        tasks.extend((taken..taken + room).map(|index| {
            let arrival = arrivals.attributes(index, now);
            let id = TaskId::new(base.cell, base.first_sequence + index);
            let body = base.bodies.of(id);
            Task { id, intended: now, due: arrival.due, key: arrival.key, body }
        }));
        if let Some(pulse) = base.pulse {
            pulse.has_offered(taken + room);
        }
        // Longer than the longest window and the system takes nothing.
        let deadline = now + LONGEST_WINDOW * setup.window_ns + setup.warmup_ns;
        let entered = clock::now();
        let submitted = parker.block_on(producer.submit(&tasks), deadline, base.stop);
        pending_ns += parker.take_pending_ns();
        let after = clock::now();
        inside_ns += after - entered;
        let count = match submitted {
            Ok(Ok(count)) => count.min(tasks.len()) as u64,
            Ok(Err(error)) => break Ended::Broken(error.to_string()),
            Err(Interrupt::Deadline) => break Ended::GaveUp,
            Err(Interrupt::Stopped) => break Ended::Stopped,
        };
        hand_overs.push(HandOver { first: taken, at: now });
        if window.is_some() {
            note(&mut seen.back_pressure, after - now, count);
            seen.batches += 1;
            seen.tasks += count;
        }
        taken += count;
    };
    let end = clock::now();
    setup.closed.store(true, Ordering::Release);
    let noted = base.log.counts().taken - before.taken;
    let taken = with_given_up(&mut hand_overs, taken, noted, last);
    let (since, _) = window.unwrap_or((end, 0));
    let ended = settle(&base_until(base, end), producer, &mut parker, ended);
    seen.spun_ns = waiter.spun_ns() - spun_before;
    let length = (end - since).max(1) as f64;
    seen.pending_share = pending_ns as f64 / length;
    seen.submit_share = inside_ns as f64 / length;
    Driven { seen, hand_overs, window: since..end, taken, ended }
}

/// The setup with its deadline counted from the window's end.
fn base_until<'a>(base: &OpenSetup<'a>, end: u64) -> OpenSetup<'a> {
    OpenSetup { window: 0..end, deadline: end + base.deadline, ..*base }
}
