//! Trials of faults, before and after: those of one system, profile, fault,
//! load and variant.

use crate::analysis::{Change, Recovery, TrialPair};
use crate::numbers::load;
use crate::outcome::{Load, Reading};

use super::pairing::{Beside, Of};
use super::{Item, Kind, Terms, Told};

/// An item without its change, and what decides it.
pub(super) type TrialDraft = (Item, TrialPair);

/// The trials that are set beside each other.
pub(crate) struct Trials<'a> {
    of: Of<'a>,
    first: &'a Recovery,
    rows: Vec<&'a Recovery>,
}

/// The trials of an outcome. Those at a share of each system's own capacity
/// are one, whatever rate a run found that to be.
pub(crate) fn trials(of: Of<'_>) -> Vec<Trials<'_>> {
    let mut all: Vec<Trials<'_>> = Vec::new();
    for row in &of.1.faults.recoveries {
        match all.iter_mut().find(|known| known.is_as(row)) {
            Some(known) => known.rows.push(row),
            None => all.push(Trials { of, first: row, rows: vec![row] }),
        }
    }
    all
}

pub(super) fn pair(
    before: Of<'_>,
    after: Of<'_>,
    terms: &Terms,
    beside: &mut Beside,
) -> Vec<TrialDraft> {
    let (old, new) = (trials(before), trials(after));
    let mut drafts = Vec::new();
    for new in new.iter().filter(|trials| trials.is_wanted(terms)) {
        let Some(old) = old.iter().find(|old| old.is_as(new.first)) else {
            beside.remarks.push(format!("only after: {}", new.name()));
            continue;
        };
        let invalid = [("before", old), ("after", new)];
        if let Some((when, word)) =
            invalid.into_iter().find_map(|(when, trials)| Some((when, trials.not_valid()?)))
        {
            beside.remarks.push(format!("not compared: {}, {word} {when}", new.name()));
            continue;
        }
        beside.remarks.extend(turn(old, new).map(|turn| format!("{turn}: {}", new.name())));
        let kinds = Kind::ALL.into_iter().filter(|kind| terms.wants(*kind));
        drafts.extend(kinds.filter_map(|kind| draft(kind, old, new, terms)));
    }
    for old in old.iter().filter(|trials| trials.is_wanted(terms)) {
        if !new.iter().any(|new| new.is_as(old.first)) {
            beside.remarks.push(format!("only before: {}", old.name()));
        }
    }
    let valid = |all: &[Trials<'_>]| -> Vec<String> {
        let valid = all.iter().filter(|it| it.not_valid().is_none() && it.is_wanted(terms));
        valid.map(|it| format!("{}, trials", it.system())).collect()
    };
    let all: Vec<String> = new.iter().map(|it| format!("{}, trials", it.system())).collect();
    beside.lose(valid(&old), &valid(&new), &all);
    drafts
}

impl Trials<'_> {
    /// Whether a row is of the same trials.
    fn is_as(&self, row: &Recovery) -> bool {
        let (one, other) = (&self.first.tried, &row.tried);
        let share = self.first.share();
        (&one.system, &one.profile, &one.variant) == (&other.system, &other.profile, &other.variant)
            && one.fault == other.fault
            && (one.load == other.load || share.is_some() && share == row.share())
    }

    fn is_wanted(&self, terms: &Terms) -> bool {
        let tried = &self.first.tried;
        tried.system == crate::analysis::NOOP || terms.names(&tried.system, &tried.profile)
    }

    fn system(&self) -> String {
        format!("{}/{}", self.first.tried.system, self.first.tried.profile)
    }

    /// `rabbitmq/durable, broker-kill at 5k/s`.
    fn name(&self) -> String {
        let variant = self.variant().map_or_else(String::new, |it| format!(", {it}"));
        format!("{}, {}{variant}", self.system(), self.under())
    }

    /// Its first row, which says of which system it is.
    pub(crate) const fn first(&self) -> &Recovery {
        self.first
    }

    /// What else differs between cells of one load.
    pub(crate) fn variant(&self) -> Option<&str> {
        self.first.tried.variant.as_deref()
    }

    /// The load; none of a share of the capacity, which stands in the variant.
    pub(crate) fn load(&self) -> Option<Load> {
        self.first.share().is_none().then_some(self.first.tried.load)
    }

    /// What was done at which load: `broker-kill at 10k/s`.
    pub(crate) fn under(&self) -> String {
        let fault = self.of.1.faults.named(&self.first.tried.fault);
        self.load().map_or_else(|| fault.clone(), |at| format!("{fault} at {}", load(at)))
    }

    /// The verdict's word where none of them is valid.
    pub(crate) fn not_valid(&self) -> Option<&'static str> {
        let all = || self.rows.iter().map(|row| row.not_valid);
        all().find(|_| all().all(|word| word.is_some())).flatten()
    }

    /// What each valid trial says of a figure.
    pub(crate) fn each(&self, reading: &str) -> Vec<Reading> {
        let valid = self.rows.iter().filter(|row| row.not_valid.is_none());
        valid.flat_map(|row| row.each(self.of.0, reading)).collect()
    }

    fn resolution_s(&self) -> f64 {
        self.rows.iter().map(|row| row.resolution_s).fold(0.0, f64::max)
    }
}

fn draft(kind: Kind, old: &Trials<'_>, new: &Trials<'_>, terms: &Terms) -> Option<TrialDraft> {
    let reading = kind.reading()?;
    let pair = TrialPair {
        before: old.each(reading),
        after: new.each(reading),
        measure: kind.measure(),
        more_is_better: kind.more_is_better(),
        matters: terms.matters(kind),
        // Seconds are read to it; a share is of tasks, of which each counts.
        resolution: match kind {
            Kind::Served => 0.0,
            _ => old.resolution_s().max(new.resolution_s()),
        },
    };
    let (before, after) = (Told::of(&pair.before), Told::of(&pair.after));
    if before.is_missing() && after.is_missing() {
        return None;
    }
    let tried = &new.first.tried;
    let item = Item {
        system: tried.system.clone(),
        profile: tried.profile.clone(),
        mode: None,
        variant: tried.variant.clone(),
        load: new.load(),
        fault: Some(tried.fault.clone()),
        under: Some(new.under()),
        kind,
        latency: "",
        before,
        after,
        change: Change::untested(f64::NAN, String::new()),
    };
    Some((item, pair))
}

/// Trials that no longer recover while they are watched, or do now. Among many
/// figures no test of five trials could call it.
fn turn(old: &Trials<'_>, new: &Trials<'_>) -> Option<&'static str> {
    let each = |trials: &Trials<'_>| trials.each("recovery.from_fault");
    let (old, new) = (each(old), each(new));
    let is_back = |reading: &Reading| matches!(reading, Reading::Is(_) | Reading::NoImpact);
    let is_out = |reading: &Reading| matches!(reading, Reading::MoreThan(_));
    if old.is_empty() || new.is_empty() {
        None
    } else if old.iter().all(is_back) && new.iter().all(is_out) {
        Some("back in every trial before and in none after")
    } else if old.iter().all(is_out) && new.iter().all(is_back) {
        Some("back in every trial after and in none before")
    } else {
        None
    }
}
