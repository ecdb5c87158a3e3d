//! The tasks of a cell, one after another: each arrival made again from the
//! seed and set beside what the ledger holds of it. Nothing is collected, so
//! that a soak of 90 M tasks takes no more memory than a ramp's second.

use schedbench_contract::ledger::{Cancel, Enqueue, Entry, Reason};
use schedbench_contract::{Retries, TaskId, seeded};

use crate::plan::{Arrival, Arrivals, Load};
use crate::record::Evidence;

/// One entry of the ledger and why it is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    /// A probe: in the balance, in no metric.
    Probe(Entry, Fate),
    /// A task of warm-up or window.
    Task(Task),
    /// A place that the plan left empty.
    Unplanned(Entry),
}

/// A task of warm-up or window. All instants are monotonic ns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// Its sequence number.
    pub(super) sequence: u64,
    /// When it was to be handed over.
    pub(super) intended: u64,
    /// When its handler was to start.
    pub(super) due: u64,
    /// Its key.
    pub(super) key: Option<u32>,
    /// What the ledger holds of it.
    pub(super) entry: Entry,
    /// Whether it is intended in the window.
    pub(super) in_window: bool,
    /// What the plan has its handler do.
    pub(super) fate: Fate,
}

/// What the seed decides about the attempts of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// Attempts that fail before the first that succeeds.
    pub(super) failures: u32,
    /// Whether all of them fail.
    pub(super) dies: bool,
    /// How long those failures make it wait by plan, ns.
    pub(super) backoffs_ns: u64,
}

impl Task {
    /// Whether the system holds it back until it is due.
    pub(super) const fn is_delayed(&self) -> bool {
        self.due > self.intended
    }

    /// Whether it was handed over.
    pub(super) const fn was_sent(&self) -> bool {
        !matches!(self.entry.enqueue, Enqueue::Unsent)
    }

    /// When the system's client took it.
    pub(super) fn accepted(&self) -> Option<u64> {
        self.was_sent().then(|| self.intended.saturating_add(self.entry.accepted_after_ns))
    }

    /// Whether it says something about the system: planned deaths and what was
    /// taken back are in neither numerator nor denominator (§3).
    pub(super) const fn counts(&self) -> bool {
        !self.fate.dies && !matches!(self.entry.cancel, Cancel::Cancelled)
    }

    /// Until when its success counts: T after its due time, and the back-offs
    /// that the plan itself asks for. A task that is to fail twice and to wait
    /// 1 s each time is not late after 2 s.
    pub(super) const fn deadline(&self, horizon_ns: u64) -> u64 {
        self.due.saturating_add(horizon_ns).saturating_add(self.fate.backoffs_ns)
    }

    /// Its first success, if that came by its deadline.
    pub(super) fn done_within(&self, horizon_ns: u64) -> Option<u64> {
        self.entry.first_end.filter(|&end| end <= self.deadline(horizon_ns))
    }
}

/// The seeded fate of each task of a cell.
struct Fates {
    seed: u64,
    cell: u32,
    fail_ppm: u32,
    attempts: u32,
    backoff_ns: u64,
}

impl Fates {
    fn of(evidence: &Evidence<'_>) -> Self {
        let plan = evidence.plan;
        let retries = match plan.target.profile.claims.retries {
            Retries::Native => plan.retry.max,
            Retries::Unsupported(_) => 0,
        };
        Self {
            seed: plan.seed,
            cell: evidence.ledger.cell(),
            fail_ppm: plan.fail_ppm,
            attempts: retries.saturating_add(1),
            backoff_ns: plan.retry.backoff_ns,
        }
    }

    fn of_task(&self, sequence: u64) -> Fate {
        if self.fail_ppm == 0 {
            return Fate::default();
        }
        let id = TaskId::new(self.cell, sequence);
        let fails = |&attempt: &u32| seeded::attempt_fails(self.seed, id, attempt, self.fail_ppm);
        let failures = (0..self.attempts).take_while(fails).count() as u32;
        let backoffs_ns = self.backoff_ns.saturating_mul(u64::from(failures));
        Fate { failures, dies: failures == self.attempts, backoffs_ns }
    }
}

/// The entry as it was when nothing more was listened for. An answer that came
/// later is no proof that the system had the task when it was asked what it
/// holds: it may have stored it only after that.
const fn heard(mut entry: Entry, ended: u64) -> Entry {
    if let (Enqueue::Confirmed, Some(at)) = (entry.enqueue, entry.confirmed_at)
        && at > ended
    {
        entry.enqueue = Enqueue::Unknown;
        entry.reason = Reason::Timeout;
        entry.confirmed_at = None;
    }
    entry
}

/// Shows every entry of the ledger, in the order of sequence numbers, and
/// returns how many arrivals the plan holds when it is made again. Arrivals
/// that the ledger has no room for are shown as unsent.
pub(super) fn each(evidence: &Evidence<'_>, mut see: impl FnMut(&Seen)) -> u64 {
    let ledger = evidence.ledger;
    let room = ledger.len() as u64;
    let entry = |sequence: u64| heard(ledger.entry(sequence as usize), evidence.ended);
    let first = evidence.first_arrival.min(room);
    let probes = evidence.probes_sent.min(first);
    let fates = Fates::of(evidence);
    (0..probes).for_each(|place| see(&Seen::Probe(entry(place), fates.of_task(place))));
    (probes..first).for_each(|sequence| see(&Seen::Unplanned(entry(sequence))));

    let mut show = |arrival: Arrival, intended: u64| {
        let sequence = evidence.first_arrival.saturating_add(arrival.index);
        let entry = if sequence < room { entry(sequence) } else { never_sent() };
        see(&Seen::Task(Task {
            sequence,
            intended,
            due: intended.saturating_add(arrival.due - arrival.intended),
            key: arrival.key,
            entry,
            in_window: evidence.window.contains(&intended),
            fate: fates.of_task(sequence),
        }));
    };
    let arrivals = match evidence.plan.load {
        Load::Open { .. } => {
            let mut arrivals = 0;
            for arrival in Arrivals::of(evidence.plan) {
                arrivals += 1;
                show(arrival, evidence.start.saturating_add(arrival.intended));
            }
            arrivals
        }
        Load::InFlight { .. } | Load::Backlog { .. } => handed_over(evidence, show),
    };
    let end = first.saturating_add(arrivals).min(room);
    (end..room).for_each(|sequence| see(&Seen::Unplanned(entry(sequence))));
    arrivals
}

/// The tasks in flight or of a backlog: intended when they were handed over.
fn handed_over(evidence: &Evidence<'_>, mut show: impl FnMut(Arrival, u64)) -> u64 {
    let attributes = Arrivals::of(evidence.plan);
    let hand_overs = &evidence.hand_overs;
    for (place, hand_over) in hand_overs.iter().enumerate() {
        let end = hand_overs.get(place + 1).map_or(evidence.arrivals, |next| next.first);
        for index in hand_over.first..end {
            show(attributes.attributes(index, hand_over.at), hand_over.at);
        }
    }
    let first = hand_overs.first().map_or(evidence.arrivals, |batch| batch.first);
    evidence.arrivals.saturating_sub(first)
}

const fn never_sent() -> Entry {
    Entry {
        enqueue: Enqueue::Unsent,
        reason: schedbench_contract::ledger::Reason::None,
        sends: 0,
        cancel: Cancel::NotAsked,
        accepted_after_ns: 0,
        confirmed_at: None,
        first_start: None,
        first_end: None,
        successes: 0,
        failures: 0,
        corrupt: false,
        dead: false,
    }
}
