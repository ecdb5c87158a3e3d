//! What an outcome measured of a claim: a line for each system, profile and
//! load, or fault, that its conditions name.

use super::super::Found;
use super::super::backlog::Backlog;
use super::super::faults::{Deed, Guarantee, Median, Recovery, deeds};
use super::super::groups::{Group, Mode};
use super::super::measured;
use super::super::points::{Figure, Point, Quality};
use super::super::rows::Row;
use super::super::terms::FailureTerms;
use super::agreement::{Agreement, agreement};
use super::best::best;
use super::losses;
use crate::claims::{Against, Claim, Delay, Figure as Claimed, Hurt, Which};
use crate::metrics::Metric;
use crate::numbers::{Medium, load, seconds};
use crate::outcome::{Load, Window};

/// What was measured of a claim in one place.
#[derive(Clone, Debug)]
pub struct Line {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// `system/profile`.
    pub label: String,
    /// At what load, with what delay or fault.
    pub at: String,
    /// Repeats or trials that count.
    pub n: usize,
    /// The verdict's word where none of them is valid.
    pub not_valid: Option<&'static str>,
    /// Each figure of the claim, in its order.
    pub told: Vec<Told>,
    /// What differs from the claim's conditions; empty where nothing does.
    pub differs: Vec<String>,
}

/// A measured figure, and whether it agrees with the claimed one.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is a figure of.
    pub metric: &'static Metric,
    /// What was measured.
    pub measured: Measured,
    /// Repeats or trials that count for it: a loss counts in trials whose times
    /// do not.
    pub n: usize,
    /// D and T of a failure rate.
    pub terms: Option<FailureTerms>,
    /// Whether it agrees.
    pub agreement: Agreement,
}

/// What was measured.
#[derive(Clone, Debug)]
pub enum Measured {
    /// Over repeats of a cell.
    Figure(Figure),
    /// Over trials of a fault, or of a backlog.
    Median(Median),
    /// Tasks counted over trials.
    Count {
        /// How many; `None` where it cannot be told.
        number: Option<u64>,
        /// Whether there may be more.
        at_least: bool,
        /// In words, with the bound of a zero.
        words: String,
    },
}

/// All lines of a claim.
pub(super) fn of(found: &Found<'_>, claim: &Claim) -> Vec<Line> {
    claim.against.iter().flat_map(|against| lines(found, claim, against)).collect()
}

fn lines(found: &Found<'_>, claim: &Claim, against: &Against) -> Vec<Line> {
    let other = |name: &String| *name != found.outcome.plan.scenario;
    if against.scenario.as_ref().is_some_and(other) {
        return Vec::new();
    }
    let view = View { found, figures: &claim.figures, against };
    // Tasks that rest while no worker runs have figures of their own.
    if claim.figures.iter().any(|figure| figure.metric.name.starts_with("backlog.")) {
        return found.backlogs.iter().filter_map(|one| view.of_a_backlog(one)).collect();
    }
    match &against.fault {
        Some(hurt) => {
            let rows = found.faults.recoveries.iter();
            rows.filter_map(|row| view.of_a_fault(row, hurt)).collect()
        }
        None => {
            let groups = found.groups.iter().filter(|group| group.mode == Mode::Open);
            let rows = groups.flat_map(|group| group.rows.iter().map(move |row| (group, row)));
            rows.filter_map(|(group, row)| view.of_a_row(group, row)).collect()
        }
    }
}

struct View<'a> {
    found: &'a Found<'a>,
    figures: &'a [Claimed],
    against: &'a Against,
}

impl View<'_> {
    fn names(&self, system: &str, profile: &str) -> bool {
        let is_it = |which: &Which| {
            which.system == system && which.profile.as_ref().is_none_or(|name| name == profile)
        };
        if self.against.systems.is_empty() {
            return system != super::super::NOOP;
        }
        self.against.systems.iter().any(is_it)
    }

    fn at_its_rate(&self, load: Load) -> bool {
        match (self.against.rate, load) {
            (None, _) => true,
            (Some(rate), Load::Rate(at)) => rate == at,
            (Some(_), _) => false,
        }
    }

    /// Cells without a fault, at the claim's load, or where its first figure is
    /// best: that is the most favourable to the claim.
    fn of_a_row(&self, group: &Group, row: &Row) -> Option<Line> {
        let delayed = match (&self.against.delay, &group.variant) {
            (Delay::None, variant) => variant.is_none(),
            (Delay::Any, variant) => variant.is_some(),
            (Delay::By(time), variant) => variant.as_ref() == Some(&format!("delay {time}")),
        };
        if !delayed || !self.names(&row.system, &row.profile) {
            return None;
        }
        let points = || row.points.iter().filter(|point| self.at_its_rate(point.load));
        let valid: Vec<&Point> = points().filter(|point| point.is_valid()).collect();
        let those = if valid.is_empty() { points().collect() } else { valid };
        let first = self.figures.first()?;
        let figure = |point: &Point| measured::of(self.found.outcome, &point.counted, first.metric);
        let point = best(those, |point| figure(point).number(), &first.bound, first.metric)?;
        let n = point.n();
        let not_valid = match &point.quality {
            Quality::Valid => None,
            Quality::Invalid { word, .. } => Some(*word),
        };
        let system = row.index.and_then(|index| self.found.outcome.systems.get(index));
        let told = self.figures.iter().map(|claimed| {
            let (measured, n) = match claimed.metric.name {
                "lost" => losses::of_repeats(self.found.outcome, system, point),
                _ => {
                    let figure = measured::of(self.found.outcome, &point.counted, claimed.metric);
                    (Measured::Figure(figure), n)
                }
            };
            let terms = FailureTerms::of(self.found.outcome, &point.counted, claimed.metric);
            Told { terms, ..told(claimed, measured, n, not_valid) }
        });
        let told = told.collect();
        let at = match &group.variant {
            Some(variant) => format!("{variant}, {}", load(point.load)),
            None => load(point.load),
        };
        let window = point.counted.first().and_then(|index| self.found.outcome.cells.get(*index));
        Some(Line {
            system: row.system.clone(),
            profile: row.profile.clone(),
            label: format!("{}/{}", row.system, row.profile),
            at,
            n,
            not_valid,
            told,
            differs: self.differs(window.map(|cell| cell.window)),
        })
    }

    /// Trials of a fault of its kind, one fault at a time: of several nobody
    /// can say which took how long.
    fn of_a_fault(&self, row: &Recovery, hurt: &Hurt) -> Option<Line> {
        let tried = &row.tried;
        let deeds = deeds(&tried.fault);
        let is_it = matches!(deeds.as_slice(), [only] if is_of(hurt, only));
        if !is_it || !self.names(&tried.system, &tried.profile) || !self.at_its_rate(tried.load) {
            return None;
        }
        let mut guarantees = self.found.faults.guarantees.iter();
        let same = |one: &&Guarantee| {
            let other = &one.tried;
            (&other.system, &other.profile, &other.variant)
                == (&tried.system, &tried.profile, &tried.variant)
                && (other.load, &other.fault) == (tried.load, &tried.fault)
        };
        let guarantee = guarantees.find(same);
        let told = self.figures.iter().map(|claimed| match row.figures.get(claimed.metric.name) {
            Some(median) => {
                told(claimed, Measured::Median(median.clone()), row.told(), row.not_valid)
            }
            // A loss counts in trials whose times do not.
            None => match guarantee.filter(|_| claimed.metric.name == "lost") {
                Some(one) => {
                    let (lost, n) = losses::of_trials(one);
                    told(claimed, lost, n, None)
                }
                None => told(claimed, Measured::Figure(Figure::missing("")), row.told(), None),
            },
        });
        let told = told.collect();
        let first = row.trials.first();
        let window = first.and_then(|(cell, _)| self.found.outcome.cells.get(*cell));
        let variant = tried.variant.iter().map(|variant| format!(", {variant}"));
        Some(Line {
            system: tried.system.clone(),
            profile: tried.profile.clone(),
            label: format!("{}/{}", tried.system, tried.profile),
            at: format!("{}, {}{}", tried.fault, load(tried.load), variant.collect::<String>()),
            n: row.told(),
            not_valid: row.not_valid,
            told,
            differs: self.differs(window.map(|cell| cell.window)),
        })
    }

    fn of_a_backlog(&self, row: &Backlog) -> Option<Line> {
        let fits = match (&self.against.fault, &row.fault) {
            (None, fault) => fault.is_none(),
            (Some(hurt), Some(fault)) => {
                let words = fault.split_once(": ").map_or(fault.as_str(), |(_, words)| words);
                matches!(deeds(words).as_slice(), [only] if is_of(hurt, only))
            }
            (Some(_), None) => false,
        };
        if !fits || !self.names(&row.system, &row.profile) {
            return None;
        }
        let n = row.cells.len();
        let told = self.figures.iter().map(|claimed| {
            if claimed.metric.name == "backlog.lost" {
                let (lost, n) = losses::of_backlogs(row);
                return told(claimed, lost, n, None);
            }
            let name = claimed.metric.name.strip_prefix("backlog.").unwrap_or_default();
            let measured = match row.figures.get(name) {
                Some(median) => Measured::Median(median.clone()),
                None => {
                    Measured::Figure(measured::of(self.found.outcome, &row.cells, claimed.metric))
                }
            };
            let terms = FailureTerms::of(self.found.outcome, &row.cells, claimed.metric);
            Told { terms, ..told(claimed, measured, n, row.not_valid) }
        });
        let told = told.collect();
        let after = row.fault.iter().map(|fault| format!(", {fault}")).collect::<String>();
        let window = row.cells.first().and_then(|index| self.found.outcome.cells.get(*index));
        Some(Line {
            system: row.system.clone(),
            profile: row.profile.clone(),
            label: format!("{}/{}", row.system, row.profile),
            at: format!("{}{after}", load(Load::Backlog(row.tasks))),
            n,
            not_valid: row.not_valid,
            told,
            differs: self.differs(window.map(|cell| cell.window)),
        })
    }

    /// What differs between the claim's conditions and these cells.
    fn differs(&self, window: Option<Window>) -> Vec<String> {
        let mut all: Vec<String> = self.against.differs.iter().cloned().collect();
        let here = self.found.outcome.host.cores;
        if let Some(there) = self.against.cores.filter(|there| *there != here) {
            all.push(format!(
                "{here} {} here, {there} there",
                if here == 1 { "core" } else { "cores" }
            ));
        }
        let window = window.unwrap_or_default();
        for (what, here, there) in [
            ("measured for", window.duration_s, self.against.duration_s),
            ("waited for each task for", window.horizon_s, self.against.horizon_s),
        ] {
            if let Some(there) = there.filter(|there| *there != here) {
                let [here, there] = [here, there].map(|s| seconds(s, Medium::Terminal));
                all.push(format!("{what} {here} here, {there} there"));
            }
        }
        all
    }
}

fn told(claimed: &Claimed, measured: Measured, n: usize, not_valid: Option<&str>) -> Told {
    let agreement = agreement(&measured, &claimed.bound, n, not_valid);
    Told { metric: claimed.metric, measured, n, terms: None, agreement }
}

fn is_of(hurt: &Hurt, deed: &Deed<'_>) -> bool {
    hurt.kinds.iter().any(|kind| kind == deed.kind) && hurt.on.iter().any(|on| on == deed.on)
}
