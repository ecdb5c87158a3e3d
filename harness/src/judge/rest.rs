//! A backlog that rested while no worker ran: what survived, how fast it
//! drained (`docs/measurement.md` §9).

use std::collections::BTreeMap;

use schedbench_contract::ConfirmMode;
use schedbench_contract::ledger::Enqueue;
use schedbench_reports::outcome::{Cell, Counts, Held, Limit, State, Value};

use super::about::About;
use super::cost::cost;
use super::footprint::bytes_per_task;
use super::generator::Offered;
use super::limits::Limits;
use super::sums::Sums;
use super::tasks::{self, Seen};
use super::{faulted, grid, key, marks, seconds_between, validity, window};
use crate::plan::Deed;
use crate::record::{Evidence, Injected, Rested};

/// Equal intervals between the first success and the last, over which the
/// median rate is taken.
const INTERVALS: usize = 20;
/// Successes below which no rate is told: ten in each interval.
const ENOUGH: u64 = 10 * INTERVALS as u64;

/// Judges the cell of a backlog. Nothing is due at a rate in it, so that it has
/// no latencies, no Little's law, and nothing that could be held.
pub(super) fn judge(evidence: &Evidence<'_>, limits: &Limits, about: &About) -> Cell {
    let sums = Sums::of(evidence);
    let (counts, imbalances) = sums.entries.counts(evidence, &sums);
    let offered = Offered::AsPlanned;
    let validity = validity::validity(evidence, &sums, &imbalances, None, &offered, limits);
    let drained = Drained::of(evidence);
    let loss = sums.entries.loss(evidence);
    let mut series = sums.over_time.series(&sums.flow, limits.beyond, evidence.watched_ns());
    let shown = ["offered", "throughput", "backlog"];
    series.columns.retain(|name, _| shown.contains(&name.as_str()));
    Cell {
        key: key(evidence),
        number: about.number,
        block: about.block,
        part: evidence.plan.part.clone(),
        started_s: about.started_s,
        reruns: about.reruns,
        limit: Limit::Unknown("a backlog has no rate that could be limited".into()),
        validity,
        state: State::NotSteady("a backlog was built up and drained".into()),
        held: Held::NotJudged("a backlog: nothing arrives while it is drained".into()),
        error: about.error.clone(),
        window: window(evidence),
        pacing: "as fast as it is taken".into(),
        metrics: metrics(evidence, &counts, &loss, &drained),
        histograms: BTreeMap::new(),
        series,
        moments: marks(evidence, &sums),
        trials: faulted::at_rest(evidence, &counts, drained.confirmed),
        counts,
    }
}

/// What the ledger says of build-up and drain. Instants are monotonic ns.
#[derive(Debug, Default)]
struct Drained {
    confirmed: u64,
    last_confirmed: Option<u64>,
    /// Tasks that ran to a success.
    ran: u64,
    /// Those of them that ended when all workers were ready: from then on CPU
    /// is read.
    ran_when_ready: u64,
    /// The first and the last first success.
    successes: Option<(u64, u64)>,
    /// Successes per second in each interval between the two.
    rates: Vec<f64>,
}

impl Drained {
    fn of(evidence: &Evidence<'_>) -> Self {
        let mut all = Self::default();
        tasks::each(evidence, |seen| {
            let Seen::Task(task) = seen else { return };
            if task.entry.enqueue == Enqueue::Confirmed {
                all.confirmed += 1;
                all.last_confirmed = all.last_confirmed.max(task.entry.confirmed_at);
            }
            if let Some(end) = task.entry.first_end {
                all.ran += 1;
                let is_in = |rested: Rested| end >= rested.workers_ready;
                all.ran_when_ready += u64::from(evidence.rested.is_some_and(is_in));
                let (first, last) = all.successes.unwrap_or((end, end));
                all.successes = Some((first.min(end), last.max(end)));
            }
        });
        if let Some((first, last)) = all.successes.filter(|_| all.ran >= ENOUGH) {
            all.rates = rates(evidence, first, last);
        }
        all
    }

    /// The median over the intervals, tasks per second.
    fn median_rate(&self) -> Value {
        if self.rates.is_empty() {
            let why = format!("{} ran, {ENOUGH} are needed for a rate", self.ran);
            return Value::NotMeasured(why);
        }
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        let median = f64::midpoint(rates[(rates.len() - 1) / 2], rates[rates.len() / 2]);
        if median > 0.0 {
            return Value::Is(median);
        }
        // As where a queue answers nobody for most of the time, or the rest is
        // too short for its pieces to be told apart.
        let why = format!("nothing ran in most of the {INTERVALS} intervals: it drained in bursts");
        Value::NotMeasured(why)
    }
}

fn rates(evidence: &Evidence<'_>, first: u64, last: u64) -> Vec<f64> {
    let width = (last - first) as f64 / INTERVALS as f64;
    if width <= 0.0 {
        return Vec::new();
    }
    let mut counts = [0_u64; INTERVALS];
    tasks::each(evidence, |seen| {
        if let Seen::Task(task) = seen
            && let Some(end) = task.entry.first_end
        {
            let place = ((end - first) as f64 / width) as usize;
            counts[place.min(INTERVALS - 1)] += 1;
        }
    });
    counts.iter().map(|&count| count as f64 * 1e9 / width).collect()
}

fn metrics(
    evidence: &Evidence<'_>,
    counts: &Counts,
    loss: &grid::Loss,
    drained: &Drained,
) -> BTreeMap<String, Value> {
    let mut metrics = BTreeMap::new();
    let broker = evidence.plan.target.profile.broker.is_some();
    cost(&evidence.usage, broker, drained.ran_when_ready, &mut metrics);
    let mut put = |name: &str, value: Value| metrics.insert(name.into(), value);
    let host = &evidence.host;
    let told = |value: Option<f64>| {
        value.map_or_else(|| Value::NotMeasured("the kernel does not tell".into()), Value::Is)
    };
    put("foreign_cpu", told(host.foreign_cores));
    put("unattributed_cpu", told(host.unattributed_cores));
    put("steal", told(host.steal));
    put("clock_drift", Value::Is(host.clock_drift_ns as f64 / 1e9));
    put("settle_wait", Value::Is(host.settle_wait_ns as f64 / 1e9));

    put("backlog.confirmed", Value::Is(drained.confirmed as f64));
    put("backlog.survived", Value::Is(counts.window.done as f64));
    put("backlog.lost", lost(evidence, counts, loss));
    put("backlog.build_up", build_up(evidence, drained));
    let answers = evidence.rested.and_then(|rested| rested.answers);
    let ended = answers.and_then(|answers| ended_before(answers, evidence));
    let after = |from: Option<u64>| match (from, answers) {
        (Some(from), Some(at)) => Value::Is(seconds_between(from, at)),
        _ => Value::NotMeasured("the broker was not ended, or did not answer again".into()),
    };
    put("backlog.answers", after(ended.map(|fault| fault.took_effect)));
    put("backlog.restart", after(ended.and_then(|fault| fault.cleared)));
    let Some(rested) = evidence.rested else {
        for name in ["ready", "resume", "drain_time", "drain_rate", "bytes_per_task"] {
            let why = "its workers were never started".into();
            put(&format!("backlog.{name}"), Value::NotMeasured(why));
        }
        return metrics;
    };
    put("backlog.ready", Value::Is(seconds_between(rested.workers_on, rested.workers_ready)));
    put("backlog.resume", resume(&rested, drained));
    put("backlog.drain_time", drain_time(evidence, &rested, drained));
    put("backlog.drain_rate", drained.median_rate());
    let per_task = match rested.footprint {
        Ok(footprint) => bytes_per_task(&footprint.growth(), drained.confirmed),
        Err(why) => Value::NotMeasured(why.into()),
    };
    put("backlog.bytes_per_task", per_task);
    metrics
}

/// The fault that ended the broker which answered again at `answers`: the last
/// before it. A pause ends no broker; of a full disk one may end itself.
fn ended_before<'a>(answers: u64, evidence: &'a Evidence<'_>) -> Option<&'a Injected> {
    let ends = |deed| matches!(deed, Deed::Kill | Deed::Terminate | Deed::DiskFull);
    evidence.faults.iter().rfind(|one| {
        one.fault.on.is_of_the_broker() && ends(one.fault.deed) && one.took_effect <= answers
    })
}

/// Tasks proved lost: a lower bound where the system still held some.
fn lost(evidence: &Evidence<'_>, counts: &Counts, loss: &grid::Loss) -> Value {
    let confirms = evidence.plan.target.profile.claims.confirms;
    match (confirms, loss.may_hold) {
        (ConfirmMode::Unconfirmed, _) => {
            Value::NotMeasured("the profile does not confirm: missing, not lost".into())
        }
        (_, Some(0)) => Value::Is(counts.lost as f64),
        (_, Some(_)) if counts.residual > 0 => Value::AtLeast(counts.lost as f64),
        (_, Some(_)) => Value::Is(counts.lost as f64),
        (_, None) if counts.residual == 0 => Value::Is(0.0),
        (_, None) => Value::NotMeasured(format!("{} missing, not proved", counts.residual)),
    }
}

/// Confirmed per second, from the first hand-over to the last confirmation.
fn build_up(evidence: &Evidence<'_>, drained: &Drained) -> Value {
    let seconds = drained.last_confirmed.map(|last| seconds_between(evidence.start, last));
    match seconds.filter(|seconds| *seconds > 0.0) {
        Some(seconds) => Value::Is(drained.confirmed as f64 / seconds),
        None => Value::NotMeasured("nothing was confirmed".into()),
    }
}

fn resume(rested: &Rested, drained: &Drained) -> Value {
    match drained.successes {
        Some((first, _)) => Value::Is(seconds_between(rested.workers_on, first)),
        None => Value::NotMeasured("nothing was left to run".into()),
    }
}

/// From the workers' start to the last success; a lower bound where the drain
/// was cut off.
fn drain_time(evidence: &Evidence<'_>, rested: &Rested, drained: &Drained) -> Value {
    if let Some(why) = &evidence.cut_short {
        return Value::NotMeasured(why.clone());
    }
    match drained.successes {
        _ if !rested.is_drained => {
            Value::AtLeast(seconds_between(rested.workers_on, evidence.ended))
        }
        Some((_, last)) => Value::Is(seconds_between(rested.workers_on, last)),
        None => Value::NotMeasured("nothing was left to run".into()),
    }
}
