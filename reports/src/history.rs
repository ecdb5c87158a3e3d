//! All outcomes of one plan on one machine, in the order of their time: how
//! each figure went, and where it began to lie elsewhere.

mod fallen;
mod lost;
mod past;

use jiff::Timestamp;

use crate::analysis::{Figure, LONGEST, Mode, analyse, change_points};
use crate::compare::losses::{Broken, promised};
use crate::compare::{Kind, Weight, differences};
use crate::outcome::{Load, Outcome};

use past::{At, Past};

pub use fallen::Fallen;
pub use lost::Lost;

/// Runs from which on a change can be told: of fewer there are too few orders
/// for one in a hundred.
pub const TOLD_FROM: usize = 10;

/// What history keeps of an outcome: its figures, and what decides which
/// others it may be set beside. An outcome itself may take tens of megabytes.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file that it is from.
    pub file: String,
    /// The outcome without its cells.
    pub about: Outcome,
    started: Timestamp,
    rows: Vec<Past>,
    promised: Vec<Broken>,
}

/// Which system, profile and way of loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// How it was loaded; `None` of trials and backlogs.
    pub mode: Option<Mode>,
    /// What else differs between cells of one load.
    pub variant: Option<String>,
    /// The headline latency.
    pub latency: &'static str,
}

/// One figure over all runs.
#[derive(Clone, Debug)]
pub struct Trend {
    /// Of which system.
    pub of: Of,
    /// Under which load; of a capacity there is none, nor of trials at a share
    /// of it.
    pub load: Option<Load>,
    /// In what trial, or of which backlog; of cells of a load nothing.
    pub under: Option<String>,
    /// The figure.
    pub kind: Kind,
    /// Its place among the runs, and what it was there; runs without a valid
    /// number of it are left out.
    pub dots: Vec<(usize, Figure)>,
    /// The middle of all.
    pub median: f64,
    /// Where it changed.
    pub turns: Vec<Turn>,
}

/// A place at which a figure began to lie elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The first run of what is new.
    pub run: usize,
    /// By how much: mean after over mean before, less one.
    pub by: f64,
}

/// Runs that may be set beside each other.
#[derive(Clone, Debug)]
pub struct Strand {
    /// The runs, the oldest first.
    pub runs: Vec<Entry>,
    /// Their figures.
    pub trends: Vec<Trend>,
    /// Loads that the newest run holds no longer, and trials in which it does
    /// not come back any more.
    pub fallen: Vec<Fallen>,
    /// What the newest run lost where nothing may be.
    pub lost: Vec<Lost>,
}

/// An outcome that cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEntry {
    /// It has no cells.
    #[error("no cell was measured")]
    NoCells,
    /// Its start is no time.
    #[error("its start, {0:?}, is no time")]
    NoTime(String),
}

impl Entry {
    /// What history keeps of an outcome.
    ///
    /// # Errors
    /// It cannot be placed.
    pub fn of(file: &str, outcome: &Outcome) -> Result<Self, NoEntry> {
        if outcome.cells.is_empty() {
            return Err(NoEntry::NoCells);
        }
        let started = outcome.run.started.parse();
        let started = started.map_err(|_| NoEntry::NoTime(outcome.run.started.clone()))?;
        let analysis = analyse(outcome);
        // A loop over all fields of an outcome would copy its histograms first.
        let about = Outcome {
            schema_version: outcome.schema_version,
            run: outcome.run.clone(),
            plan: outcome.plan.clone(),
            host: outcome.host.clone(),
            systems: outcome.systems.clone(),
            skipped: Vec::new(),
            cells: Vec::new(),
            ended: outcome.ended.clone(),
        };
        let of = (outcome, &analysis);
        let (rows, promised) = (past::rows(of), promised(of));
        Ok(Self { file: file.to_owned(), about, started, rows, promised })
    }

    fn identity(&self) -> (Timestamp, &str, &str, &str) {
        let (run, plan) = (&self.about.run, &self.about.plan);
        (self.started, &run.id, &plan.scenario, &plan.hash)
    }
}

/// Sets outcomes beside each other, those alone that measured the same on the
/// same machine: a strand for each plan, host and environment, the one with
/// the newest run first.
#[must_use]
pub fn history(mut entries: Vec<Entry>) -> Vec<Strand> {
    // A file that lies in two places is one run.
    entries.sort_by(|a, b| a.identity().cmp(&b.identity()));
    entries.dedup_by(|b, a| b.identity() == a.identity());
    let mut strands: Vec<Vec<Entry>> = Vec::new();
    for entry in entries {
        let belongs = |strand: &&mut Vec<Entry>| {
            strand.last().is_some_and(|last| {
                last.about.plan.scenario == entry.about.plan.scenario
                    && differences(&last.about, &entry.about)
                        .iter()
                        .all(|difference| difference.weight != Weight::Refuses)
            })
        };
        match strands.iter_mut().find(belongs) {
            Some(strand) => strand.push(entry),
            None => strands.push(vec![entry]),
        }
    }
    for strand in &mut strands {
        let older = strand.len().saturating_sub(LONGEST);
        strand.drain(..older);
    }
    strands.sort_by_key(|strand| std::cmp::Reverse(strand.last().map(|entry| entry.started)));
    strands
        .into_iter()
        .map(|runs| {
            let trends = trends(&runs);
            let fallen = fallen::fallen(&runs);
            let lost = lost::lost(&runs);
            Strand { runs, trends, fallen, lost }
        })
        .collect()
}

fn trends(runs: &[Entry]) -> Vec<Trend> {
    let mut of: Vec<&Of> = Vec::new();
    // The newest run first: its order is that of today's tables.
    for row in runs.iter().rev().flat_map(|entry| &entry.rows) {
        if !of.contains(&&row.of) {
            of.push(&row.of);
        }
    }
    let mut out = Vec::new();
    for of in of {
        let rows: Vec<(usize, &Past)> = runs
            .iter()
            .enumerate()
            .flat_map(|(run, entry)| entry.rows.iter().map(move |row| (run, row)))
            .filter(|(_, row)| row.of == *of)
            .collect();
        let mut places: Vec<&At> = Vec::new();
        for at in rows.iter().flat_map(|(_, row)| &row.points) {
            if !places.iter().any(|known| known.is_as(at)) {
                places.push(at);
            }
        }
        let amount = |at: &At| at.load.map_or(0.0, Load::amount);
        places.sort_by(|a, b| amount(a).total_cmp(&amount(b)));
        let costed = costed(&rows);
        for kind in Kind::ALL {
            for at in &places {
                let is_cost = matches!(kind, Kind::Cpu | Kind::Pss);
                if is_cost && at.load != costed {
                    continue;
                }
                out.extend(trend(of, at, kind, &rows));
            }
        }
    }
    out
}

/// Cost is shown at the highest load that the newest run held.
fn costed(rows: &[(usize, &Past)]) -> Option<Load> {
    let (_, newest) = rows.last()?;
    let held = newest.points.iter().rev().find(|at| at.held == Some(true));
    held.or(newest.points.last())?.load
}

fn trend(of: &Of, place: &At, kind: Kind, rows: &[(usize, &Past)]) -> Option<Trend> {
    let tells = |held: Option<bool>| match kind {
        // What is held is done as it was offered; what is not has a latency
        // that is the window's length.
        Kind::Throughput => of.mode == Some(Mode::InFlight) || held != Some(true),
        Kind::P50 | Kind::P99 => of.mode == Some(Mode::Open) && held != Some(false),
        Kind::Failed => of.mode == Some(Mode::Open),
        _ => true,
    };
    let dots: Vec<(usize, Figure)> = rows
        .iter()
        .filter_map(|(run, row)| {
            let at = row.points.iter().find(|at| at.is_as(place) && tells(at.held))?;
            let (_, figure) = at.figures.iter().find(|(of, _)| *of == kind)?;
            Some((*run, figure.clone()))
        })
        .collect();
    let numbers: Vec<f64> = dots.iter().filter_map(|(_, figure)| figure.number()).collect();
    let mut sorted = numbers.clone();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    let median = f64::midpoint(lower, upper);
    // Rates of failure are mostly zeros, which have no ratio.
    if numbers.len() < 2 || median <= 0.0 {
        return None;
    }
    let (load, under) = (place.load, place.under.clone());
    Some(Trend { of: of.clone(), load, under, kind, turns: turns(&dots, &numbers), dots, median })
}

/// On logarithms: times and rates scatter by factors.
fn turns(dots: &[(usize, Figure)], numbers: &[f64]) -> Vec<Turn> {
    if numbers.iter().any(|x| *x <= 0.0) {
        return Vec::new();
    }
    let logs: Vec<f64> = numbers.iter().map(|x| x.ln()).collect();
    let places = change_points(&logs);
    let mean =
        |from: usize, to: usize| logs[from..to].iter().sum::<f64>() / (to - from).max(1) as f64;
    places
        .iter()
        .enumerate()
        .map(|(order, at)| {
            let from = order.checked_sub(1).map_or(0, |before| places[before]);
            let to = places.get(order + 1).copied().unwrap_or(logs.len());
            Turn { run: dots[*at].0, by: (mean(*at, to) - mean(from, *at)).exp_m1() }
        })
        .collect()
}
