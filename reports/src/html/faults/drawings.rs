//! Trials over time.

use maud::{Markup, html};

use crate::analysis::{Recovery, find};
use crate::outcome::{Reading, Trial};

use super::super::Page;
use super::super::data::Data;
use super::panels::{Shown, drawing};

/// One trial of each row over time, the one whose recovery is the median.
pub(super) fn drawings(page: &Page<'_>, rows: &[&Recovery], data: &mut Data) -> Markup {
    let shown: Vec<Shown<'_>> = rows.iter().filter_map(|row| shown(page, row)).collect();
    html! {
        div.plots {
            div.columns {
                @for one in &shown { div.column { (drawing(one, data)) } }
            }
        }
    }
}

fn shown<'a>(page: &Page<'a>, row: &Recovery) -> Option<Shown<'a>> {
    let mut trials: Vec<_> =
        row.trials.iter().filter_map(|place| find(page.outcome, *place)).collect();
    if row.valid > 0 {
        trials.retain(|(cell, _)| cell.validity.is_valid());
    }
    if trials.iter().any(|(_, trial)| recovered(trial).is_some()) {
        trials.retain(|(_, trial)| recovered(trial).is_some());
    }
    let after = |trial: &Trial| recovered(trial).unwrap_or(f64::INFINITY);
    trials.sort_by(|a, b| after(a.1).total_cmp(&after(b.1)));
    let (cell, trial) = *trials.get(trials.len().saturating_sub(1) / 2)?;
    let style = page.palette.index(&row.tried.system, &row.tried.profile);
    let label = page.palette.0.get(style).map_or("", |look| look.label.as_str());
    Some(Shown { trial, cell, label, style })
}

/// As the median orders them: no impact below every number, what was not
/// judged nowhere.
fn recovered(trial: &Trial) -> Option<f64> {
    match trial.readings.get("recovery.from_fault")? {
        Reading::NoImpact => Some(f64::NEG_INFINITY),
        reading => reading.number(),
    }
}
