//! A comparison in sentences, and how a change is written.

use crate::analysis::{Call, ENOUGH, Measure};
use crate::numbers::{Medium, figure};
use crate::summary::Tone;

use super::pairing::too_few;
use super::resolution::resolutions;
use super::under::{at, at_several};
use super::{Comparison, Item, Kind, Loss};

/// Systems whose changes are named one by one.
const NAMED: usize = 8;

/// `+5.1 %`, `−12 %`; of fractions `+3.0 points`, which are per cent too.
pub(crate) fn change(by: f64, measure: Measure, medium: Medium) -> String {
    if !by.is_finite() {
        return crate::summary::NONE.to_owned();
    }
    let unit = match measure {
        Measure::Ratio => "%",
        Measure::Points => "points",
    };
    format!("{}{}{unit}", signed(by), medium.space())
}

/// `+3.2`, in per cent.
fn signed(by: f64) -> String {
    let percent = (by * 100.0).clamp(-1e12, 1e12);
    let text = if percent.abs() >= 1_000.0 {
        figure(percent.abs())
    } else if percent.abs() >= 9.95 {
        format!("{:.0}", percent.abs())
    } else {
        format!("{:.1}", percent.abs())
    };
    let is_zero = !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    let sign = if is_zero {
        ""
    } else if percent > 0.0 {
        "+"
    } else {
        "−"
    };
    format!("{sign}{text}")
}

/// The change of an item. Where a median is only known to be more than it
/// says, so is the change: `> +290 %`, to the good `< −74 %`.
pub(crate) fn by(item: &Item, medium: Medium) -> String {
    let by = item.change.by;
    let text = change(by, item.kind.measure(), medium);
    let side = match (item.before.is_cut_off(), item.after.is_cut_off()) {
        _ if !by.is_finite() => "",
        (true, true) => return crate::summary::NONE.to_owned(),
        (false, true) => ">",
        (true, false) => "<",
        (false, false) => "",
    };
    if side.is_empty() { text } else { format!("{side}{}{text}", medium.space()) }
}

/// `+3.2 to +7.0`, in the unit of the change before it.
pub(crate) fn interval(item: &Item) -> Option<String> {
    let (low, high) = item.change.interval?;
    (low.is_finite() && high.is_finite()).then(|| format!("{} to {}", signed(low), signed(high)))
}

/// The smallest change that could have been seen: `4.5 %`.
pub(crate) fn smallest(item: &Item, medium: Medium) -> Option<String> {
    let size = item.change.smallest.filter(|size| size.is_finite())?;
    Some(change(size, item.kind.measure(), medium).trim_start_matches('+').to_owned())
}

/// The call in a word or two.
pub(crate) fn called(call: &Call) -> &'static str {
    match call {
        Call::Better => "better",
        Call::Worse => "worse",
        Call::Small => "too small",
        Call::Noise => "within noise",
        Call::NotTested(_) => "not tested",
    }
}

/// `rabbitmq/durable, broker-kill: 12 lost in 2 of 5 kills, 0 lost in 5 kills
/// before, where none may be`.
pub(crate) fn lost(loss: &Loss) -> String {
    let Loss { system, profile, under, before, after, .. } = loss;
    format!("{system}/{profile}, {under}: {after}, {before} before, where none may be")
}

/// `P99 start latency +5.1 % (+3.2 to +7.0), from 6.2 ms to 6.6 ms`.
pub(crate) fn what_changed(item: &Item, medium: Medium) -> String {
    let unit = item.kind.unit();
    let title = item.kind.title(item.latency);
    let [before, after] = [&item.before, &item.after].map(|told| told.short(unit, medium));
    // From "no impact" on there is no ratio.
    if item.kind.is_of_a_trial() && !item.change.by.is_finite() {
        return format!("{title}: from {before} to {after}");
    }
    let ends = interval(item).map_or_else(String::new, |ends| format!(" ({ends})"));
    format!("{title} {}{ends}, from {before} to {after}", by(item, medium))
}

/// What stands first: what is lost now, what is worse, what is better, or that nothing can be
/// told and how small a change could have been.
pub(crate) fn verdict(it: &Comparison, medium: Medium) -> Vec<(Tone, String)> {
    let mut out: Vec<(Tone, String)> = Vec::new();
    let losses = it.losses.iter().take(NAMED);
    out.extend(losses.map(|loss| (Tone::Alarm, format!("worse, tasks lost: {}", lost(loss)))));
    if it.losses.len() > NAMED {
        let more = it.losses.len() - NAMED;
        out.push((Tone::Alarm, format!("worse, tasks lost: {more} profiles and faults more")));
    }
    let worse: Vec<&Item> = it.worse().collect();
    let better: Vec<&Item> = it.better().collect();
    for (word, tone, items) in [("worse", Tone::Alarm, &worse), ("better", Tone::Note, &better)] {
        let systems = by_system(items);
        for (name, items) in systems.iter().take(NAMED) {
            out.push((tone, format!("{word}: {name}: {}", changes(items, medium))));
        }
        if systems.len() > NAMED {
            out.push((tone, format!("{word}: {} systems more", systems.len() - NAMED)));
        }
    }
    if !it.gone.is_empty() {
        let text =
            format!("No valid cell after, so that nothing can be told of: {}.", it.gone.join("; "));
        out.push((Tone::Alarm, text));
    }
    if it.tested() == 0 {
        let why = why_untested(it);
        out.push((Tone::Warning, format!("Nothing is called better or worse: {why}.")));
    } else {
        if worse.is_empty() && better.is_empty() {
            out.push((Tone::Note, unchanged(it)));
        }
        out.extend(resolutions(it, medium).into_iter().map(|text| (Tone::Note, text)));
    }
    let moved: Vec<String> = it
        .control
        .iter()
        .filter(|item| matches!(item.change.call, Call::Better | Call::Worse))
        .map(|item| what_changed(item, medium))
        .collect();
    if !moved.is_empty() {
        out.push((
            Tone::Warning,
            format!(
                "noop, which does nothing, changed too ({}): the machine or schedbench is not what \
                 it was, and part of every change may be theirs.",
                moved.join("; ")
            ),
        ));
    }
    out
}

/// That nothing is better or worse, and no more than that.
fn unchanged(it: &Comparison) -> String {
    let calls = || it.items.iter().map(|item| &item.change.call);
    let is_part = !it.gone.is_empty() || calls().any(|call| matches!(call, Call::NotTested(_)));
    let every = if is_part { "Every difference tested" } else { "Every difference" };
    let small = calls().any(|call| *call == Call::Small);
    let small = if small { " or is too small to matter" } else { "" };
    format!("{every} lies inside the noise{small}.")
}

/// The items of each system, profile and variant, in their order.
fn by_system<'a>(items: &[&'a Item]) -> Vec<(String, Vec<&'a Item>)> {
    let mut out: Vec<(String, Vec<&Item>)> = Vec::new();
    for item in items {
        let variant = item.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
        let name = format!("{}/{}{variant}", item.system, item.profile);
        match out.iter_mut().find(|(known, _)| *known == name) {
            Some((_, of)) => of.push(item),
            None => out.push((name, vec![item])),
        }
    }
    out
}

/// `P99 start latency +37 % to +47 % at 4 loads; CPU-s/M +12 % (+9.4 to +14),
/// from 21.5 to 24 at 20k/s`.
fn changes(items: &[&Item], medium: Medium) -> String {
    let of_kind = |kind: Kind| -> Option<String> {
        let of: Vec<&Item> = items.iter().copied().filter(|item| item.kind == kind).collect();
        let (first, measure) = (*of.first()?, kind.measure());
        if let [only] = of.as_slice() {
            return Some(what_changed(only, medium) + &at(only));
        }
        // A range has no place for bounds, nor for what went from "no impact" on.
        let has_no_place = |item: &&Item| {
            let is_cut_off = item.before.is_cut_off() || item.after.is_cut_off();
            is_cut_off || !item.change.by.is_finite()
        };
        if kind.is_of_a_trial() && of.iter().any(has_no_place) {
            let each: Vec<String> =
                of.iter().map(|item| what_changed(item, medium) + &at(item)).collect();
            return Some(each.join(", "));
        }
        let title = kind.title(first.latency);
        let several = at_several(kind, of.len());
        let by = || of.iter().map(|item| item.change.by).filter(|by| by.is_finite());
        if by().next().is_none() {
            return Some(title + &several);
        }
        let (low, high) =
            (by().fold(f64::INFINITY, f64::min), by().fold(f64::NEG_INFINITY, f64::max));
        // The smaller change first, whichever way it went.
        let ends = if low.abs() <= high.abs() { [low, high] } else { [high, low] };
        let [least, most] = ends.map(|end| change(end, measure, medium));
        let range = if least == most { least } else { format!("{least} to {most}") };
        Some(format!("{title} {range}{several}"))
    };
    Kind::ALL.into_iter().filter_map(of_kind).collect::<Vec<_>>().join("; ")
}

/// Why no figure could be judged.
pub(super) fn why_untested(it: &Comparison) -> String {
    if it.items.is_empty() {
        "the two have no figure in common".to_owned()
    } else if too_few(&it.items) {
        format!(
            "a difference is tested from {ENOUGH} repeats on each side on (run with --repeats \
             {ENOUGH})"
        )
    } else if it.items.iter().any(|item| item.kind.is_of_a_trial()) {
        "no figure could be tested, and each says why".to_owned()
    } else {
        "no figure has a number in every repeat of both sides".to_owned()
    }
}

/// `1 new loss · 1 worse · 0 better · 20 within noise · 2 too small · 3 not tested`.
pub(crate) fn counts(it: &Comparison) -> String {
    let count =
        |word: &str| it.items.iter().filter(|item| called(&item.change.call) == word).count();
    let words = ["worse", "better", "within noise", "too small", "not tested"];
    let figures = words
        .into_iter()
        .map(|word| (word, count(word)))
        .filter(|(word, n)| *n > 0 || matches!(*word, "worse" | "better"))
        .map(|(word, n)| format!("{n} {word}"));
    let losses = match it.losses.len() {
        0 => None,
        1 => Some("1 new loss".to_owned()),
        n => Some(format!("{n} new losses")),
    };
    losses.into_iter().chain(figures).collect::<Vec<_>>().join(" · ")
}

/// How the tables are to be read, of backlogs and trials where there are any.
pub(crate) fn terms(it: &Comparison) -> String {
    let any = |is: fn(Kind) -> bool| it.items.iter().any(|item| is(item.kind));
    let mut terms = vec![TERMS];
    if any(Kind::is_of_a_backlog) {
        terms.push("Of backlogs points are medians.");
    }
    if any(Kind::is_of_a_trial) {
        terms.push(OF_TRIALS);
    }
    terms.join(" ")
}

/// Of figures under a load, and of backlogs.
const TERMS: &str = "Change: of the points, which are of all repeats together; (…): 95 % \
    interval over whole repeats, of that figure alone. Worse and better: past the noise after Holm's \
    correction over all figures tested, and not smaller than what matters (--threshold). Could see: \
    the smallest true change that would be called in four of five such comparisons. What changed \
    between the two runs besides is in no interval.";

/// Of trials.
const OF_TRIALS: &str = "Of trials points are medians, and their figures are corrected by themselves. \
    Where a trial is no number (no impact, > x), their ranks decide: five on a side give no p below \
    0.8 %, so that among more than six such figures none is tested. A change that is no larger than \
    what a trial resolves is too small.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_a_sign_and_few_digits() {
        for (by, text) in [
            (0.0512, "+5.1 %"),
            (-0.123, "−12 %"),
            (0.0, "0.0 %"),
            (-0.000_1, "0.0 %"),
            (12.0, "+1,200 %"),
            (0.0996, "+10 %"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(change(by, Measure::Ratio, Medium::Terminal), text, "{by}");
        }
        assert_eq!(change(0.03, Measure::Points, Medium::Terminal), "+3.0 points");
    }
}
