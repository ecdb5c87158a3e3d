//! The rows of backlogs in the summary for scripts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::faults::{MedianOf, median_of};
use crate::analysis::Backlog;
use crate::outcome::Value;

/// One system, profile, number of tasks and fault: what became of the tasks,
/// and medians over the repeats.
#[derive(Serialize, JsonSchema)]
pub(super) struct BacklogRow<'a> {
    /// Name of the system.
    system: &'a str,
    /// Name of the profile.
    profile: &'a str,
    /// Its class: rows of one may be compared.
    class: String,
    /// Tasks that were to build up.
    pending: u64,
    /// What was done to the broker while they rested.
    fault: Option<&'a str>,
    /// What else differs between cells of one load.
    variant: Option<&'a str>,
    /// Repeats whose ledger balances, of which the sums are.
    repeats: u32,
    /// Those that lost something.
    losing: u32,
    /// Handed over.
    handed_over: u64,
    /// Confirmed.
    confirmed: u64,
    /// Ran to a success at least once.
    survived: u64,
    /// Confirmed, and proved lost.
    lost: u64,
    /// Confirmed and not run; the system said that it still held them.
    left: u64,
    /// Confirmed and not run, without a proof.
    not_proved: u64,
    /// Never confirmed, and not run.
    vanished: u64,
    /// Ran more than once.
    ran_again: u64,
    /// Repeats that count nowhere here.
    untold: u32,
    /// The verdict's word where no repeat is valid: the figures are of all then.
    not_valid: Option<&'static str>,
    /// By name, as in a cell's metrics without `backlog.`.
    figures: BTreeMap<&'static str, MedianOf<'a>>,
    /// Bytes that the broker's memory grew by for each pending task, the mean
    /// over the same repeats.
    bytes_per_task: &'a Value,
}

pub(super) fn rows(backlogs: &[Backlog]) -> Vec<BacklogRow<'_>> {
    let rows = backlogs.iter().map(|one| {
        let seen = &one.seen;
        BacklogRow {
            system: &one.system,
            profile: &one.profile,
            class: one.class.title(),
            pending: one.tasks,
            fault: one.fault.as_deref(),
            variant: one.variant.as_deref(),
            repeats: seen.repeats,
            losing: seen.losing,
            handed_over: seen.handed_over,
            confirmed: seen.confirmed,
            survived: seen.survived,
            lost: seen.lost,
            left: seen.left,
            not_proved: seen.not_proved,
            vanished: seen.vanished,
            ran_again: seen.again,
            untold: seen.untold,
            not_valid: one.not_valid,
            figures: one.figures.iter().map(|(name, median)| (*name, median_of(median))).collect(),
            bytes_per_task: &one.memory.value,
        }
    });
    rows.collect()
}
