//! The rows of a fault run in the summary for scripts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::{Faults, Kept, Median, OnLoss, Tried};
use crate::outcome::{Load, Reading};

/// Which trials a row is of.
#[derive(Serialize, JsonSchema)]
struct TriedRow<'a> {
    /// Name of the system.
    system: &'a str,
    /// Name of the profile.
    profile: &'a str,
    /// What was done.
    fault: &'a str,
    /// The load.
    load: Load,
    /// What else differs between cells of one load.
    variant: Option<&'a str>,
}

/// One system, profile, fault and load: what was promised, and what was seen
/// over every trial whose ledger balances, valid or not.
#[derive(Serialize, JsonSchema)]
pub(super) struct GuaranteeRow<'a> {
    #[serde(flatten)]
    tried: TriedRow<'a>,
    /// The promise in words.
    promise: &'a str,
    /// What a loss means to it: `broken`, `allowed` or `unconfirmed`, where
    /// what is missing cannot be called lost.
    on_loss: &'static str,
    /// Whether it was kept, as far as it was looked at; null where no trial
    /// could tell.
    kept: Option<bool>,
    /// Whether the promised order was looked at, for which tasks need keys;
    /// null where none is promised.
    order_looked_at: Option<bool>,
    /// Trials in which the fault was done.
    trials: u32,
    /// Those of them of which it is known whether they lost something.
    decided: u32,
    /// Those of the decided that lost something.
    losing: u32,
    /// Upper bound, with 95 % confidence, of the share of trials that lose
    /// something.
    losing_at_most: Option<f64>,
    /// Tasks proved lost.
    lost: u64,
    /// Whether there may be more, since the system still held some.
    lost_at_least: bool,
    /// How long before the fault the oldest lost task had been acknowledged,
    /// seconds.
    loss_window_s: Option<f64>,
    /// Trials in which tasks are missing and nothing was proved.
    missing_in: u32,
    /// Tasks missing in them.
    missing: u64,
    /// Tasks acknowledged in the last second before a process was ended (the
    /// fault, where none was), in the decided.
    exposed: u64,
    /// Confirmed tasks that completed more than once.
    ran_again: u64,
    /// Tasks of unknown enqueue that completed more than once.
    ran_again_unknown: u64,
    /// Of both, those that were sent once: the system delivered them again.
    redelivered: u64,
    /// Of both, those that their producer sent again.
    sent_again: u64,
    /// Of both, those of which it cannot be told.
    not_told_apart: u64,
    /// Enqueue unknown, and not run.
    vanished: u64,
    /// Refused tasks that ran.
    phantoms: u64,
    /// First starts out of order.
    reordered: u64,
    /// Set aside after the last attempt.
    dead: u64,
    /// Trials whose ledger does not balance, which count nowhere here.
    unbalanced: u32,
    /// Cells that ended before the fault was done.
    not_done: u32,
    /// Trials that count here and give no times, by the verdict's word.
    not_valid: BTreeMap<&'static str, u32>,
}

/// One system, profile, fault and load: medians over its valid trials.
#[derive(Serialize, JsonSchema)]
pub(super) struct RecoveryRow<'a> {
    #[serde(flatten)]
    tried: TriedRow<'a>,
    /// Its trials.
    trials: usize,
    /// Those in valid cells, of which the figures are.
    valid: usize,
    /// The verdict's word where none is valid: the figures are of all then.
    not_valid: Option<&'static str>,
    /// ± of impact, recovery and drain, seconds.
    resolution_s: f64,
    /// The shortest impact that shows in each trial, seconds.
    shortest_impact_s: f64,
    /// By name, as in a trial's readings.
    figures: BTreeMap<&'static str, MedianOf<'a>>,
}

/// A median over trials, and what it is made of.
#[derive(Serialize, JsonSchema)]
pub(super) struct MedianOf<'a> {
    /// The median: what was cut off stays in it, as its bound.
    value: &'a Reading,
    /// Smallest and largest of those with a number.
    range: Option<(&'a Reading, &'a Reading)>,
    /// Where the median of all trials that there could be lies; `null` below
    /// five judged ones.
    interval: Option<IntervalOf<'a>>,
    /// Trials with a number.
    measured: usize,
    /// Trials that were cut off.
    censored: usize,
    /// Trials without an impact.
    no_impact: usize,
    /// Trials that were not steady before the fault.
    not_steady: usize,
    /// Trials in which it was not measured.
    not_measured: usize,
}

/// A confidence interval between two of the trials.
#[derive(Serialize, JsonSchema)]
pub(super) struct IntervalOf<'a> {
    /// Its lower end.
    low: &'a Reading,
    /// Its upper end.
    high: &'a Reading,
    /// How often such an interval holds the median, from 0 to 1.
    confidence: f64,
}

impl<'a> TriedRow<'a> {
    fn of(tried: &'a Tried) -> Self {
        Self {
            system: &tried.system,
            profile: &tried.profile,
            fault: &tried.fault,
            load: tried.load,
            variant: tried.variant.as_deref(),
        }
    }
}

pub(super) fn guarantees(faults: &Faults) -> Vec<GuaranteeRow<'_>> {
    let rows = faults.guarantees.iter().map(|one| {
        let seen = &one.seen;
        GuaranteeRow {
            tried: TriedRow::of(&one.tried),
            promise: &one.promise.text,
            on_loss: match one.promise.on_loss {
                OnLoss::Broken => "broken",
                OnLoss::Allowed(_) => "allowed",
                OnLoss::Unconfirmed => "unconfirmed",
            },
            kept: match one.kept() {
                Kept::Yes => Some(true),
                Kept::No => Some(false),
                Kept::Unknown => None,
            },
            order_looked_at: one.order_looked_at(),
            trials: seen.trials,
            decided: seen.decided.kills,
            losing: seen.decided.losing,
            losing_at_most: seen
                .decided
                .bound()
                .filter(|_| one.promise.on_loss != OnLoss::Unconfirmed),
            lost: seen.lost,
            lost_at_least: seen.at_least,
            loss_window_s: seen.loss_window_s,
            missing_in: seen.missing_in,
            missing: seen.missing,
            exposed: seen.decided.exposed,
            ran_again: seen.again,
            ran_again_unknown: seen.again_unknown,
            redelivered: seen.redelivered,
            sent_again: seen.sent_again,
            not_told_apart: seen.not_told(),
            vanished: seen.vanished,
            phantoms: seen.phantoms,
            reordered: seen.reordered,
            dead: seen.dead,
            unbalanced: seen.unbalanced,
            not_done: seen.not_done,
            not_valid: seen.not_valid.iter().copied().collect(),
        }
    });
    rows.collect()
}

pub(super) fn recoveries(faults: &Faults) -> Vec<RecoveryRow<'_>> {
    let rows = faults.recoveries.iter().map(|one| RecoveryRow {
        tried: TriedRow::of(&one.tried),
        trials: one.trials.len(),
        valid: one.valid,
        not_valid: one.not_valid,
        resolution_s: one.resolution_s,
        shortest_impact_s: one.shortest_impact_s,
        figures: one.figures.iter().map(|(name, median)| (*name, median_of(median))).collect(),
    });
    rows.collect()
}

pub(super) fn median_of(median: &Median) -> MedianOf<'_> {
    MedianOf {
        value: &median.value,
        range: median.range.as_ref().map(|(low, high)| (low, high)),
        interval: median.interval.as_ref().map(|interval| IntervalOf {
            low: &interval.low,
            high: &interval.high,
            confidence: interval.confidence,
        }),
        measured: median.measured,
        censored: median.censored,
        no_impact: median.no_impact,
        not_steady: median.not_steady,
        not_measured: median.not_measured,
    }
}
