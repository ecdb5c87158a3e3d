//! What history keeps of an outcome: its figures as plain numbers, row by row.

use crate::analysis::{Analysis, Capacity, Figure, Median, Point, Row, Spread, median, spread};
use crate::compare::Kind;
use crate::compare::backlogs::under;
use crate::compare::trials::{Trials, trials};
use crate::outcome::{Load, Outcome, Reading, Value};

use super::Of;

/// A row of an outcome as history keeps it.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) of: Of,
    pub(super) points: Vec<At>,
}

/// One load, trial or backlog, and its figures. Of a capacity there is no load.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) load: Option<Load>,
    /// In what trial, or of which backlog, in words.
    pub(super) under: Option<String>,
    /// What was done to it. The words of a backlog say that only where their run
    /// has others of its size.
    pub(super) fault: Option<String>,
    /// Whether the load was held; of a trial, whether it was back at its end.
    pub(super) held: Option<bool>,
    pub(super) figures: Vec<(Kind, Figure)>,
}

impl At {
    /// Whether both are of one load, trial or backlog.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let is_backlog = matches!(self.load, Some(Load::Backlog(_)));
        (self.load, &self.fault) == (other.load, &other.fault)
            && (is_backlog || self.under == other.under)
    }

    /// Whether it is a capacity.
    pub(super) const fn is_capacity(&self) -> bool {
        self.load.is_none() && self.under.is_none()
    }
}

/// All rows of an outcome.
pub(super) fn rows(of: (&Outcome, &Analysis)) -> Vec<Past> {
    let mut rows: Vec<Past> = Vec::new();
    for group in &of.1.groups {
        rows.extend(group.rows.iter().map(|row| Past {
            of: Of {
                system: row.system.clone(),
                profile: row.profile.clone(),
                mode: Some(group.mode),
                variant: group.variant.clone(),
                latency: group.latency,
            },
            points: points(row),
        }));
    }
    for one in of.1.backlogs.iter().filter(|one| one.not_valid.is_none()) {
        let kinds = Kind::ALL.into_iter().filter_map(|kind| {
            let each = one.each(of.0, kind.of_a_backlog()?);
            Some((kind, of_trials(&median(&each), &each)?))
        });
        let at = At {
            load: Some(Load::Backlog(one.tasks)),
            under: Some(under(one, &of.1.backlogs)),
            fault: one.fault.clone(),
            held: None,
            figures: kinds.collect(),
        };
        put(&mut rows, (&one.system, &one.profile, one.variant.as_deref()), at);
    }
    for one in trials(of).iter().filter(|one| one.not_valid().is_none()) {
        let tried = &one.first().tried;
        put(&mut rows, (&tried.system, &tried.profile, one.variant()), of_trial(one));
    }
    rows
}

/// Adds what stands in no group to the row of its system.
fn put(rows: &mut Vec<Past>, (system, profile, variant): (&str, &str, Option<&str>), at: At) {
    let is_it = |row: &&mut Past| {
        let of = &row.of;
        (of.system.as_str(), of.profile.as_str()) == (system, profile)
            && (of.mode, of.variant.as_deref()) == (None, variant)
    };
    match rows.iter_mut().find(is_it) {
        Some(row) => row.points.push(at),
        None => rows.push(Past {
            of: Of {
                system: system.to_owned(),
                profile: profile.to_owned(),
                mode: None,
                variant: variant.map(str::to_owned),
                latency: "",
            },
            points: vec![at],
        }),
    }
}

fn of_trial(one: &Trials<'_>) -> At {
    let kinds = Kind::ALL.into_iter().filter_map(|kind| {
        let each = one.each(kind.reading()?);
        Some((kind, of_trials(&median(&each), &each)?))
    });
    let held = match median(&one.each("recovery.from_fault")).value {
        Reading::Is(_) | Reading::NoImpact => Some(true),
        Reading::MoreThan(_) => Some(false),
        Reading::NotSteady(_) | Reading::NotMeasured(_) => None,
    };
    At { load: one.load(), under: Some(one.under()), fault: None, held, figures: kinds.collect() }
}

/// A median that is a plain number, with where its trials lie.
fn of_trials(told: &Median, each: &[Reading]) -> Option<Figure> {
    let Reading::Is(value) = told.value else { return None };
    let exact = |(low, high): (&Reading, &Reading)| match (low, high) {
        (Reading::Is(low), Reading::Is(high)) => Some((*low, *high)),
        _ => None,
    };
    let interval = told.interval.as_ref().and_then(|it| exact((&it.low, &it.high)));
    let range = told.range.as_ref().and_then(|(low, high)| exact((low, high)));
    let spread = match (interval, range) {
        (Some((low, high)), _) => Some(Spread::Interval(low, high)),
        (None, Some((low, high))) if each.len() > 1 => Some(Spread::Range(low, high)),
        _ => None,
    };
    let repeats = each.iter().filter_map(|reading| match reading {
        Reading::Is(number) => Some(*number),
        _ => None,
    });
    let figure = Figure { value: Value::Is(value), spread, repeats: repeats.collect() };
    (value.is_finite() && value >= 0.0).then_some(figure)
}

fn points(row: &Row) -> Vec<At> {
    let valid = row.points.iter().filter(|point| point.is_valid());
    let at_loads = valid.map(|point| {
        let figures = Kind::ALL.into_iter().filter_map(|kind| {
            let figure = figure(kind, point)?;
            Some((kind, figure.clone()))
        });
        let (load, held) = (Some(point.load), point.held);
        At { load, under: None, fault: None, held, figures: figures.collect() }
    });
    // A grid of loads knows a capacity to its next step only.
    let searched = match row.capacity {
        Capacity::Is { held, .. } => {
            let exact = if row.open_ended { None } else { spread(&row.capacities) };
            let (spread, repeats) = (exact, row.capacities.clone());
            let figure = Figure { value: Value::Is(held), spread, repeats };
            let figures = vec![(Kind::Capacity, figure)];
            Some(At { load: None, under: None, fault: None, held: None, figures })
        }
        _ => None,
    };
    searched.into_iter().chain(at_loads).collect()
}

/// A figure that is a plain number.
fn figure(kind: Kind, point: &Point) -> Option<&Figure> {
    kind.of(point).filter(|figure| match figure.value {
        Value::Is(number) => number.is_finite() && (number > 0.0 || kind == Kind::Failed),
        _ => false,
    })
}
