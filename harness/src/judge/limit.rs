//! Which of generator, client, broker and workers was the limit, in words.

use schedbench_contract::Handler;
use schedbench_reports::outcome::{Held, Validity};

use super::about::About;
use super::words::{number, percent};
use crate::record::Evidence;

/// Share of what there is from which a resource counts as used up: with
/// 95 % of the cores busy the queue for them is what is measured.
const USED_UP: f64 = 0.95;

/// What limited the rate, where it can be told. A load that was held had no
/// limit, and of one that others disturbed none can be told. In the order of certainty: what a verdict names, the workers' slots
/// (arithmetic), all cores, one core of a broker (a server with one thread
/// has no more), else that no CPU was the limit.
pub(super) fn limit(
    evidence: &Evidence<'_>,
    about: &About,
    validity: &Validity,
    held: &Held,
    throughput: f64,
    seconds: f64,
) -> Option<String> {
    match validity {
        Validity::GeneratorLimited(why) => return Some(format!("the generator: {why}")),
        Validity::ClientLimited(why) => return Some(format!("the client: {why}")),
        Validity::Valid => {}
        _ => return None,
    }
    if matches!(held, Held::Yes) {
        return None;
    }
    let by_slots = slots(evidence, about, throughput);
    // Of a broker whose processes are not ours it is not known what it took.
    if evidence.plan.target.profile.broker.is_some() && evidence.usage.broker_cpu_s.is_none() {
        return by_slots;
    }
    by_slots
        .or_else(|| cores(evidence, about, seconds))
        .or_else(|| one_core(evidence, seconds))
        .or_else(|| idle(evidence, about, seconds))
}

/// Workers that have no slot free: processes × concurrency / handler time is
/// the most that they can do.
fn slots(evidence: &Evidence<'_>, about: &About, throughput: f64) -> Option<String> {
    let (Handler::SleepNs(ns) | Handler::CpuNs(ns)) = evidence.plan.handler else { return None };
    let shape = about.shape?;
    let processes = if evidence.plan.target.profile.broker.is_some() { shape.processes } else { 1 };
    let handlers = f64::from(processes) * f64::from(shape.concurrency);
    let most = handlers * 1e9 / ns.max(1) as f64;
    (throughput >= 0.9 * most).then(|| {
        format!(
            "the workers: {} handlers of {} ms do at most {}/s",
            number(handlers),
            number(ns as f64 / 1e6),
            number(most)
        )
    })
}

/// CPU-seconds by role, named.
fn roles(evidence: &Evidence<'_>) -> impl Iterator<Item = (&'static str, f64)> {
    let usage = &evidence.usage;
    [
        ("generator", usage.generator_cpu_s),
        ("client", usage.client_cpu_s),
        ("broker", usage.broker_cpu_s),
        ("workers", usage.workers_cpu_s),
    ]
    .into_iter()
    .filter_map(|(role, cpu_s)| Some((role, cpu_s?)))
}

fn cores(evidence: &Evidence<'_>, about: &About, seconds: f64) -> Option<String> {
    let cores = f64::from(about.cores?);
    let used: f64 = roles(evidence).map(|(_, cpu_s)| cpu_s).sum();
    if used < USED_UP * cores * seconds {
        return None;
    }
    let share = |(role, cpu_s): (&str, f64)| format!("{role} {}", percent(cpu_s / used));
    let shares: Vec<String> = roles(evidence).map(share).collect();
    Some(format!("the machine: all {} cores busy ({})", number(cores), shares.join(", ")))
}

fn one_core(evidence: &Evidence<'_>, seconds: f64) -> Option<String> {
    evidence.plan.target.profile.broker?;
    let busy = evidence.usage.broker_cpu_s? / seconds;
    (0.9..=1.1).contains(&busy).then(|| {
        format!("the broker: {} core busy, all that a server with one thread has", number(busy))
    })
}

fn idle(evidence: &Evidence<'_>, about: &About, seconds: f64) -> Option<String> {
    let cores = f64::from(about.cores?);
    let used: f64 = roles(evidence).map(|(_, cpu_s)| cpu_s).sum();
    (used > 0.0).then(|| {
        format!(
            "not the CPU: {} of {} cores busy; waiting (for round trips, the disk or a lock) was",
            number(used / seconds),
            number(cores)
        )
    })
}
