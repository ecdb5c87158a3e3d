//! What the times of a trial can be, at each rate that is planned.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::judge::recovery::{Fault, Foresight, Times};
use crate::plan::{CellPlan, Load, Plan, Step};
use crate::scenario::{Nanos, Rate, wrapped};

/// A load under which the same is done, and what that tells.
pub(super) struct Told {
    rate: f64,
    window_ns: u64,
    /// The coarsest of its stretches of faults.
    foresight: Foresight,
}

/// Each load of cells that go through what `hurt` does, by its rate. A share of
/// a capacity is no rate yet, and stages are several.
pub(super) fn each(plan: &Plan, hurt: &CellPlan) -> Vec<Told> {
    let mut seen: Vec<&Load> = Vec::new();
    for step in plan.blocks.iter().flat_map(|block| &block.steps) {
        let Step::Cell(cell) = step else { continue };
        let is_alike = cell.trial == hurt.trial && cell.faults == hurt.faults;
        if is_alike && !seen.contains(&&cell.load) {
            seen.push(&cell.load);
        }
    }
    let mut all: Vec<Told> = seen.into_iter().filter_map(|load| of(load, hurt)).collect();
    all.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    all
}

fn of(load: &Load, hurt: &CellPlan) -> Option<Told> {
    let Load::Open { stages, .. } = load else { return None };
    let [stage] = stages.as_slice() else { return None };
    let fault = |from: u64, lasts: u64| Fault { took_effect: from, cleared: Some(from + lasts) };
    let control = hurt.control().map(|control| fault(control.at_ns, control.for_ns));
    let faults = hurt.faults.iter().map(|one| fault(one.at_ns, one.for_ns));
    let faults: Vec<Fault> = faults.chain(control).collect();
    let stretches = Times::of(&faults, 0, stage.duration_ns);
    let each = stretches.iter().map(|times| Foresight::of(times, stage.rate));
    let foresight = each.min_by(|a, b| {
        let rank = |one: &Foresight| (one.is_measured, one.latest_recovery_s);
        let ((a, a_s), (b, b_s)) = (rank(a), rank(b));
        a.cmp(&b).then(a_s.total_cmp(&b_s))
    })?;
    Some(Told { rate: stage.rate, window_ns: stage.duration_ns, foresight })
}

/// A line for each, below the timeline.
pub(super) fn write(all: &[Told], out: &mut impl Write) -> io::Result<()> {
    for told in all {
        for (line, text) in wrapped(&told.in_words(), 65).iter().enumerate() {
            writeln!(out, "{:1$}{text}", "", if line == 0 { 15 } else { 17 })?;
        }
    }
    Ok(())
}

impl Told {
    /// `10k/s for 30 s: impacts from 600 ms, recoveries up to 6 s later`.
    pub(super) fn in_words(&self) -> String {
        let Foresight { interval_s, baseline, is_measured, shortest_impact_s, latest_recovery_s } =
            self.foresight;
        let head = format!("{}/s for {}", Rate(self.rate), Nanos(self.window_ns));
        if !is_measured {
            return format!(
                "{head}: no times are sure, {baseline} intervals of {} before it are too few",
                time(interval_s)
            );
        }
        let impacts = format!("impacts from {}", time(shortest_impact_s));
        if latest_recovery_s < 0.0 {
            return format!("{head}: {impacts}, of a later recovery only \"> x s\"");
        }
        format!("{head}: {impacts}, recoveries up to {} later", time(latest_recovery_s))
    }

    /// The same for machines.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "rate": self.rate,
            "window_s": self.window_ns as f64 / 1e9,
            "interval_s": self.foresight.interval_s,
            "baseline_intervals": self.foresight.baseline,
            "has_times": self.foresight.is_measured,
            "shortest_impact_s": self.foresight.shortest_impact_s,
            "latest_recovery_from_heal_s": self.foresight.latest_recovery_s,
        })
    }
}

/// To a tenth of a second, or below 1 s to a millisecond, rounded down.
fn time(seconds: f64) -> String {
    let step: f64 = if seconds < 1.0 { 1e6 } else { 1e8 };
    // A hundredth of a step is lost in binary fractions: 0.6 s is 600 ms.
    let steps = (seconds * 1e9 / step + 0.01).floor();
    Nanos((steps * step) as u64).to_string()
}
