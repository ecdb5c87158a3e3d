//! The tables of a fault run: what was promised and seen, then how long it
//! took.

use super::tables::head;
use super::{ALWAYS, Head, Line, NONE, NOT_RANKED, Table, plain};
use crate::analysis::{Faults, Guarantee, Kept, OnLoss, Recovery, Seen, Tried};
use crate::metrics::Unit;
use crate::numbers::{self, Medium, whole};

/// For each fault what was promised and seen, then for each the medians.
pub(super) fn tables(faults: &Faults) -> Vec<Table> {
    let seen = faults.planned().into_iter().map(|fault| guarantees(faults, fault));
    seen.chain(faults.names().into_iter().map(|fault| recoveries(faults, fault))).collect()
}

fn guarantees(faults: &Faults, fault: &str) -> Table {
    let heads = vec![
        head("system", ALWAYS),
        head("load", 50),
        head("lost, in trials", ALWAYS),
        head("ran again", 60),
        head("vanished", 45),
        head("not proved", 55),
        head("exposed", 40),
        head("out of order", 30),
        head("dead", 20),
    ];
    let of = faults.guarantees.iter().filter(|one| one.tried.fault == fault);
    let lines = of.map(|one| {
        let seen = &one.seen;
        // Without confirmation both are what is missing already.
        let confirms = one.promise.on_loss != OnLoss::Unconfirmed;
        let of = |n: u64| if confirms { n } else { 0 };
        let cells = vec![
            name(&one.tried),
            numbers::load(one.tried.load),
            losses(one),
            ran_again(seen),
            or_none(of(seen.vanished)),
            or_none(of(seen.missing)),
            whole(seen.decided.exposed),
            or_none(seen.reordered),
            or_none(seen.dead),
        ];
        let mut note = Vec::new();
        if one.kept() == Kept::No {
            note.push("promise broken".to_owned());
        }
        note.push(one.loss_window(Medium::Terminal));
        note.push(one.promise.text.clone());
        note.extend(one.caveats());
        note.retain(|words| !words.is_empty());
        Line { cells, note: plain(&note.join("; ")), quiet: false }
    });
    let title = plain(&format!("{}: promised and seen", faults.title(fault)));
    Table { title, heads, lines: lines.collect(), splits: false }
}

/// `1,204 in 2 of 5`, or a zero with its bound, which counts trials and not
/// tasks (`docs/measurement.md` §9): `0 in 5 (≤ 45 %)`.
/// What was never confirmed cannot be called lost.
fn losses(one: &Guarantee) -> String {
    let seen = &one.seen;
    let decided = seen.decided;
    match (one.promise.on_loss, decided.bound_in_words()) {
        (OnLoss::Unconfirmed, _) if seen.missing_in > 0 => {
            let trials = decided.kills + seen.missing_in;
            format!("{} missing in {} of {trials}", whole(seen.missing), seen.missing_in)
        }
        (OnLoss::Unconfirmed, Some(_)) => format!("0 missing in {}", decided.kills),
        (_, None) if seen.missing_in > 0 => "not proved".to_owned(),
        (_, None) => NONE.to_owned(),
        (_, Some(_)) if decided.losing > 0 => {
            let least = if seen.at_least { "≥ " } else { "" };
            format!("{least}{} in {} of {}", whole(seen.lost), decided.losing, decided.kills)
        }
        (_, Some(bound)) => format!("0 in {} (≤ {bound})", decided.kills),
    }
}

/// `8`, all of them redelivered, or by whom: `8: 3 sent again`.
fn ran_again(seen: &Seen) -> String {
    let others = [(seen.sent_again, "sent again"), (seen.not_told(), "not told")];
    let others: Vec<String> = others
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", whole(n)))
        .collect();
    let all = whole(seen.repeated());
    if others.is_empty() { all } else { format!("{all}: {}", others.join(", ")) }
}

fn or_none(n: u64) -> String {
    if n == 0 { NONE.to_owned() } else { whole(n) }
}

fn name(tried: &Tried) -> String {
    let Tried { label, variant, .. } = tried;
    plain(&variant.as_ref().map_or_else(|| label.clone(), |variant| format!("{label} {variant}")))
}

/// What a column is called, how much it is needed, which reading it shows.
const COLUMNS: [(&str, u8, &str, Unit); 13] = [
    ("recovered", ALWAYS, "recovery.from_fault", Unit::Seconds),
    ("from heal", 70, "recovery.from_heal", Unit::Seconds),
    ("impact", 60, "detection.impact", Unit::Seconds),
    ("client error", 40, "detection.client", Unit::Seconds),
    ("alarm", 35, "detection.alarm", Unit::Seconds),
    ("drained", 50, "drain", Unit::Seconds),
    ("ρ", 52, "load.of_capacity", Unit::Number),
    ("in Dρ/(1−ρ)", 48, "drain.multiple", Unit::Number),
    ("queues still", 53, "queues.stalled", Unit::Fraction),
    ("ran again", 51, "queues.resumed", Unit::Seconds),
    ("not done", 30, "lost_goodput", Unit::Tasks),
    ("in time", 65, "served.in_fault", Unit::Fraction),
    ("in the run", 32, "served.overall", Unit::Fraction),
];

fn recoveries(faults: &Faults, fault: &str) -> Table {
    let mut heads: Vec<Head> = vec![head("system", ALWAYS), head("load", 55)];
    let of: Vec<&Recovery> =
        faults.recoveries.iter().filter(|one| one.tried.fault == fault).collect();
    // ρ only where a capacity was searched, queues only where there are several.
    let has_capacity = of.iter().any(|one| one.has_capacity());
    let has_queues = of.iter().any(|one| one.has_queues());
    let shown = |name: &str| match name {
        "load.of_capacity" | "drain.multiple" => has_capacity,
        "queues.stalled" | "queues.resumed" => has_queues,
        _ => true,
    };
    let columns = || COLUMNS.into_iter().filter(|(_, _, name, _)| shown(name));
    heads.extend(columns().map(|(title, need, ..)| head(title, need)));
    let most = of.iter().map(|one| one.told()).max().unwrap_or(0);
    let lines = of.into_iter().map(|one| {
        let mark = if one.not_valid.is_some() { NOT_RANKED } else { "" };
        let mut cells = vec![name(&one.tried), numbers::load(one.tried.load)];
        cells.extend(columns().map(|(_, _, reading, unit)| {
            let text =
                one.figures.get(reading).map(|median| median.written(unit, Medium::Terminal));
            match text {
                Some(text) if text != NONE => text + mark,
                _ => NONE.to_owned(),
            }
        }));
        Line { cells, note: plain(&note(one)), quiet: false }
    });
    let what = if most > 1 { "medians (and range) of valid trials" } else { "times" };
    let title = plain(&format!("{}: {what}, from when it took effect", faults.title(fault)));
    Table { title, heads, lines: lines.collect(), splits: false }
}

/// `± 400 ms, impact from 600 ms on, 3 trials, no impact in 1 of 3`.
fn note(one: &Recovery) -> String {
    let time = |s: f64| numbers::seconds(s, Medium::Terminal);
    let mut words = vec![
        format!("± {}", time(one.resolution_s)),
        format!("impact from {} on", time(one.shortest_impact_s)),
    ];
    if one.trials.len() > 1 {
        let all = one.trials.len();
        words.push(match one.told() == all {
            true => format!("{all} trials"),
            false => format!("{} of {all} trials valid", one.told()),
        });
    }
    if let Some(median) = one.figures.get("recovery.from_fault") {
        words.extend(median.mixed());
    }
    words.join(", ")
}
