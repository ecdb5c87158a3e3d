//! Two outcomes of one plan, before and after: what differs between the runs
//! themselves, and what changed in each figure.

pub(crate) mod backlogs;
mod fields;
mod figures;
mod json;
mod junit;
mod loads;
pub(crate) mod losses;
mod markdown;
mod pairing;
mod resolution;
pub(crate) mod sentences;
mod tables;
mod terminal;
mod told;
pub(crate) mod trials;
pub(crate) mod under;

pub use fields::{Difference, Weight, differences, environment};
pub use figures::{Figures, Kind};
pub use json::{FORMAT_VERSION, json};
pub use junit::junit;
pub use losses::Loss;
pub use markdown::markdown;
pub use terminal::render;
pub use told::Told;

use crate::analysis::{Call, Change, Measure, Mode, analyse};
use crate::outcome::{Load, Outcome};

/// Which figures are compared, and which changes matter.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Only these figures; all where there is none.
    pub kinds: Vec<Kind>,
    /// Only these, as `system` or `system/profile`; all where there is none.
    pub systems: Vec<String>,
    /// The smallest change that matters, of all figures that are times, rates
    /// or sizes; where it is not said, [that of each](Kind::matters).
    pub matters: Option<f64>,
    /// The same, of single figures.
    pub of_kind: Vec<(Kind, f64)>,
}

impl Terms {
    /// The smallest change of that figure that matters: a ratio, or of
    /// shares (failed, served) a difference.
    #[must_use]
    pub fn matters(&self, kind: Kind) -> f64 {
        let own = self.of_kind.iter().rev().find(|(of, _)| *of == kind);
        let general = self.matters.filter(|_| kind.measure() == Measure::Ratio);
        own.map(|(_, size)| *size).or(general).unwrap_or_else(|| kind.matters())
    }

    fn wants(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    fn names(&self, system: &str, profile: &str) -> bool {
        let is_it =
            |name: &String| name == system || name.split_once('/') == Some((system, profile));
        self.systems.is_empty() || self.systems.iter().any(is_it)
    }
}

/// One figure of one system under one load or fault, before and after.
#[derive(Clone, Debug)]
pub struct Item {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// How it was loaded; `None` of trials and backlogs, which stand in no group.
    pub mode: Option<Mode>,
    /// What else differs between cells of one load.
    pub variant: Option<String>,
    /// The load; of a capacity there is none, nor of trials at a share of it.
    pub load: Option<Load>,
    /// What was done to it meanwhile, in words; of cells of a load nothing.
    pub fault: Option<String>,
    /// Under what, as a table says it: `10k/s`, `broker-kill at 10k/s`,
    /// `backlog of 10k`; of a capacity `None`.
    pub under: Option<String>,
    /// The figure.
    pub kind: Kind,
    /// The latency that it is of, as in `start_latency`.
    pub latency: &'static str,
    /// Before.
    pub before: Told,
    /// After.
    pub after: Told,
    /// What may be said of the change.
    pub change: Change,
}

/// What is left of an outcome in a comparison: which run it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The run's id.
    pub run: String,
    /// Its start, RFC 3339.
    pub started: String,
    /// Version of schedbench, with the commit where it is known.
    pub tool: String,
}

impl Side {
    fn of(outcome: &Outcome) -> Self {
        let commit = outcome.run.commit.as_ref();
        Self {
            run: outcome.run.id.clone(),
            started: outcome.run.started.clone(),
            tool: commit.map_or_else(
                || outcome.run.tool.clone(),
                |commit| format!("{} ({commit})", outcome.run.tool),
            ),
        }
    }
}

/// Two outcomes, compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The scenario's name.
    pub scenario: String,
    /// The run that is compared with.
    pub before: Side,
    /// The run that is compared.
    pub after: Side,
    /// What differs between the runs and does not forbid to compare them.
    pub differences: Vec<Difference>,
    /// Tasks lost where a profile promises to lose none and lost none before:
    /// worse, whatever the noise.
    pub losses: Vec<Loss>,
    /// Every figure that both have, system by system.
    pub items: Vec<Item>,
    /// The same of `noop`, the harness's own cost, judged apart: a change
    /// there is one of the machine or of schedbench.
    pub control: Vec<Item>,
    /// What is in one of them and could not be compared, and why; loads that
    /// are no longer held, or are now.
    pub remarks: Vec<String>,
    /// What had a valid cell before and has none after, as `system/profile` or
    /// `system/profile, trials`: nothing can be told of it, and that is no good
    /// sign.
    pub gone: Vec<String>,
}

impl Comparison {
    /// The figures that became worse past noise and threshold.
    pub fn worse(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.change.call == Call::Worse)
    }

    /// The figures that became better past noise and threshold.
    pub fn better(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.change.call == Call::Better)
    }

    /// Whether something became worse: a comparison that fails a build.
    #[must_use]
    pub fn has_regressed(&self) -> bool {
        !self.losses.is_empty() || self.worse().next().is_some()
    }

    /// Why there is no verdict, where there is none: a gate that cannot tell
    /// must not look passed.
    #[must_use]
    pub fn undecided(&self) -> Option<String> {
        if self.has_regressed() {
            None
        } else if !self.gone.is_empty() {
            Some(format!("no valid cell after of {}", self.gone.join("; ")))
        } else if self.tested() == 0 {
            Some(self.why_untested())
        } else {
            None
        }
    }

    /// Why no figure could be judged, where none could.
    #[must_use]
    pub fn why_untested(&self) -> String {
        sentences::why_untested(self)
    }

    /// How many figures could be judged.
    #[must_use]
    pub fn tested(&self) -> usize {
        self.items.iter().filter(|item| item.change.adjusted.is_some()).count()
    }
}

/// Compares two outcomes.
///
/// # Errors
/// They measured different things: every field in which they differ, those
/// that forbid it among them.
pub fn compare(
    before: &Outcome,
    after: &Outcome,
    terms: &Terms,
) -> Result<Comparison, Vec<Difference>> {
    let differences = differences(before, after);
    if differences.iter().any(|difference| difference.weight == Weight::Refuses) {
        return Err(differences);
    }
    let analyses = (analyse(before), analyse(after));
    let unfinished = [("before", &analyses.0), ("after", &analyses.1)].map(|(when, analysis)| {
        Some(format!("the run {when} did not finish: {}", analysis.counts.ended.as_ref()?))
    });
    let (old, new) = ((before, &analyses.0), (after, &analyses.1));
    let paired = pairing::pair(old, new, terms);
    let (losses, of_losses) = losses::losses(old, new, terms);
    let remarks = unfinished.into_iter().flatten().chain(of_losses).chain(paired.beside.remarks);
    Ok(Comparison {
        scenario: after.plan.scenario.clone(),
        before: Side::of(before),
        after: Side::of(after),
        differences,
        losses,
        items: paired.items,
        control: paired.control,
        remarks: remarks.collect(),
        gone: paired.beside.gone,
    })
}
