//! What happened to every task, 16 bytes each.
//!
//! Two words per task, each written by one side: the *enqueue word* by the
//! producer and its client, the *runs word* by whoever hears of handlers.
//!
//! ```text
//! enqueue  63 .. 48 accepted − intended, ns, small float
//!          46 .. 45 cancel    44 .. 42 sends    41 .. 39 reason    38 .. 36 state
//!          35 ..  0 confirmed (or refused) at, units since the epoch
//! runs     63 .. 48 first success's end − first start, units, small float
//!          47 .. 43 flags     42 .. 38 failed attempts   37 .. 36 successes
//!          35 ..  0 first start, units since the epoch
//! ```
//!
//! A unit is the smallest power of two of nanoseconds at which the cell's
//! horizon fits into 36 bits: 1 ns up to 68 s, 16 ns up to 18 min.

mod enqueues;
mod entry;
mod runs;
mod side;
mod word;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{SmallFloat, TaskId};
pub(crate) use enqueues::News;
pub use entry::{Cancel, Enqueue, Entry, Reason};
pub(crate) use runs::Effect;
use side::Side;
pub use side::{Extra, ExtraKind};
pub use word::Unit;
use word::{
    CANCEL, CORRUPT, DEAD, FAILURES, FLOAT, REASON, SENDS, STARTED, STATE, SUCCESSES, TIME_MASK,
};

/// The ledger of one cell.
#[derive(Debug)]
pub struct Ledger {
    cell: u32,
    epoch: u64,
    unit: Unit,
    enqueues: Box<[AtomicU64]>,
    runs: Box<[AtomicU64]>,
    side: Mutex<Side>,
    out_of_range: AtomicU64,
}

fn zeroed(length: usize) -> Box<[AtomicU64]> {
    (0..length).map(|_| AtomicU64::new(0)).collect()
}

impl Ledger {
    /// Bytes that each task takes.
    pub const BYTES_PER_TASK: u64 = 16;

    /// An empty ledger for `tasks` tasks of a cell. Times are kept from
    /// `epoch` (monotonic ns) on, for `horizon_ns`. All its memory is touched
    /// here, so that no page fault falls into a measurement.
    #[must_use]
    pub fn new(cell: u32, tasks: usize, epoch: u64, horizon_ns: u64) -> Self {
        Self {
            cell,
            epoch,
            unit: Unit::fitting(horizon_ns),
            enqueues: zeroed(tasks),
            runs: zeroed(tasks),
            side: Mutex::default(),
            out_of_range: AtomicU64::new(0),
        }
    }

    /// Which cell it belongs to.
    #[must_use]
    pub const fn cell(&self) -> u32 {
        self.cell
    }

    /// The instant its times count from, monotonic ns.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The unit of its times.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// Tasks it has room for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.enqueues.len()
    }

    /// Whether it has room for none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.enqueues.is_empty()
    }

    /// Times that lay before the epoch or beyond the horizon and so could not
    /// be kept; any of them makes the cell incomplete.
    #[must_use]
    pub fn out_of_range(&self) -> u64 {
        self.out_of_range.load(Ordering::Relaxed)
    }

    /// The entry of a sequence number.
    ///
    /// # Panics
    /// When the ledger has no room for it.
    #[must_use]
    pub fn entry(&self, sequence: usize) -> Entry {
        let enqueue_word = self.enqueues[sequence].load(Ordering::Acquire);
        let runs_word = self.runs[sequence].load(Ordering::Acquire);
        let enqueue = Enqueue::from_bits(STATE.get(enqueue_word));
        let successes = SUCCESSES.get(runs_word) as u8;
        let started = runs_word & STARTED != 0;
        let start_units = runs_word & TIME_MASK;
        let float = |word| SmallFloat::from_bits(FLOAT.get(word) as u16).get();
        Entry {
            enqueue,
            reason: Reason::ALL[REASON.get(enqueue_word) as usize],
            sends: SENDS.get(enqueue_word) as u8,
            cancel: match CANCEL.get(enqueue_word) {
                0 => Cancel::NotAsked,
                1 => Cancel::TooLate,
                _ => Cancel::Cancelled,
            },
            accepted_after_ns: float(enqueue_word),
            confirmed_at: matches!(enqueue, Enqueue::Confirmed | Enqueue::Refused)
                .then(|| self.instant(enqueue_word & TIME_MASK)),
            first_start: started.then(|| self.instant(start_units)),
            first_end: (successes > 0).then(|| self.instant(start_units + float(runs_word))),
            successes,
            failures: FAILURES.get(runs_word) as u8,
            corrupt: runs_word & CORRUPT != 0,
            dead: runs_word & DEAD != 0,
        }
    }

    fn instant(&self, units: u64) -> u64 {
        self.epoch + (units << self.unit.shift)
    }

    fn units(&self, instant: u64) -> Option<u64> {
        let units = instant.checked_sub(self.epoch).map(|since| since >> self.unit.shift);
        let fitting = units.filter(|&units| units <= TIME_MASK);
        if fitting.is_none() {
            self.out_of_range.fetch_add(1, Ordering::Relaxed);
        }
        fitting
    }

    /// The place of an id, if it is one of this ledger's.
    fn place(&self, id: TaskId) -> Option<usize> {
        let sequence = usize::try_from(id.sequence()).ok()?;
        (id.cell() == self.cell && sequence < self.len()).then_some(sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: u64 = 1_000_000_000_000;

    fn ledger() -> Ledger {
        Ledger::new(5, 100, EPOCH, 60_000_000_000)
    }

    #[test]
    fn a_task_that_nobody_sent_is_unsent() {
        let entry = ledger().entry(3);
        assert_eq!((entry.enqueue, entry.sends, entry.successes), (Enqueue::Unsent, 0, 0));
        assert_eq!((entry.first_start, entry.confirmed_at), (None, None));
    }

    #[test]
    fn the_way_of_one_task() {
        let ledger = ledger();
        let id = TaskId::new(5, 7);
        ledger.taken(id, 1_500);
        assert_eq!(ledger.entry(7).enqueue, Enqueue::Taken);
        let news = ledger.settled(id, Enqueue::Confirmed, Reason::None, EPOCH + 2_000);
        assert_eq!(news, News::Settled);
        assert_eq!(ledger.failed(id, EPOCH + 3_000, EPOCH + 3_010, false), Effect::FailedAttempt);
        let effect = ledger.completed(id, EPOCH + 9_000, EPOCH + 9_100, true);
        assert_eq!(effect, Effect::FirstSuccess { finishes: true });
        let entry = ledger.entry(7);
        assert_eq!(entry.accepted_after_ns, 1_500);
        assert_eq!(entry.confirmed_at, Some(EPOCH + 2_000));
        assert_eq!(entry.first_start, Some(EPOCH + 3_000));
        let end = entry.first_end.expect("it completed");
        assert!(end.abs_diff(EPOCH + 9_100) <= 2, "{end}");
        assert_eq!((entry.successes, entry.failures), (1, 1));
    }

    #[test]
    fn a_confirmation_is_not_undone() {
        let ledger = ledger();
        let id = TaskId::new(5, 1);
        ledger.taken(id, 0);
        for (to, reason, news) in [
            (Enqueue::Unknown, Reason::Timeout, News::Settled),
            (Enqueue::Unknown, Reason::ConnectionLost, News::Nothing),
            (Enqueue::Confirmed, Reason::None, News::CameToLight),
            (Enqueue::Refused, Reason::Duplicate, News::Nothing),
        ] {
            assert_eq!(ledger.settled(id, to, reason, EPOCH + 1), news, "{to:?}");
        }
        assert_eq!(ledger.entry(1).enqueue, Enqueue::Confirmed);
    }

    #[test]
    fn an_earlier_start_heard_later_moves_the_start_and_not_the_end() {
        let ledger = ledger();
        let id = TaskId::new(5, 2);
        ledger.taken(id, 0);
        ledger.completed(id, EPOCH + 2_000, EPOCH + 2_100, true);
        assert_eq!(ledger.completed(id, EPOCH + 1_000, EPOCH + 3_000, true), Effect::Repeated);
        let entry = ledger.entry(2);
        assert_eq!(
            (entry.first_start, entry.first_end),
            (Some(EPOCH + 1_000), Some(EPOCH + 2_100))
        );
        assert_eq!((entry.successes, ledger.extra_count(ExtraKind::Repeated)), (2, 1));
    }

    #[test]
    fn ids_of_other_cells_go_aside() {
        let ledger = ledger();
        ledger.completed(TaskId::new(4, 0), EPOCH, EPOCH + 1, true);
        ledger.completed(TaskId::new(6, 0), EPOCH, EPOCH + 1, true);
        ledger.completed(TaskId::new(5, 100), EPOCH, EPOCH + 1, true);
        assert_eq!(ledger.extra_count(ExtraKind::Leftover), 1);
        assert_eq!(ledger.extra_count(ExtraKind::Foreign), 2);
    }

    #[test]
    fn a_time_outside_is_counted_and_not_clamped() {
        let ledger = ledger();
        ledger.completed(TaskId::new(5, 0), EPOCH - 1, EPOCH + 1, true);
        assert_eq!(ledger.out_of_range(), 1);
        assert_eq!(ledger.entry(0).successes, 0);
    }

    proptest! {
        #[test]
        fn times_come_back_within_a_unit(since in 0u64..1 << 40, horizon in 1u64 << 40..1 << 45) {
            let ledger = Ledger::new(0, 1, EPOCH, horizon);
            let id = TaskId::new(0, 0);
            ledger.taken(id, 0);
            ledger.settled(id, Enqueue::Confirmed, Reason::None, EPOCH + since);
            let kept = ledger.entry(0).confirmed_at.expect("confirmed");
            prop_assert!(kept <= EPOCH + since && EPOCH + since - kept < ledger.unit().ns());
        }
    }
}
