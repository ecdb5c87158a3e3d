//! Loads that are no longer held, and trials in which a system does not come
//! back any more. Their figures leave the trends by that, so that no trend turns.

use crate::numbers::load;

use super::{At, Entry, Of, Past};

/// Loads or trials of one system that are no longer held, since the same run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallen {
    /// Of which system; of trials, where its mode is none.
    pub of: Of,
    /// The loads or trials: `20k/s`, `broker-kill at 10k/s`.
    pub under: Vec<String>,
    /// The first run of those that did not hold them, up to the newest.
    pub run: usize,
}

pub(super) fn fallen(runs: &[Entry]) -> Vec<Fallen> {
    let mut out: Vec<Fallen> = Vec::new();
    let Some(newest) = runs.last() else { return out };
    // A search tries other rates each time, and its capacity has a trend.
    let searched = |row: &Past| row.points.iter().any(At::is_capacity);
    for row in newest.rows.iter().filter(|row| !searched(row)) {
        for at in &row.points {
            let Some(run) = since(runs, &row.of, at) else { continue };
            let under = at.under.clone().or(at.load.map(load)).unwrap_or_default();
            match out.iter_mut().find(|it| it.run == run && it.of == row.of) {
                Some(known) => known.under.push(under),
                None => out.push(Fallen { of: row.of.clone(), under: vec![under], run }),
            }
        }
    }
    out
}

/// The first run after the last that held it, where the newest did not.
fn since(runs: &[Entry], of: &Of, place: &At) -> Option<usize> {
    let held = |entry: &Entry| -> Option<bool> {
        let row = entry.rows.iter().find(|row| row.of == *of)?;
        row.points.iter().find(|at| at.is_as(place))?.held
    };
    if held(runs.last()?) != Some(false) {
        return None;
    }
    let last = runs.iter().rposition(|entry| held(entry) == Some(true))?;
    let after = runs.iter().enumerate().skip(last + 1);
    after.filter(|(_, entry)| held(entry).is_some()).map(|(run, _)| run).next()
}
