//! The row of a cell of which nothing was measured.

use std::collections::BTreeMap;

use schedbench_reports::outcome::{
    Cell, CellError, Counts, Held, Limit, Series, State, Validity, Window,
};

use super::naming::key;
use crate::judge;
use crate::plan::CellPlan;

/// A cell at a share of what is not known, as it stands in the outcome: nothing
/// was offered in it.
pub(super) fn unoffered(plan: &CellPlan) -> CellPlan {
    if plan.is_tried() { plan.at_rate(0.0) } else { plan.clone() }
}

/// The row of a cell that could not be measured at all.
pub(super) fn unmeasured(about: &judge::About, plan: &CellPlan, error: CellError) -> Cell {
    Cell {
        key: key(plan),
        number: about.number,
        block: about.block,
        part: plan.part.clone(),
        started_s: about.started_s,
        reruns: about.reruns,
        validity: Validity::Incomplete(error.message.clone()),
        state: State::NotSteady("not measured".to_owned()),
        held: Held::NotJudged("not measured".to_owned()),
        limit: Limit::Unknown("not measured".to_owned()),
        error: Some(error),
        window: Window {
            warmup_s: plan.warmup_ns as f64 / 1e9,
            duration_s: plan.load.window_ns() as f64 / 1e9,
            horizon_s: plan.horizon_ns as f64 / 1e9,
            drain_s: 0.0,
        },
        pacing: "none".to_owned(),
        counts: Counts { balances: true, ..Counts::default() },
        metrics: BTreeMap::new(),
        histograms: BTreeMap::new(),
        series: Series::default(),
        moments: Vec::new(),
        trials: Vec::new(),
    }
}
