//! What a figure was measured under, in a sentence.

use super::{Item, Kind};

/// `redis-asynq/everysec at 20k/s, delay 10 ms`.
pub(crate) fn place(item: &Item) -> String {
    let variant = item.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
    format!("{}/{}{}{variant}", item.system, item.profile, at(item))
}

/// ` at 20k/s`, ` in broker-kill at 10k/s`, ` for a backlog of 10k`.
pub(crate) fn at(item: &Item) -> String {
    let word = preposition(item.kind);
    item.under.as_ref().map_or_else(String::new, |under| format!(" {word} {under}"))
}

/// What stands before what a figure was measured under.
pub(crate) const fn preposition(kind: Kind) -> &'static str {
    if kind.is_of_a_trial() {
        "in"
    } else if kind.is_of_a_backlog() {
        "for a"
    } else {
        "at"
    }
}

/// ` at 4 loads`, ` in 4 trials`, ` for 2 backlogs`.
pub(crate) fn at_several(kind: Kind, n: usize) -> String {
    if kind.is_of_a_trial() {
        format!(" in {n} trials")
    } else if kind.is_of_a_backlog() {
        format!(" for {n} backlogs")
    } else {
        format!(" at {n} loads")
    }
}
