//! Tasks lost in trials and backlogs. A loss is no figure with noise: what a
//! profile promises to keep, it keeps always.

use crate::analysis::{Analysis, Guarantee, NOOP, OnLoss, unhurt};
use crate::numbers::whole;

use super::Terms;
use super::pairing::Of;

/// What a profile lost under a fault, and promised not to; it had lost nothing
/// under it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// What was done, as its trial is called: `broker-kill`, `backlog, kill
    /// broker at 3 s for 1 s`.
    pub under: String,
    /// What was seen before: `0 lost in 5 kills`.
    pub before: String,
    /// What was seen after: `12 lost in 2 of 5 kills`.
    pub after: String,
    /// Tasks lost after, a lower bound where the system still held some.
    pub lost: u64,
}

/// The losses that are regressions, and remarks on all others.
pub(super) fn losses(before: Of<'_>, after: Of<'_>, terms: &Terms) -> (Vec<Loss>, Vec<String>) {
    let (old, new) = (sums(before, terms), sums(after, terms));
    let mut losses = Vec::new();
    let mut remarks = Vec::new();
    for new in &new {
        let old = old.iter().find(|old| old.is_as(new));
        let told = || {
            let before = old.map_or_else(|| "not there".to_owned(), Sum::words);
            format!("{}: {before} before, {} after", new.name(), new.words())
        };
        match new.against(old) {
            Standing::Quiet => {}
            Standing::Regressed => losses.push(Loss {
                system: new.system.clone(),
                profile: new.profile.clone(),
                under: new.under.clone(),
                before: old.map(Sum::words).unwrap_or_default(),
                after: new.words(),
                lost: new.lost,
            }),
            Standing::Known => remarks.push(format!("known to lose tasks: {}", told())),
            Standing::Allowed => {
                remarks.push(format!("tasks lost, as its profile allows: {}", told()));
            }
            Standing::Unknown => {
                remarks.push(format!("tasks lost, and of before nothing is known: {}", told()));
            }
            Standing::Over => remarks.push(format!("tasks lost before and not after: {}", told())),
        }
    }
    (losses, remarks)
}

/// What a profile that promises to lose nothing lost under a fault.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// `rabbitmq/durable, broker-kill`.
    pub(crate) name: String,
    /// `12 lost in 2 of 5 kills`, `0 lost in 5 kills`.
    pub(crate) words: String,
    /// Whether it lost something.
    pub(crate) losing: bool,
}

/// Of every profile and fault of which it is known.
pub(crate) fn promised(of: Of<'_>) -> Vec<Broken> {
    let sums = sums(of, &Terms::default());
    let told = sums.iter().filter(|sum| sum.decided > 0 && sum.on_loss == OnLoss::Broken);
    let broken =
        |sum: &Sum| Broken { name: sum.name(), words: sum.words(), losing: sum.losing > 0 };
    told.map(broken).collect()
}

/// What a loss after says beside what was seen before.
enum Standing {
    /// Nothing was lost, or as much as before where that is allowed.
    Quiet,
    /// What promises to lose none loses some now.
    Regressed,
    /// It lost some before.
    Known,
    /// Its promise leaves room for it.
    Allowed,
    /// Nobody knows whether it did before.
    Unknown,
    /// It loses none any more; of how many kills that is, its words say.
    Over,
}

/// The trials of a system, profile and fault over all loads: a rare loss is
/// known wherever it was seen.
struct Sum {
    system: String,
    profile: String,
    fault: String,
    of_backlogs: bool,
    under: String,
    unit: &'static str,
    on_loss: OnLoss,
    /// Of which it is known whether they lost something.
    decided: u32,
    losing: u32,
    lost: u64,
    at_least: bool,
}

fn sums((outcome, analysis): Of<'_>, terms: &Terms) -> Vec<Sum> {
    let unhurt = unhurt(outcome);
    let mut all: Vec<Sum> = Vec::new();
    for one in analysis.faults.guarantees.iter().chain(&unhurt) {
        // Without confirmations what is missing cannot be called lost.
        let is_told = one.promise.on_loss != OnLoss::Unconfirmed;
        if !is_told || !terms.names(&one.tried.system, &one.tried.profile) {
            continue;
        }
        match all.iter_mut().find(|known| known.has(one)) {
            Some(known) => known.add(one),
            None => all.push(Sum::of(one, analysis)),
        }
    }
    all.retain(|sum| sum.system != NOOP);
    all
}

impl Sum {
    fn of(one: &Guarantee, analysis: &Analysis) -> Self {
        let of_backlogs = one.is_of_a_backlog();
        let named = analysis.faults.named(&one.tried.fault);
        let under = match (of_backlogs, named.is_empty()) {
            (true, true) => "backlog".to_owned(),
            (true, false) => format!("backlog, {named}"),
            (false, true) => "control".to_owned(),
            (false, false) => named,
        };
        let mut sum = Self {
            system: one.tried.system.clone(),
            profile: one.tried.profile.clone(),
            fault: one.tried.fault.clone(),
            of_backlogs,
            under,
            unit: one.unit(),
            on_loss: one.promise.on_loss,
            decided: 0,
            losing: 0,
            lost: 0,
            at_least: false,
        };
        sum.add(one);
        sum
    }

    fn has(&self, one: &Guarantee) -> bool {
        let tried = &one.tried;
        (&self.system, &self.profile, &self.fault) == (&tried.system, &tried.profile, &tried.fault)
            && self.of_backlogs == one.is_of_a_backlog()
    }

    fn is_as(&self, other: &Self) -> bool {
        (&self.system, &self.profile, &self.fault) == (&other.system, &other.profile, &other.fault)
            && self.of_backlogs == other.of_backlogs
    }

    fn add(&mut self, one: &Guarantee) {
        let seen = &one.seen;
        self.decided = self.decided.saturating_add(seen.decided.kills);
        self.losing = self.losing.saturating_add(seen.decided.losing);
        // A file may hold anything: sums stop at the largest number.
        self.lost = self.lost.saturating_add(seen.lost);
        self.at_least |= seen.at_least;
    }

    /// `rabbitmq/durable, broker-kill`.
    fn name(&self) -> String {
        format!("{}/{}, {}", self.system, self.profile, self.under)
    }

    /// `0 lost in 5 kills`, `at least 12 lost in 2 of 5 kills`.
    fn words(&self) -> String {
        let Self { unit, decided, losing, .. } = *self;
        let units = if decided == 1 { unit.to_owned() } else { format!("{unit}s") };
        let least = if self.at_least { "at least " } else { "" };
        match (decided, losing) {
            (0, _) => "nothing known".to_owned(),
            (_, 0) => format!("0 lost in {decided} {units}"),
            _ => format!("{least}{} lost in {losing} of {decided} {units}", whole(self.lost)),
        }
    }

    fn against(&self, before: Option<&Self>) -> Standing {
        let is_known = before.is_some_and(|before| before.losing > 0);
        let is_decided = before.is_some_and(|before| before.decided > 0);
        match (self.losing > 0, self.on_loss) {
            (false, _) if is_known && self.decided > 0 => Standing::Over,
            (false, _) => Standing::Quiet,
            (true, OnLoss::Broken) if is_known => Standing::Known,
            (true, OnLoss::Broken) if is_decided => Standing::Regressed,
            (true, OnLoss::Broken) => Standing::Unknown,
            (true, _) if before.is_some_and(|before| before.words() == self.words()) => {
                Standing::Quiet
            }
            (true, _) => Standing::Allowed,
        }
    }
}
