//! The guarantee table: what each profile promises, and what was seen.

use maud::{Markup, html};

use crate::analysis::{Guarantee, Kept, OnLoss, Seen};
use crate::numbers::{Medium, whole};

use super::super::Page;
use super::who::who;

const COLUMNS: usize = 5;

pub(super) fn table(page: &Page<'_>) -> Markup {
    let all = &page.analysis.faults.guarantees;
    let faults = page.analysis.faults.planned();
    if faults.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Promised and seen" }
        div.scroll tabindex="0" role="region" aria-label="Promised and seen" {
            table.promises {
                thead { tr {
                    th { "System" } th { "Lost" } th { "Promised" }
                    th.n title="acknowledged in the last second before a process was ended, or before the fault where none was" { "Exposed" }
                    th.n title="tasks that completed more than once" { "Ran again" }
                } }
                @for fault in faults {
                    tbody {
                        tr.class { th colspan=(COLUMNS) { span { (page.analysis.faults.title(fault)) } } }
                        @for one in all.iter().filter(|one| one.tried.fault == fault) { (row(page, one)) }
                    }
                }
            }
        }
        p.note {
            "A zero counts trials, not tasks: the tasks of one share its luck. Every trial whose "
            "ledger balances counts here, also where its times do not. " i { "Lost" } " is proved: the "
            "system was asked and held nothing. " i { "Vanished" } ": nobody knows whether it was "
            "handed over, and it did not run; no loss. " i { "Redelivered" } ": its producer sent it "
            "once, and it ran again. " i { "Sent again" } ": its producer repeated it. " i { "Not told apart" } ": "
            "its client library repeats by itself, or a failed attempt of it came before."
        }
    }
}

fn row(page: &Page<'_>, one: &Guarantee) -> Markup {
    let seen = &one.seen;
    let bound = one.bound();
    let window = one.loss_window(Medium::Page);
    let is_broken = one.kept() == Kept::No;
    // Exposed and repeated have columns of their own.
    let besides: Vec<String> = [
        (seen.vanished, "vanished", one.promise.on_loss == OnLoss::Unconfirmed),
        (seen.phantoms, "refused and ran", false),
        (seen.reordered, "out of order", false),
        (seen.dead, "dead-lettered", false),
    ]
    .into_iter()
    .filter(|(n, _, told_already)| *n > 0 && !told_already)
    .map(|(n, what, _)| format!("{} {what}", whole(n)))
    .collect();
    html! {
        tr {
            (who(page, &one.tried, &[], None))
            td.wrap {
                @if is_broken { strong.loud { "promise broken: " (one.broken().join(", ")) } }
                @else { b { (one.losses()) } }
                @if let (OnLoss::Allowed(why), true) = (one.promise.on_loss, seen.decided.losing > 0) {
                    small { "as promised: " (why) }
                }
                @if !window.is_empty() { small { (window) } }
                @if !bound.is_empty() { small { (bound) } }
                @if !besides.is_empty() { small { (besides.join(", ")) } }
                @for caveat in one.caveats() { small { (caveat) } }
            }
            td.wrap { (if one.promise.text.is_empty() { "–" } else { &one.promise.text }) }
            td.n {
                @if one.promise.on_loss == OnLoss::Unconfirmed { "–" } @else { (whole(seen.decided.exposed)) }
            }
            td.n.zero[seen.repeated() == 0] {
                (whole(seen.repeated()))
                @for (n, what) in by_whom(seen) { small { (whole(n)) " " (what) } }
            }
        }
    }
}

/// Who made tasks run again, nothing that is zero.
fn by_whom(seen: &Seen) -> impl Iterator<Item = (u64, &'static str)> {
    [
        (seen.redelivered, "redelivered"),
        (seen.sent_again, "sent again"),
        (seen.not_told(), "not told apart"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
}
