//! Tasks lost, as a claim is set beside them: every ledger that balances
//! counts, valid or not (`docs/decisions/0026`), and a zero is one only where
//! nothing is missing besides.

use schedbench_contract::ConfirmMode;

use super::super::backlog::Backlog;
use super::super::faults::{Guarantee, OnLoss};
use super::super::points::Point;
use super::lines::Measured;
use crate::numbers::whole;
use crate::outcome::{Cell, Counts, Outcome, System, Value};

/// What was lost in trials of a fault, with its zero's bound, and in how many
/// of them that is known. Without confirmation nothing can be called lost.
pub(super) fn of_trials(one: &Guarantee) -> (Measured, usize) {
    let seen = &one.seen;
    let told = one.promise.on_loss != OnLoss::Unconfirmed && seen.decided.kills > 0;
    let told = told && (seen.lost > 0 || seen.missing_in == 0);
    let bound = one.bound();
    let words = if bound.is_empty() { one.losses() } else { format!("{} ({bound})", one.losses()) };
    let at_least = seen.at_least || seen.missing_in > 0;
    let number = told.then_some(seen.lost);
    (Measured::Count { number, at_least, words }, seen.decided.kills as usize)
}

/// What backlogs lost, and in how many.
pub(super) fn of_backlogs(one: &Backlog) -> (Measured, usize) {
    let (is_told, at_least, words) = match one.lost() {
        Value::NotMeasured(why) | Value::Unsupported(why) => (false, false, why),
        value => (true, matches!(value, Value::AtLeast(_)), one.missing().join(", ")),
    };
    let number = is_told.then_some(one.seen.lost);
    (Measured::Count { number, at_least, words }, one.seen.repeats as usize)
}

/// What was lost at a load at which nothing was hurt, and in how many repeats.
pub(super) fn of_repeats(
    outcome: &Outcome,
    system: Option<&System>,
    point: &Point,
) -> (Measured, usize) {
    let of = |index: &usize| outcome.cells.get(*index);
    let told = |cell: &&Cell| {
        let counts = &cell.counts;
        counts.balances && counts.attempted > 0 && (counts.lost > 0 || cell.is_whole())
    };
    let cells: Vec<&Cell> = point.cells.iter().filter_map(of).filter(told).collect();
    let sum = |pick: fn(&Counts) -> u64| {
        cells.iter().fold(0_u64, |sum, cell| sum.saturating_add(pick(&cell.counts)))
    };
    let unconfirmed =
        system.is_some_and(|system| system.claims.confirms == ConfirmMode::Unconfirmed);
    let vanished = if unconfirmed { sum(|counts| counts.grid.unknown[0]) } else { 0 };
    let (lost, missing) = (sum(|counts| counts.lost), sum(|counts| counts.residual));
    let missing = missing.saturating_add(vanished);
    let told = !cells.is_empty() && (lost > 0 || missing == 0);
    let words = match missing {
        _ if cells.is_empty() => "nothing is known".to_owned(),
        0 => whole(lost),
        _ if lost == 0 => format!("{} missing, not proved lost", whole(missing)),
        _ => format!("at least {}, {} more missing", whole(lost), whole(missing)),
    };
    let number = told.then_some(lost);
    (Measured::Count { number, at_least: missing > 0, words }, cells.len())
}
