//! Which figures of two outcomes stand against each other, and what may be said
//! of all of them together.

use crate::analysis::{Analysis, Call, NOOP, Pair, judge, judge_trials};
use crate::outcome::Outcome;

use super::trials::TrialDraft;
use super::{Item, Terms, backlogs, loads, trials};

/// What was paired.
pub(super) struct Paired {
    pub(super) items: Vec<Item>,
    pub(super) control: Vec<Item>,
    pub(super) beside: Beside,
}

/// What is to be said besides.
#[derive(Default)]
pub(super) struct Beside {
    /// What could not be compared, and what turned.
    pub(super) remarks: Vec<String>,
    /// What had a valid cell before and has none after.
    pub(super) gone: Vec<String>,
}

impl Beside {
    /// Notes what was valid before and is not after, of what is there at all.
    pub(super) fn lose(&mut self, before: Vec<String>, valid: &[String], there: &[String]) {
        for name in before {
            let is_noop = name.split('/').next() == Some(NOOP);
            let is_gone = there.contains(&name) && !valid.contains(&name);
            if !is_noop && is_gone && !self.gone.contains(&name) {
                self.gone.push(name);
            }
        }
    }
}

/// An outcome and what it says.
pub(super) type Of<'a> = (&'a Outcome, &'a Analysis);

/// An item without its change, and what decides it.
pub(super) type Draft = (Item, Result<Pair, String>);

/// Loads and backlogs are one family of figures, trials another.
pub(super) fn pair(before: Of<'_>, after: Of<'_>, terms: &Terms) -> Paired {
    let mut beside = Beside::default();
    let mut drafts = loads::pair(before, after, terms, &mut beside);
    drafts.extend(backlogs::pair(before, after, terms, &mut beside));
    let trials = trials::pair(before, after, terms, &mut beside);
    let is_control = |item: &Item| item.system == NOOP;
    let (control, items) = drafts.into_iter().partition(|(item, _)| is_control(item));
    let (trials_of_control, trials) = trials.into_iter().partition(|(item, _)| is_control(item));
    let all = |drafts, trials| {
        let mut items = judged(drafts);
        items.extend(judged_trials(trials));
        items
    };
    Paired { items: all(items, trials), control: all(control, trials_of_control), beside }
}

/// The items with what may be said of all of them together.
fn judged(drafts: Vec<Draft>) -> Vec<Item> {
    let pairs: Vec<Pair> = drafts.iter().filter_map(|(_, pair)| pair.clone().ok()).collect();
    let mut changes = judge(&pairs).into_iter();
    drafts
        .into_iter()
        .map(|(mut item, pair)| {
            let judged = pair.and_then(|_| changes.next().ok_or_else(String::new));
            match judged {
                Ok(change) => item.change = change,
                Err(why) => item.change.call = Call::NotTested(why),
            }
            item
        })
        .collect()
}

/// The same of trials.
fn judged_trials(drafts: Vec<TrialDraft>) -> Vec<Item> {
    let (items, pairs): (Vec<Item>, Vec<_>) = drafts.into_iter().unzip();
    let changes = judge_trials(&pairs);
    items.into_iter().zip(changes).map(|(item, change)| Item { change, ..item }).collect()
}

/// Whether nothing was tested, and somewhere for want of repeats.
pub(super) fn too_few(items: &[Item]) -> bool {
    let tested = items.iter().any(|item| item.change.adjusted.is_some());
    !tested && items.iter().any(|item| item.change.call.wants_repeats())
}
