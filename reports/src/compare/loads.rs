//! Cells under a load, before and after: those of one system, profile and
//! variant at one load.

use crate::analysis::{
    Analysis, Bound, Capacity, Change, Figure, Group, Mode, Pair, Point, Quality, Row, Sample,
    spread,
};
use crate::numbers::{self, load};
use crate::outcome::{Load, Outcome, Value};

use super::pairing::{Beside, Draft, Of};
use super::{Item, Kind, Terms, Told};

pub(super) fn pair(
    before: Of<'_>,
    after: Of<'_>,
    terms: &Terms,
    beside: &mut Beside,
) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let Beside { remarks, gone } = beside;
    let has_valid = |row: &Row| row.points.iter().any(Point::is_valid);
    for (group, row) in rows(after.1).filter(|(_, row)| wanted(row, terms)) {
        match row_of(before.1, group, row) {
            Some(old) => {
                if !row.is_noop() && has_valid(old) && !has_valid(row) {
                    gone.push(name(group, row));
                }
                let rows = Rows { before: (before.0, old), after: (after.0, row), group };
                drafts.extend(rows.drafts(terms, remarks));
            }
            None => remarks.push(format!("only after: {}", name(group, row))),
        }
    }
    for (group, row) in rows(before.1).filter(|(_, row)| wanted(row, terms)) {
        if row_of(after.1, group, row).is_none() {
            remarks.push(format!("only before: {}", name(group, row)));
        }
    }
    let all = drafts.len();
    drafts.retain(|(item, _)| !is_unresolved(item));
    if let Some(left) = all.checked_sub(drafts.len()).filter(|left| *left > 0) {
        let figures = if left == 1 { "figure" } else { "figures" };
        remarks.push(format!(
            "not compared: {left} {figures} below what the pacing resolves on both sides"
        ));
    }
    drafts
}

/// A latency of which nothing is known but that it is small.
fn is_unresolved(item: &Item) -> bool {
    item.kind != Kind::Capacity && item.before.is_unresolved() && item.after.is_unresolved()
}

/// `noop` is always there: it tells a change of the machine from one of a system.
fn wanted(row: &Row, terms: &Terms) -> bool {
    row.is_noop() || terms.names(&row.system, &row.profile)
}

fn rows(analysis: &Analysis) -> impl Iterator<Item = (&Group, &Row)> {
    analysis.groups.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row)))
}

fn row_of<'a>(analysis: &'a Analysis, group: &Group, row: &Row) -> Option<&'a Row> {
    rows(analysis)
        .find(|(other, it)| {
            (&it.system, &it.profile) == (&row.system, &row.profile)
                && (other.mode, &other.variant) == (group.mode, &group.variant)
        })
        .map(|(_, row)| row)
}

fn name(group: &Group, row: &Row) -> String {
    let variant = group.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
    format!("{}/{}{variant}", row.system, row.profile)
}

/// One system and profile on both sides.
struct Rows<'a> {
    before: (&'a Outcome, &'a Row),
    after: (&'a Outcome, &'a Row),
    group: &'a Group,
}

impl Rows<'_> {
    fn drafts(&self, terms: &Terms, remarks: &mut Vec<String>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        if terms.wants(Kind::Capacity) && self.group.mode == Mode::Open {
            drafts.extend(self.capacity(terms));
        }
        let common: Vec<(&Point, &Point)> = self
            .after
            .1
            .points
            .iter()
            .filter_map(|point| Some((self.before.1.at(point.load)?, point)))
            .collect();
        let costed = costed(&common);
        for (place, (old, new)) in common.iter().enumerate() {
            let at = format!("{} at {}", name(self.group, self.after.1), load(new.load));
            if let Some(why) = invalid(old, new) {
                remarks.push(format!("not compared: {at}, {why}"));
                continue;
            }
            remarks.extend(turn(old, new).map(|turn| format!("{turn}: {at}")));
            let kinds = Kind::ALL.into_iter().filter(|kind| terms.wants(*kind));
            for kind in kinds.filter(|kind| self.tells(*kind, old, new, Some(place) == costed)) {
                drafts.extend(self.draft(kind, old, new, terms));
            }
        }
        let missing = |rows: &Row, others: &Row| {
            rows.points.iter().filter(|point| others.at(point.load).is_none()).count()
        };
        for (word, of, other) in
            [("before", self.before.1, self.after.1), ("after", self.after.1, self.before.1)]
        {
            let loads = missing(of, other);
            if loads > 0 {
                let what = if loads == 1 { "load" } else { "loads" };
                remarks.push(format!("only {word}: {loads} {what} of {}", name(self.group, of)));
            }
        }
        drafts
    }

    /// Whether a figure says something at this load: each that does costs all
    /// others some of their power.
    fn tells(&self, kind: Kind, old: &Point, new: &Point, costed: bool) -> bool {
        let open = self.group.mode == Mode::Open;
        let held = (old.held, new.held);
        match kind {
            Kind::Capacity => false,
            // What is held is done as it was offered.
            Kind::Throughput => !open || held != (Some(true), Some(true)),
            // In flight latency is Little's law, in overload it is the window's
            // length.
            Kind::P50 | Kind::P99 => open && held != (Some(false), Some(false)),
            Kind::Failed => {
                open && [old, new].iter().any(|point| point.failure.number() > Some(0.0))
            }
            Kind::Cpu | Kind::Pss => costed,
            // Of backlogs and trials.
            _ => false,
        }
    }

    fn draft(&self, kind: Kind, old: &Point, new: &Point, terms: &Terms) -> Option<Draft> {
        let latency = self.group.latency;
        let (before, after) = (kind.of(old)?.clone(), kind.of(new)?.clone());
        let nothing = |figure: &Figure| figure.number().is_none();
        if nothing(&before) && nothing(&after) {
            return None;
        }
        let pair = match (
            kind.sample(self.before.0, old, latency),
            kind.sample(self.after.0, new, latency),
        ) {
            (Some(before), Some(after)) => Ok(paired(kind, before, after, terms)),
            (None, _) => Err("not measured before".to_owned()),
            (_, None) => Err("not measured after".to_owned()),
        };
        Some((self.item(kind, Some(new.load), before, after), pair))
    }

    /// Only a search knows a capacity to more than the next step of its grid.
    fn capacity(&self, terms: &Terms) -> Option<Draft> {
        let (old, new) = (self.before.1, self.after.1);
        let figure = |row: &Row| {
            let value = match &row.capacity {
                Capacity::Is { held, .. } | Capacity::Between { held, .. } => Value::Is(*held),
                Capacity::AtLeast(held) => Value::AtLeast(*held),
                Capacity::NotHeld(failed) => Value::AtMost(*failed),
                Capacity::Unknown(why) => Value::NotMeasured(why.clone()),
            };
            // Numbers of which some are bounds have no spread.
            let exact = if row.open_ended { None } else { spread(&row.capacities) };
            Figure { value, spread: exact, repeats: row.capacities.clone() }
        };
        let (before, after) = (figure(old), figure(new));
        before.number().or(after.number())?;
        let searched = |row: &Row| matches!(row.capacity, Capacity::Is { .. });
        let both_searched = searched(old) && searched(new);
        if old.capacity == new.capacity && (!both_searched || old.capacities == new.capacities) {
            return None;
        }
        let pair = if old.open_ended || new.open_ended {
            Err("a repeat is only known to hold at least what it tried".to_owned())
        } else if both_searched {
            let sample = |row: &Row| Sample {
                point: row.capacity.held(),
                repeats: row.capacities.clone(),
                bound: Bound::Exact,
            };
            Ok(paired(Kind::Capacity, sample(old), sample(new), terms))
        } else {
            Err("a grid of loads knows it to its next step".to_owned())
        };
        Some((self.item(Kind::Capacity, None, before, after), pair))
    }

    fn item(&self, kind: Kind, load: Option<Load>, before: Figure, after: Figure) -> Item {
        Item {
            system: self.after.1.system.clone(),
            profile: self.after.1.profile.clone(),
            mode: Some(self.group.mode),
            variant: self.group.variant.clone(),
            load,
            fault: None,
            under: load.map(numbers::load),
            kind,
            latency: self.group.latency,
            before: Told::Figure(before),
            after: Told::Figure(after),
            change: Change::untested(f64::NAN, String::new()),
        }
    }
}

fn paired(kind: Kind, before: Sample, after: Sample, terms: &Terms) -> Pair {
    Pair {
        before,
        after,
        measure: kind.measure(),
        more_is_better: kind.more_is_better(),
        matters: terms.matters(kind),
    }
}

/// The load at which cost is compared: the highest that both hold, else the
/// highest that is valid on both sides.
fn costed(common: &[(&Point, &Point)]) -> Option<usize> {
    let both_hold =
        |(old, new): &(&Point, &Point)| (old.held, new.held) == (Some(true), Some(true));
    let both_valid = |(old, new): &(&Point, &Point)| invalid(old, new).is_none();
    common.iter().rposition(both_hold).or_else(|| common.iter().rposition(both_valid))
}

/// Why a point cannot be compared.
fn invalid(old: &Point, new: &Point) -> Option<String> {
    [("before", old), ("after", new)].into_iter().find_map(|(when, point)| match &point.quality {
        Quality::Valid => None,
        Quality::Invalid { word, .. } => Some(format!("{word} {when}")),
    })
}

/// A load that is no longer held, or is now.
fn turn(old: &Point, new: &Point) -> Option<&'static str> {
    match (old.held, new.held) {
        (Some(true), Some(false)) => Some("held before and not after"),
        (Some(false), Some(true)) => Some("held after and not before"),
        _ => None,
    }
}
