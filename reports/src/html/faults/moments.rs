//! The moments of a trial: on its drawing and in words.

use crate::analysis::in_words;
use crate::charts::Moment;
use crate::metrics::Unit;
use crate::numbers::{Medium, seconds};
use crate::outcome::{Done, Reading, Trial};

/// How a moment's line looks: in grey as in colour they differ by their dashes.
#[derive(Clone, Copy)]
enum Look {
    /// The fault itself: begun, undone.
    Edge,
    /// Somebody noticed.
    Noticed,
    /// Something was over.
    Over,
}

impl Look {
    const fn class(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Noticed => "noticed",
            Self::Over => "over",
        }
    }
}

/// The moments of a trial in their order, in seconds from when its fault took
/// effect.
pub(super) fn moments(trial: &Trial) -> Vec<Moment> {
    let mut all = edges(trial);
    let healed = trial.cleared_s.map(|cleared| cleared - trial.took_effect_s);
    for (text, look, name, origin) in [
        ("first client error", Look::Noticed, "detection.client", Some(0.0)),
        ("impact", Look::Noticed, "detection.impact", Some(0.0)),
        ("alarm", Look::Noticed, "detection.alarm", Some(0.0)),
        ("recovered", Look::Over, "recovery.from_fault", Some(0.0)),
        ("drained", Look::Over, "drain", healed),
    ] {
        if let (Some(Reading::Is(after)), Some(origin)) = (trial.readings.get(name), origin) {
            all.push((origin + after, look, text.to_owned()));
        }
    }
    all.retain(|(x, ..)| x.is_finite());
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let moment =
        |(x, look, text): (f64, Look, String)| Moment { x, class: look.class().to_owned(), text };
    all.into_iter().map(moment).collect()
}

/// Begin and end of each fault, named by what it was where there are several.
fn edges(trial: &Trial) -> Vec<(f64, Look, String)> {
    let whole = [Done {
        fault: trial.fault.clone(),
        took_effect_s: trial.took_effect_s,
        cleared_s: trial.cleared_s,
    }];
    let done = if trial.done.is_empty() { &whole[..] } else { &trial.done };
    let several = done.len() > 1;
    let is_control = trial.is_control();
    let mut edges = Vec::new();
    for one in done {
        let kind = one.fault.split_whitespace().next().unwrap_or_default();
        let named = |what: &str| match (several, is_control) {
            (_, true) => format!("as if it {what}"),
            (true, _) => format!("{kind} {what}"),
            (false, _) => what.to_owned(),
        };
        let since = |at: f64| at - trial.took_effect_s;
        edges.push((since(one.took_effect_s), Look::Edge, named("took effect")));
        let healed = if is_control { "were healed" } else { "healed" };
        edges.extend(one.cleared_s.map(|at| (since(at), Look::Edge, named(healed))));
    }
    edges
}

/// What is shaded: every fault that was done, in seconds from the first.
pub(super) fn shades(trial: &Trial) -> Vec<(f64, f64)> {
    let since = |at: f64| at - trial.took_effect_s;
    let stretch = |from: f64, to: Option<f64>| (since(from), since(to.unwrap_or(trial.ended_s)));
    if trial.is_control() {
        return Vec::new();
    }
    if trial.done.is_empty() {
        return vec![stretch(trial.took_effect_s, trial.cleared_s)];
    }
    trial.done.iter().map(|one| stretch(one.took_effect_s, one.cleared_s)).collect()
}

/// What the drawing cannot show: what had not happened by its end, and that
/// there was nothing to see. Empty where all has a place on it.
pub(super) fn without_a_place(trial: &Trial) -> Vec<String> {
    let of = |name: &str| trial.readings.get(name);
    match of("detection.impact") {
        Some(Reading::NoImpact) => {
            let shortest = seconds(trial.shortest_impact_s(), Medium::Page);
            return vec![format!("no impact of {shortest} or more")];
        }
        Some(Reading::NotSteady(why)) => return vec![format!("not steady before it: {why}")],
        Some(Reading::NotMeasured(why)) => return vec![format!("not measured: {why}")],
        _ => {}
    }
    [
        ("first client error", "detection.client"),
        ("alarm", "detection.alarm"),
        ("recovered", "recovery.from_fault"),
        ("drained from heal", "drain"),
    ]
    .into_iter()
    .filter_map(|(text, name)| {
        let reading = of(name).filter(|reading| matches!(reading, Reading::MoreThan(_)))?;
        Some(format!("{text} {}", in_words(reading, Unit::Seconds, Medium::Page)))
    })
    .collect()
}

/// `took effect at 10 s; after it: impact 0 s · healed 5 s · recovered > 20 s`.
pub(super) fn sentence(trial: &Trial) -> String {
    let mut parts: Vec<String> = moments(trial)
        .iter()
        .skip(1)
        .map(|moment| format!("{} {}", moment.text, seconds(moment.x, Medium::Page)))
        .collect();
    parts.extend(without_a_place(trial));
    let head = if trial.is_control() { "judged from" } else { "took effect at" };
    format!(
        "{head} {}; after it: {}",
        seconds(trial.took_effect_s, Medium::Page),
        parts.join(" · ")
    )
}
