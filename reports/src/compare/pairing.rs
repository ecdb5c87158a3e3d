//! Which figures of two outcomes stand against each other.

use crate::analysis::{
    Analysis, Bound, Call, Capacity, Change, Figure, Group, Mode, Pair, Point, Quality, Row,
    Sample, judge, spread,
};
use crate::numbers::load;
use crate::outcome::{Outcome, Value};

use super::{Item, Kind, Terms};

/// What was paired.
pub(super) struct Paired {
    pub(super) items: Vec<Item>,
    pub(super) control: Vec<Item>,
    pub(super) remarks: Vec<String>,
    pub(super) gone: Vec<String>,
}

type Of<'a> = (&'a Outcome, &'a Analysis);

/// An item without its change, and what decides it.
type Draft = (Item, Result<Pair, String>);

pub(super) fn pair(before: Of<'_>, after: Of<'_>, terms: &Terms) -> Paired {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut remarks = Vec::new();
    let mut gone = Vec::new();
    let has_valid = |row: &Row| row.points.iter().any(Point::is_valid);
    for (group, row) in rows(after.1).filter(|(_, row)| wanted(row, terms)) {
        match row_of(before.1, group, row) {
            Some(old) => {
                if !row.is_noop() && has_valid(old) && !has_valid(row) {
                    gone.push(name(group, row));
                }
                let rows = Rows { before: (before.0, old), after: (after.0, row), group };
                drafts.extend(rows.drafts(terms, &mut remarks));
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
    remarks.extend(apart(before.0, after.0));
    let is_control = |draft: &Draft| draft.0.system == crate::analysis::NOOP;
    let (control, items) = drafts.into_iter().partition(is_control);
    Paired { items: judged(items), control: judged(control), remarks, gone }
}

/// A latency of which nothing is known but that it is small.
fn is_unresolved(item: &Item) -> bool {
    let unresolved = |figure: &Figure| matches!(figure.value, Value::AtMost(_));
    item.kind != Kind::Capacity && unresolved(&item.before) && unresolved(&item.after)
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

/// Cells that stand in no group: they have figures of their own.
fn apart(before: &Outcome, after: &Outcome) -> Vec<String> {
    let count = |is: fn(&crate::outcome::CellKey) -> bool| {
        let cells = before.cells.iter().chain(&after.cells);
        cells.filter(|cell| is(&cell.key)).count()
    };
    let mut remarks = Vec::new();
    let trials = count(crate::outcome::CellKey::is_of_a_trial);
    if trials > 0 {
        remarks.push(format!("not compared: {trials} cells of trials, whose times the report has"));
    }
    let backlogs = count(|key| key.is_of_a_backlog() && !key.is_of_a_trial());
    if backlogs > 0 {
        remarks.push(format!("not compared: {backlogs} cells of backlogs"));
    }
    remarks
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
            Figure { value, spread: spread(&row.capacities), repeats: row.capacities.clone() }
        };
        let (before, after) = (figure(old), figure(new));
        before.number().or(after.number())?;
        let searched = |row: &Row| matches!(row.capacity, Capacity::Is { .. });
        let both_searched = searched(old) && searched(new);
        if old.capacity == new.capacity && (!both_searched || old.capacities == new.capacities) {
            return None;
        }
        let pair = if both_searched {
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

    fn item(
        &self,
        kind: Kind,
        load: Option<crate::outcome::Load>,
        before: Figure,
        after: Figure,
    ) -> Item {
        Item {
            system: self.after.1.system.clone(),
            profile: self.after.1.profile.clone(),
            mode: self.group.mode,
            variant: self.group.variant.clone(),
            load,
            kind,
            latency: self.group.latency,
            before,
            after,
            change: Change {
                by: f64::NAN,
                interval: None,
                adjusted: None,
                smallest: None,
                call: Call::Noise,
            },
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

/// The items with what may be said of all of them together.
fn judged(drafts: Vec<Draft>) -> Vec<Item> {
    let pairs: Vec<Pair> = drafts.iter().filter_map(|(_, pair)| pair.clone().ok()).collect();
    let mut changes = judge(&pairs).into_iter();
    drafts
        .into_iter()
        .map(|(mut item, pair)| {
            let judged = pair.and_then(|_| changes.next().ok_or_else(String::new));
            match judged {
                Ok(change) => item.change = change,
                Err(why) => item.change.call = Call::NotTested(why),
            }
            item
        })
        .collect()
}

/// Whether nothing was tested, and somewhere for want of repeats.
pub(super) fn too_few(items: &[Item]) -> bool {
    let tested = items.iter().any(|item| item.change.adjusted.is_some());
    !tested && items.iter().any(|item| item.change.call.wants_repeats())
}
