//! Until the backlog that a fault left was worked off.

use super::Reading;
use super::baseline::Baseline;
use super::lasting::{self, LASTING};
use super::series::Series;
use super::times::Times;
use super::{not_cleared, since_effect};

/// From t_c to the first interval from which the backlog stays within the
/// baseline's limit for 50 intervals, seconds. Backlog is what is due and not
/// gone, also what a client has not handed over yet: behind a broker that
/// takes nothing, what is accepted and not completed is nothing, and would be
/// "drained" until the client is back (`decisions/0024`).
pub(super) fn drain(series: &Series, baseline: &Baseline, times: &Times) -> Reading {
    let Some(duration) = times.duration_s() else { return not_cleared() };
    let within: Vec<bool> =
        series.intervals.iter().map(|i| i.backlog as f64 <= baseline.drained).collect();
    let from = lasting::first(&within, series.first_from(duration), LASTING);
    since_effect(series, from).map(|s| s - duration)
}

/// A drain as a multiple of D ρ / (1 − ρ): D λ tasks wait when a fault of D
/// ends, and go at the rate μ − λ that the capacity leaves over.
pub(super) fn multiple(drain: &Reading, times: &Times, load: Option<f64>) -> Reading {
    let Some(duration) = times.duration_s() else { return not_cleared() };
    let Some(load) = load.filter(|&load| load > 0.0 && load < 1.0) else {
        return Reading::not_measured("ρ, the share of the capacity, is not known or not below 1");
    };
    if duration <= 0.0 {
        return Reading::not_measured("the fault had no length");
    }
    drain.clone().map(|drain| drain / (duration * load / (1.0 - load)))
}
