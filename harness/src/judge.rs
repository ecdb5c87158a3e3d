//! Plan × evidence → outcome of a cell. Pure: no clock, no file, no network.
//!
//! What each word means stands in `docs/measurement.md`. One pass over the
//! ledger makes every sum, beside the arrivals made again from the seed; the
//! verdicts and figures are then made from the sums alone, so that memory
//! does not grow with the number of tasks.

mod about;
mod backlog;
mod cost;
mod faulted;
mod figures;
mod floor;
mod flow;
mod footprint;
mod generator;
mod grid;
mod held;
mod latency;
mod limit;
mod limits;
mod little;
mod order;
mod queues;
pub mod recovery;
mod rest;
mod series;
mod steady;
mod sums;
mod tasks;
mod trial_series;
mod validity;
mod window;
mod words;

pub use about::{About, Capacity};
pub use limits::Limits;
use schedbench_contract::MomentKind;
use schedbench_reports::outcome::{self, Cell, CellKey, Held, Mark, State};

use self::backlog::Slope;
use self::figures::Figures;
use self::floor::Floor;
use self::generator::Offering;
use self::held::Kept;
use self::latency::Distribution;
use self::limit::Saturation;
use self::little::Little;
use self::sums::Sums;
use crate::plan::{Load, Pacing};
use crate::record::Evidence;

/// Judges one cell.
#[must_use]
pub fn judge(evidence: &Evidence<'_>, limits: &Limits, about: &About) -> Cell {
    let plan = evidence.plan;
    if plan.load.is_backlog() {
        return rest::judge(evidence, limits, about);
    }
    let in_flight = matches!(plan.load, Load::InFlight { .. });
    let sums = Sums::of(evidence);
    let seconds = sums.flow.grid.seconds();
    let (counts, imbalances) = sums.entries.counts(evidence, &sums);
    let little = Little::of(&sums.flow);
    let slope = Slope::of(&sums.flow.backlog, seconds);

    let offering = Offering {
        planned: sums.window.intended,
        offered: sums.flow.offered_in_window(),
        lateness: &evidence.pacing.lateness,
        pending_share: evidence.pacing.pending_share.clamp(0.0, 1.0),
        start_p99: sums.latencies.start.quantile(0.99),
        horizon_ns: plan.horizon_ns,
        seconds,
    };
    // In flight nothing is planned for an instant: there is no being late.
    let offered = if in_flight {
        generator::Offered::AsPlanned
    } else {
        generator::offered(&offering, limits)
    };

    let validity =
        validity::validity(evidence, &sums, &imbalances, Some(&little), &offered, limits);
    let thirds = sums.over_time.parts(3);
    let kept = Kept {
        flow: &sums.flow,
        slope,
        counts: &counts.window,
        start: &sums.latencies.start,
        thirds: (&thirds[0], &thirds[2]),
        horizon_ns: plan.horizon_ns,
        in_flight,
    };
    let (held, state) = if evidence.faults.is_empty() {
        (kept.held(&validity, limits), kept.state(&offered, limits))
    } else {
        let why = "a fault was done to it meanwhile".to_owned();
        (Held::NotJudged(why.clone()), State::NotSteady(why))
    };
    let is_empty = sums.entries.holds_nothing(evidence);
    let saturation = Saturation {
        evidence,
        about,
        validity: &validity,
        held: &held,
        kept_up: kept.kept_up(limits),
        slope,
        throughput: sums.flow.done_in_window() as f64 / seconds,
        seconds,
    };
    let limit = saturation.limit();

    let lateness = Distribution::of(evidence.pacing.lateness.clone());
    // The generator notes a wait that is over. In an open loop it stood before
    // the system with the others until it gave up, T after their time or more.
    let waits_on =
        if matches!(plan.load, Load::Open { .. }) { sums.window.never_accepted } else { 0 };
    let back_pressure =
        Distribution::of(evidence.pacing.back_pressure.clone()).and_at_infinity(waits_on);
    let floor = Floor::of(plan, &lateness, limits.resolved);
    let figures = Figures {
        evidence,
        sums: &sums,
        counts: &counts.window,
        lateness: &lateness,
        back_pressure: &back_pressure,
        floor: &floor,
        slope,
        little,
        limits,
    };

    Cell {
        key: key(evidence),
        number: about.number,
        block: about.block,
        part: evidence.plan.part.clone(),
        started_s: about.started_s,
        reruns: about.reruns,
        limit,
        validity,
        state,
        held,
        error: about.error.clone(),
        window: window(evidence),
        pacing: match evidence.pacing.how {
            Pacing::Grid => "grid 100 µs".into(),
            Pacing::Spin => "spin".into(),
        },
        metrics: figures.metrics(),
        histograms: figures.histograms(),
        series: sums.over_time.series(&sums.flow, limits.beyond, plan.horizon_ns),
        moments: marks(evidence, &sums),
        trials: faulted::trials(evidence, limits, is_empty, counts.lost, about.capacity),
        counts,
    }
}

fn key(evidence: &Evidence<'_>) -> CellKey {
    let plan = evidence.plan;
    CellKey {
        system: plan.target.system.name.into(),
        profile: plan.target.profile.name.into(),
        load: match plan.load {
            Load::Open { .. } => outcome::Load::Rate(plan.load.mean_rate().unwrap_or(0.0)),
            Load::InFlight { tasks, .. } => outcome::Load::InFlight(tasks),
            Load::Backlog { tasks } => outcome::Load::Backlog(tasks),
        },
        variant: plan.variant.clone(),
        fault: plan.fault_in_words(),
        trial: plan.trial_name().map(str::to_owned),
        repeat: plan.repeat,
    }
}

fn seconds_between(from: u64, to: u64) -> f64 {
    (i128::from(to) - i128::from(from)) as f64 / 1e9
}

fn window(evidence: &Evidence<'_>) -> outcome::Window {
    let window = &evidence.window;
    outcome::Window {
        warmup_s: seconds_between(evidence.start, window.start),
        duration_s: seconds_between(window.start, window.end),
        horizon_s: evidence.plan.horizon_ns as f64 / 1e9,
        drain_s: seconds_between(window.end, evidence.ended),
    }
}

/// What happened when; and, at the end of watching, what is remarkable about
/// the counts and has no verdict of its own.
fn marks(evidence: &Evidence<'_>, sums: &Sums) -> Vec<Mark> {
    let start = evidence.window.start;
    let at_s = |at| seconds_between(start, at);
    let seen = evidence.moments.iter().map(|moment| Mark {
        at_s: at_s(moment.at),
        kind: moment.kind,
        text: moment.text.clone(),
    });
    let notes = sums.entries.notes(evidence).into_iter();
    let noted = notes.map(|text| Mark { at_s: at_s(evidence.ended), kind: MomentKind::Note, text });
    seen.chain(noted).collect()
}
