//! Backlogs, before and after: those of one system, profile, number of tasks,
//! fault and variant.

use crate::analysis::{Backlog, Bound, Change, Pair, Sample, median};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount};
use crate::outcome::{Load, Reading};

use super::pairing::{Beside, Draft, Of};
use super::{Item, Kind, Terms, Told};

pub(super) fn pair(
    before: Of<'_>,
    after: Of<'_>,
    terms: &Terms,
    beside: &mut Beside,
) -> Vec<Draft> {
    let wanted =
        |it: &&Backlog| it.system == crate::analysis::NOOP || terms.names(&it.system, &it.profile);
    let same = |one: &Backlog, other: &Backlog| {
        (&one.system, &one.profile, &one.variant) == (&other.system, &other.profile, &other.variant)
            && (one.tasks, &one.fault) == (other.tasks, &other.fault)
    };
    let (old, new) = (&before.1.backlogs, &after.1.backlogs);
    let name = |it: &Backlog, all: &[Backlog]| {
        let variant = it.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
        format!("{}, {}{variant}", system(it), under(it, all))
    };
    let mut drafts = Vec::new();
    for one in new.iter().filter(wanted) {
        let Some(other) = old.iter().find(|old| same(old, one)) else {
            beside.remarks.push(format!("only after: {}", name(one, new)));
            continue;
        };
        let invalid = [("before", other), ("after", one)];
        if let Some((when, word)) =
            invalid.into_iter().find_map(|(when, it)| Some((when, it.not_valid?)))
        {
            beside.remarks.push(format!("not compared: {}, {word} {when}", name(one, new)));
            continue;
        }
        let both = Both { before: (before, other), after: (after, one) };
        let kinds = Kind::ALL.into_iter().filter(|kind| terms.wants(*kind));
        drafts.extend(kinds.filter_map(|kind| both.draft(kind, terms)));
    }
    for one in old.iter().filter(wanted) {
        if !new.iter().any(|new| same(new, one)) {
            beside.remarks.push(format!("only before: {}", name(one, old)));
        }
    }
    let valid = |all: &[Backlog]| -> Vec<String> {
        let valid = all.iter().filter(|it| wanted(it) && it.not_valid.is_none());
        valid.map(|it| format!("{}, backlogs", system(it))).collect()
    };
    let all: Vec<String> = new.iter().map(|it| format!("{}, backlogs", system(it))).collect();
    beside.lose(valid(old), &valid(new), &all);
    drafts
}

fn system(one: &Backlog) -> String {
    format!("{}/{}", one.system, one.profile)
}

/// `backlog of 10k`; with what was done while it rested, where that is not the
/// same for all.
pub(crate) fn under(one: &Backlog, all: &[Backlog]) -> String {
    let tasks = amount(one.tasks as f64, Unit::Tasks, Medium::Terminal);
    match &one.fault {
        Some(fault) if all.iter().any(|other| other.fault != one.fault) => {
            format!("backlog of {tasks}, {fault}")
        }
        _ => format!("backlog of {tasks}"),
    }
}

/// A backlog on both sides, each valid.
struct Both<'a> {
    before: (Of<'a>, &'a Backlog),
    after: (Of<'a>, &'a Backlog),
}

impl Both<'_> {
    fn draft(&self, kind: Kind, terms: &Terms) -> Option<Draft> {
        let name = kind.of_a_backlog()?;
        let each = |(of, one): (Of<'_>, &Backlog)| one.each(of.0, name);
        let (old, new) = (each(self.before), each(self.after));
        let (before, after) = (Told::of(&old), Told::of(&new));
        if before.is_missing() && after.is_missing() {
            return None;
        }
        let sides = sample(&old, "before").and_then(|old| Ok((old, sample(&new, "after")?)));
        let pair = sides.map(|(before, after)| Pair {
            before,
            after,
            measure: kind.measure(),
            more_is_better: kind.more_is_better(),
            matters: terms.matters(kind),
        });
        let (of, one) = self.after;
        let item = Item {
            system: one.system.clone(),
            profile: one.profile.clone(),
            mode: None,
            variant: one.variant.clone(),
            load: Some(Load::Backlog(one.tasks)),
            fault: one.fault.clone(),
            under: Some(under(one, &of.1.backlogs)),
            kind,
            latency: "",
            before,
            after,
            change: Change::untested(f64::NAN, String::new()),
        };
        Some((item, pair))
    }
}

/// The repeats of one side, where each has an exact number: what was cut off,
/// or never ran, may be the slowest, and must not become a number or go
/// unnoticed.
fn sample(each: &[Reading], when: &str) -> Result<Sample, String> {
    let number = |reading: &Reading| match reading {
        Reading::Is(number) => Some(*number),
        _ => None,
    };
    let repeats: Vec<f64> = each.iter().filter_map(number).collect();
    let told = median(each);
    let what = match (told.censored, each.len() - repeats.len()) {
        (0, 0) => {
            let point = told.value.number().unwrap_or(f64::NAN);
            return Ok(Sample { point, repeats, bound: Bound::Exact });
        }
        (0, n) => format!("not measured in {n}"),
        (n, _) => format!("cut off in {n}"),
    };
    Err(format!("{what} of {} {when}", each.len()))
}
