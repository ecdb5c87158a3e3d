//! Whether a measurement may be ranked (`docs/measurement.md` §4).

use schedbench_contract::Comparable;
use schedbench_reports::outcome::Validity;

use super::generator::Offered;
use super::limits::Limits;
use super::little::Little;
use super::sums::Sums;
use super::words::{number, percent, time};
use crate::plan::{CellPlan, Load};
use crate::record::Evidence;

/// The first of these that applies, the gravest first:
///
/// 1. `unbalanced`, the ledger: no figure of the cell can be believed.
/// 2. `incomplete`: it was not measured to its end.
/// 3. `clock-suspect`: instants cannot be believed, Little's law among them.
/// 4. `unbalanced`, Little's law, where there is a rate.
/// 5. `disturbed`, before what a disturbance causes: it can be run again.
/// 6. `client-limited`, before what a busy client causes: late offers.
/// 7. `generator-limited`.
/// 8. `not-comparable`: a good measurement of something else.
pub(super) fn validity(
    evidence: &Evidence<'_>,
    sums: &Sums,
    imbalances: &[String],
    little: Option<&Little>,
    offered: &Offered,
    limits: &Limits,
) -> Validity {
    if !imbalances.is_empty() {
        return Validity::Unbalanced(imbalances.join("; "));
    }
    if let Some(why) = incomplete(evidence, sums, limits) {
        return Validity::Incomplete(why);
    }
    if let Some(why) = clock_suspect(evidence, sums, limits) {
        return Validity::ClockSuspect(why);
    }
    if let Some(why) = little.and_then(|little| little.broken(limits.little)) {
        return Validity::Unbalanced(why);
    }
    if let Some(why) = disturbed(evidence, limits) {
        return Validity::Disturbed(why);
    }
    if let Some(why) = client_limited(evidence, limits) {
        return Validity::ClientLimited(why);
    }
    match offered {
        Offered::GeneratorLimited(why) => Validity::GeneratorLimited(why.clone()),
        _ => comparable(evidence.plan),
    }
}

/// Whether the system's figures may be set beside others' at these delays.
fn comparable(plan: &CellPlan) -> Validity {
    match plan.target.system.comparable {
        Comparable::Delayed { by_at_least_ns, why }
            if plan.shortest_delay_ns() < by_at_least_ns =>
        {
            Validity::NotComparable(why.into())
        }
        Comparable::Delayed { .. } | Comparable::Always => Validity::Valid,
    }
}

fn incomplete(evidence: &Evidence<'_>, sums: &Sums, limits: &Limits) -> Option<String> {
    if let Some(why) = &evidence.cut_short {
        return Some(why.clone());
    }
    let outside = evidence.ledger.out_of_range();
    if outside > 0 {
        return Some(format!("{outside} instants lay outside the ledger's horizon"));
    }
    if evidence.window.is_empty() {
        return Some("the window is empty".into());
    }
    if let Load::InFlight { tasks, .. } = evidence.plan.load {
        let (done, needed) = (sums.flow.done_in_window(), limits.turnover.saturating_mul(tasks));
        if done < needed {
            return Some(format!(
                "did not turn over: {done} completions in the window, {} × {tasks} needed",
                limits.turnover
            ));
        }
    }
    // A backlog is watched to its end, and what is left over then is counted.
    if evidence.plan.load.is_backlog() {
        let unstarted = || "its workers were never started".to_owned();
        return evidence.rested.is_none().then(unstarted);
    }
    let unwatched = sums.window.unwatched;
    (unwatched > 0).then(|| {
        format!(
            "{unwatched} tasks were not watched for all of T = {}",
            time(evidence.plan.horizon_ns as f64)
        )
    })
}

fn clock_suspect(evidence: &Evidence<'_>, sums: &Sums, limits: &Limits) -> Option<String> {
    let drift = evidence.host.clock_drift_ns;
    if drift > limits.clock_drift_ns {
        return Some(format!(
            "monotonic and wall clock drifted {} apart (limit {})",
            time(drift as f64),
            time(limits.clock_drift_ns as f64)
        ));
    }
    let early = sums.latencies.before_intended;
    (early > 0)
        .then(|| format!("{early} tasks without a delay started before they were handed over"))
}

fn disturbed(evidence: &Evidence<'_>, limits: &Limits) -> Option<String> {
    let host = &evidence.host;
    if let Some(cores) = host.foreign_cores.filter(|&cores| cores > limits.foreign_cores) {
        return Some(format!(
            "other processes took {} core (limit {})",
            number(cores),
            number(limits.foreign_cores)
        ));
    }
    if let Some(cores) = host.unattributed_cores.filter(|&cores| cores > limits.unattributed_cores)
    {
        return Some(format!(
            "{} core went to no process that was there at both ends of the window (limit {})",
            number(cores),
            number(limits.unattributed_cores)
        ));
    }
    let steal = host.steal.filter(|&steal| steal > limits.steal)?;
    Some(format!("the hypervisor took {} (limit {})", percent(steal), percent(limits.steal)))
}

fn client_limited(evidence: &Evidence<'_>, limits: &Limits) -> Option<String> {
    let busy = evidence.usage.busiest_client_thread?;
    (busy > limits.client_thread).then(|| {
        format!(
            "a client thread was busy {} of the window (limit {})",
            percent(busy),
            percent(limits.client_thread)
        )
    })
}
