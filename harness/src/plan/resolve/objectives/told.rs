//! Whether cells can tell what is demanded of them.

use schedbench_reports::analysis::BEYOND;
use schedbench_reports::metrics;

use super::{cell_of, slip};
use crate::plan::{CellPlan, Load, Step};
use crate::scenario::demand::{self, Slip};
use crate::scenario::{Mode, Nanos};

/// That the steps have the metric at all.
pub(super) fn can_be(mode: Mode, read: &demand::Demand, steps: &[&Step]) -> Result<(), Slip> {
    let name = read.metric.value.name;
    let any = |is: fn(&CellPlan) -> bool| steps.iter().any(|step| is(cell_of(step)));
    let is_of_a_backlog = name.starts_with("backlog.");
    let rests = is_of_a_backlog
        || metrics::is_of_the_ledger(name)
        || ["cpu.", "rss.", "pss."].iter().any(|prefix| name.starts_with(prefix));
    let is_delayed = ["firing_error.", "earliness."].iter().any(|prefix| name.starts_with(prefix));
    let (what, expected) = if name == metrics::CAPACITY.name {
        let is_ramp = any(|cell| matches!(cell.load, Load::Open { .. }) && !cell.is_tried());
        match is_ramp {
            true if read.within.is_none() => return Ok(()),
            _ => ("of a ramp or a search in which nothing is hurt", "rates and no fault with it"),
        }
    } else if metrics::is_of_trials(name) && (mode == Mode::Backlog || !any(CellPlan::is_tried)) {
        ("of a trial, and nothing is hurt under load", "a [[fault]] or [[trial]] and rates with it")
    } else if is_of_a_backlog && mode != Mode::Backlog {
        ("of a backlog", "mode = \"backlog\" with it")
    } else if mode == Mode::Backlog && !rests {
        ("not measured of a backlog", "`backlog.…`, a count of the ledger, CPU or memory")
    } else if is_delayed && !any(|cell| cell.longest_delay_ns() > 0) {
        ("of delayed tasks, and none is delayed", "a task.delay with it")
    } else if name == "cancelled_but_ran" && !any(|cell| cell.cancel_ppm > 0) {
        ("of cancelled tasks, and none is cancelled", "a task.cancel with it")
    } else {
        return Ok(());
    };
    Err(slip(&read.metric.span, format!("`{name}` is {what}"), format!("expected {expected}")))
}

/// That a percentile can be shown: ten tasks have to lie beyond it, all repeats
/// together.
pub(super) fn by_enough_tasks(
    read: &demand::Demand,
    steps: &[&Step],
    repeats: u64,
) -> Result<(), Slip> {
    let metric = read.metric.value.name;
    // Nobody knows beforehand how many start early.
    let Some((latency, quantile)) = metric.rsplit_once(".p").filter(|(of, _)| *of != "earliness")
    else {
        return Ok(());
    };
    let Ok(share) = format!("0.{quantile}").parse::<f64>() else { return Ok(()) };
    for step in steps {
        let Step::Cell(CellPlan { load, .. }) = step else { continue };
        let Some(rate) = load.mean_rate() else { continue };
        let tasks = rate * load.window_ns() as f64 / 1e9 * repeats as f64;
        // Arrivals scatter: three standard deviations more are as good as never.
        let most = tasks + 3.0 * tasks.sqrt();
        if most * (1.0 - share) < BEYOND {
            return Err(Slip::new(
                &read.metric.span,
                format!("`{latency}.p{quantile}` of about {tasks:.0} tasks"),
                format!(
                    "expected {BEYOND} beyond it: a longer window than {}, more repeats, or a \
                     percentile nearer to the median",
                    Nanos(load.window_ns())
                ),
            ));
        }
    }
    Ok(())
}
