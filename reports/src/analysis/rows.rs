//! One system and profile of a group: its points, capacity and figures.

use std::collections::BTreeSet;

use crate::outcome::{Limit, Load, Outcome, System};

use super::capacity::{Capacity, capacity, of_repeat};
use super::points::{Figure, Point, point};
use super::rank::Rank;

/// One system and profile in a group.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// `system`, or `system/profile` where a system has more than one.
    pub label: String,
    /// Index in the outcome's systems.
    pub index: Option<usize>,
    /// `redis 7.0.15 (2022)`; empty where nothing is known.
    pub version: String,
    /// The worker's runtime.
    pub runtime: String,
    /// Its points by load.
    pub points: Vec<Point>,
    /// Highest rate held.
    pub capacity: Capacity,
    /// The capacity of each repeat, where each has one.
    pub capacities: Vec<f64>,
    /// Whether in some repeat nothing above what it held could be tried: its
    /// capacity is at least that, and no test may take it for the capacity.
    pub open_ended: bool,
    /// From where to where the capacities of all repeats may lie.
    pub bracket: Option<(f64, f64)>,
    /// Why it is shown and not ranked, where it is not comparable.
    pub not_comparable: Option<String>,
    /// Its place; `None` for `noop`, what is not comparable, and where nothing
    /// was held.
    pub rank: Option<Rank>,
    /// The verdict's word where the figures below, but for the failure rates,
    /// come from a point of which no cell is valid: shown, never ranked.
    pub not_valid: Option<&'static str>,
    /// P99 of the headline latency at the common load.
    pub p99: Figure,
    /// Failure rate at 10k/s.
    pub failed_10k: Figure,
    /// Failure rate at 100k/s.
    pub failed_100k: Figure,
    /// CPU-seconds per million tasks at the common load.
    pub cpu: Figure,
    /// PSS at the common load, bytes.
    pub pss: Figure,
}

impl Row {
    /// Whether it is the harness's own ceiling.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        self.system == super::NOOP
    }

    /// Whether it may be set against the others of its group.
    #[must_use]
    pub fn is_contender(&self) -> bool {
        !self.is_noop() && self.not_comparable.is_none()
    }

    /// Its point at that load.
    #[must_use]
    pub fn at(&self, load: Load) -> Option<&Point> {
        self.points.iter().find(|point| point.load == load)
    }

    /// Its point at its highest load held; where nothing was, at its lowest
    /// load; in flight, where held is not asked, at the most tasks.
    #[must_use]
    pub fn best(&self) -> Option<&Point> {
        let mut down = self.points.iter().rev();
        if let Some(Point { load: Load::InFlight(_), .. }) = self.points.last() {
            return down.find(|point| point.is_valid()).or(self.points.last());
        }
        down.find(|point| point.held == Some(true)).or_else(|| self.points.first())
    }

    /// The first point beyond its capacity that was not held, or that the
    /// generator or the client could not make: what limited it there.
    #[must_use]
    pub fn beyond(&self) -> Option<&Point> {
        let held = self.capacity.held();
        self.points.iter().find(|point| {
            let ours = matches!(point.limit, Limit::Generator(_) | Limit::Client(_));
            point.load.amount() > held && (point.held == Some(false) || ours)
        })
    }

    /// The first point below its capacity that was not held: a rate above it
    /// was, so the capacity is not the whole answer.
    #[must_use]
    pub fn gap(&self) -> Option<&Point> {
        let held = self.capacity.held();
        self.points.iter().find(|point| point.held == Some(false) && point.load.amount() < held)
    }

    /// The most that it did at any valid load.
    #[must_use]
    pub fn peak(&self) -> Option<f64> {
        let valid = self.points.iter().filter(|point| point.is_valid());
        valid.filter_map(|point| point.throughput.number()).reduce(f64::max)
    }
}

/// Of cells at one load those of the longest window: a search may have passed
/// the rate at which a soak then ran for half an hour, and what grows with time
/// is in the long one alone. What was cut short is no step of a search.
fn without_steps(outcome: &Outcome, cells: &[usize]) -> Vec<usize> {
    let window = |i: &usize| outcome.cells[*i].window.duration_s;
    let is_step = |i: &usize| {
        let cell = &outcome.cells[*i];
        let like = cells.iter().filter(|other| outcome.cells[**other].key.load == cell.key.load);
        let longest = like.map(window).fold(0.0, f64::max);
        cell.is_whole() && window(i) < longest / 2.0
    };
    cells.iter().copied().filter(|i| !is_step(i)).collect()
}

/// A row from its cells; `latency` names the headline histogram.
pub(super) fn row(
    outcome: &Outcome,
    index: usize,
    system: &System,
    cells: &[usize],
    latency: &'static str,
) -> Row {
    let cells = without_steps(outcome, cells);
    let mut loads: Vec<Load> = Vec::new();
    for i in &cells {
        let load = outcome.cells[*i].key.load;
        if !loads.contains(&load) {
            loads.push(load);
        }
    }
    loads.sort_by(|a, b| a.amount().total_cmp(&b.amount()));
    let points: Vec<Point> = loads
        .into_iter()
        .filter_map(|load| {
            let of = cells.iter().copied().filter(|i| outcome.cells[*i].key.load == load);
            point(&outcome.cells, of.collect(), latency)
        })
        .collect();
    let repeats: BTreeSet<u32> = cells.iter().map(|i| outcome.cells[*i].key.repeat).collect();
    let each: Vec<Capacity> =
        repeats.iter().map(|repeat| of_repeat(&outcome.cells, &points, *repeat)).collect();
    let bracket =
        each.iter().filter_map(Capacity::bracket).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let several = outcome.systems.iter().filter(|other| other.system == system.system).count() > 1;
    let failed_at = |rate: f64| {
        points
            .iter()
            .find(|point| point.load == Load::Rate(rate))
            .map_or_else(|| Figure::missing(""), |point| point.failure.clone())
    };
    Row {
        system: system.system.clone(),
        profile: system.profile.clone(),
        label: if several {
            format!("{}/{}", system.system, system.profile)
        } else {
            system.system.clone()
        },
        index: Some(index),
        version: system.server.as_ref().map_or_else(String::new, |server| {
            let year = server.year.map_or_else(String::new, |year| format!(" ({year})"));
            format!("{} {}{year}", server.name, server.version)
        }),
        runtime: system.worker_runtime.clone(),
        open_ended: each.iter().any(|capacity| matches!(capacity, Capacity::AtLeast(_))),
        capacity: capacity(&points, &each),
        capacities: each.iter().map(Capacity::held).filter(|held| *held > 0.0).collect(),
        bracket,
        // Delayed tasks are comparable in any case.
        not_comparable: system.claims.not_comparable.clone().filter(|_| latency == "start_latency"),
        rank: None,
        not_valid: None,
        p99: Figure::missing(""),
        failed_10k: failed_at(10e3),
        failed_100k: failed_at(100e3),
        cpu: Figure::missing(""),
        pss: Figure::missing(""),
        points,
    }
}
