use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use hdrhistogram::Histogram;
use schedbench_adapters::clock;
use schedbench_contract::{BodyPool, Producer, Recorder, Task, TaskId};

use super::absences::Absences;
use super::park::{Interrupt, Parker};
use super::pulse::Pulse;
use super::wait::Waiter;
use crate::plan::{Arrival, Arrivals, Pacing};
use crate::record::{HandOver, PacingSeen};

/// Most tasks handed over in one call. A batch is what is due now; nobody
/// waits to fill one.
pub(super) const LARGEST_BATCH: usize = 256;

/// What a generator needs to know. All instants are monotonic ns.
#[derive(Debug)]
pub struct OpenSetup<'a> {
    /// The cell's number.
    pub cell: u32,
    /// Sequence number of arrival 0.
    pub first_sequence: u64,
    /// From when arrivals count.
    pub start: u64,
    /// The window: what the generator says of itself is about tasks of it.
    pub window: Range<u64>,
    /// When it gives up on what the system does not take.
    pub deadline: u64,
    /// How it keeps time.
    pub pacing: Pacing,
    /// Whether its thread runs under SCHED_FIFO.
    pub fifo: bool,
    /// Bodies.
    pub bodies: &'a BodyPool,
    /// Set when the run is being stopped.
    pub stop: &'a AtomicBool,
    /// Where cancellations are noted.
    pub log: &'a Recorder,
    /// Where it tells whoever watches, if somebody does.
    pub pulse: Option<&'a Pulse>,
    /// Planted defect of the generator itself, for the judge's tests: it
    /// sleeps for the second number of ns, once per the first.
    pub hiccup: Option<(u64, u64)>,
}

/// What a generator did.
#[derive(Debug)]
pub struct Driven {
    /// What it saw of itself.
    pub seen: PacingSeen,
    /// When batches were handed over; only kept in flight and of a backlog.
    pub hand_overs: Vec<HandOver>,
    /// The window; in flight it is known only afterwards.
    pub window: Range<u64>,
    /// Arrivals that the system took.
    pub taken: u64,
    /// How it ended.
    pub ended: Ended,
}

/// How a generator ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It handed over all it had.
    Complete,
    /// The system did not take the rest before the deadline.
    GaveUp,
    /// The run is being stopped.
    Stopped,
    /// The system is unusable.
    Broken(String),
}

/// A histogram of ns up to an hour at three significant digits.
#[must_use]
pub(super) fn histogram() -> Histogram<u64> {
    let made = Histogram::new_with_bounds(1, 3_600_000_000_000, 3);
    made.unwrap_or_else(|_| unreachable!("constant bounds that the crate accepts"))
}

/// Values beyond the histogram's hour are counted at its end: a wait that long
/// ends the cell before.
pub(super) fn note(histogram: &mut Histogram<u64>, ns: u64, times: u64) {
    histogram.saturating_record_n(ns, times);
}

pub(super) fn seen(pacing: Pacing, fifo: bool) -> PacingSeen {
    PacingSeen {
        how: pacing,
        fifo,
        lateness: histogram(),
        back_pressure: histogram(),
        batches: 0,
        tasks: 0,
        pending_share: 0.0,
        submit_share: 0.0,
        spun_ns: 0,
    }
}

/// Tasks waiting to be handed over, in order, with the instant at which the
/// generator first offered each.
#[derive(Debug, Default)]
struct Offer {
    arrivals: Vec<Arrival>,
    offered: Vec<u64>,
}

impl Offer {
    fn drop_front(&mut self, count: usize) {
        self.arrivals.drain(..count);
        self.offered.drain(..count);
    }
}

/// Hands over every arrival at its time, on the calling thread.
///
/// Time inside `submit` is the system's: what falls due meanwhile counts as
/// offered when it fell due, since the generator stood there trying. Time
/// anywhere else is the generator's own lateness.
pub fn drive_open<P: Producer>(
    setup: &OpenSetup<'_>,
    arrivals: Arrivals,
    producer: &mut P,
) -> Driven {
    let mut seen = seen(setup.pacing, setup.fifo);
    let mut waiter = Waiter::new(setup.pacing, setup.start);
    let mut parker = Parker::here();
    let mut arrivals = arrivals.peekable();
    let mut offer = Offer::default();
    let mut cancels = BinaryHeap::new();
    let mut tasks: Vec<Task<'_>> = Vec::with_capacity(LARGEST_BATCH);
    let mut taken = 0;
    let (mut pended_in_window, mut inside_in_window) = (0, 0);
    let mut absences = Absences::default();
    let mut next_hiccup = setup.hiccup.map(|(every, _)| setup.start + every);

    let mut spun = Spun::default();

    let ended = loop {
        if setup.stop.load(Ordering::Relaxed) {
            break Ended::Stopped;
        }
        let now = clock::now();
        spun.look(now, &setup.window, waiter.spun_ns());
        if let (Some(at), Some((every, length))) = (next_hiccup, setup.hiccup)
            && now >= at
        {
            super::wait::sleep_until(now + length);
            next_hiccup = Some(at + every);
            continue;
        }
        absences.back_at(now);
        let known = offer.arrivals.len();
        while offer.arrivals.len() < LARGEST_BATCH {
            let Some(arrival) = arrivals.next_if(|arrival| setup.start + arrival.intended <= now)
            else {
                break;
            };
            let intended = setup.start + arrival.intended;
            let offered = absences.offered(intended);
            if setup.window.contains(&intended) {
                note(&mut seen.lateness, offered - intended, 1);
            }
            offer.arrivals.push(arrival);
            offer.offered.push(offered);
        }
        if let Some(pulse) = setup.pulse {
            let fresh = offer.arrivals[known..].iter().zip(&offer.offered[known..]);
            pulse.offers(fresh.map(|(arrival, at)| at - (setup.start + arrival.intended)));
        }
        if cancels.peek().is_some_and(|&Reverse((at, _))| at <= now) {
            let entered = clock::now();
            let broken = cancel_due(setup, producer, &mut parker, &mut cancels, now);
            // Waiting for a cancel's answer is the system's time too.
            let pended = parker.take_pending_ns();
            let after = clock::now();
            pended_in_window += overlap(&(after - pended..after), &setup.window);
            inside_in_window += overlap(&(entered..after), &setup.window);
            if let Some(broken) = broken {
                break broken;
            }
            absences.left_system_at(after);
            continue;
        }
        if offer.arrivals.is_empty() {
            let next = arrivals.peek().map(|arrival| setup.start + arrival.intended);
            let cancel = cancels.peek().map(|&Reverse((at, _))| at);
            match next.into_iter().chain(cancel).min() {
                Some(instant) => waiter.until(instant),
                None => break Ended::Complete,
            }
            continue;
        }
        tasks.clear();
        tasks.extend(offer.arrivals.iter().map(|arrival| task(setup, arrival)));
        // Making the batch is the generator's own work, not the system's.
        let entered = clock::now();
        let submitted = parker.block_on(producer.submit(&tasks), setup.deadline, setup.stop);
        let pended = parker.take_pending_ns();
        let after = clock::now();
        // Parked time is taken to lie at the end: submit works, then waits.
        pended_in_window += overlap(&(after - pended..after), &setup.window);
        inside_in_window += overlap(&(entered..after), &setup.window);
        let count = match submitted {
            Ok(Ok(count)) => count.min(tasks.len()),
            Ok(Err(error)) => break Ended::Broken(error.to_string()),
            Err(Interrupt::Deadline) => break Ended::GaveUp,
            Err(Interrupt::Stopped) => break Ended::Stopped,
        };
        absences.left_system_at(after);
        let mut in_window = 0;
        for (arrival, &offered) in offer.arrivals.iter().zip(&offer.offered).take(count) {
            if setup.window.contains(&(setup.start + arrival.intended)) {
                note(&mut seen.back_pressure, after - offered, 1);
                in_window += 1;
            }
            if arrival.cancel {
                let halfway = arrival.intended + (arrival.due - arrival.intended) / 2;
                cancels.push(Reverse((setup.start + halfway, arrival.index)));
            }
        }
        if in_window > 0 {
            seen.batches += 1;
            seen.tasks += in_window;
        }
        taken += count as u64;
        offer.drop_front(count);
    };
    // With nothing left to hand over the thread sleeps until the window ends.
    spun.look(u64::MAX, &setup.window, waiter.spun_ns());
    seen.spun_ns = spun.in_window();
    let ended = settle(setup, producer, &mut parker, ended);
    let length = (setup.window.end - setup.window.start).max(1) as f64;
    seen.pending_share = pended_in_window as f64 / length;
    seen.submit_share = inside_in_window as f64 / length;
    Driven { seen, hand_overs: Vec::new(), window: setup.window.clone(), taken, ended }
}

/// How much of a span lies in the window, ns.
fn overlap(span: &Range<u64>, window: &Range<u64>) -> u64 {
    span.end.min(window.end).saturating_sub(span.start.max(window.start))
}

/// How much of the time spent spinning lies in the window.
#[derive(Debug, Default)]
struct Spun {
    at_start: Option<u64>,
    at_end: Option<u64>,
}

impl Spun {
    fn look(&mut self, now: u64, window: &Range<u64>, spun_ns: u64) {
        if now < window.start {
            return;
        }
        self.at_start.get_or_insert(spun_ns);
        if now >= window.end {
            self.at_end.get_or_insert(spun_ns);
        }
    }

    fn in_window(&self) -> u64 {
        self.at_end.unwrap_or_default().saturating_sub(self.at_start.unwrap_or_default())
    }
}

fn task<'a>(setup: &OpenSetup<'a>, arrival: &Arrival) -> Task<'a> {
    let id = TaskId::new(setup.cell, setup.first_sequence + arrival.index);
    Task {
        id,
        intended: setup.start + arrival.intended,
        due: setup.start + arrival.due,
        key: arrival.key,
        body: setup.bodies.of(id),
    }
}

type Cancels = BinaryHeap<Reverse<(u64, u64)>>;

/// Takes back the tasks whose time for it has come: halfway to their due time.
fn cancel_due<P: Producer>(
    setup: &OpenSetup<'_>,
    producer: &mut P,
    parker: &mut Parker,
    cancels: &mut Cancels,
    now: u64,
) -> Option<Ended> {
    while cancels.peek().is_some_and(|&Reverse((at, _))| at <= now) {
        let Reverse((_, index)) = cancels.pop()?;
        let id = TaskId::new(setup.cell, setup.first_sequence + index);
        match parker.block_on(producer.cancel(id), setup.deadline, setup.stop) {
            Ok(Ok(cancelled)) => setup.log.cancelled(id, cancelled),
            Ok(Err(error)) => return Some(Ended::Broken(error.to_string())),
            Err(Interrupt::Deadline) => return Some(Ended::GaveUp),
            Err(Interrupt::Stopped) => return Some(Ended::Stopped),
        }
    }
    None
}

/// How many were taken, with those of a call that was given up: a client may
/// note its tasks and then wait for its socket. They were offered at `at`.
pub(super) fn with_given_up(
    hand_overs: &mut Vec<HandOver>,
    taken: u64,
    noted: u64,
    at: u64,
) -> u64 {
    if noted > taken {
        hand_overs.push(HandOver { first: taken, at });
    }
    noted.max(taken)
}

/// Waits until everything taken is confirmed, refused or unknown.
pub(super) fn settle<P: Producer>(
    setup: &OpenSetup<'_>,
    producer: &mut P,
    parker: &mut Parker,
    ended: Ended,
) -> Ended {
    if matches!(ended, Ended::Broken(_)) {
        return ended;
    }
    match parker.block_on(producer.settle(), setup.deadline, setup.stop) {
        Ok(Ok(())) | Err(Interrupt::Deadline) => ended,
        Ok(Err(error)) => Ended::Broken(error.to_string()),
        Err(Interrupt::Stopped) => Ended::Stopped,
    }
}
