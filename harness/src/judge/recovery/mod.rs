//! What a fault did and how long it took until that was over
//! (`docs/measurement.md` §9). Pure: no clock, no socket, nothing sleeps.
//!
//! A trial is one fault of one run, or several that overlap. It is laid on a
//! grid of intervals Δ with t_f, when the fault took effect, on a line. In
//! each interval stand goodput C, latency L, errors e and backlog b; from the
//! baseline before t_f follows which of them are bad and which are ok, and
//! from those when the impact began and when it was over.
//!
//! The ledger's road here is [`Facts`]: a walk over its tasks tells each as a
//! [`Fact`], [`Times::of`] makes trials of the injector's moments,
//! [`Trial::of`] sums them up and [`judge`] reads them. A series that exists
//! already is a [`Trial`] put together by hand.

mod alarm;
mod attainment;
mod baseline;
mod detector;
mod drain;
mod facts;
mod foresight;
mod goodput;
mod grid;
mod lasting;
mod loss;
mod resolution;
mod series;
#[cfg(test)]
mod tests;
mod times;
mod trial;

pub use alarm::Budget;
pub use attainment::{Attainment, Served, Share};
pub use baseline::Baseline;
pub use facts::{Ending, Fact, Facts};
pub use foresight::Foresight;
pub use loss::{Loss, Losses};
pub use resolution::Resolution;
pub use schedbench_reports::outcome::Reading;
pub use series::{Interval, Series};
pub use times::{Fault, Times};
pub use trial::{Conditions, Trial};

use self::alarm::Rang;
use self::detector::{Detector, Health};
use self::lasting::{Onset, RECOVERED};

/// What is known of a fault. Times are seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// How fine the figures are; printed beside them.
    pub resolution: Resolution,
    /// What they are measured against; `None` where there is nothing to
    /// measure against, and the readings say why.
    pub baseline: Option<Baseline>,
    /// When it was noticed.
    pub detection: Detection,
    /// r − t_f: until goodput, latency and errors were as before, to stay.
    pub from_fault: Reading,
    /// r − t_c: the same from the healing on. Negative where the system had
    /// recovered before the fault was healed: it failed over.
    pub from_heal: Reading,
    /// Runs of three bad intervals and more after r, a count.
    pub relapses: Reading,
    /// From the healing until the backlog was as before, to stay.
    pub drain: Reading,
    /// The same as a multiple of D ρ / (1 − ρ), the time that a queue needs
    /// which lost D and nothing else; a number without unit.
    pub drain_multiple: Reading,
    /// Σ max(0, G0 − C) from the impact to r and over each relapse, tasks.
    pub lost_goodput: Reading,
    /// Tasks served within the objective.
    pub attainment: Attainment,
    /// What was lost.
    pub loss: Loss,
}

/// When the fault was noticed, seconds after t_f.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// By impact: where the first run of three bad intervals begins.
    pub impact: Reading,
    /// By the client: the first error that an adapter saw, a lost connection or
    /// a refusal.
    pub client: Reading,
    /// By alarm: when the error budget burnt 14.4 times too fast over both 5 s
    /// and 0.5 s.
    pub alarm: Reading,
}

/// Judges one trial.
#[must_use]
pub fn judge(trial: &Trial) -> Recovery {
    match Baseline::of(&trial.series) {
        Err(why) => unread(trial, &why),
        Ok(baseline) => {
            let health = Detector::of(&baseline).healths(&trial.series.intervals);
            match detector::first_bad_run(&health, trial.series.before) {
                None => Recovery { baseline: Some(baseline), ..unread(trial, &Reading::NoImpact) },
                Some(impact) => hit(trial, baseline, &health, impact),
            }
        }
    }
}

/// A trial with an impact.
fn hit(trial: &Trial, baseline: Baseline, health: &[Health], impact: usize) -> Recovery {
    let series = &trial.series;
    let times = &trial.conditions.times;
    let unhit = unread(trial, &Reading::NoImpact);

    let ok: Vec<bool> = health.iter().map(|&health| health == Health::Ok).collect();
    let recovered = lasting::first(&ok, impact, RECOVERED);
    let from_fault = since_effect(series, recovered);
    let from_heal = match times.duration_s() {
        Some(duration) => from_fault.clone().map(|s| s - duration),
        None => not_cleared(),
    };
    let relapses = match recovered {
        Onset::At(r) => Reading::Is(detector::bad_runs(health, r).count() as f64),
        Onset::NotBefore(_) => Reading::not_measured("it had not recovered"),
    };
    let drain = drain::drain(series, &baseline, times);
    let drain_multiple = drain::multiple(&drain, times, trial.conditions.load);
    let at_recovery = match recovered {
        Onset::At(r) => series.intervals.get(r),
        Onset::NotBefore(_) => None,
    };
    // What was not noticed until the end is cut off there: the impact shows
    // that there was something to notice.
    let noticed = |reading: &Reading| match reading {
        Reading::NoImpact => Reading::MoreThan(times.watched_s()),
        told => told.clone(),
    };
    Recovery {
        resolution: Resolution::of(series, at_recovery),
        detection: Detection {
            impact: Reading::Is(series.start_s(impact)),
            client: noticed(&unhit.detection.client),
            alarm: noticed(&unhit.detection.alarm),
        },
        from_fault,
        from_heal,
        relapses,
        drain,
        drain_multiple,
        lost_goodput: goodput::lost(series, &baseline, health, impact, recovered),
        baseline: Some(baseline),
        ..unhit
    }
}

/// A trial in which everything that is measured against the baseline reads the
/// same.
fn unread(trial: &Trial, why: &Reading) -> Recovery {
    let Conditions { times, errors_seen, .. } = &trial.conditions;
    let errors = errors_seen.iter().copied().chain(trial.refused_at);
    let seen = errors.filter(|&at| at >= times.took_effect && at <= times.ended);
    let client = seen.min().map_or(why.clone(), |at| Reading::Is(times.since_effect_s(at)));
    let alarm = match trial.budget.rang() {
        Rang::NotAsked => Reading::not_measured(
            "it took effect less than 5 s after the first task, or after an earlier fault was over",
        ),
        Rang::Before => Reading::NotSteady("the alarm rings before the fault".into()),
        Rang::After(seconds) => Reading::Is(seconds),
        Rang::Never => why.clone(),
    };
    Recovery {
        resolution: Resolution::of(&trial.series, None),
        baseline: None,
        detection: Detection { impact: why.clone(), client, alarm },
        from_fault: why.clone(),
        from_heal: why.clone(),
        relapses: why.clone(),
        drain: why.clone(),
        drain_multiple: why.clone(),
        lost_goodput: why.clone(),
        attainment: trial.served.attainment(),
        loss: trial.losses.loss(times),
    }
}

/// Where something begins to last, seconds after t_f.
fn since_effect(series: &Series, onset: Onset) -> Reading {
    match onset {
        Onset::At(place) => Reading::Is(series.start_s(place)),
        Onset::NotBefore(place) => Reading::MoreThan(series.start_s(place)),
    }
}

fn not_cleared() -> Reading {
    Reading::not_measured("the fault was not cleared while it was watched")
}
