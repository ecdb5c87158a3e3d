//! What the processes of a row come to. One that leaves out a server elsewhere
//! would look cheap, so there is a sum only where all that it is of is known.

use schedbench_contract::DurabilityClass;

use crate::analysis::{Figure, Group, Point};

use super::super::Page;
use super::mean;

/// CPU-seconds per task, as the judge has it.
pub(super) fn cpu(_: &Page<'_>, _: &Group, point: &Point) -> Option<f64> {
    // CPU-seconds per million tasks are µs per task.
    known(&point.cpu).map(|cpu| cpu * 1e-6)
}

/// PSS of the system, as the judge has it.
pub(super) fn pss(_: &Page<'_>, _: &Group, point: &Point) -> Option<f64> {
    known(&point.pss)
}

/// RSS of the harness and the system.
pub(super) fn rss(page: &Page<'_>, group: &Group, point: &Point) -> Option<f64> {
    let harness = mean(page, &point.counted, "rss.harness")?;
    match system_rss(page, group, point) {
        None if in_process(group) => Some(harness),
        system => Some(harness + system?),
    }
}

/// RSS of the system: of broker and workers, or of the workers alone where a
/// class has no brokers.
pub(super) fn system_rss(page: &Page<'_>, group: &Group, point: &Point) -> Option<f64> {
    let of = |name: &str| mean(page, &point.counted, name);
    match (of("rss.broker"), of("rss.workers")) {
        (None, workers) if in_process(group) => workers,
        (broker, workers) => Some(broker? + workers?),
    }
}

fn in_process(group: &Group) -> bool {
    group.class.durability == DurabilityClass::InProcess
}

fn known(figure: &Figure) -> Option<f64> {
    figure.number().filter(|number| figure.is_exact() && *number >= 0.0)
}
