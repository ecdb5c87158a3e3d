//! What a profile promises, beside what its trials of a fault showed.

use super::deed::unit;
use super::kills::Kills;
use super::promise::{OnLoss, Promise};
use super::seen::Seen;
use super::tried::Tried;
use crate::numbers::{Medium, seconds, whole};
use crate::outcome::{CellKey, Load, Outcome};

/// One system, profile, fault and load: its promise and what was seen.
///
/// A trial is a cell, however many faults were done in it: a lost task does
/// not say which of them lost it. Every trial whose ledger balances counts,
/// valid or not (`docs/decisions/0026`).
#[derive(Clone, Debug)]
pub struct Guarantee {
    /// Which trials.
    pub tried: Tried,
    /// What is promised.
    pub promise: Promise,
    /// What was seen.
    pub seen: Seen,
}

/// How a promise fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Every trial that could say so kept it.
    Yes,
    /// A trial broke it.
    No,
    /// No trial could tell.
    Unknown,
}

pub(super) fn guarantees(outcome: &Outcome) -> Vec<Guarantee> {
    let mut all: Vec<Guarantee> = Vec::new();
    for cell in &outcome.cells {
        let Some(fault) = &cell.key.fault else { continue };
        let one = among(&mut all, outcome, &cell.key, fault);
        one.seen.see(cell, one.promise.on_loss == OnLoss::Unconfirmed);
    }
    all
}

/// The same of what is no ordinary cell and was not hurt either: controls of
/// trials, and backlogs that only rested. Their fault has no words.
pub(crate) fn unhurt(outcome: &Outcome) -> Vec<Guarantee> {
    let mut all: Vec<Guarantee> = Vec::new();
    let is_one =
        |key: &CellKey| key.fault.is_none() && (key.is_of_a_trial() || key.is_of_a_backlog());
    for cell in outcome.cells.iter().filter(|cell| is_one(&cell.key)) {
        let one = among(&mut all, outcome, &cell.key, "");
        one.seen.see_ledger(cell, one.promise.on_loss == OnLoss::Unconfirmed);
    }
    all
}

/// The one that a cell belongs to, made if there is none.
fn among<'a>(
    all: &'a mut Vec<Guarantee>,
    outcome: &Outcome,
    key: &CellKey,
    fault: &str,
) -> &'a mut Guarantee {
    let place = all.iter().position(|known| known.tried.has(key, fault));
    let place = place.unwrap_or_else(|| {
        all.push(Guarantee::of(outcome, key, fault));
        all.len() - 1
    });
    &mut all[place]
}

impl Guarantee {
    fn of(outcome: &Outcome, key: &CellKey, fault: &str) -> Self {
        let tried = Tried::of(outcome, key, fault);
        // A cell of no system is in damaged files only: nothing is known of
        // its promise, so nothing is called broken.
        let promise = tried.system_of(outcome).map_or_else(
            || Promise { text: String::new(), on_loss: OnLoss::Unconfirmed, ordered: false },
            |system| Promise::of(&system.claims, fault, key.is_of_a_backlog()),
        );
        Self { tried, promise, seen: Seen::default() }
    }

    /// `kill`, or `trial` for what is no kill.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        unit(&self.tried.fault)
    }

    /// Whether its tasks built up while no worker ran.
    #[must_use]
    pub const fn is_of_a_backlog(&self) -> bool {
        matches!(self.tried.load, Load::Backlog(_))
    }

    /// Whether its trials looked at the order that it promises; `None` where it
    /// promises none. Tasks without keys have no order of each key.
    #[must_use]
    pub const fn order_looked_at(&self) -> Option<bool> {
        match self.promise.ordered {
            true => Some(self.seen.ordered > 0 || self.seen.reordered > 0),
            false => None,
        }
    }

    /// Whether what was promised was kept, as far as it was looked at.
    #[must_use]
    pub fn kept(&self) -> Kept {
        if !self.broken().is_empty() {
            return Kept::No;
        }
        match self.promise.on_loss {
            OnLoss::Broken if self.seen.decided.kills > 0 => Kept::Yes,
            OnLoss::Allowed(_) if self.seen.decided.kills + self.seen.missing_in > 0 => Kept::Yes,
            _ => Kept::Unknown,
        }
    }

    /// What broke the promise, in words: `12 lost in 2 of 5 kills`.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.promise.on_loss == OnLoss::Broken && self.seen.decided.losing > 0 {
            broken.push(self.losses());
        }
        if self.promise.ordered && self.seen.reordered > 0 {
            broken.push(format!("{} out of order", whole(self.seen.reordered)));
        }
        broken
    }

    /// What was lost, in how many trials: `0 lost in 5 kills`, `at least 12
    /// lost in 2 of 5 kills`, `412 missing in 2 of 3 kills, never confirmed`,
    /// `not proved: 12 missing in 2 kills`.
    #[must_use]
    pub fn losses(&self) -> String {
        let seen = &self.seen;
        let Kills { kills, losing, .. } = seen.decided;
        let unit = self.unit();
        let counted = |n: u32| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
        let missing = whole(seen.missing);
        if self.promise.on_loss == OnLoss::Unconfirmed {
            let told = kills + seen.missing_in;
            return match (told, seen.missing_in) {
                (0, _) => "nothing is known".to_owned(),
                (_, 0) => format!("0 missing in {}, never confirmed", counted(told)),
                (_, some) => {
                    format!("{missing} missing in {some} of {}, never confirmed", counted(told))
                }
            };
        }
        let unproved = match seen.missing_in {
            0 => String::new(),
            some => format!("not proved: {missing} missing in {}", counted(some)),
        };
        let told = match (kills, losing) {
            (0, _) if seen.missing_in == 0 => "nothing is known".to_owned(),
            (0, _) => return unproved,
            (_, 0) => format!("0 lost in {}", counted(kills)),
            (_, some) => {
                let least = if seen.at_least { "at least " } else { "" };
                format!("{least}{} lost in {some} of {}", whole(seen.lost), counted(kills))
            }
        };
        if unproved.is_empty() { told } else { format!("{told}; {unproved}") }
    }

    /// How old the oldest lost task was: `acknowledged up to 1.5 s before it`;
    /// empty where nothing was lost, or nobody knows.
    #[must_use]
    pub fn loss_window(&self, medium: Medium) -> String {
        match self.seen.loss_window_s.filter(|_| self.seen.lost > 0) {
            Some(window) if window >= 0.0 => {
                format!("acknowledged up to {} before it", seconds(window, medium))
            }
            Some(window) => {
                format!("all acknowledged after it began, from {} on", seconds(-window, medium))
            }
            None => String::new(),
        }
    }

    /// What the trials prove of the next one: `a kill loses something in
    /// ≤ 45 % of cases, 95 %`; empty where nothing can be said, or all of them
    /// lost something.
    #[must_use]
    pub fn bound(&self) -> String {
        let decided = self.seen.decided;
        match decided.bound_in_words() {
            Some(bound)
                if self.promise.on_loss != OnLoss::Unconfirmed
                    && decided.losing < decided.kills =>
            {
                let unit = self.unit();
                format!("a {unit} loses something in ≤ {bound} of cases, 95 %")
            }
            _ => String::new(),
        }
    }

    /// What else was seen, in words, nothing that is zero.
    #[must_use]
    pub fn besides(&self) -> Vec<String> {
        let seen = &self.seen;
        let mut words = Vec::new();
        if self.promise.on_loss != OnLoss::Unconfirmed {
            words.push(format!("{} tasks exposed", whole(seen.decided.exposed)));
        }
        let mut add = |n: u64, what: &str| {
            if n > 0 {
                words.push(format!("{} {what}", whole(n)));
            }
        };
        for (n, what) in seen.ran_again() {
            add(n, what);
        }
        if self.promise.on_loss != OnLoss::Unconfirmed {
            add(seen.vanished, "vanished");
        }
        add(seen.phantoms, "refused and ran");
        add(seen.reordered, "out of order");
        add(seen.dead, "dead-lettered");
        words
    }

    /// What of its trials does not count everywhere, in words.
    #[must_use]
    pub fn caveats(&self) -> Vec<String> {
        let seen = &self.seen;
        let mut words = Vec::new();
        if seen.trials > 0 && self.order_looked_at() == Some(false) {
            words.push("order not looked at".to_owned());
        }
        let not_valid = seen.not_valid.iter();
        words.extend(
            not_valid.map(|(word, n)| format!("{n} of {} {word}, no times from it", seen.trials)),
        );
        if seen.unbalanced > 0 {
            words.push(format!("{} more with a ledger that does not balance", seen.unbalanced));
        }
        if seen.not_done > 0 {
            words.push(format!("{} more ended before the fault", seen.not_done));
        }
        words
    }
}
