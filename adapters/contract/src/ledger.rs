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

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{SmallFloat, TaskId};

const TIME_BITS: u32 = 36;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

const STATE: Field = Field { shift: 36, bits: 3 };
const REASON: Field = Field { shift: 39, bits: 3 };
const SENDS: Field = Field { shift: 42, bits: 3 };
const CANCEL: Field = Field { shift: 45, bits: 2 };
const FLOAT: Field = Field { shift: 48, bits: 16 };

const SUCCESSES: Field = Field { shift: 36, bits: 2 };
const FAILURES: Field = Field { shift: 38, bits: 5 };
const STARTED: u64 = 1 << 43;
const CORRUPT: u64 = 1 << 44;
const DEAD: u64 = 1 << 45;

#[derive(Clone, Copy)]
struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    const fn max(self) -> u64 {
        (1 << self.bits) - 1
    }
    const fn get(self, word: u64) -> u64 {
        (word >> self.shift) & self.max()
    }
    const fn set(self, word: u64, value: u64) -> u64 {
        word & !(self.max() << self.shift) | (value & self.max()) << self.shift
    }
    /// One more, staying at the largest value that fits.
    const fn bump(self, word: u64) -> u64 {
        let value = self.get(word);
        if value == self.max() { word } else { self.set(word, value + 1) }
    }
}

/// What an enqueue came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enqueue {
    /// Never handed over.
    Unsent,
    /// Handed over; nothing was heard of it. Reads as unknown once settled.
    Taken,
    /// The system vouched for it.
    Confirmed,
    /// The system refused it, or it provably never left.
    Refused,
    /// Nobody knows whether the system has it.
    Unknown,
}

impl Enqueue {
    const fn from_bits(bits: u64) -> Self {
        match bits {
            1 => Self::Taken,
            2 => Self::Confirmed,
            3 => Self::Refused,
            4 => Self::Unknown,
            _ => Self::Unsent,
        }
    }
    const fn bits(self) -> u64 {
        match self {
            Self::Unsent => 0,
            Self::Taken => 1,
            Self::Confirmed => 2,
            Self::Refused => 3,
            Self::Unknown => 4,
        }
    }
}

/// Why an enqueue was refused or is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// None was given.
    None,
    /// The system is full.
    Full,
    /// The body is too large.
    TooLarge,
    /// The id is taken.
    Duplicate,
    /// The connection was lost.
    ConnectionLost,
    /// No answer in time.
    Timeout,
    /// The server answered with an error.
    ServerError,
    /// The adapter never sent it.
    NeverLeft,
}

impl Reason {
    const ALL: [Self; 8] = [
        Self::None,
        Self::Full,
        Self::TooLarge,
        Self::Duplicate,
        Self::ConnectionLost,
        Self::Timeout,
        Self::ServerError,
        Self::NeverLeft,
    ];
    const fn bits(self) -> u64 {
        self as u64
    }
}

/// Whether a task was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancel {
    /// Nobody asked.
    NotAsked,
    /// Asked, and the system said it was too late.
    TooLate,
    /// Asked, and the system said it is cancelled: it must not run.
    Cancelled,
}

/// How long a unit of the ledger's times is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    shift: u32,
}

impl Unit {
    /// The smallest power of two of ns at which `horizon_ns` fits.
    #[must_use]
    pub const fn fitting(horizon_ns: u64) -> Self {
        let mut shift = 0;
        while horizon_ns >> shift > TIME_MASK {
            shift += 1;
        }
        Self { shift }
    }

    /// Nanoseconds of one unit.
    #[must_use]
    pub const fn ns(self) -> u64 {
        1 << self.shift
    }
}

/// What the ledger holds of one task. Times are monotonic ns, cut off to the
/// ledger's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the enqueue came to.
    pub enqueue: Enqueue,
    /// Why, where it was refused or is unknown.
    pub reason: Reason,
    /// Times it was sent (more than one when the client repeated it), at most 7.
    pub sends: u8,
    /// Whether it was taken back.
    pub cancel: Cancel,
    /// Accepted − intended, ns, within 2⁻¹².
    pub accepted_after_ns: u64,
    /// When the system vouched for it or refused it.
    pub confirmed_at: Option<u64>,
    /// When its handler first started.
    pub first_start: Option<u64>,
    /// When its handler first completed, within 2⁻¹² of the time since the start.
    pub first_end: Option<u64>,
    /// Times its handler completed, at most 3 (the side list has the rest).
    pub successes: u8,
    /// Attempts that failed, at most 31.
    pub failures: u8,
    /// A body arrived that was not the one sent.
    pub corrupt: bool,
    /// The system set it aside after its last attempt.
    pub dead: bool,
}

/// A completion that has no place of its own in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Whose.
    pub id: TaskId,
    /// Why it is here.
    pub kind: ExtraKind,
    /// When the handler started, monotonic ns.
    pub start: u64,
    /// When it ended, monotonic ns.
    pub end: u64,
}

/// Why a completion is on the side list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExtraKind {
    /// The task had completed before.
    Repeated,
    /// A task of an earlier cell of this run.
    Leftover,
    /// An id that this run never gave out.
    Foreign,
}

/// Entries of the side list that are kept whole; beyond it they are counted.
const SIDE_CAPACITY: usize = 65_536;

#[derive(Debug, Default)]
struct Side {
    kept: Vec<Extra>,
    repeated: u64,
    leftover: u64,
    foreign: u64,
}

/// How a run of a handler changed what is known of its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    FirstSuccess { finishes: bool },
    Repeated,
    FailedAttempt,
    Dead { finishes: bool },
    Elsewhere,
}

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

    /// Completions without a place: those kept, and how many there were of a kind.
    #[must_use]
    pub fn extras(&self) -> Vec<Extra> {
        self.side().kept.clone()
    }

    /// How many extras of a kind there were, kept or not.
    #[must_use]
    pub fn extra_count(&self, kind: ExtraKind) -> u64 {
        let side = self.side();
        match kind {
            ExtraKind::Repeated => side.repeated,
            ExtraKind::Leftover => side.leftover,
            ExtraKind::Foreign => side.foreign,
        }
    }

    fn side(&self) -> std::sync::MutexGuard<'_, Side> {
        self.side.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

    /// The producer takes a task; the bytes have not left yet. Plain store:
    /// nobody else can know of the task before.
    pub(crate) fn taken(&self, id: TaskId, accepted_after_ns: u64) {
        if let Some(place) = self.place(id) {
            let word = STATE.set(0, Enqueue::Taken.bits());
            let word = SENDS.set(word, 1);
            let late = u64::from(SmallFloat::new(accepted_after_ns).bits());
            self.enqueues[place].store(FLOAT.set(word, late), Ordering::Release);
        }
    }

    /// Taken and vouched for in one step, for systems in process.
    pub(crate) fn taken_and_confirmed(&self, id: TaskId, accepted_after_ns: u64, at: u64) {
        if let (Some(place), Some(units)) = (self.place(id), self.units(at)) {
            let word = STATE.set(units, Enqueue::Confirmed.bits());
            let word = SENDS.set(word, 1);
            let late = u64::from(SmallFloat::new(accepted_after_ns).bits());
            self.enqueues[place].store(FLOAT.set(word, late), Ordering::Release);
        }
    }

    /// The client sends a task once more.
    pub(crate) fn sent_again(&self, id: TaskId) {
        self.change_enqueue(id, |word| SENDS.bump(word));
    }

    /// What the enqueue came to. A confirmation stands: what is heard after it
    /// of the same task (a repeated send that was refused as a duplicate) does
    /// not undo it. Returns whether this was news.
    pub(crate) fn settled(&self, id: TaskId, to: Enqueue, reason: Reason, at: u64) -> bool {
        let Some(units) = self.units(at) else { return false };
        let mut news = false;
        self.change_enqueue(id, |word| {
            let was = Enqueue::from_bits(STATE.get(word));
            news = match was {
                Enqueue::Unsent | Enqueue::Taken => true,
                Enqueue::Unknown => to != Enqueue::Unknown,
                Enqueue::Confirmed | Enqueue::Refused => false,
            };
            if !news {
                return word;
            }
            let word = STATE.set(word & !TIME_MASK, to.bits()) | units;
            REASON.set(word, reason.bits())
        });
        news
    }

    /// What a request to cancel came to.
    pub(crate) fn cancel(&self, id: TaskId, cancelled: bool) {
        self.change_enqueue(id, |word| CANCEL.set(word, if cancelled { 2 } else { 1 }));
    }

    fn change_enqueue(&self, id: TaskId, mut change: impl FnMut(u64) -> u64) {
        if let Some(place) = self.place(id) {
            let _ =
                self.enqueues[place]
                    .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(change(word)));
        }
    }

    /// A handler completed.
    pub(crate) fn completed(&self, id: TaskId, start: u64, end: u64, intact: bool) -> Effect {
        let Some(place) = self.place(id) else { return self.elsewhere(id, start, end) };
        let (Some(start_units), Some(end_units)) = (self.units(start), self.units(end)) else {
            return Effect::Elsewhere;
        };
        let before = self.change_runs(place, |word| {
            let word = if intact { word } else { word | CORRUPT };
            let word = first_start(word, start_units);
            if SUCCESSES.get(word) > 0 {
                return SUCCESSES.bump(word);
            }
            let ran = end_units.saturating_sub(word & TIME_MASK);
            SUCCESSES.set(FLOAT.set(word, u64::from(SmallFloat::new(ran).bits())), 1)
        });
        if SUCCESSES.get(before) > 0 {
            self.aside(Extra { id, kind: ExtraKind::Repeated, start, end });
            return Effect::Repeated;
        }
        Effect::FirstSuccess { finishes: before & DEAD == 0 }
    }

    /// A handler failed; `finally` when no attempt will follow.
    pub(crate) fn failed(&self, id: TaskId, start: u64, end: u64, finally: bool) -> Effect {
        let Some(place) = self.place(id) else { return self.elsewhere(id, start, end) };
        let Some(start_units) = self.units(start) else { return Effect::Elsewhere };
        let before = self.change_runs(place, |word| {
            let word = FAILURES.bump(first_start(word, start_units));
            if finally { word | DEAD } else { word }
        });
        if finally {
            return Effect::Dead { finishes: before & DEAD == 0 && SUCCESSES.get(before) == 0 };
        }
        Effect::FailedAttempt
    }

    fn change_runs(&self, place: usize, change: impl Fn(u64) -> u64) -> u64 {
        self.runs[place]
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(change(word)))
            .unwrap_or_else(|word| word)
    }

    fn elsewhere(&self, id: TaskId, start: u64, end: u64) -> Effect {
        let kind = if id.cell() < self.cell { ExtraKind::Leftover } else { ExtraKind::Foreign };
        self.aside(Extra { id, kind, start, end });
        Effect::Elsewhere
    }

    fn aside(&self, extra: Extra) {
        let mut side = self.side();
        match extra.kind {
            ExtraKind::Repeated => side.repeated += 1,
            ExtraKind::Leftover => side.leftover += 1,
            ExtraKind::Foreign => side.foreign += 1,
        }
        if side.kept.len() < SIDE_CAPACITY {
            side.kept.push(extra);
        }
    }
}

/// Keeps the earliest start. When an earlier one is heard of after the first
/// success, the run time grows by the difference so that the end stays.
const fn first_start(word: u64, start_units: u64) -> u64 {
    let known = word & TIME_MASK;
    if word & STARTED != 0 && known <= start_units {
        return word;
    }
    let moved = word & !TIME_MASK | start_units | STARTED;
    if SUCCESSES.get(word) == 0 {
        return moved;
    }
    let ran = SmallFloat::from_bits(FLOAT.get(word) as u16).get() + (known - start_units);
    FLOAT.set(moved, SmallFloat::new(ran).bits() as u64)
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
    fn units_fit_the_horizon() {
        assert_eq!(Unit::fitting(60_000_000_000).ns(), 1);
        assert_eq!(Unit::fitting(18 * 60 * 1_000_000_000).ns(), 16);
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
        assert!(ledger.settled(id, Enqueue::Confirmed, Reason::None, EPOCH + 2_000));
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
        assert!(ledger.settled(id, Enqueue::Unknown, Reason::Timeout, EPOCH + 1));
        assert!(ledger.settled(id, Enqueue::Confirmed, Reason::None, EPOCH + 2));
        assert!(!ledger.settled(id, Enqueue::Refused, Reason::Duplicate, EPOCH + 3));
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
