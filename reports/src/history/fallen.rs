//! Loads that are no longer held. Their latencies leave the trends by that, so
//! that no trend turns.

use crate::outcome::Load;

use super::{At, Entry, Of, Past};

/// Loads of one system that are no longer held, since the same run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallen {
    /// Of which system.
    pub of: Of,
    /// The loads.
    pub loads: Vec<Load>,
    /// The first run of those that did not hold them, up to the newest.
    pub run: usize,
}

pub(super) fn fallen(runs: &[Entry]) -> Vec<Fallen> {
    let mut out: Vec<Fallen> = Vec::new();
    let Some(newest) = runs.last() else { return out };
    // A search tries other rates each time, and its capacity has a trend.
    let searched = |row: &Past| row.points.iter().any(|at| at.load.is_none());
    for row in newest.rows.iter().filter(|row| !searched(row)) {
        for load in row.points.iter().filter_map(|at| at.load) {
            let Some(run) = since(runs, &row.of, load) else { continue };
            match out.iter_mut().find(|it| it.run == run && it.of == row.of) {
                Some(known) => known.loads.push(load),
                None => out.push(Fallen { of: row.of.clone(), loads: vec![load], run }),
            }
        }
    }
    out
}

/// The first run after the last that held it, where the newest did not.
fn since(runs: &[Entry], of: &Of, load: Load) -> Option<usize> {
    let held = |entry: &Entry| -> Option<bool> {
        let row = entry.rows.iter().find(|row| row.of == *of)?;
        let is_it = |at: &&At| at.load == Some(load);
        row.points.iter().find(is_it)?.held
    };
    if held(runs.last()?) != Some(false) {
        return None;
    }
    let last = runs.iter().rposition(|entry| held(entry) == Some(true))?;
    let after = runs.iter().enumerate().skip(last + 1);
    after.filter(|(_, entry)| held(entry).is_some()).map(|(run, _)| run).next()
}
