//! Whether a demand was met, system by system. The figure of the point decides:
//! of merged histograms, of summed counts, the median over trials. What repeats
//! say of it stands beside.

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::super::capacity::Capacity;
use super::super::points::Figure;
use super::super::statistics::Spread;
use super::super::{Found, NOOP};
use super::known::Known;
use super::places::{Asked, Place, Seen};
use super::{About, Met, Objective};
use crate::metrics::{self, Metric, Unit};
use crate::numbers::{Medium, interval, rate, value};
use crate::outcome::{Demand, Outcome, Reading, Skipped, System, Value};

const TERMINAL: Medium = Medium::Terminal;

/// A demand judged of every system that it is about.
pub(super) fn of(found: Found<'_>, demand: &Demand) -> Vec<Objective> {
    let unknown = |target: String, why: String| Objective {
        target,
        demand: demand.text.clone(),
        met: Met::Unknown(why),
        seen: String::new(),
        about: About::Cells,
    };
    let systems: Vec<&System> =
        found.outcome.systems.iter().filter(|system| is_about(demand, system)).collect();
    if systems.is_empty() {
        return vec![unknown(target_of(demand), nobody(found.outcome, demand))];
    }
    let ran: Vec<String> =
        systems.iter().map(|one| format!("{}/{}", one.system, one.profile)).collect();
    let judged = systems.into_iter().map(|system| {
        let target = format!("{}/{}", system.system, system.profile);
        let Some(metric) = metrics::demanded(&demand.metric) else {
            let why = format!("this version has no metric `{}`", demand.metric);
            return unknown(target, why);
        };
        let places = Asked { found, demand, metric, system }.places();
        if places.is_empty() {
            return unknown(target, "it was not measured".to_owned());
        }
        let verdicts: Vec<Verdict> =
            places.into_iter().map(|place| Verdict::of(place, demand, metric)).collect();
        sum_up(target, demand, &verdicts)
    });
    let left_out = found.outcome.skipped.iter().filter(|out| is_named(demand, out));
    let left_out = left_out.filter(|out| !ran.contains(&out.target));
    let left_out =
        left_out.map(|out| unknown(out.target.clone(), format!("left out: {}", out.why)));
    judged.chain(left_out).collect()
}

/// Whether a demand names by `of` what was left out. Of a system that the build
/// lacks the scenario may say no profile.
fn is_named(demand: &Demand, out: &Skipped) -> bool {
    let (system, profile) = match out.target.split_once('/') {
        Some((system, profile)) => (system, Some(profile)),
        None => (out.target.as_str(), None),
    };
    let is_profile = |wanted: &String| profile.is_none_or(|profile| profile == wanted);
    demand.system.as_deref() == Some(system) && demand.profile.as_ref().is_none_or(is_profile)
}

/// `noop` is in every run; only who names it asks for it.
fn is_about(demand: &Demand, system: &System) -> bool {
    let target = format!("{}/{}", system.system, system.profile);
    if !demand.targets.is_empty() && !demand.targets.contains(&target) {
        return false;
    }
    match &demand.system {
        None => system.system != NOOP,
        Some(name) => {
            *name == system.system
                && demand.profile.as_ref().is_none_or(|profile| *profile == system.profile)
        }
    }
}

fn target_of(demand: &Demand) -> String {
    match (&demand.system, &demand.profile) {
        (None, _) => "every system".to_owned(),
        (Some(system), None) => system.clone(),
        (Some(system), Some(profile)) => format!("{system}/{profile}"),
    }
}

fn nobody(outcome: &Outcome, demand: &Demand) -> String {
    let is_it = |out: &&Skipped| demand.system.is_none() || is_named(demand, out);
    match outcome.skipped.iter().find(is_it) {
        Some(skipped) => format!("left out: {}", skipped.why),
        None => "it was not measured".to_owned(),
    }
}

/// What became of a demand in one place.
struct Verdict {
    /// Whether it was met there; `None` where nothing says.
    answer: Option<bool>,
    /// What was seen, or why nothing was.
    told: String,
    /// What is said of how sure that is.
    noise: Option<&'static str>,
    /// Where.
    words: String,
    /// How bad it is, as a number of the metric.
    worst: f64,
    about: About,
}

impl Verdict {
    fn of(place: Place, demand: &Demand, metric: &Metric) -> Self {
        let Place { words, about, seen } = place;
        let unit = metric.unit;
        let (known, mut told) = match &seen {
            Seen::Figure(figure) => (Known::of(&figure.value, unit), written(figure, unit)),
            Seen::Median(median) => {
                let mixed = median.mixed().join(", ");
                let mixed = if mixed.is_empty() { mixed } else { format!(", {mixed}") };
                let told = match &median.value {
                    Reading::NotMeasured(why) if !why.is_empty() => why.clone(),
                    Reading::NotSteady(why) => format!("not steady before the fault: {why}"),
                    _ => median.written(unit, TERMINAL),
                };
                (Known::read(&median.value), told + &mixed)
            }
            Seen::Capacity(capacity, spread) => {
                (Some(between(capacity)), capacity_in_words(capacity, *spread))
            }
            Seen::Nothing(why) => (None, why.clone()),
        };
        let answer = known.and_then(|known| known.answers(demand.comparison, demand.bound));
        if known.is_some() && answer.is_none() {
            told.push_str(", which leaves it open");
        }
        let noise = noise(&seen, demand.bound).filter(|_| answer.is_some());
        let worst = known.map_or(f64::NAN, |known| known.worst(demand.comparison));
        Self { answer, told, noise, words, worst, about }
    }

    /// `61 ms at 20k/s, the worst of 3; within the noise of the bound`, and of
    /// what nobody can say `at 20k/s: no valid cell: disturbed, and in 2 more`.
    fn written(&self, alike: usize) -> String {
        let at = if self.words.is_empty() { String::new() } else { format!("at {}", self.words) };
        let told = &self.told;
        if self.answer.is_none() {
            let at = if at.is_empty() { at } else { format!("{at}: ") };
            let more = match alike {
                0 | 1 => String::new(),
                alike => format!(", and in {} more", alike - 1),
            };
            return format!("{at}{told}{more}");
        }
        let at = if at.is_empty() { at } else { format!(" {at}") };
        let worst = if alike > 1 { format!(", the worst of {alike}") } else { String::new() };
        let noise = self.noise.map_or_else(String::new, |noise| format!("; {noise}"));
        format!("{told}{at}{worst}{noise}")
    }
}

/// The worst place stands for all: one that failed if there is one, else one
/// that nothing is known of.
fn sum_up(target: String, demand: &Demand, verdicts: &[Verdict]) -> Objective {
    let those = |answer: Option<bool>| -> Vec<&Verdict> {
        verdicts.iter().filter(|verdict| verdict.answer == answer).collect()
    };
    let (failed, open, passed) = (those(Some(false)), those(None), those(Some(true)));
    let (met, seen, about) = if let Some(worst) = worst(&failed, demand) {
        (Met::No(worst.written(failed.len())), String::new(), worst.about)
    } else if let Some(first) = open.first() {
        (Met::Unknown(first.written(open.len())), String::new(), first.about)
    } else if let Some(worst) = worst(&passed, demand) {
        let alike = passed.iter().all(|verdict| verdict.told == worst.told);
        let seen = match passed.len() {
            n @ 2.. if alike => format!("{} in each of {n}", worst.told),
            n => worst.written(n),
        };
        (Met::Yes, seen, worst.about)
    } else {
        (Met::Unknown("it was not measured".to_owned()), String::new(), About::Cells)
    };
    Objective { target, demand: demand.text.clone(), met, seen, about }
}

/// The one farthest on the wrong side; the first of equals.
fn worst<'v>(verdicts: &[&'v Verdict], demand: &Demand) -> Option<&'v Verdict> {
    use crate::outcome::Comparison::{Above, AtLeast, AtMost, Below, Is};
    let badness = |verdict: &Verdict| match demand.comparison {
        Below | AtMost => verdict.worst,
        Above | AtLeast => -verdict.worst,
        Is => (verdict.worst - demand.bound).abs(),
    };
    verdicts.iter().copied().reduce(
        |one, other| {
            if badness(other) > badness(one) { other } else { one }
        },
    )
}

/// A search that closed in has an answer; a grid of rates only says between
/// which two of them it lies.
fn between(capacity: &Capacity) -> Known {
    match *capacity {
        Capacity::Is { held, .. } => Known::exactly(held),
        Capacity::Between { held, failed } => Known { low: Included(held), high: Excluded(failed) },
        Capacity::AtLeast(held) => Known { low: Included(held), high: Unbounded },
        Capacity::NotHeld(failed) => Known { low: Included(0.0), high: Excluded(failed) },
        Capacity::Unknown(_) => Known { low: Unbounded, high: Unbounded },
    }
}

fn capacity_in_words(capacity: &Capacity, spread: Option<Spread>) -> String {
    let mut text = match (capacity, spread.map(Spread::ends)) {
        (Capacity::Is { held, .. }, Some((low, high))) if high > low => {
            interval(*held, low, high, Unit::PerSecond, TERMINAL)
        }
        _ => capacity.text(),
    };
    if let Capacity::Is { failed, .. } | Capacity::Between { failed, .. } = capacity {
        text.push_str(&format!(", not {}", rate(*failed)));
    }
    text
}

/// `61 (55–70) ms`, `> 2 s`, `not measured: fewer than 10 of 800 tasks lie beyond`.
fn written(figure: &Figure, unit: Unit) -> String {
    match (&figure.value, figure.spread.map(Spread::ends)) {
        (Value::Is(number), Some((low, high)))
            if high > low && (unit != Unit::Fraction || *number >= 1e-4) =>
        {
            interval(*number, low, high, unit, TERMINAL)
        }
        (other, _) => value(other, unit, TERMINAL),
    }
}

/// What is said where another run could well decide otherwise.
fn noise(seen: &Seen, bound: f64) -> Option<&'static str> {
    let lies_in = |(low, high): (f64, f64)| low <= bound && bound <= high && low < high;
    let of_repeats = |spread: Option<Spread>| match spread? {
        Spread::Interval(low, high) if lies_in((low, high)) => {
            Some("within the noise of the bound")
        }
        Spread::Range(low, high) if lies_in((low, high)) => {
            Some("the repeats lie on both sides of the bound")
        }
        _ => None,
    };
    match seen {
        Seen::Figure(figure) => of_repeats(figure.spread),
        Seen::Median(median) => {
            let (low, high) = median.range.as_ref()?;
            let upper = match high {
                Reading::Is(high) => *high,
                _ => f64::INFINITY,
            };
            lies_in((low.number()?, upper)).then_some("the trials lie on both sides of the bound")
        }
        Seen::Capacity(Capacity::Is { held, failed }, spread) => {
            of_repeats(*spread).or_else(|| {
                let is_near = *held < bound && bound <= *failed;
                is_near.then_some("within what the search resolves")
            })
        }
        Seen::Capacity(..) | Seen::Nothing(_) => None,
    }
}
