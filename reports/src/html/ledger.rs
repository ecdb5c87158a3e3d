//! The ledger: what became of every task, per system, with the balance
//! written out.

use maud::{Markup, html};

use crate::numbers::whole;
use crate::outcome::Counts;

use super::{Page, Section};

/// Sums over a system's cells.
#[derive(Default)]
struct Sums {
    cells: u64,
    unbalanced: u64,
    attempted: u64,
    unsent: u64,
    /// Rows `ok`, `unknown`, `fail`; columns ran 0, 1, 2 or more times.
    grid: [[u64; 3]; 3],
    /// Named counts beside the grid, and whether one above zero is loud.
    named: Vec<(&'static str, u64, bool)>,
}

pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let systems: Vec<(usize, String, Sums)> =
        page.palette
            .0
            .iter()
            .enumerate()
            .filter_map(|(style, look)| {
                let cells = page.outcome.cells.iter().filter(|cell| {
                    cell.key.system == look.system && cell.key.profile == look.profile
                });
                let sums = sums(cells.map(|cell| &cell.counts));
                (sums.attempted > 0 || sums.grid.iter().flatten().any(|n| *n > 0)).then_some((
                    style,
                    look.label.clone(),
                    sums,
                ))
            })
            .collect();
    if systems.is_empty() {
        return None;
    }
    let content = html! {
        p.note {
            "Every task of all cells, probes and warm-up included. Rows: what handing over came to. "
            "Columns: how often its handler completed."
        }
        div.grids {
            @for (style, name, sums) in &systems { (one(*style, name, sums)) }
        }
    };
    Some(Section { anchor: "ledger", title: "Ledger", content })
}

fn sums<'a>(all: impl Iterator<Item = &'a Counts>) -> Sums {
    let mut sums = Sums::default();
    let mut named = [0_u64; 14];
    for counts in all {
        sums.cells += 1;
        sums.unbalanced += u64::from(!counts.balances);
        // A file may hold anything: sums stop at the largest number.
        sums.attempted = sums.attempted.saturating_add(counts.attempted);
        sums.unsent = sums.unsent.saturating_add(counts.unsent);
        let grid = [counts.grid.ok, counts.grid.unknown, counts.grid.fail];
        for (mine, theirs) in sums.grid.iter_mut().flatten().zip(grid.iter().flatten()) {
            *mine = mine.saturating_add(*theirs);
        }
        let each = [
            counts.lost,
            counts.corrupt,
            counts.unexpected,
            counts.cancelled_but_ran,
            counts.residual,
            counts.dead,
            counts.repeated,
            counts.again.redelivered,
            counts.again.sent_again,
            counts.again.not_told,
            counts.leftovers,
            counts.early,
            counts.inversions,
            counts.cancelled,
        ];
        for (mine, theirs) in named.iter_mut().zip(each) {
            *mine = mine.saturating_add(theirs);
        }
    }
    let words = [
        ("lost", true),
        ("corrupt", true),
        ("unexpected", true),
        ("cancelled but ran", true),
        ("still held", false),
        ("dead", false),
        ("repeated runs", false),
        ("tasks redelivered", false),
        ("tasks sent again by the client", false),
        ("tasks run again, by whom is not told apart", false),
        ("left over from before", false),
        ("early", false),
        ("out of order", false),
        ("cancelled", false),
    ];
    sums.named = words.into_iter().zip(named).map(|((word, loud), n)| (word, n, loud)).collect();
    sums
}

/// Rows of the grid with what each of their cells is called.
const ROWS: [(&str, [&str; 3]); 3] = [
    ("confirmed", ["not completed", "once", "duplicated"]),
    ("unknown", ["vanished", "recovered", "recovered twice"]),
    ("refused", ["rejected", "phantom", "phantom twice"]),
];

fn one(style: usize, name: &str, sums: &Sums) -> Markup {
    let lost = sums.named.iter().find(|(word, _, _)| *word == "lost").map_or(0, |(_, n, _)| *n);
    html! {
        div.grid3 {
            div.scroll tabindex="0" role="region" aria-label={ "Ledger of " (name) } {
                table {
                    caption { span class={ "key s" (style) } {} b { (name) } }
                    thead { tr { th {} th.n { "not run" } th.n { "once" } th.n { "more" } } }
                    tbody {
                        @for (row, (word, names)) in ROWS.iter().enumerate() {
                            tr {
                                th scope="row" { (word) }
                                @for (column, n) in sums.grid[row].iter().enumerate() {
                                    td.n.zero[*n == 0].loud[loud(row, column, *n)] {
                                        (whole(*n))
                                        @if (row, column) == (0, 0) && lost > 0 {
                                            small.loud { (whole(lost)) " lost" }
                                        } @else if *n > 0 {
                                            small { (names[column]) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            (balance(sums))
            @let named: Vec<_> = sums.named.iter().filter(|(_, n, _)| *n > 0).collect();
            @if !named.is_empty() {
                p.of {
                    @for (place, (word, n, loud)) in named.iter().enumerate() {
                        @if place > 0 { ", " }
                        span.loud[*loud] { (whole(*n)) " " (word) }
                    }
                }
            }
        }
    }
}

/// Duplicates and phantoms are loud; confirmed and not run is so only where
/// loss was proved, and says that itself.
fn loud(row: usize, column: usize, n: u64) -> bool {
    n > 0 && matches!((row, column), (0, 2) | (2, 1 | 2))
}

fn balance(sums: &Sums) -> Markup {
    let [ok, unknown, fail] =
        sums.grid.map(|row| row.iter().fold(0_u64, |sum, n| sum.saturating_add(*n)));
    let total =
        [ok, unknown, fail, sums.unsent].iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    let holds = sums.unbalanced == 0 && total == sums.attempted;
    html! {
        p.of.loud[!holds] {
            (whole(ok)) " confirmed + " (whole(unknown)) " unknown + " (whole(fail)) " refused + "
            (whole(sums.unsent)) " never sent "
            @if holds { "= " } @else { "≠ " }
            (whole(sums.attempted)) " planned"
            @if !holds && sums.unbalanced > 0 {
                ": " (sums.unbalanced) " of " (sums.cells) " ledgers do not balance"
            }
        }
    }
}
