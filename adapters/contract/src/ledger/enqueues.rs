//! The enqueue word: written by the producer and its client.

use std::sync::atomic::Ordering;

use super::word::{CANCEL, FLOAT, REASON, SENDS, STATE, TIME_MASK};
use super::{Enqueue, Ledger, Reason};
use crate::{SmallFloat, TaskId};

/// What a settlement changed of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing: it was known.
    Nothing,
    /// It was open, and is settled.
    Settled,
    /// It was settled as unknown, and its fate is known now.
    CameToLight,
}

impl Ledger {
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
    /// not undo it. Returns what of this was news.
    pub(crate) fn settled(&self, id: TaskId, to: Enqueue, reason: Reason, at: u64) -> News {
        let Some(units) = self.units(at) else { return News::Nothing };
        let mut news = News::Nothing;
        self.change_enqueue(id, |word| {
            let was = Enqueue::from_bits(STATE.get(word));
            news = match was {
                Enqueue::Unsent | Enqueue::Taken => News::Settled,
                Enqueue::Unknown if to != Enqueue::Unknown => News::CameToLight,
                Enqueue::Unknown | Enqueue::Confirmed | Enqueue::Refused => News::Nothing,
            };
            if news == News::Nothing {
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
}
